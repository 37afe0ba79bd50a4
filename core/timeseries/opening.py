"""Opening one raster as a time series: which of its bands, of which dates, of which variable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import DateError, InputError
from .choosing import candidates, choose, parts_of, variable_of
from .dates import FIRST_YEAR, LAST_YEAR, Period, cf_date, period_in_name, require_increasing
from .looks import clouds_left, require_fillable, require_no_copy
from .raw import Band, RasterFile
from .series import Series, Source
from .variables import Variable

BUILD = "Run 'Build time series' (phenofuse:buildtimeseries) on it"


def open_series(path: str, variable: str | None = None, events=None, check: bool = True) -> Series:
    """Open a multi-band raster with one date per band.

    Parameters
    ----------
    path : str
        GeoTIFF, VRT, or a NetCDF cube (the file, or ``netcdf:file:variable``).
    variable : str, optional
        Its variable; by default what the file says.
    events : Events, optional
        Told what was recognised.
    check : bool
        Look at a sample of the values too (see `Series.checked`).

    Returns
    -------
    Series
        Dates strictly increasing.

    Raises
    ------
    InputError, DateError, UnitError
        When it cannot be read, has no dates, or holds something else than it is said to.
    """
    taken = choose(candidates(parts_of(RasterFile.open(path))), variable, events, f"{BUILD} and say which one as VARIABLE.")
    file, bands = taken[0].file, [one.band for one in taken]
    if any(one.file is not file for one in taken):
        names = ", ".join(dict.fromkeys(one.file.name for one in taken))
        raise InputError(f"{Path(path).name} holds several variables: {names}.", f"{BUILD} and say which one as VARIABLE.")
    periods = [stated_period(file, band) for band in bands]
    if len(bands) == 1 and periods[0] is None:
        periods = [period_in_name(file.name)]
    undated = [band.index for band, period in zip(bands, periods) if period is None]
    if undated:
        raise DateError(
            f"{file.name}: {_bands(undated)} no date of {FIRST_YEAR} to {LAST_YEAR} in name or tags (some tools lose them).",
            f"{BUILD} and give the dates (DATES), or use the file from before that step.",
        )
    require_increasing(periods, file.name)
    series = assemble(
        file.name,
        [(p, Source(file.path, b)) for p, b in zip(periods, bands)],
        variable_of(taken, variable),
        file,
    )
    return series.checked(events) if check else series


def open_target(path: str, events=None) -> Series:
    """Open the series that is to be filled, after a look at whether it can be.

    Raises
    ------
    InputError
        When it holds classes; whatever `open_series` raises.
    """
    series = open_series(path, events=events)
    require_fillable(series)
    caution = clouds_left(series)
    if caution and events is not None:
        events.warning(caution)
    return series


def open_together(paths, events=None) -> list[Series]:
    """Open a target and its covariates.

    Parameters
    ----------
    paths : iterable of str
        The target first.
    events : Events, optional
        See `open_series`.

    Returns
    -------
    list of Series
        In their order, on one grid.

    Raises
    ------
    GridMismatchError
        When they lie on different ones.
    InputError
        When the target cannot be filled, or a covariate is a copy of it.
    """
    target, *others = paths
    series = [open_target(target, events), *(open_series(path, events=events) for path in others)]
    for other in series[1:]:
        series[0].require_same_grid(other)
        require_no_copy(series[0], other)
    return series


def stated_period(file: RasterFile, band: Band) -> Period | None:
    """The date a band itself states, in the order of the contract; None when it states none."""
    return Period.tagged(band.tags) or _described(band) or _netcdf(file, band) or _force(band)


def assemble(name: str, dated: list, variable: Variable, file: RasterFile) -> Series:
    """A series from (period, source) pairs in their final order; equal dates share one place."""
    sources = {}
    for period, source in dated:
        sources.setdefault(period.start, (period, []))[1].append(source)
    source = dated[0][1].sources[0]
    band = source.band
    units = " ".join((band.units, file.tags.get("units", ""), file.header.get("units", ""))).lower()
    if variable.valid_range is None and not variable.units:
        variable = replace(variable, units=file.header.get("units", "") or file.tags.get("units", ""))
    return Series(
        name,
        variable,
        tuple(p for p, _ in sources.values()),
        source.aligned_to or file.grid,
        tuple(tuple(s) for _, s in sources.values()),
        linear_power=variable.is_backscatter and any(w in units for w in ("linear", "power", "intensity")),
        header=file.header,
    )


def _described(band: Band) -> Period | None:
    try:
        return Period.parse(band.description)
    except DateError:
        return period_in_name(band.description)


def _netcdf(file: RasterFile, band: Band) -> Period | None:
    for key, value in band.tags.items():
        name = key[len("NETCDF_DIM_") :]
        units = file.tags.get(f"{name}#units")
        if key.startswith("NETCDF_DIM_") and (name in ("t", "time") or "since" in (units or "")):
            day = cf_date(value, units)
            return Period(day) if day else None
    return None


def _force(band: Band) -> Period | None:
    return period_in_name(band.tags.get("Date", ""))


def _bands(indexes) -> str:
    if len(indexes) == 1:
        return f"band {indexes[0]} has"
    return f"{len(indexes)} bands (first: {', '.join(map(str, indexes[:3]))}) have"
