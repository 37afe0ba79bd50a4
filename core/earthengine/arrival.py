"""A period on its way from pixels to a finished file: assembled, checked, and only then given its name."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np

from ..events import Silent
from ..timeseries import Header, RasterFile, RasterSpec, RasterWriter, Window, variable_named
from ..validate.collect import collect, judge
from ..validate.findings import KINDS, Finding
from .ledger import Item, Ledger
from .plan import COUNTS, OPTICAL, Plan

# Below this share of valid pixels a sensor's layer is called thin: it tells little of the scene.
THIN = 0.05
ROWS_AT_ONCE = 512
CHUNK = 1 << 22  # bytes
# What clouds and missing passes do to a single period: no problem as long as the counts say the same.
EXPECTED = {"empty_period", "no_radar", "all_cloud", "never_valid"}


def write(path: Path, plan: Plan, period, windows) -> list:
    """Write a period's raster, check the file and name it `path`, in this order.

    Parameters
    ----------
    windows : iterable of (Window, array (bands, rows, columns))
        Float32 with NaN; together they cover the grid.

    Returns
    -------
    list of Finding
        With a problem among them, no file of that name was made.
    """
    writer = RasterWriter(str(path), spec(plan, period))
    try:
        for window, values in windows:
            writer.write(values, window)
        writer.close()
        found = check(writer.temporary, plan, period)
        if not problems(found):
            writer.finish()
    finally:
        writer.discard()
    return found


def nothing(plan: Plan):
    """The windows of a period that no sensor saw: NaN, and counts of 0."""
    for row in range(0, plan.height, ROWS_AT_ONCE):
        rows = min(ROWS_AT_ONCE, plan.height - row)
        values = np.full((len(plan.bands), rows, plan.width), np.nan, "float32")
        values[[plan.bands.index(name) for name in COUNTS]] = 0
        yield Window(row, 0, rows, plan.width), values


def record(ledger: Ledger, item: Item, path: Path, found: list) -> Item:
    """Write down that a period is done, and what its file is."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return ledger.move(item, "DONE", bytes=path.stat().st_size, sha256=digest.hexdigest(), verdict=verdict(found, item, shares(path)),
                       findings=json.dumps(remarks(found, item)), error=None)  # fmt: skip


def spec(plan: Plan, period) -> RasterSpec:
    """What a period's raster is: float32 bands by name with dates and units."""
    parameters = {
        "cloud_mask": plan.cloud_mask, "cloud_threshold": plan.cloud_threshold, "s1_reducer": plan.reducer,
        "relative_orbit": plan.relative_orbit or "any",
    }  # fmt: skip
    header = Header("", method="exportcomposites", parameters=parameters, orbit=plan.orbit_direction.lower())
    tags = tuple({**period.tags, "units": variable_named(name).units or "1"} for name in plan.bands)
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
    return found + _check_counts(file, plan, period)


def verdict(found: list, item: Item, shares: dict | None = None) -> str:
    """One word for a period: ok, thin, empty, suspect or broken.

    Parameters
    ----------
    shares : {band: share of valid pixels}, optional
    """
    kinds = {finding.kind for finding in found}
    if problems(found):
        return "broken"
    if not (item.n_s1 or item.n_s2):
        return "empty"
    if kinds - EXPECTED:
        return "suspect"
    thin = shares and min(share for name, share in shares.items() if name not in COUNTS) < THIN
    return "thin" if thin or kinds or (item.unmatched and item.unmatched == item.n_s2) else "ok"


def problems(found: list) -> list:
    """Those findings with which a file must not be used."""
    return [finding for finding in found if finding.is_problem and finding.kind not in EXPECTED]


def sentences(found: list) -> list:
    """What was found, for people."""
    return [f"{KINDS[finding.kind].title}: {finding.what}" for finding in found]


def remarks(found: list, item: Item) -> list:
    """What is worth knowing of a finished period, for people: what was found, and why a sensor may be missing."""
    kinds, said = {finding.kind for finding in found}, []
    if not item.n_s1 or kinds & {"no_radar", "empty_period"}:
        said.append("No valid radar value." if item.n_s1 else "No Sentinel-1 pass.")
    if not item.n_s2 or kinds & {"all_cloud", "empty_period"}:
        said.append("All cloud." if item.n_s2 else "No Sentinel-2 image.")
    if item.unmatched:
        said.append(f"Images without a cloud score: {item.unmatched}.")
    return said + sentences([finding for finding in found if finding.kind not in EXPECTED])


def shares(path: Path) -> dict:
    """Share of valid pixels of each band of a file."""
    file, counted = RasterFile.open(path), {}
    for band in file.bands:
        valid = sum(int(np.isfinite(values).sum()) for _, values in _strips(file, band.index))
        counted[band.description] = valid / (file.grid.width * file.grid.height)
    return counted


def _check_counts(file: RasterFile, plan: Plan, period) -> list:
    """Wherever a band has a value, its sensor must have seen the pixel, and the other way round."""
    optical = next(OPTICAL[name] for name in plan.indices if name in OPTICAL)
    found = []
    for band, count in (("VV", "n_s1"), (optical, "n_s2")):
        pairs = zip(_strips(file, plan.bands.index(band) + 1), _strips(file, plan.bands.index(count) + 1))
        wrong = sum(int((np.isfinite(values) != (counts > 0)).sum()) for (_, values), (_, counts) in pairs)
        if wrong:
            found.append(Finding("count_conflict", f"{band} of {period}: {wrong} pixels where {count} says otherwise.",
                                 variable_named(band).name, str(period)))  # fmt: skip
    return found


def _strips(file: RasterFile, index: int):
    for row in range(0, file.grid.height, ROWS_AT_ONCE):
        window = Window(row, 0, min(ROWS_AT_ONCE, file.grid.height - row), file.grid.width)
        yield window, file.values(index, window)
