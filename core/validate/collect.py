"""Opening a set of rasters raw: which band holds which variable of which period, and what its values are."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

from ..errors import DateError, InputError
from ..events import Events
from ..timeseries import Grid, Period, RasterFile, Window, variable_named
from ..timeseries.collecting import Collecting, collect_series
from ..timeseries.identity import said_by
from ..timeseries.names import dates_in_names, folders_of
from ..timeseries.opening import require_read_axes, stated_periods
from ..timeseries.variables import VARIABLES, variable_in
from . import checks
from .checks import Layer, check_bands
from .findings import Finding
from .measure import measure

JUDGED = tuple(name for name, variable in VARIABLES.items() if variable.valid_range)
BLOCK = 256
VALUES_PER_STRIP = 4_000_000  # 16 MB of float32 in hand


@dataclass(frozen=True)
class RasterSet:
    """All bands of a set of files, measured; `found` are the findings that opening them brought."""

    layers: tuple
    grid: Grid
    found: tuple

    @property
    def series(self) -> dict:
        """Layers by the series they belong to, in the order of the files."""
        groups = {}
        for layer in self.layers:
            groups.setdefault(layer.series, []).append(layer)
        return groups

    @property
    def periods(self) -> dict:
        """Dated layers of known variables by first day, in order of time."""
        groups = {}
        for layer in sorted((la for la in self.layers if la.start and la.variable), key=lambda layer: layer.start):
            groups.setdefault(layer.start, []).append(layer)
        return groups


def collect(paths: list, names: tuple, events) -> RasterSet:
    """Open and measure every band of the files.

    Parameters
    ----------
    paths : raster files; a NetCDF file counts as one file per variable
    names : names of the bands, in order, for files that name none

    Raises
    ------
    InputError
        When no file can be read.
    """
    files, found = _open(paths)
    if not files:
        raise InputError(f"None of {len(paths)} files can be read: {found[0].what}", "Check the paths.")
    dates = dates_in_names([file.name for file in files], folders_of([file.path for file in files]))
    opened = [_Opened(*one) for one in zip(files, [_variables(file, names) for file in files], dates, _labels(files))]
    grid = _usual_grid(opened)
    found += _check_grids(opened, grid) + _check_names(opened, names) + _check_file_dates(opened)
    layers = []
    for done, one in enumerate(opened):
        for band, variable, period in zip(one.file.bands, one.variables, one.periods):
            events.check()
            layers.append(_layer(one, band, variable, period))
        events.progress((done + 1) / len(opened))
    return RasterSet(tuple(layers), grid, tuple(found))


def judge(rasters: RasterSet, least_valid_percent: float = 0.0) -> list:
    """Apply every check to a set; returns its findings."""
    found = list(rasters.found)
    for layer in rasters.layers:
        found += checks.check_values(layer)
    for layers in rasters.periods.values():
        found += checks.check_relations(layers)
        found += checks.check_presence(layers, least_valid_percent)
    for layers in rasters.series.values():
        found += checks.check_series(layers)
    return found + checks.check_common_dates(
        {name: layers for name, layers in rasters.series.items() if layers[0].variable}
    )


def _labels(files) -> list:
    """Names for people, each unlike all others: with the folder where files of several have the same name."""
    names = [label(file) for file in files]
    times = Counter(names)
    folders = folders_of([file.path for file in files])
    return [name if times[name] == 1 or not folder else f"{folder}/{name}" for name, folder in zip(names, folders)]


def refused(paths: list, rasters: RasterSet) -> list:
    """What 'Build time series' refuses of the variables that the set holds (of all of it, where it holds none that is judged)."""
    found = []
    for variable in dict.fromkeys(layer.variable for layer in rasters.layers if layer.variable) or ("",):
        try:
            collect_series(paths, Collecting(variable=variable or None), Events())
        except InputError as problem:
            found.append(Finding("refused", f"{variable}: {problem.text}" if variable else problem.text, variable))
    return found


def label(file: RasterFile) -> str:
    """A file's name for people: with its suffix, and the variable of a NetCDF part."""
    return re.split(r"[/\\]", file.path)[-1].replace('"', "")


class _Opened:
    """A file with the variable and the period of each of its bands, the date in its name, and what it is called."""

    def __init__(self, file: RasterFile, variables: list, named: Period | None, name: str):
        self.file, self.variables, self.named, self.name = file, variables, named, name
        self.periods = _periods(file, variables, named)
        self.is_stack = len(set(self.periods)) > 1

    @property
    def is_composite(self) -> bool:
        """Whether its bands are variables rather than dates."""
        return len(self.file.bands) > 1 and (
            len(set(self.variables)) > 1 or not (self.is_stack or any(self.variables))
        )


def _open(paths) -> tuple:
    files, found = [], []
    for path in paths:
        try:
            file = RasterFile.open(path)
            files += [RasterFile.open(part) for part in file.parts] if file.parts and not file.bands else [file]
        except InputError as problem:
            found.append(Finding("unreadable", problem.text, where=str(path)))
    return files, found


def _variables(file: RasterFile, names: tuple) -> list:
    """The variable of every band: one of `JUDGED`, or '' for others; from band names, then the file, then `names`."""
    said = [said_by(file, band).names for band in file.bands]
    known = [next(iter(one)) if len(one) == 1 else "" for one in said]
    if not any(said) and len(names) in (1, len(file.bands)):
        known = [variable_named(name).name for name in (names if len(names) > 1 else names * len(file.bands))]
    return [name if name in JUDGED else "" for name in known]


def _periods(file: RasterFile, variables: list, named: Period | None) -> list:
    """The period of every band. A file's own date counts for all bands, unless they hold one variable at many dates."""
    stated = stated_periods([(file, band) for band in file.bands])
    if not any(stated) and len({said_by(file, band).names for band in file.bands}) > 1:
        return [Period.tagged(file.tags) or named] * len(file.bands)  # bands of one image
    if any(stated) or _axis_unread(file, stated):
        return stated
    if len(file.bands) > 1 and len(set(variables)) < len(variables) and len(set(variables)) == 1:
        return stated
    return [Period.tagged(file.tags) or named] * len(file.bands)


def _axis_unread(file: RasterFile, periods: list) -> str:
    """Why the time axis of a file was not understood; '' where it was, or where there is none."""
    try:
        require_read_axes(periods, [(file, band) for band in file.bands])
    except DateError as problem:
        return problem.text
    return ""


def _layer(one: _Opened, band, variable: str, period) -> Layer:
    file, known = one.file, VARIABLES.get(variable)
    values = measure(
        _strips(file, band.index), (file.grid.height, file.grid.width), known.valid_range if known else None
    )
    return Layer(
        file=one.name,
        series=_series(one, band, variable, period),
        variable=variable,
        start=period.start if period else None,
        end=period.end if period else None,
        integer=band.dtype.startswith(("int", "uint")),
        scaled=band.scale != 1,
        units=" ".join((band.units, file.tags.get("units", ""))),
        measure=values,
        dtype=band.dtype,
    )


def _series(one: _Opened, band, variable: str, period) -> str:
    """What a band belongs to: in a stack of one variable the file, in one of several its variable or what else it is called."""
    if not one.is_stack:
        return variable or band.description or f"band {band.index}"
    if len(set(one.variables)) == 1:
        return one.name
    other = band.description.replace(f"{period.start:%Y%m%d}", "") if period else band.description
    return f"{one.name} {variable or other}"


def _strips(file: RasterFile, index: int):
    rows = max(1, VALUES_PER_STRIP // (file.grid.width * BLOCK)) * BLOCK  # whole rows of tiles: none is read twice
    for row in range(0, file.grid.height, rows):
        yield file.values(index, Window(row, 0, min(rows, file.grid.height - row), file.grid.width))


def _usual_grid(opened: list) -> Grid:
    """The grid of most files that hold a known variable (of all files, where none does)."""
    judged = [one for one in opened if any(one.variables)] or opened
    grid, _ = Counter(one.file.grid for one in judged).most_common(1)[0]
    return grid


def _check_grids(opened: list, grid: Grid) -> list:
    found = []
    if not grid.crs:
        found.append(Finding("wrong_crs", "The files have no reference system."))
    elif grid.is_geographic and not (abs(grid.transform[2]) <= 360 and abs(grid.transform[5]) <= 90):
        found.append(
            Finding(
                "wrong_crs",
                f"{grid.crs_name} has coordinates in degrees, but the corner lies at "
                f"{grid.transform[2]:g}, {grid.transform[5]:g}.",
            )
        )
    for one in opened:
        difference = grid.difference(one.file.grid)
        if difference:
            kind = (
                "joined_grid"
                if grid.offset(one.file.grid) is not None
                else "wrong_crs"
                if "reference system" in difference
                else "shifted_grid"
                if "shifted" in difference
                else "different_grid"
            )
            found.append(
                Finding(kind if any(one.variables) else "other_grid", f"{one.name}: {difference}.", where=one.name)
            )
    return found


def _check_names(opened: list, names: tuple) -> list:
    """Compare the names of bands which are variables; among such files, one with a single variable lacks the others."""
    found = [
        Finding("unknown_variable", _unjudged(one), where=one.name)
        for one in opened
        if not any(one.variables) and not one.is_composite
    ]
    composites = [one for one in opened if one.is_composite]
    if composites:
        composites += [
            one for one in opened if len(one.file.bands) == 1 and variable_in(one.file.bands[0].description)
        ]
    said = {one.name: tuple(band.description for band in one.file.bands) for one in composites}
    return found + check_bands({name: bands if any(bands) else names or bands for name, bands in said.items()})


def _unjudged(one: _Opened) -> str:
    names = said_by(one.file, one.file.bands[0]).names if one.file.bands else ()
    if len(names) == 1:
        return f"{one.name} holds {next(iter(names))}; only variables of a known range (NDVI, VV, VH, EVI2 ...) are judged one by one."
    return f"{one.name}: neither file nor bands name a variable of a known range (NDVI, VV, VH, EVI2 ...)."


def _check_file_dates(opened: list) -> list:
    """Compare the date in a file's name with what its tags or bands say, where that is one period."""
    unread = {one.name: _axis_unread(one.file, one.periods) for one in opened}
    found = [Finding("no_date", f"{name}: {why}", where=name) for name, why in unread.items() if why]
    for one in opened:
        named, stated = one.named, set(one.periods)
        if named and len(stated) == 1 and None not in stated and next(iter(stated)).start != named.start:
            found.append(Finding("date_conflict", f"{one.name} is tagged {next(iter(stated))}.", where=one.name))
    return found
