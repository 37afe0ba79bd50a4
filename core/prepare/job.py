"""The jobs `buildtimeseries` and `splittimeseries`."""

from __future__ import annotations

from datetime import date
from functools import partial
from pathlib import Path

from .. import tiles
from ..errors import InputError
from ..timeseries import Header, RasterFile, RasterWriter, list_rasters, open_series, series_spec
from ..timeseries.collecting import Collecting, collect_series


def build(parameters: dict, resources, events) -> dict:
    """Collect files into one time-series raster.

    Parameters
    ----------
    parameters : dict
        LAYERS (paths) or FOLDER with PATTERN; VARIABLE, BAND, DATE_SOURCE, DATES, START_DATE, PERIOD_DAYS, SCALE, OFFSET,
        REFERENCE, RESAMPLING; OUTPUT.
    """
    paths = parameters.get("LAYERS") or list_rasters(parameters.get("FOLDER") or "", parameters.get("PATTERN") or "*")
    reference = parameters.get("REFERENCE")
    start = parameters.get("START_DATE")
    options = Collecting(
        variable=parameters.get("VARIABLE") or None,
        band=parameters.get("BAND"),
        date_source=parameters.get("DATE_SOURCE") or "auto",
        dates=parameters.get("DATES") or None,
        start_date=date.fromisoformat(start[:10]) if start else None,
        period_days=parameters.get("PERIOD_DAYS"),
        scale=parameters.get("SCALE"),
        offset=parameters.get("OFFSET"),
        reference=RasterFile.open(reference).grid if reference else None,
        resampling=parameters.get("RESAMPLING") or "bilinear",
    )
    series = collect_series(paths, options, events)
    events.info(
        f"{series.variable.name}: {series.count} dates from {series.periods[0]} to {series.periods[-1]}; "
        f"{series.grid.text}."
    )
    header = Header(
        series.variable.name,
        series.units,
        method="buildtimeseries",
        parents=series.paths[:3],
        orbit=(series.header or {}).get("orbit", ""),
    )
    output = parameters["OUTPUT"]
    journal = tiles.Journal(
        output, ["buildtimeseries", parameters, tiles.fingerprint([*series.paths, reference or ""])]
    )
    # A tile is held as it is read, once more while it is converted, and once as it is written.
    plan = tiles.plan(series.grid, 3 * 4 * series.count, resources)
    tiles.run(
        plan,
        partial(_tile, series),
        {"OUTPUT": (output, series_spec(series.grid, series.periods, header))},
        journal,
        resources,
        events,
    )
    return {"outputs": {"OUTPUT": output}, "numbers": {"DATE_COUNT": series.count}}


def split(parameters: dict, resources, events) -> dict:
    """Write every date of a series (INPUT) as a file of its own into FOLDER."""
    series = open_series(parameters["INPUT"], parameters.get("VARIABLE") or None, events, check=False)
    folder = Path(parameters["FOLDER"])
    names = [f"{series.variable.name}_{str(period).replace('/', '_')}.tif" for period in series.periods]
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file.", "Choose a folder.")
    header = Header(series.variable.name, series.units, method="splittimeseries", parents=series.paths)
    for done, (period, name) in enumerate(zip(series.periods, names)):
        with RasterWriter(str(folder / name), series_spec(series.grid, [period], header)) as writer:
            for tile in tiles.plan(series.grid, 3 * 4, resources).tiles:
                events.check()
                writer.write(series.read(tile.window, dates=[done]), tile.window)
        events.progress((done + 1) / series.count)
    return {"outputs": {"FOLDER": str(folder)}, "numbers": {"DATE_COUNT": series.count}}


def _tile(series, tile) -> dict:
    return {"OUTPUT": series.read(tile.window)}
