"""From finished periods to time-series rasters of the contract, one per band, ready for the next algorithm."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

from .. import tiles
from ..timeseries import Header, RasterFile, series_spec
from ..timeseries.collecting import Collecting, collect_series
from .ledger import Ledger
from .plan import Plan

FOLDER = "series"


def join(plan: Plan, ledger: Ledger, resources, events) -> dict:
    """Write ``series/<variable>.tif`` of every band from all periods that are done.

    Returns
    -------
    dict
        Path by variable: NDVI, VV, VH, n_s1 ...; empty when no period is done.
    """
    done = ledger.items("DONE")
    paths = [str(ledger.folder / item.file_name) for item in done]
    if not paths:
        return {}
    state, found = _state(plan, done), {}
    for number, band in enumerate(plan.bands):
        step = events.step(number / len(plan.bands), (number + 1) / len(plan.bands))
        series = collect_series(paths, Collecting(variable=band), step)
        name = series.variable.name
        output = ledger.folder / FOLDER / f"{name}.tif"
        if output.is_file() and RasterFile.open(output).header.get("state") == state:
            found[name] = str(output)
            continue
        header = Header(name, series.units or "1", method="exportcomposites", parents=(paths[0],),
                        orbit=plan.orbit_direction.lower() if band in ("VV", "VH", "RVI", "n_s1") else "",
                        extra={"export": plan.sha256[:16], "state": state})  # fmt: skip
        _write(series, output, header, state, resources, step)
        found[name] = str(output)
    return found


def _state(plan: Plan, done: list) -> str:
    """What tells this set of period rasters from any other."""
    return hashlib.sha256("".join([plan.sha256, *(f"{item.key}{item.sha256}" for item in done)]).encode()).hexdigest()[:16]


def _write(series, output: Path, header: Header, state: str, resources, events) -> None:
    journal = tiles.Journal(str(output), ["exportcomposites", output.name, state])
    plan = tiles.plan(series.grid, 3 * 4 * series.count, resources)
    spec = series_spec(series.grid, series.periods, header)
    tiles.run(plan, partial(_tile, series), {"OUTPUT": (str(output), spec)}, journal, resources, events)


def _tile(series, tile) -> dict:
    return {"OUTPUT": series.read(tile.window)}
