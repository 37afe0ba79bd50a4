"""The jobs `buildtimeseries` and `splittimeseries`."""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from pathlib import Path

from .. import tiles
from ..errors import OutputError
from ..outputs import clear, replace_together, require_replaceable, require_unread
from ..timeseries import Header, RasterFile, RasterWriter, list_rasters, nothing, open_series, series_spec
from ..timeseries.aggregate import STRETCHES, WAYS, aggregated
from ..timeseries.collecting import Collecting, collect_series
from ..timeseries.dates import day_in
from ..timeseries.state import read_with
from ..timeseries.storing import asked
from . import masked


def build(parameters: dict, resources, events) -> dict:
    """Collect files into one time-series raster.

    Parameters
    ----------
    parameters : dict
        LAYERS (paths; with LAYERS_NODATA, for each the ranges of stored numbers that stand for nothing) or FOLDER with PATTERN
        and SUBFOLDERS; VARIABLE, BAND, INDEX, SUN_ZENITH, ORBIT; QUALITY_LAYERS, QUALITY_RULE, QUALITY_FOLDER, QUALITY_BUFFER;
        DATE_SOURCE, DATES, DATE_PATTERN, START_DATE, PERIOD_DAYS; SCALE, OFFSET, NODATA, VALID_RANGE, OUTSIDE_RANGE; REFERENCE,
        RESAMPLING, MERGE; AGGREGATE, AGGREGATE_DAYS, AGGREGATE_BY; FORMAT; OUTPUT.
    """
    subfolders = bool(parameters.get("SUBFOLDERS"))
    paths = parameters.get("LAYERS") or list_rasters(
        parameters.get("FOLDER") or "", parameters.get("PATTERN") or "*", subfolders
    )
    reference = parameters.get("REFERENCE")
    first = day_in(str(parameters["START_DATE"]), "START_DATE") if parameters.get("START_DATE") else None
    options = Collecting(
        variable=parameters.get("VARIABLE") or None,
        band=parameters.get("BAND"),
        date_source=parameters.get("DATE_SOURCE") or "auto",
        dates=parameters.get("DATES") or None,
        date_pattern=parameters.get("DATE_PATTERN") or None,
        folder=parameters.get("FOLDER") if subfolders else None,
        start_date=first if parameters.get("PERIOD_DAYS") or parameters.get("AGGREGATE") != "days" else None,
        period_days=parameters.get("PERIOD_DAYS"),
        scale=parameters.get("SCALE"),
        offset=parameters.get("OFFSET"),
        layers_nodata=tuple(parameters.get("LAYERS_NODATA") or ()),
        reference=RasterFile.open(reference).grid if reference else None,
        resampling=parameters.get("RESAMPLING") or "bilinear",
        merge=parameters.get("MERGE") or "mean",
        index=_chosen(parameters, "INDEX"),
        sun_zenith=parameters.get("SUN_ZENITH"),
        quality_layers=_chosen(parameters, "QUALITY_LAYERS"),
        quality_rule=parameters.get("QUALITY_RULE") or "",
        quality_folder=parameters.get("QUALITY_FOLDER") or "",
        quality_buffer=int(parameters.get("QUALITY_BUFFER") or 0),
        orbit=parameters.get("ORBIT") or "",
        nodata=nothing.nodata_in(parameters.get("NODATA")),
        look_for_fill=not nothing.says_none(parameters.get("NODATA")),
        valid_range=nothing.range_in(parameters.get("VALID_RANGE")),
        outside_range=parameters.get("OUTSIDE_RANGE") or "refuse",
    )
    series = collect_series(paths, options, events)
    events.info(
        f"{series.variable.name}: {series.count} dates from {series.periods[0]} to {series.periods[-1]}; "
        f"{series.grid.text}."
    )
    stretch, how, days = (parameters.get(key) for key in ("AGGREGATE", "AGGREGATE_BY", "AGGREGATE_DAYS"))
    made = aggregated(series, stretch or STRETCHES[0], how or WAYS[0], days, first, events)
    header = Header(
        made.variable.name,
        made.units,
        method="buildtimeseries",
        parameters={"AGGREGATE": stretch, "AGGREGATE_BY": how or WAYS[0]} if made is not series else {},
        parents=series.paths[:3],
        orbit=(series.header or {}).get("orbit", ""),
    )
    output = parameters["OUTPUT"]
    outputs = asked({"OUTPUT": series_spec(series.grid, made.periods, header)}, parameters, made.variable)
    journal = tiles.begin("buildtimeseries", parameters, outputs, series.paths)
    # A tile is held as it is read, once more while it is converted, and once as it is written.
    plan = tiles.plan(series.grid, 3 * 4 * series.count if made is series else made.bytes_per_pixel, resources)
    if options.quality_layers:
        masked.tell(journal.once("masked", partial(masked.count, series, resources, events.step(0, 0.3))), events)
    tiles.run(plan, partial(_tile, made), outputs, journal, resources, events)
    return {"outputs": {"OUTPUT": output}, "numbers": {"DATE_COUNT": made.count}}


def split(parameters: dict, resources, events) -> dict:
    """Write every date of a series (INPUT) as a file of its own into FOLDER."""
    series = open_series(parameters["INPUT"], parameters.get("VARIABLE") or None, events, check=False)
    folder = Path(parameters["FOLDER"])
    names = [f"{series.variable.name}_{str(period).replace('/', '_')}.tif" for period in series.periods]
    require_unread({name: folder / name for name in names}, read_with(parameters["INPUT"])[0], "INPUT")
    for name in names:
        clear(folder / name)
        _require_ours(folder / name)
    header = Header(series.variable.name, series.units, method="splittimeseries", parents=series.paths)
    with ExitStack() as stack:
        moves = []
        for done, (period, name) in enumerate(zip(series.periods, names)):
            writer = RasterWriter(str(folder / name), series_spec(series.grid, [period], header))
            stack.callback(writer.discard)
            for tile in tiles.plan(series.grid, 3 * 4, resources).tiles:
                events.check()
                writer.write(series.read(tile.window, dates=[done]), tile.window)
            writer.close()
            moves += writer.moves
            events.progress((done + 1) / series.count)
        replace_together(moves)
    return {"outputs": {"FOLDER": str(folder)}, "numbers": {"DATE_COUNT": series.count}}


def _require_ours(path: Path) -> None:
    """Raise `OutputError` when a file that no earlier split made has the name of one of this."""
    require_replaceable(path)
    if path.exists() and RasterFile.open(path).header.get("method") != "splittimeseries":
        raise OutputError(f"The folder {path.parent} holds a {path.name} that is not from an earlier split.",
                          "Choose a new or an empty FOLDER.")


def _chosen(parameters: dict, key: str) -> str:
    """A choice, '' where it is none."""
    value = parameters.get(key) or ""
    return "" if value == "none" else value


def _tile(series, tile) -> dict:
    return {"OUTPUT": series.read(tile.window)}
