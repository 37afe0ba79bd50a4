"""Claim: the profile dock shows a place of a scene of 62 dates within 200 ms of the click.

Seven rasters (observed NDVI, VV, VH, a fill, its deviations and its codes, dates of seasons) of random values, which compress
worst. From the click to the painted plot: all that is read by then, and everything. *At rest*: the mouse rested where it clicks,
as it does before most clicks, and the dock read ahead; *without a warning*: it did not. Runs in QGIS's Python.
"""
from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from qgis.core import QgsApplication, QgsPointXY

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from dockscene import DATES, LEFT, PIXEL, TOP, close, dock_of, project_of, tag, values, wait, wait_described, write

REST = 1.0  # s between two clicks of a user who moves on


def main() -> None:
    """Print median and longest time, with and without rest, for small and large scenes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[96, 1024])
    parser.add_argument("--clicks", type=int, default=12)
    options = parser.parse_args()
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QgsApplication([], True)
    application.initQgis()
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            dock = dock_of(project_of(scene(Path(folder), size)))
            wait_described(dock, 7)
            print(f"{DATES} dates, {size} x {size} pixels:")
            measure(dock, size, range(options.clicks), rest=True)
            measure(dock, size, range(options.clicks, 2 * options.clicks), rest=False)
            close(dock)


def scene(folder: Path, size: int) -> dict:
    """The seven rasters."""
    shape = DATES, size, size
    about = {"method": "fillmogpr", "parents": ["ndvi.tif"]}
    seasons = tag("date", "days since 1970-01-01", "phenologymetrics", metric="peak")
    return {"ndvi": write(folder / "ndvi.tif", values(1, gaps=0.5, shape=shape), header=tag("NDVI")),
            "VV": write(folder / "vv.tif", values(2, -25, -5, shape=shape), header=tag("VV", "dB")),
            "VH": write(folder / "vh.tif", values(3, -25, -5, shape=shape), header=tag("VH", "dB")),
            "fill": write(folder / "a.tif", values(4, shape=shape), header=tag("NDVI", **about)),
            "sd": write(folder / "b.tif", values(5, shape=shape), header=tag("standard deviation", **about)),
            "codes": write(folder / "d.tif", np.random.default_rng(7).integers(1, 6, shape, "uint8"),
                           header=tag("quality", "", **about)),
            "peak": write(folder / "c.tif", values(6, 19700, 20300, shape=(6, size, size)), [f"season {n}" for n in range(6)], seasons)}


def measure(dock, size: int, clicks: range, rest: bool) -> None:
    """Click places far from one another: every click needs other blocks, as long as the scene has them."""
    first, whole = [], []
    for number in clicks:
        share = (number * 0.381966 + 0.1) % 1.0, (number * 0.618034 + 0.3) % 1.0  # golden section: never near the last
        point = QgsPointXY(LEFT + share[0] * size * PIXEL, TOP - share[1] * size * PIXEL)
        if rest:
            dock.tool.rested.emit(point)
            pause(REST)
        dock.session.clear()
        start = time.perf_counter()
        dock.session.pick(point)
        wait(lambda: dock.plot.chart.curves)
        dock.plot.repaint()
        first.append(time.perf_counter() - start)
        wait(lambda: not dock.session.waiting and len(dock.plot.chart.curves) == 5)
        dock.plot.repaint()
        whole.append(time.perf_counter() - start)
    name = "at rest" if rest else "without a warning"
    print(f"  {name:18}", *(f"{what}: median {1000 * statistics.median(times):4.0f} ms, longest {1000 * max(times):4.0f} ms;"
                            for what, times in (("first plot", first), ("everything", whole))), flush=True)


def pause(seconds: float) -> None:
    """Run the event loop for a while."""
    end = time.perf_counter() + seconds
    wait(lambda: time.perf_counter() >= end)


if __name__ == "__main__":
    main()
    os._exit(0)  # QGIS's own end is no part of this
