"""Harmonic gap filling measured: error against linear interpolation, coverage, and time per pixel.

    python tests/benchmarks/harmonic.py [folder of the real data] [seed ...]

Hides clear observations of two real Sentinel-2 sets within half a gap of one random observation per pixel, fills them,
and prints the error relative to linear interpolation at the same places, and the share of hidden values within the 50,
90 and 95 % intervals; then microseconds per pixel and core for 62 dates in and out, half of them missing.
"""
from __future__ import annotations

import sys
import time
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest
from phenofuse.core.harmonic import adaptive, cascade
from series import hide, linear, load, pixels

SETS = {"dekads, France (237 sites)": "worldcereal_dekad_france/sites_as_pixels/NDVI.tif",
        "acquisitions, Slovenia (6000 pixels)": "eolearn_s2_patch/NDVI_masked.tif"}
GAPS = (30, 60, 90)
QUANTILES = {"50": 0.6745, "90": 1.6449, "95": 1.96}


def by_adaptive(series, days):
    """Fill by the adaptive model."""
    return adaptive.fill(series, days, days, adaptive.learn(series, days, adaptive.Options(), 0), adaptive.Options())


def by_cascade(series, days):
    """Fill by the cascade."""
    return cascade.fill(series, days, days, cascade.Options())


def accuracy(folder, seeds):
    """Print a line per set, model, gap and seed."""
    print(f"{'set':38}{'model':10}{'gap':>4}{'seed':>5}{'RMSE':>8}{'ratio':>7}{'in 50':>7}{'in 90':>7}{'in 95':>7}{'lost':>6}")
    for name, path in SETS.items():
        cube, days = load(Path(folder, path))
        series = pixels(cube)
        for model, fill in (("adaptive", by_adaptive), ("cascade", by_cascade)):
            for gap in GAPS:
                for seed in seeds:
                    hidden = hide(series, days, gap, seed)
                    shown = np.where(hidden, np.nan, series).astype(np.float32)
                    filled = fill(shown, days)
                    error, line = (filled.mean - series)[hidden], (linear(shown, days) - series)[hidden]
                    known = np.isfinite(error)
                    score = np.abs(error / filled.standard_deviation[hidden])[known]
                    rmse = np.sqrt(np.mean(error[known] ** 2))
                    inside = "".join(f"{np.mean(score < q):7.3f}" for q in QUANTILES.values())
                    print(f"{name:38}{model:10}{gap:4}{seed:5}{rmse:8.4f}{rmse / np.sqrt(np.mean(line ** 2)):7.3f}"
                          f"{inside}{(~known).sum():6}", flush=True)


def speed(pixels=20000, dates=62):
    """Print microseconds of processor time per pixel, learning apart."""
    rng = np.random.default_rng(0)
    days = 12.0 * np.arange(dates)
    angle = 2 * np.pi * days / 365.25
    series = 0.5 + 0.3 * np.cos(angle - rng.uniform(0, 6, (pixels, 1))) + rng.normal(0, 0.04, (pixels, dates))
    series[rng.random(series.shape) < 0.02] -= 0.4
    for share in (0.0, 0.5):
        shown = np.where(rng.random(series.shape) < share, np.nan, series).astype(np.float32)
        began = time.process_time()
        scene = adaptive.learn(shown, days, adaptive.Options(), 0)
        learning = time.process_time() - began
        fills = {"adaptive": partial(adaptive.fill, shown, days, days, scene, adaptive.Options()),
                 "cascade": partial(cascade.fill, shown, days, days, cascade.Options())}
        took = {name: 1e6 * seconds(fill) / pixels for name, fill in fills.items()}
        print(f"{dates} dates, {share:.0%} missing: learning {learning:.1f} s; "
              + "; ".join(f"{name} {value:.1f} us per pixel and core" for name, value in took.items()), flush=True)


def seconds(call):
    """Processor time of a call, compiled before."""
    call()
    began = time.process_time()
    call()
    return time.process_time() - began


if __name__ == "__main__":
    data = sys.argv[1] if len(sys.argv) > 1 else conftest.ROOT.parent / "shared" / "data"
    speed()
    if Path(data).is_dir():
        accuracy(data, [int(text) for text in sys.argv[2:]] or [1, 2])
    else:
        print(f"no real data in {data}")
