"""What the tests of Earth Engine share: a double with scenes, a call, and what lies on disk afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import rasterio
from phenofuse.core import jobs
from phenofuse.core.earthengine import service as client
from phenofuse.core.events import Silent

from .scenes import demak
from .service import Service as Double

CORE = Path(__file__).resolve().parents[2] / "core"
BOX = "430000,430400,9239600,9240000 [EPSG:32749]"
BANDS = ("VV", "VH", "S2ndvi", "n_s1", "n_s2")
HURRY = client.Patience(tries=6, first=0.01, longest=0.05)


@contextlib.contextmanager
def double(scenes=None, **changes):
    """A running double with scenes (by default a year near Demak)."""
    scenes = scenes or demak(days=144)
    found = Double(scenes.catalog())
    found.scenes = scenes
    try:
        yield found
    finally:
        found.stop()
        for left in [one for one in threading.enumerate() if one.name.startswith("earthengine")]:
            left.join()  # it would repeat its request at the next double, for the client library knows one address only


def call(found: Double, folder, **changes) -> dict:
    """Parameters of a small export: six periods of 40 x 40 pixels."""
    return {"EXTENT": BOX, "CRS": "EPSG:32749", "RESOLUTION": 10, "START_DATE": "2023-11-01", "END_DATE": "2024-01-12",
            "PERIOD_DAYS": 12, "PROJECT": "loop-back", "ENDPOINT": found.url, "FOLDER": str(folder), **changes}  # fmt: skip


def export(parameters: dict, events=None, **resources) -> dict:
    """Run `exportcomposites`."""
    return jobs.run("exportcomposites", parameters, jobs.Resources(**{"workers": 1, **resources}), events or Silent())


def interpolate(parameters: dict, events=None, **resources) -> dict:
    """Run `exportharmonic`."""
    return jobs.run("exportharmonic", parameters, jobs.Resources(**{"workers": 1, **resources}), events or Silent())


def proceed(found: Double, folder, action="continue", events=None, **changes) -> dict:
    """Run `continueexport`."""
    parameters = {"FOLDER": str(folder), "ACTION": action, "ENDPOINT": found.url, **changes}
    return jobs.run("continueexport", parameters, jobs.Resources(workers=1), events or Silent())


def engine(job: str, parameters: dict, **resources) -> subprocess.Popen:
    """The same in a process of its own, as QGIS starts it."""
    process = subprocess.Popen([sys.executable, str(CORE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, start_new_session=True)  # fmt: skip
    process.stdin.write(json.dumps({"job": job, "parameters": parameters, "resources": {"workers": 1, **resources}}) + "\n")
    process.stdin.flush()
    return process


def kill_after(process: subprocess.Popen, when, seconds: float = 60) -> bool:
    """Kill an engine once `when()` holds, or at its end; returns whether it was still alive."""
    until = time.monotonic() + seconds
    while process.poll() is None and not when() and time.monotonic() < until:
        time.sleep(0.002)
    alive = process.poll() is None
    if alive:
        os.killpg(process.pid, signal.SIGKILL)
    said = process.stdout.read()  # to its end; standard input stays open, as closing it means to cancel
    process.wait(10)
    process.stdin.close(), process.stdout.close()
    assert alive or '"event": "error"' not in said, said
    return alive


def rows(folder) -> list:
    """The ledger's periods, read with nothing of ours."""
    with contextlib.closing(sqlite3.connect(Path(folder, "export.sqlite"))) as base:
        base.row_factory = sqlite3.Row
        return [dict(row) for row in base.execute("SELECT * FROM item ORDER BY number")]


def states(folder) -> list:
    """Their states."""
    return [row["state"] for row in rows(folder)]


def bands(path) -> dict:
    """Bands of a raster by name, with rasterio alone."""
    with rasterio.open(path) as source:
        return dict(zip(source.descriptions, source.read()))


def finished(folder) -> dict:
    """All finished rasters of periods: {name: bytes}."""
    return {path.name: path.read_bytes() for path in sorted(Path(folder).glob("[!.]*_*.tif"))}


def deliver(found: Double, folder, pieces: int = 1, change=None) -> list:
    """Write what finished tasks left on Drive, in as many pieces as asked; `change` may spoil names and values."""
    folder, written = Path(folder), []
    folder.mkdir(parents=True, exist_ok=True)
    for prefix, (values, grid, options) in found.files.items():
        nodata = float(options["geoTiffOptions"]["noData"]["floatValue"])
        names = list(values)
        stack = np.stack([np.where(valid, array, 0) for array, valid in values.values()]).astype("float32")
        if change:
            names, stack = change(prefix, names, stack)
        a, _, c, _, e, f = grid.transform
        for number in range(pieces):
            first, last = grid.height * number // pieces, grid.height * (number + 1) // pieces
            name = prefix.rpartition("/")[2] + (f"-{first:010d}-{0:010d}" if pieces > 1 else "") + ".tif"
            with rasterio.open(folder / name, "w", driver="GTiff", width=grid.width, height=last - first, count=len(names),
                               dtype="float32", crs=grid.crs, nodata=nodata,
                               transform=rasterio.Affine(a, 0, c, 0, e, f + e * first)) as out:  # fmt: skip
                out.write(stack[:, first:last])
                out.descriptions = names
            written.append(folder / name)
    return written
