"""Claim: `phenologymetrics` measures a scene of 671 x 893 pixels and 62 dates in under a minute on two cores, under 1.5 GB.

Files in, files out, two threads: wall and processor seconds and peak memory of the whole engine process, by the amplitude
threshold with the outputs that are on by default, then with standard deviations in days besides; then microseconds of
processor time per pixel of each method, with and without them. `--rows`, `--columns` make the scene smaller.
"""
from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np
from phenofuse.core.phenology import metrics, seasons, uncertainty
from phenofuse.core.scene.simulate import simulate
from phenofuse.core.timeseries import Grid, Header, RasterWriter, Window, periods_between, series_spec
from phenofuse.core.timeseries.writing import variable_header

COPY = 192  # side of the scene that is repeated
DATES = 62
NOISE, SPREAD = 0.03, 0.06  # of a filled series: what `fillmogpr` has on such a scene
CORE = Path(__file__).resolve().parents[2] / "core"


def main() -> None:
    """Make the scene, measure it in an engine of its own, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=893)
    parser.add_argument("--columns", type=int, default=671)
    parser.add_argument("--memory-mb", type=int, default=1024)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    chance = np.random.default_rng(1)
    truth = simulate(COPY, DATES, 1).ndvi_truth
    values = (truth + NOISE * chance.standard_normal(truth.shape)).clip(-1, 1).astype(np.float32)
    spread = np.full_like(values, SPREAD)
    with tempfile.TemporaryDirectory(prefix="phenofuse-bench-") as folder:
        write(str(Path(folder, "NDVI.tif")), variable_header("NDVI"), values, options)
        write(str(Path(folder, "spread.tif")), Header("standard deviation", "1"), spread, options)
        for turn, uncertain in (("first run, compiling", False), ("second run", False), ("with deviations", True)):
            peak, wall, cores = measured(Path(folder), uncertain, options)
            print(f"{turn}: {options.columns} x {options.rows} x {DATES}, {options.workers} threads: {wall:.0f} s, "
                  f"{cores:.0f} s of processor time, peak {peak:.0f} MB", flush=True)
    for method in metrics.METHODS:
        print(f"{method}: {per_pixel(values, spread, method, False):.1f} us per pixel and core, "
              f"{per_pixel(values, spread, method, True):.0f} with deviations", flush=True)


def write(path: str, header: Header, values: np.ndarray, options) -> None:
    """Many copies of the values side by side."""
    grid = Grid("", (50.0, 0.0, 0.0, 0.0, -50.0, 0.0), options.columns, options.rows)
    side = 512
    with RasterWriter(path, series_spec(grid, periods_between(date(2023, 11, 1), 12, DATES), header)) as writer:
        for row in range(0, options.rows, side):
            for column in range(0, options.columns, side):
                window = Window(row, column, min(side, options.rows - row), min(side, options.columns - column))
                rows = np.arange(row, row + window.rows) % COPY
                columns = np.arange(column, column + window.columns) % COPY
                writer.write(values[:, rows][:, :, columns], window)


def measured(folder: Path, uncertain: bool, options) -> tuple[float, float, float]:
    """Peak resident memory in MB, wall seconds, and processor seconds of the engine process."""
    outputs = {key: str(folder / f"{key}.tif") for key in ("OUTPUT", "PEAK", "END", "SEASONS", "QUALITY")}
    if uncertain:
        outputs |= {"UNCERTAINTY": str(folder / "spread.tif"), "UNCERTAINTY_DAYS": str(folder / "days.tif")}
    job = {"job": "phenologymetrics", "resources": {"memory_mb": options.memory_mb, "workers": options.workers},
           "parameters": {"INPUT": str(folder / "NDVI.tif"), **outputs}}
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, str(CORE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(json.dumps(job).encode() + b"\n")
    process.stdin.flush()
    last = process.stdout.readlines()[-1]
    _, _, usage = os.wait4(process.pid, 0)
    if json.loads(last)["event"] != "result":
        sys.exit(last.decode())
    return usage.ru_maxrss / 1024, time.monotonic() - started, usage.ru_utime + usage.ru_stime


def per_pixel(values: np.ndarray, spread: np.ndarray, method: str, uncertain: bool) -> float:
    """Microseconds of processor time per pixel, 2,048 pixels."""
    days = 12.0 * np.arange(DATES)
    series, deviations = (np.ascontiguousarray(cube.reshape(DATES, -1).T[:2048]) for cube in (values, spread))
    choices = seasons.Options(method=method, threshold=0.4 if method == "absolute" else 0.2)
    beside = (None, deviations, uncertainty.draw(days, 1)) if uncertain else ()
    seasons.find(series, days, choices, *beside)
    started = time.process_time()
    seasons.find(series, days, choices, *beside)
    return (time.process_time() - started) / len(series) * 1e6


if __name__ == "__main__":
    main()
