"""Claim: `fillmogpr` with COVARIANCE = scene fills a scene of 671 x 893 pixels, 62 dates and three variables within a minute.

Files in, files out, two threads: wall time, peak memory of the whole engine process, and microseconds of processor time per
pixel of the whole run; then how the time per pixel and core grows with dates, variables and classes.
`--rows`, `--columns` make the scene smaller.
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
from phenofuse.core.gaussian import scene_learning
from phenofuse.core.gaussian.scene import fill
from phenofuse.core.scene.simulate import simulate
from phenofuse.core.timeseries import Grid, RasterWriter, Window, periods_between, series_spec
from phenofuse.core.timeseries.filling import Options
from phenofuse.core.timeseries.writing import variable_header

COPY = 192  # side of the scene that is repeated
CORE = Path(__file__).resolve().parents[2] / "core"
NAMES = ("NDVI", "VV", "VH")


def main() -> None:
    """Make the scene, fill it in an engine of its own, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=893)
    parser.add_argument("--columns", type=int, default=671)
    parser.add_argument("--memory-mb", type=int, default=1024)
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args()
    simulated = simulate(COPY, 62, 1)
    cubes = [simulated.ndvi, simulated.vv, simulated.vh]
    with tempfile.TemporaryDirectory(prefix="phenofuse-bench-") as folder:
        for name, cube in zip(NAMES, cubes):
            write_scene(str(Path(folder, f"{name}.tif")), name, cube, options)
        for turn in ("first run, compiling", "second run"):
            peak, seconds, cores = measured(Path(folder), options)
            print(f"{turn}: {options.columns} x {options.rows} x 62 x 3 variables, {options.workers} threads: {seconds:.0f} s, "
                  f"peak {peak:.0f} MB, {cores / options.rows / options.columns * 1e6:.0f} us of processor time per pixel",
                  flush=True)
    for dates in (31, 62):
        for variables in (1, 2, 3):
            for classes in (1, 4):
                print(f"{dates} dates, {variables} variables, at most {classes} classes: "
                      f"{per_pixel(cubes[:variables], dates, classes):.0f} us per pixel and core", flush=True)


def write_scene(path: str, name: str, values: np.ndarray, options) -> None:
    """Many copies of the simulated scene side by side."""
    grid = Grid("", (50.0, 0.0, 0.0, 0.0, -50.0, 0.0), options.columns, options.rows)
    side = 512
    with RasterWriter(path, series_spec(grid, periods_between(date(2023, 11, 1), 12, 62), variable_header(name))) as writer:
        for row in range(0, options.rows, side):
            for column in range(0, options.columns, side):
                window = Window(row, column, min(side, options.rows - row), min(side, options.columns - column))
                rows = np.arange(row, row + window.rows) % COPY
                columns = np.arange(column, column + window.columns) % COPY
                writer.write(values[:, rows][:, :, columns], window)


def measured(folder: Path, options) -> tuple[float, float, float]:
    """Peak resident memory in MB, wall seconds, and processor seconds of the engine process."""
    inputs = [str(folder / f"{name}.tif") for name in NAMES]
    outputs = {"OUTPUT": "o.tif", "UNCERTAINTY": "u.tif", "QUALITY": "q.tif", "REPORT": "r.html"}
    job = {"job": "fillmogpr", "resources": {"memory_mb": options.memory_mb, "workers": options.workers},
           "parameters": {"INPUT": inputs[0], "COVARIATES": inputs[1:],
                          **{key: str(folder / name) for key, name in outputs.items()}}}
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, str(CORE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(json.dumps(job).encode() + b"\n")
    process.stdin.flush()
    last = process.stdout.readlines()[-1]
    _, _, usage = os.wait4(process.pid, 0)
    if json.loads(last)["event"] != "result":
        sys.exit(last.decode())
    return usage.ru_maxrss / 1024, time.monotonic() - started, usage.ru_utime + usage.ru_stime


def per_pixel(cubes: list, dates: int, classes: int) -> float:
    """Microseconds per pixel and core of filling alone, 8,192 pixels."""
    values = [np.ascontiguousarray(cube[:dates].reshape(dates, -1).T[:8192]) for cube in cubes]
    days = (12.0 * np.arange(dates),) * len(values)
    scene = scene_learning.learn([v[::16] for v in values], days, NAMES[:len(values)], 1, classes)
    fill([v[:64] for v in values], days, days[0], scene, Options((-1, 1)))
    started = time.process_time()
    fill(values, days, days[0], scene, Options((-1, 1)))
    return (time.process_time() - started) / len(values[0]) * 1e6


if __name__ == "__main__":
    main()
