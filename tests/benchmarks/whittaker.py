"""Claim: `fillwhittaker` smooths 671 x 893 pixels of 62 dates, each with a smoothing of its own, within a minute on two cores.

First the whole run, files in and files out: wall time, peak memory of the engine process, processor time per pixel. Then the
array functions by mode, in microseconds per pixel and core; where the package `whittaker-eilers` is installed (in an environment of
its own, named by --peer), the same series go through it for comparison. `--rows`, `--columns` make the scene smaller.
"""
from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # noqa: F401 (links the checkout as package phenofuse)
from measuring import measured, write_scene
from phenofuse.core import whittaker
from phenofuse.core.scene.simulate import simulate
from phenofuse.core.timeseries.writing import variable_header

COPY = 192  # side of the scene that is repeated
DAYS = 12.0 * np.arange(62)
NDVI = (-1.0, 1.0)
MODES = {"smoothing chosen": {}, "chosen by gcv": {"criterion": "gcv"}, "chosen by V-curve": {"criterion": "v_curve"},
         "upper envelope": {"envelope": 0.9}, "smoothing given, not robust": {"smoothing": 1e4, "robust": False},
         "savgol": {"mode": "savgol"}, "linear": {"mode": "linear"}}
# One smoother and its weights per pixel, as clouds differ; then the search it offers. Prints microseconds per pixel.
PEER = """
import sys, time, numpy as np
from whittaker_eilers import WhittakerSmoother
values = np.load(sys.argv[1]); days = list(12.0 * np.arange(values.shape[1]))
series = [np.nan_to_num(one).tolist() for one in values]; weights = [np.isfinite(one).astype(float).tolist() for one in values]
began = time.process_time()
for one, weight in zip(series, weights):
    WhittakerSmoother(1e4, 2, len(days), days, weight).smooth(one)
print("given smoothing, curve alone: %.1f" % ((time.process_time() - began) / len(series) * 1e6))
smoother = WhittakerSmoother(1e4, 2, len(days), days, weights[0])
began = time.process_time()
for one, weight in zip(series, weights):
    smoother.update_weights(weight); smoother.smooth(one)
print("the same, its smoother kept: %.1f" % ((time.process_time() - began) / len(series) * 1e6))
began = time.process_time()
for one, weight in zip(series[:50], weights):
    WhittakerSmoother(1e4, 2, len(days), days, weight).smooth_optimal(one, break_serial_correlation=False)
print("smoothing chosen: %.1f" % ((time.process_time() - began) / 50 * 1e6))
"""


def main() -> None:
    """Print all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for key, value in (("--rows", 893), ("--columns", 671), ("--memory-mb", 1024), ("--workers", 2)):
        parser.add_argument(key, type=int, default=value)
    parser.add_argument("--peer", help="a Python that has whittaker-eilers")
    options = parser.parse_args()
    ndvi = simulate(COPY, 62, 1).ndvi
    with tempfile.TemporaryDirectory(prefix="phenofuse-bench-") as folder:
        given = str(Path(folder, "NDVI.tif"))
        write_scene(given, variable_header("NDVI"), ndvi, options.rows, options.columns)
        parameters = {"INPUT": given, **{key: str(Path(folder, f"{key}.tif"))
                                         for key in ("OUTPUT", "UNCERTAINTY", "QUALITY", "LAMBDA")}}
        for turn in ("first run, compiling", "second run"):
            peak, seconds, cores = measured("fillwhittaker", parameters, options.memory_mb, options.workers)
            print(f"{turn}: {options.columns} x {options.rows} x 62, {options.workers} threads: {seconds:.0f} s, peak {peak:.0f} MB, "
                  f"{cores / options.rows / options.columns * 1e6:.0f} us of processor time per pixel", flush=True)
        series = np.ascontiguousarray(ndvi.reshape(62, -1).T[:8192])
        print(f"{np.isfinite(series).mean():.0%} of the dates observed; microseconds per pixel and core:")
        for name, chosen in MODES.items():
            print(f"{name}: {per_pixel(series, whittaker.Options(NDVI, **chosen)):.1f}", flush=True)
        if options.peer:
            saved = Path(folder, "series.npy")
            np.save(saved, series[:2048])
            done = subprocess.run([options.peer, "-c", PEER, str(saved)], capture_output=True, text=True, check=True)
            print("".join(f"whittaker-eilers, {line}\n" for line in done.stdout.splitlines()), end="")


def per_pixel(series: np.ndarray, options) -> float:
    """Microseconds of processor time per pixel, learning apart."""
    typical = whittaker.learn(series[::16], DAYS, options)
    whittaker.fill(series[:64], DAYS, DAYS, options, typical)
    started = time.process_time()
    whittaker.fill(series, DAYS, DAYS, options, typical)
    return (time.process_time() - started) / len(series) * 1e6


if __name__ == "__main__":
    main()
