"""Collecting files into one time series: folders, lists, stacks, one file per date or period."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

from ..errors import DateError, GridMismatchError, InputError, UnitError
from .assembly import Assembly
from .choosing import candidates, parts_of
from .dates import Period, dates_given, periods_between
from .grids import Grid, joined, sample_windows
from .names import DatePattern, dates_in_names, folders_of, hint
from .opening import assemble, require_read_axes, stated_periods
from .pictures import kinds_text, require_one_picture
from .raw import RasterFile
from .scaling import BEYOND, SMALL, is_index
from .series import MERGES, Series, Source

DATE_SOURCES = ("auto", "metadata", "name", "given", "regular")
MOST_KINDS_SAID = 4  # files whose names are all different say nothing by it
RESAMPLINGS = ("bilinear", "nearest", "cubic", "average")


@dataclass(frozen=True)
class Collecting:
    """How files become a series.

    Parameters
    ----------
    variable : str, optional
        The variable wanted (it also chooses bands by name, and the NetCDF variable).
    band : int, optional
        Number of the band to take of each file, where bands have no names.
    date_source : str
        ``auto`` (the contract's order, then `dates`, then regular periods), ``metadata``, ``name``, ``given``, ``regular``.
    dates : str, optional
        List of dates, or a CSV file (dates, or file names and dates).
    date_pattern : str, optional
        How dates are written in the names, as strptime writes it.
    folder : str, optional
        Where a search through subfolders began; the names of those may hold dates.
    start_date, period_days : date and int, optional
        For regular periods: files in natural order of their names follow one another.
    scale, offset : float, optional
        In place of what the files declare.
    reference : Grid, optional
        Grid to bring everything onto.
    resampling : str
        How, when a file lies on another grid.
    merge : str
        How parts of one date become one value where they overlap; see `series.MERGES`.
    index : str
        Made of named bands, see `spectral.INDICES`; '' for none.
    quality_layers, quality_rule, quality_folder, quality_buffer
        Which layers say where it is clear (`clear.READY`), a rule in place of the ready one, another folder that holds them,
        and the pixels around clouds that go as well.
    sun_zenith : float, optional
        Degrees, for PPI.
    orbit : str
        Of radar: ``ascending``, ``descending``, or the number of a relative orbit; '' takes all.
    nodata : tuple of (low, high)
        Stored numbers, as closed ranges, that are missing beside those that the files declare (see `nothing.nodata_in`).
    layers_nodata : tuple of lists of (low, high)
        The same for each path by itself; () where there are none.
    look_for_fill : bool
        Whether to look for more of them.
    valid_range : (low, high), optional
        In place of the variable's, in its units.
    outside_range : str
        What values outside of it are: ``refuse``, ``missing``, ``clip``.
    """

    variable: str | None = None
    band: int | None = None
    date_source: str = "auto"
    dates: str | None = None
    date_pattern: str | None = None
    folder: str | None = None
    start_date: date | None = None
    period_days: int | None = None
    scale: float | None = None
    offset: float | None = None
    reference: Grid | None = None
    resampling: str = "bilinear"
    nodata: tuple = ()
    layers_nodata: tuple = ()
    look_for_fill: bool = True
    valid_range: tuple | None = None
    outside_range: str = "refuse"
    merge: str = "mean"
    index: str = ""
    quality_layers: str = ""
    quality_rule: str = ""
    quality_folder: str = ""
    quality_buffer: int = 0
    sun_zenith: float | None = None
    orbit: str = ""

    def __post_init__(self):
        if self.merge not in MERGES:
            raise InputError(f"MERGE is '{self.merge}'.", f"Use one of {', '.join(MERGES)}.")


def collect_series(paths, options: Collecting, events) -> Series:
    """Make one time series of the files, sorted by date, checked, on one grid.

    Parts of one date (tiles, orbits, hours) are merged; this, and whatever else was recognised, is said aloud.

    Raises
    ------
    InputError, DateError, GridMismatchError, UnitError
        When there is nothing, a date cannot be found, grids differ and no reference was given, or the values
        cannot be the variable's.
    """
    if not paths:
        raise InputError("No raster was given.", "Choose rasters (LAYERS) or a folder (FOLDER).")
    files = [
        part.without(own)
        for path, own in zip(paths, options.layers_nodata or ((),) * len(paths))
        for part in parts_of(RasterFile.open(path))
    ]
    folders = folders_of([file.path for file in files], options.folder)

    def dates_of(ones):
        return _dates_of([(one.file, one.band) for one in ones], options, events)

    assembly = Assembly(candidates(files, options.band, folders), options, events, dates_of)
    taken = assembly.leads
    found = [(one.file, one.band) for one in taken]
    used = list({id(one.file): one.file for one in taken}.values())
    _require_one_band_per_date(used, found, options)
    periods = dates_of(taken)
    kinds = require_one_picture(list(zip(periods, taken)))
    if 1 < len(kinds) <= MOST_KINDS_SAID:
        events.warning(f"The names are of {len(kinds)} kinds, taken together since no date is of two: {kinds_text(kinds)}.")
    first = used[0]
    grid = options.reference or joined([file.grid for file in used], events)
    dated = list(zip(periods, assembly.images(periods, grid, lambda one: _source(one.file, one.band, grid, first, options))))
    if [p.middle for p, _ in dated] != sorted(p.middle for p, _ in dated):
        events.info("The dates were not in order; they are sorted.")
        dated.sort(key=lambda pair: pair[0].middle)
    name = first.name if len(used) == 1 else f"{first.name} and {len(used) - 1} more"
    _require_one_scale(found, assembly.variable, options)
    series = assemble(name, dated, assembly.variable, first)
    series = replace(series, grid=grid, merge=options.merge, outside=options.outside_range, look=options.look_for_fill)
    if options.valid_range:
        series = replace(series, variable=replace(series.variable, valid_range=options.valid_range))
    _say_what_is_known(series, found, options, events)
    merged = len(dated) - series.count
    if merged:
        repeated = [str(p.start) for p, s in zip(series.periods, series.sources) if len(s) > 1]
        how = "averaged" if options.merge == "mean" else f"merged ({options.merge})"
        events.warning(f"{merged} bands share a date with another and are {how}: {_first(repeated)}.")
    return assembly.finished(series.checked(events))


def _source(file: RasterFile, band, grid: Grid, first: RasterFile, options: Collecting) -> Source:
    band = replace(
        band,
        scale=band.scale if options.scale is None else options.scale,
        offset=band.offset if options.offset is None else options.offset,
        nothing=band.nothing + options.nodata,
    )
    difference = grid.difference(file.grid)
    if not difference:
        return Source(file.path, band)
    if grid.offset(file.grid) is not None:
        return Source(file.path, band, grid, options.resampling)
    if options.reference is None:
        raise GridMismatchError(
            f"{Path(file.path).name} does not lie on the grid of {Path(first.path).name}: {difference}.",
            "Give a REFERENCE raster: everything is then brought onto its grid.",
        )
    if not file.grid.crs or not grid.crs:
        raise GridMismatchError(
            f"{Path(file.path).name} cannot be aligned: it or the reference has no reference system.",
            "Assign the right reference system first (gdal: Assign projection).",
        )
    return Source(file.path, band, grid, options.resampling)


def _require_one_scale(found, variable, options: Collecting) -> None:
    """Refuse a factor for files of which some hold whole numbers and others the index itself."""
    decimals = [one for one in found if one[1].dtype.startswith("float")]
    if options.scale is None or abs(options.scale) >= SMALL or not is_index(variable) or len(decimals) in (0, len(found)):
        return
    file, band = decimals[0]
    values = np.concatenate([file.values(band.index, window, 1, 0).ravel() for window in sample_windows(file.grid)])
    seen = values[np.isfinite(values)]
    if len(seen) and np.abs(seen).max() <= BEYOND:
        raise UnitError(
            f"{Path(file.path).name} holds {variable.name} already (to {seen.max():.3g}), "
            f"{len(found) - len(decimals)} of {len(found)} bands whole numbers; SCALE = {options.scale:g} cannot be right for both.",
            "Build two series, choosing files by PATTERN or LAYERS, or bring all into one unit first.",
        )


def _say_what_is_known(series: Series, found, options: Collecting, events) -> None:
    """Say which products were recognised, what their files declare to be nothing, and that a raster lies nowhere."""
    for product in dict.fromkeys(band.product for _, band in found if band.product):
        band = next(band for _, band in found if band.product == product)
        nothing = [one for one in band.nothing if not (band.valid and (one[1] < band.valid[0] or one[0] > band.valid[1]))]
        numbers = ", ".join(f"{low:g}" if low == high else f"{low:g} to {high:g}" for low, high in nothing)
        known = [f"{numbers} of the stored numbers is nothing"] if numbers else []
        known += [f"only {band.valid[0]:g} to {band.valid[1]:g} are measurements"] if band.valid else []
        if options.scale is None and band.scale != 1:
            known.append(f"the factor is {band.scale:g}" + (f", the offset {band.offset:g}" if band.offset else ""))
        events.info(f"{product}: {'; '.join(known)}.")
    if options.outside_range != "refuse" and series.variable.valid_range is None:
        events.warning(f"No range is known of {series.variable.name}, so nothing lies outside: give VALID_RANGE.")
    if not series.grid.crs and series.grid.transform == (1.0, 0.0, 0.0, 0.0, 1.0, 0.0):
        events.warning(
            "The rasters have no georeference at all: neither where they lie nor how large their pixels are is known, so areas "
            "and distances are counted in pixels. Assign reference system and extent first, if you have them."
        )


def _dates_of(found, options: Collecting, events) -> list[Period]:
    source = options.date_source
    if source not in DATE_SOURCES:
        raise InputError(f"DATE_SOURCE is '{source}'.", f"Use one of {', '.join(DATE_SOURCES)}.")
    if options.date_pattern and source in ("auto", "name"):
        return _by_pattern(found, options)
    periods = [None] * len(found)
    if source in ("auto", "metadata"):
        periods = [p or one for p, one in zip(stated_periods(found, events), _file_periods(found))]
        if not options.dates and not options.start_date:
            require_read_axes(periods, found)
    if source in ("auto", "name"):
        names = [None if period else name for period, name in zip(periods, _names(found))]
        periods = [p or named for p, named in zip(periods, dates_in_names(names, _folders(found, options), events))]
    for key, wanted in (("DATES", options.dates), ("START_DATE", options.start_date)):
        if source == "auto" and wanted and all(periods):
            how = "given" if key == "DATES" else "regular"
            events.warning(f"The files tell their dates themselves, and {key} is not used. DATE_SOURCE = {how} takes it.")
    if source in ("auto", "given") and options.dates and not all(periods):
        periods = _given(found, options.dates)
    if source in ("auto", "regular") and options.start_date and options.period_days and not all(periods):
        periods = list(periods_between(options.start_date, options.period_days, len(found)))
    undated = list(dict.fromkeys(Path(f.path).name for p, (f, _) in zip(periods, found) if p is None))
    if undated:
        seen = next(filter(None, map(hint, undated)), "")
        raise DateError(
            f"No date was found for {len(undated)} of {len({f.path for f, _ in found})} files: {_first(undated)}."
            + (f" {seen}." if seen else ""),
            "Put dates into the names (2023-11-01 or 20231101), say with DATE_PATTERN how they are written there (%d%m%Y), "
            "give DATES (a list or a CSV file), or START_DATE and PERIOD_DAYS for regular periods.",
        )
    return periods


def _file_periods(found) -> list:
    """The date in the dataset's own tags, of each file of one date."""
    bands = Counter(id(file) for file, _ in found)
    return [Period.tagged(file.tags) if bands[id(file)] == 1 else None for file, _ in found]


def _names(found) -> list:
    """The name of each file of one date; None for bands of files of several."""
    bands = Counter(id(file) for file, _ in found)
    return [file.full_name if bands[id(file)] == 1 else None for file, _ in found]


def _folders(found, options: Collecting) -> list:
    return folders_of([file.path for file, _ in found], options.folder)


def _by_pattern(found, options: Collecting) -> list:
    pattern = DatePattern(options.date_pattern)
    names = [name or band.description for name, (_, band) in zip(_names(found), found)]
    periods = [pattern.period_in(name) for name in names]
    if not any(periods):
        periods = [pattern.period_in(folder) for folder in _folders(found, options)]
    without = [name or "(no name)" for name, period in zip(names, periods) if period is None]
    if without:
        raise DateError(
            f"{len(without)} of {len(names)} names hold no date written as DATE_PATTERN {pattern.text} says: {_first(without)}.",
            "Correct DATE_PATTERN, or choose the files by PATTERN.",
        )
    return periods


def _given(found, text: str) -> list:
    given = dates_given(text)
    if isinstance(given, dict):
        return [given.get(Path(f.path).name) or given.get(f.name) for f, _ in found]
    if len(given) != len(found):
        raise DateError(
            f"DATES holds {len(given)} dates, but there are {len(found)} bands.", "Give one date per band."
        )
    return list(given)


def _require_one_band_per_date(files, found, options: Collecting) -> None:
    """Refuse files of several bands that neither names nor dates tell apart: a guess would be by position."""
    bands_of = {}
    for file, band in found:
        bands_of.setdefault(id(file), []).append(band)
    for file in files:
        bands = bands_of[id(file)]
        stated = stated_periods([(file, band) for band in bands]) if len(bands) > 1 else []
        if all(stated):
            continue
        if options.date_pattern and all(map(DatePattern(options.date_pattern).period_in, (b.description for b in bands))):
            continue
        if not options.dates and not options.start_date:
            require_read_axes(stated, [(file, band) for band in bands])
        if len(files) > 1 or not (options.dates or options.start_date):
            names = ", ".join(b.description or f"band {b.index}" for b in bands[:4])
            if any(b.description for b in bands):
                raise InputError(
                    f"{Path(file.path).name} has {len(bands)} bands of one date or of none ({names}).",
                    "Give VARIABLE, a part of the name of the one that is wanted, or BAND, its number; DATES when the bands are dates.",
                )
            raise InputError(
                f"{Path(file.path).name} has {len(bands)} bands that hold neither dates nor variable names ({names}).",
                "Give BAND, the number of the band that holds the variable, or DATES when the bands are dates.",
            )


def _first(names) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
