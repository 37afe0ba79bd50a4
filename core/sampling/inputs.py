"""What is sampled: series with the standard deviations and reason codes that were made together with them."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from ..errors import InputError, UnitError
from ..timeseries import Series, open_companion, open_series
from ..timeseries.dates import day_in
from ..timeseries.series import distinct_names

# Series without gaps by nature: their values are no observations. So are those of all methods called fill-something.
WITHOUT_GAPS = ("exportharmonic",)


class Sampled(NamedTuple):
    """A series with what was made together with it.

    Parameters
    ----------
    name : str
        What tells it from the other series.
    deviation, codes : Series or None
    dates : list of int
        Positions of the dates that are asked for.
    """

    name: str
    series: Series
    deviation: Series | None
    codes: Series | None
    dates: list

    @property
    def all_observed(self) -> bool:
        """Whether each value is an observation, where no reason codes say it."""
        method = (self.series.header or {}).get("method", "")
        return not method.startswith("fill") and method not in WITHOUT_GAPS

    @property
    def clear_known(self) -> bool:
        """Whether observed values are told from others."""
        return self.codes is not None or self.all_observed


def open_sampled(parameters: dict, events) -> list[Sampled]:
    """The series of SERIES with theirs of UNCERTAINTIES and QUALITIES.

    Raises
    ------
    InputError, UnitError, DateError, GridMismatchError
        When there are none, what stands beside them belongs to none of them, or no date lies in the time asked for.
    """
    series = [open_series(path, events=events) for path in parameters.get("SERIES") or []]
    if not series:
        raise InputError("SERIES is empty.", "Give one or several time series.")
    deviations = _beside("UNCERTAINTIES", "standard deviation", parameters, series)
    codes = _beside("QUALITIES", "quality", parameters, series)
    names = _names(series)
    return [Sampled(names[place], one, deviations.get(place), codes.get(place), _dates(one, parameters))
            for place, one in enumerate(series)]


def _names(series: list[Series]) -> list[str]:
    """The names of their files, or else what tells them apart: the variable with its orbit or a number."""
    names = [one.name for one in series]
    return names if len(set(names)) == len(names) else distinct_names(series)


def _dates(series: Series, parameters: dict) -> list[int]:
    """Positions of the dates, or periods, of which a day lies in the time asked for."""
    first, last = (day_in(parameters[key], key) if parameters.get(key) else None for key in ("START_DATE", "END_DATE"))
    found = [place for place, one in enumerate(series.periods)
             if (first is None or (one.end is None and one.start >= first) or (one.end is not None and one.end > first))
             and (last is None or one.start <= last)]  # fmt: skip
    if not found:
        raise InputError(f"{series.name} has no date from {first or 'its start'} to {last or 'its end'}: it reaches from "
                         f"{series.periods[0]} to {series.periods[-1]}.", "Change START_DATE and END_DATE.")  # fmt: skip
    return found


def _beside(key: str, variable: str, parameters: dict, series: list[Series]) -> dict[int, Series]:
    """Rasters of a key by the place of the series that each belongs to.

    They belong together by what the rasters say: grid and dates; method, parameters and parents, where both tell them. Where
    that fits several series, the order decides.
    """
    found: dict[int, Series] = {}
    paths = parameters.get(key) or []
    for position, path in enumerate(paths):
        own = open_companion(path, variable)
        told = (own.header or {}).get("variable", variable)
        if told != variable:
            raise UnitError(f"{own.name} in {key} holds {told}, not {variable}.", f"Give the {key} rasters that the fills wrote.")
        fitting = [place for place, one in enumerate(series) if place not in found and _belongs(own, one)]
        fitting = [place for place in fitting if _maker(series[place]) == _maker(own) != ()] or fitting
        if position in fitting and len(paths) == len(series):
            fitting = [position]
        if len(fitting) != 1:
            which = "to several of SERIES" if fitting else "to none of SERIES (by grid, dates, method, parameters and inputs)"
            remedy = f"Give one raster of {key} for each series, in the same order." if fitting else "Take it out, or give its series."
            raise InputError(f"{own.name} in {key} belongs {which}.", remedy)
        found[fitting[0]] = own
    return found


def _belongs(own: Series, series: Series) -> bool:
    if own.periods != series.periods or series.grid.difference(own.grid):
        return False
    makers = [_maker(one) for one in (own, series)]
    return not all(makers) or makers[0] == makers[1]


def _maker(series: Series) -> tuple:
    """Method, parameters and parents of a raster, where it tells them."""
    header = series.header or {}
    return (header["method"], header.get("parameters", {}), header.get("parents", [])) if header.get("method") else ()


def repeated(names: list[str]) -> list[str]:
    """Names that several places share."""
    return [name for name, count in Counter(names).items() if count > 1]
