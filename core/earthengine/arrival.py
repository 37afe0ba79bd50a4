"""An image on its way from pixels to a finished file: assembled, checked, and only then given its name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from ..events import Silent
from ..timeseries import Header, RasterFile, RasterSpec, RasterWriter, Window, variable_named
from ..validate.collect import collect, judge
from ..validate.findings import KINDS, Finding
from . import agreement
from .agreement import ROWS_AT_ONCE
from .ledger import Item, Ledger
from .plan import Plan

# Below this share of valid pixels a sensor's layer is called thin: it tells little of the scene.
THIN = 0.05
CHUNK = 1 << 22  # bytes
VALUES_AT_ONCE = 1 << 24  # 64 MB of float32
# What clouds and missing passes do to a single period: no problem as long as the counts say the same.
EXPECTED = {"empty_period", "no_radar", "all_cloud", "never_valid"}


def write(path: Path, plan: Plan, period, windows) -> list:
    """Write an image's raster, check the file and name it `path`, in this order.

    Parameters
    ----------
    windows : iterable of (Window, range of bands from 0, array (bands, rows, columns))
        Float32 with NaN; together they cover the grid in all bands.

    Returns
    -------
    list of Finding
        With a problem among them, no file of that name was made.
    """
    writer = RasterWriter(str(path), spec(plan, period))
    try:
        for window, bands, values in windows:
            writer.write(values, window, [band + 1 for band in bands])
        writer.close()
        found = check(writer.temporary, plan, period)
        if not problems(found):
            writer.finish()
    finally:
        writer.discard()
    return found


def groups(plan: Plan, rows: int) -> list:
    """The bands in ranges of which so many whole rows are small in memory: a stack has up to a thousand bands."""
    most = max(1, VALUES_AT_ONCE // (rows * plan.width))
    return [range(first, min(first + most, len(plan.bands))) for first in range(0, len(plan.bands), most)]


def nothing(plan: Plan):
    """The windows of an image of which no sensor saw anything: NaN, and counts of 0."""
    fill = np.array([0 if layer.kind in plan.COUNTS else np.nan for layer in plan.layers(plan.spans[0])], "float32")
    for row in range(0, plan.height, ROWS_AT_ONCE):
        rows = min(ROWS_AT_ONCE, plan.height - row)
        for bands in groups(plan, ROWS_AT_ONCE):
            values = np.broadcast_to(fill[bands.start : bands.stop, None, None], (len(bands), rows, plan.width))
            yield Window(row, 0, rows, plan.width), bands, values


def record(ledger: Ledger, item: Item, path: Path, found: list) -> Item:
    """Write down that a period is done, and what its file is."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    plan = ledger.plan
    return ledger.move(item, "DONE", bytes=path.stat().st_size, sha256=digest.hexdigest(),
                       verdict=verdict(found, item, shares(path, plan)), findings=json.dumps(remarks(found, item, plan)),
                       error=None)  # fmt: skip


def spec(plan: Plan, period) -> RasterSpec:
    """What an image's raster is: float32 bands by name with dates and units."""
    header = Header("", method=plan.METHOD, parameters=plan.told, orbit=plan.orbit_of("VV"))
    tags = tuple({**layer.period.tags, "units": variable_named(layer.kind).units or "1"} for layer in plan.layers(period))
    return RasterSpec(plan.grid, plan.bands, header, band_tags=tags)


def check(path: Path, plan: Plan, period) -> list:
    """Findings about a period's file: the rules of `validatecomposites`, and that counts and values agree."""
    file = RasterFile.open(path)
    found = judge(collect([str(path)], (), Silent()))
    difference = plan.grid.difference(file.grid)
    if difference:
        found.append(Finding("different_grid", f"{period}: {difference}.", where=str(period)))
    names = tuple(band.description for band in file.bands)
    if names != plan.bands:
        found.append(Finding("band_missing", f"{period}: the bands are {', '.join(names)}, not {', '.join(plan.bands)}.",
                             where=str(period)))  # fmt: skip
        return found
    return found + agreement.conflicts(file, plan, period)


def verdict(found: list, item: Item, shares: list) -> str:
    """One word for an image: ok, thin, empty, suspect or broken.

    Parameters
    ----------
    shares : shares of valid pixels of the bands that are measurements
    """
    kinds = {finding.kind for finding in found}
    if problems(found):
        return "broken"
    if not (item.n_s1 or item.n_s2):
        return "empty"
    if kinds - EXPECTED:
        return "suspect"
    return "thin" if min(shares) < THIN or kinds or (item.unmatched and item.unmatched == item.n_s2) else "ok"


def problems(found: list) -> list:
    """Those findings with which a file must not be used."""
    return [finding for finding in found if finding.is_problem and finding.kind not in EXPECTED]


def sentences(found: list) -> list:
    """What was found, for people."""
    return [f"{KINDS[finding.kind].title}: {finding.what}" for finding in found]


def remarks(found: list, item: Item, plan: Plan) -> list:
    """What is worth knowing of a finished image, for people: what was found, and why a sensor may be missing."""
    kinds, said = {finding.kind for finding in found}, []
    if "VV" in plan.kinds and (not item.n_s1 or kinds & {"no_radar", "empty_period"}):
        said.append("No valid radar value." if item.n_s1 else "No Sentinel-1 pass.")
    if not item.n_s2 or kinds & {"all_cloud", "empty_period"}:
        said.append("All cloud." if item.n_s2 else "No Sentinel-2 image.")
    if item.unmatched:
        said.append(f"Images without a cloud score: {item.unmatched}.")
    return said + sentences([finding for finding in found if finding.kind not in EXPECTED])


def shares(path: Path, plan: Plan) -> list:
    """Share of valid pixels of each band of a file that is a measurement."""
    file, found = RasterFile.open(path), []
    for band, layer in zip(file.bands, plan.layers(plan.spans[0])):
        if layer.kind not in plan.COUNTS:
            valid = sum(int(np.isfinite(values).sum()) for _, values in agreement.strips(file, band.index))
            found.append(valid / (file.grid.width * file.grid.height))
    return found
