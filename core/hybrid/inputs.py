"""What is merged: fills of one variable on one grid and the same dates, each with its own uncertainty and codes."""
from __future__ import annotations

from ..errors import DateError, InputError, UnitError
from ..timeseries import Series, open_companion, open_series
from .merging import MOST_FILLS


def open_fills(paths: list, events) -> list[Series]:
    """The filled series.

    Raises
    ------
    InputError, UnitError, DateError, GridMismatchError
        When they cannot be merged.
    """
    if not 2 <= len(paths) <= MOST_FILLS:
        raise InputError(f"SERIES holds {len(paths)} series; 2 to {MOST_FILLS} can be merged.",
                         "Give several fills of the same series, made by different methods.")
    fills = [open_series(path, events=events) for path in paths]
    for other in fills[1:]:
        if other.variable.name != fills[0].variable.name:
            raise UnitError(f"{other.name} holds {other.variable.name or 'an unknown variable'}, but {fills[0].name} holds "
                            f"{fills[0].variable.name or 'an unknown variable'}.", "Give fills of the same variable.")
        _require_parallel(fills[0], other)
    return fills


def open_beside(key: str, variable: str, paths: list, fills: list[Series]) -> list[Series]:
    """Rasters that stand beside the fills, in the same order: of one variable, on their dates, of the same methods.

    Raises
    ------
    InputError, UnitError, DateError, GridMismatchError
        When one is missing, is something else, or belongs to another fill.
    """
    if len(paths) != len(fills):
        raise InputError(f"{key} holds {len(paths)} rasters, but SERIES holds {len(fills)}.",
                         f"Give one raster of {key} for each series, in the same order.")
    found = [open_companion(path, variable) for path in paths]
    for place, (own, fill) in enumerate(zip(found, fills), start=1):
        told = (own.header or {}).get("variable", variable)
        if told != variable:
            raise UnitError(f"{own.name} in {key} holds {told}, not {variable}.", f"Give the {key} rasters that the fills wrote.")
        _require_parallel(fill, own)
        if _maker(own) and _maker(fill) and _maker(own) != _maker(fill):
            raise InputError(f"Number {place} of {key}, {own.name}, was made by {_maker(own)[0]} with other parameters or another "
                             f"method than number {place} of SERIES, {fill.name} ({_maker(fill)[0]}).",
                             f"Put {key} into the order of SERIES.")
    return found


def _maker(series: Series) -> tuple:
    """Method and parameters that made a raster, where it tells them."""
    header = series.header or {}
    return (header["method"], header.get("parameters", {})) if header.get("method") else ()


def _require_parallel(fill: Series, other: Series) -> None:
    """Raise unless both have the same grid and the same dates."""
    fill.require_same_grid(other)
    if other.periods != fill.periods:
        odd = next((b for a, b in zip(fill.periods, other.periods) if a != b), None)
        told = f"the first that differs is {odd}" if odd else f"{other.count} and not {fill.count}"
        raise DateError(f"{other.name} has other dates than {fill.name}: {told}.",
                        "Fill with the same DATES or STEP_DAYS, then merge.")
