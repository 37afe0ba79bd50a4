"""From finished images to time-series rasters of the contract, one per kind of band, ready for the next algorithm."""

from __future__ import annotations

import hashlib
from functools import partial
from pathlib import Path

from .. import outputs, tiles
from ..timeseries import Header, RasterFile, Series, series_spec, variable_named
from ..timeseries.series import Source
from .ledger import Ledger
from .plan import Plan

FOLDER = "series"


def join(plan: Plan, ledger: Ledger, resources, events) -> dict:
    """Write ``series/<variable>.tif`` of every kind of band from all images that are done.

    Returns
    -------
    dict
        Path by variable: NDVI, VV, VH, n_s1, QUALITY ...; empty when no image is done.
    """
    done = ledger.items("DONE")
    if not done:
        return {}
    state, files, found = _state(plan, done), _files(plan, ledger, done), {}
    for number, kind in enumerate(plan.kinds):
        step = events.step(number / len(plan.kinds), (number + 1) / len(plan.kinds))
        name = variable_named(kind).name
        key = name.upper() if kind in plan.INTEGERS else name
        output = ledger.folder / FOLDER / f"{key}.tif"
        found[key] = str(output)
        if output.is_file() and RasterFile.open(output).header.get("state") == state:
            continue
        series = _series(plan, kind, files)
        header = Header(name, series.units or "1", method=plan.METHOD, parents=(files[0][1].path,), orbit=plan.orbit_of(kind),
                        parameters=plan.told, extra={"export": plan.sha256[:16], "state": state})  # fmt: skip
        _write(plan, series, plan.INTEGERS.get(kind, "float32"), output, header, resources, step)
    return found


def _files(plan: Plan, ledger: Ledger, done: list) -> list:
    """(layers, file) of each finished image."""
    spans = dict(zip(map(plan.key, plan.spans), plan.spans))
    return [(plan.layers(spans[item.key]), RasterFile.open(ledger.folder / item.file_name)) for item in done]


def _series(plan: Plan, kind: str, files: list) -> Series:
    """One kind of band of all finished images; the files were checked when they arrived."""
    dated = [(layer.period, (Source(file.path, band),)) for layers, file in files
             for layer, band in zip(layers, file.bands) if layer.kind == kind]  # fmt: skip
    periods, sources = zip(*dated)
    return Series(kind, variable_named(kind), periods, plan.grid, sources)


def _state(plan: Plan, done: list) -> str:
    """What tells this set of images from any other."""
    return hashlib.sha256("".join([plan.sha256, *(f"{item.key}{item.sha256}" for item in done)]).encode()).hexdigest()[:16]


def _write(plan: Plan, series: Series, dtype: str, output: Path, header: Header, resources, events) -> None:
    outputs.clear(output)  # the export's folder is ours
    journal = tiles.Journal(str(output), [plan.METHOD, output.name, header.extra["state"]])
    work = tiles.plan(series.grid, 3 * 4 * series.count, resources)
    spec = series_spec(series.grid, series.periods, header, dtype)
    tiles.run(work, partial(_tile, series), {"OUTPUT": (str(output), spec)}, journal, resources, events)
    journal.remove()


def _tile(series: Series, tile) -> dict:
    return {"OUTPUT": series.read(tile.window)}
