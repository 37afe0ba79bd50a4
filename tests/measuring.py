"""For benchmarks of whole runs: large scenes made of a small one, and an engine of its own that is measured."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
from phenofuse.core.timeseries import Grid, Header, RasterWriter, Window, periods_between, series_spec
from phenofuse.core.timeseries.writing import variable_header

CORE = Path(__file__).resolve().parents[1] / "core"
SIDE = 512  # of what is written at once


def write_scene(path: str, header: Header, values: np.ndarray, rows: int, columns: int) -> None:
    """Write a series as many copies of a small scene (dates, rows, columns) side by side."""
    grid = Grid("", (50.0, 0.0, 0.0, 0.0, -50.0, 0.0), columns, rows)
    periods = periods_between(date(2023, 11, 1), 12, len(values))
    with RasterWriter(path, series_spec(grid, periods, header)) as writer:
        for row in range(0, rows, SIDE):
            for column in range(0, columns, SIDE):
                window = Window(row, column, min(SIDE, rows - row), min(SIDE, columns - column))
                down = np.arange(row, row + window.rows) % values.shape[1]
                across = np.arange(column, column + window.columns) % values.shape[2]
                writer.write(values[:, down][:, :, across], window)


def written_inputs(folder: str, prefix: str, scene, side: int) -> dict:
    """Write the NDVI, VV and VH of a simulated scene, side by side up to `side` x `side` pixels; parameters that name them."""
    paths = [str(Path(folder, f"{prefix}{name}.tif")) for name in ("NDVI", "VV", "VH")]
    for path, name, values in zip(paths, ("NDVI", "VV", "VH"), (scene.ndvi, scene.vv, scene.vh)):
        write_scene(path, variable_header(name), values, side, side)
    return {"INPUT": paths[0], "COVARIATES": paths[1:]}


def measured(job: str, parameters: dict, memory_mb: int, workers: int, device: str = "auto", told: list | None = None,
             core: Path = CORE) -> tuple:
    """Run a job in an engine of its own: peak resident memory in MB, wall seconds, and processor seconds.

    What it tells is added to `told`: the seconds since the start, and the event. `core` is of another tree, to compare with.
    """
    call = {"job": job, "resources": {"memory_mb": memory_mb, "workers": workers, "device": device}, "parameters": parameters}
    started = time.monotonic()
    process = subprocess.Popen([sys.executable, str(core)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    process.stdin.write(json.dumps(call).encode() + b"\n")
    process.stdin.flush()
    told = [] if told is None else told
    for line in process.stdout:
        told.append((time.monotonic() - started, json.loads(line)))
    _, _, usage = os.wait4(process.pid, 0)
    if told[-1][1]["event"] != "result":
        sys.exit(str(told[-1][1]))
    return usage.ru_maxrss / 1024, time.monotonic() - started, usage.ru_utime + usage.ru_stime
