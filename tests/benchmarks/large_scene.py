"""Claim: a scene larger than the memory budget is filled within it, and `adaptive` takes under 30 us per pixel and core.

2,000 x 2,000 pixels x 62 dates (1 GB of float32) with MEMORY_MB = 512: peak of the whole engine process, wall time, and
microseconds of processor time per pixel of the whole run (starting, compiling, reading, learning, filling, writing).
`--size` makes it smaller.
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
from phenofuse.core.scene.simulate import simulate
from phenofuse.core.timeseries import Grid, RasterWriter, Window, periods_between, series_spec
from phenofuse.core.timeseries.writing import variable_header

COPY = 192  # side of the scene that is repeated
CORE = Path(__file__).resolve().parents[2] / "core"


def main() -> None:
    """Make the scene, fill it in an engine of its own, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=2000)
    parser.add_argument("--memory-mb", type=int, default=512)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="phenofuse-bench-") as folder:
        source = str(Path(folder, "NDVI.tif"))
        write_scene(source, options.size)
        peak, seconds, cores = measured(source, Path(folder), options)
    pixels = options.size**2
    print(
        f"{options.size} x {options.size} x 62, MEMORY_MB={options.memory_mb}, {options.workers} threads: "
        f"peak {peak:.0f} MB, {seconds:.0f} s, {cores / pixels * 1e6:.1f} us of processor time per pixel"
    )


def write_scene(path: str, size: int) -> None:
    """Many copies of the simulated scene side by side."""
    values = simulate(COPY, 62, 1).ndvi
    grid = Grid("", (50.0, 0.0, 0.0, 0.0, -50.0, 0.0), size, size)
    periods = periods_between(date(2023, 11, 1), 12, 62)
    side = 512
    with RasterWriter(path, series_spec(grid, periods, variable_header("NDVI"))) as writer:
        for row in range(0, size, side):
            for column in range(0, size, side):
                window = Window(row, column, min(side, size - row), min(side, size - column))
                rows = np.arange(row, row + window.rows) % COPY
                columns = np.arange(column, column + window.columns) % COPY
                writer.write(values[:, rows][:, :, columns], window)


def measured(source: str, folder: Path, options) -> tuple[float, float, float]:
    """Peak resident memory in MB, wall seconds, and processor seconds of the engine process."""
    job = {
        "job": "fillharmonic",
        "resources": {"memory_mb": options.memory_mb, "workers": options.workers},
        "parameters": {
            "INPUT": source,
            "OUTPUT": str(folder / "o.tif"),
            "UNCERTAINTY": str(folder / "u.tif"),
            "QUALITY": str(folder / "q.tif"),
            "MODEL": "adaptive",
        },
    }
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, str(CORE)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(json.dumps(job).encode() + b"\n")
    process.stdin.flush()
    last = process.stdout.readlines()[-1]
    _, _, usage = os.wait4(process.pid, 0)
    if json.loads(last)["event"] != "result":
        sys.exit(last.decode())
    return usage.ru_maxrss / 1024, time.monotonic() - started, usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
