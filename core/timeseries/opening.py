"""Opening one raster as a time series: which of its bands, of which dates, of which variable."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import DateError, InputError
from .cf import cf_date, how_counted, is_time
from .choosing import candidates, choose, parts_of, variable_of
from .dates import FIRST_YEAR, LAST_YEAR, Period, require_increasing
from .looks import clouds_left, require_fillable, require_no_copy
from .names import day_comes_first, period_in_name, settled
from .raw import BOUNDS, Band, RasterFile
from .series import Series, Source
from .variables import VARIABLES, Variable, variable_named

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
    found = [(file, band) for band in bands]
    periods = stated_periods(found, events)
    require_read_axes(periods, found)
    if len(bands) == 1 and periods[0] is None:
        periods = [period_in_name(file.full_name)]
    undated = [band.index for band, period in zip(bands, periods) if period is None]
    if undated:
        raise DateError(
            f"{file.name}: {_bands(undated)} no date of {FIRST_YEAR} to {LAST_YEAR} in name or tags (some tools lose them).",
            f"{BUILD} and give the dates (DATES), or use the file from before that step.",
        )
    require_increasing(periods, file.name)  # before equal ones would share a place
    series = assemble(
        file.name,
        [(p, Source(file.path, b)) for p, b in zip(periods, bands)],
        variable_of(taken, variable),
        file,
    )
    return series.checked(events) if check else series


def open_companion(path: str, variable: str, events=None) -> Series:
    """Open what goes with a series: its standard deviation, its reason codes; believed to be what it is given for.

    Rasters of other tools hardly say what they are; one that says it is something else is told of.
    """
    series = open_series(path, events=events, check=False)
    said = series.variable.name
    if events is not None and said in VARIABLES and said != variable:
        events.warning(f"{series.name} says that it holds {said}; it was given for, and is taken as, {variable}.")
    return replace(series, variable=variable_named(variable))


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
    return stated_periods([(file, band)])[0]


def stated_periods(found: list, events=None) -> list:
    """The date that each band of a set itself states, in the order of the contract; None where one states none.

    Parameters
    ----------
    found : list of (RasterFile, Band)
    events : Events, optional
        Told how times were counted and names were read, where that is not plain.
    """
    plain = [Period.tagged(band.tags) or _described(band) for _, band in found]
    names = ["" if period else band.description for period, (_, band) in zip(plain, found)]
    day_first = day_comes_first(names)
    named = settled([period_in_name(name, day_first) for name in names], events)
    periods = [a or b or _bounded(file, band) or _force(band) for a, b, (file, band) in zip(plain, named, found)]
    if events is not None:
        told = {how: axis[0] for a, b, one in zip(plain, named, found)
                if not a and not b and (axis := _time_axis(*one)) and (how := how_counted(*axis[1:]))}  # fmt: skip
        for how, name in told.items():
            events.info(f"The time axis '{name}': {how}.")
    return periods


def require_read_axes(periods: list, found: list) -> None:
    """Raise `DateError` where a band without a period has a time axis: what it says is not to be passed over."""
    for period, (file, band) in zip(periods, found):
        axis = _time_axis(file, band) if period is None else None
        if axis:
            cf_date(*axis[1:], axis[0])


def assemble(name: str, dated: list, variable: Variable, file: RasterFile) -> Series:
    """A series from (period, source) pairs in their final order; equal periods share one place."""
    sources = {}
    for period, source in dated:
        sources.setdefault(period, []).append(source)
    source = dated[0][1].sources[0]
    band = source.band
    units = " ".join((band.units, file.tags.get("units", ""), file.header.get("units", ""))).lower()
    if variable.valid_range is None and not variable.units:
        variable = replace(variable, units=file.header.get("units", "") or file.tags.get("units", ""))
    return Series(
        name,
        variable,
        tuple(sources),
        source.aligned_to or file.grid,
        tuple(map(tuple, sources.values())),
        linear_power=variable.is_backscatter and any(w in units for w in ("linear", "power", "intensity")),
        header=file.header,
    )


def _described(band: Band) -> Period | None:
    """The date or period that is the whole description of a band."""
    try:
        return Period.parse(band.description)
    except DateError:
        return None


def _netcdf(file: RasterFile, band: Band) -> Period | None:
    axis = _time_axis(file, band)
    try:
        return Period(cf_date(*axis[1:], axis[0])) if axis else None
    except DateError:
        return None


def _time_axis(file: RasterFile, band: Band) -> tuple | None:
    """(name, value, units, calendar) of the time of a band of a NetCDF file; of several axes the one that is time by its name."""
    found = []
    for key, value in band.tags.items():
        name = key[len("NETCDF_DIM_") :]
        units, calendar, meaning = (file.tags.get(f"{name}#{what}") for what in ("units", "calendar", "standard_name"))
        if key.startswith("NETCDF_DIM_") and (meaning == "time" or is_time(name, units)):
            found.append((name.lower() not in ("t", "time") and meaning != "time", name, value, units, calendar))
    return min(found, key=lambda one: one[0])[1:] if found else None


def _bounded(file: RasterFile, band: Band) -> Period | None:
    """The period that a NetCDF axis tells with its bounds; its time alone where it has none, or of a day."""
    for key, ends in band.tags.items():
        if key.startswith(BOUNDS):
            axis = f"NETCDF_DIM_{key[len(BOUNDS) :]}"
            found = [_netcdf(file, replace(band, tags={**band.tags, axis: end})) for end in ends.split(",")]
            if all(found) and (found[1].start - found[0].start).days > 1:
                return Period(found[0].start, found[1].start)
    return _netcdf(file, band)


def _force(band: Band) -> Period | None:
    return period_in_name(band.tags.get("Date", ""))


def _bands(indexes) -> str:
    if len(indexes) == 1:
        return f"band {indexes[0]} has"
    return f"{len(indexes)} bands (first: {', '.join(map(str, indexes[:3]))}) have"
