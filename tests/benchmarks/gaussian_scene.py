"""Claim: `fillmogpr` with COVARIANCE = scene fills a scene of 671 x 893 pixels, 62 dates and three variables within a minute.

Files in, files out, two threads: wall time, peak memory of the whole engine process, and microseconds of processor time per
pixel of the whole run; then how the time per pixel and core grows with dates, variables and classes.
`--rows`, `--columns` make the scene smaller.
"""
from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # noqa: F401 (links the checkout as package phenofuse)
from measuring import measured, write_scene
from phenofuse.core.gaussian import scene_learning
from phenofuse.core.gaussian.scene import fill
from phenofuse.core.scene.simulate import simulate
from phenofuse.core.timeseries.filling import Options
from phenofuse.core.timeseries.writing import variable_header

COPY = 192  # side of the scene that is repeated
NAMES = ("NDVI", "VV", "VH")
OUTPUTS = {"OUTPUT": "o.tif", "UNCERTAINTY": "u.tif", "QUALITY": "q.tif", "REPORT": "r.html"}


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
            write_scene(str(Path(folder, f"{name}.tif")), variable_header(name), cube, options.rows, options.columns)
        inputs = [str(Path(folder, f"{name}.tif")) for name in NAMES]
        parameters = {"INPUT": inputs[0], "COVARIATES": inputs[1:],
                      **{key: str(Path(folder, name)) for key, name in OUTPUTS.items()}}
        for turn in ("first run, compiling", "second run"):
            peak, seconds, cores = measured("fillmogpr", parameters, options.memory_mb, options.workers)
            print(f"{turn}: {options.columns} x {options.rows} x 62 x 3 variables, {options.workers} threads: {seconds:.0f} s, "
                  f"peak {peak:.0f} MB, {cores / options.rows / options.columns * 1e6:.0f} us of processor time per pixel",
                  flush=True)
    for dates in (31, 62):
        for variables in (1, 2, 3):
            for classes in (1, scene_learning.CLASSES):
                print(f"{dates} dates, {variables} variables, at most {classes} classes: "
                      f"{per_pixel(cubes[:variables], dates, classes):.0f} us per pixel and core", flush=True)


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
