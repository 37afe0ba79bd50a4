"""Claim: `phenologymetrics` measures a scene of 671 x 893 pixels and 62 dates in under a minute on two cores, under 1.5 GB.

Files in, files out, two threads: wall and processor seconds and peak memory of the whole engine process, by the amplitude
threshold with the outputs that are on by default, then with standard deviations in days besides; then microseconds of
processor time per pixel of each method, with and without them. `--rows`, `--columns` make the scene smaller.

With `--seeds` instead: how right it is on simulated scenes of these seeds that `fillmogpr` filled. Its constants were chosen on
the seeds 1 to 4, so that others tell; noise, clouds and radar have the seed of the scene.
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
from phenofuse.core import gaussian
from phenofuse.core.phenology import calendar, metrics, seasons, uncertainty
from phenofuse.core.scene import fields, simulate
from phenofuse.core.scene import seasons as crops_of
from phenofuse.core.timeseries import Header
from phenofuse.core.timeseries.filling import Options
from phenofuse.core.timeseries.writing import variable_header
from truedates import ORDINAL, WITHIN_90, matched, of_pixels, off_planting

COPY = 192  # side of the scene that is repeated
SIDE = 64  # of those that are scored
DATES = 62
NAMES = "NDVI", "VV", "VH"
YEAR = 365.25
NOISE, SPREAD = 0.03, 0.06  # of a filled series: what `fillmogpr` has on such a scene


def main() -> None:
    """Measure speed, or score the seeds."""
    parser = argparse.ArgumentParser(description=__doc__)
    for key, value in (("--rows", 893), ("--columns", 671), ("--memory-mb", 1024), ("--workers", 2)):
        parser.add_argument(key, type=int, default=value)
    parser.add_argument("--seeds", type=int, nargs="+", help="score the dates on these simulated scenes")
    options = parser.parse_args()
    if options.seeds:
        tell({seed: scored(seed) for seed in options.seeds})
    else:
        timed(options)


def timed(options) -> None:
    """Make a scene, measure it in an engine of its own, print the figures."""
    chance = np.random.default_rng(1)
    truth = simulate(COPY, DATES, 1).ndvi_truth
    values = (truth + NOISE * chance.standard_normal(truth.shape)).clip(-1, 1).astype(np.float32)
    spread = np.full_like(values, SPREAD)
    with tempfile.TemporaryDirectory(prefix="phenofuse-bench-") as folder:
        paths = {key: str(Path(folder, f"{key}.tif")) for key in ("INPUT", "UNCERTAINTY", "UNCERTAINTY_DAYS",
                                                                  "OUTPUT", "PEAK", "END", "SEASONS", "QUALITY")}
        write_scene(paths["INPUT"], variable_header("NDVI"), values, options.rows, options.columns)
        write_scene(paths["UNCERTAINTY"], Header("standard deviation", "1"), spread, options.rows, options.columns)
        plain = {key: path for key, path in paths.items() if not key.startswith("UNCERTAINTY")}
        for turn, parameters in (("first run, compiling", plain), ("second run", plain), ("with deviations", paths)):
            peak, wall, cores = measured("phenologymetrics", parameters, options.memory_mb, options.workers)
            print(f"{turn}: {options.columns} x {options.rows} x {DATES}, {options.workers} threads: {wall:.0f} s, "
                  f"{cores:.0f} s of processor time, peak {peak:.0f} MB", flush=True)
    for method in metrics.METHODS:
        print(f"{method}: {per_pixel(values, spread, method, False):.1f} us per pixel and core, "
              f"{per_pixel(values, spread, method, True):.0f} with deviations", flush=True)


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


def scored(seed: int) -> dict:
    """What is right on one scene's field pixels, by what is measured."""
    scene = simulate(SIDE, DATES, seed)
    first, last = (float(day.toordinal() - ORDINAL) for day in (scene.starts[0], scene.ends[-1]))
    days = first + (last - first) / DATES * (np.arange(DATES) + 0.5)
    values = [np.ascontiguousarray(cube.reshape(DATES, -1).T) for cube in (scene.ndvi, scene.vv, scene.vh)]
    model, _ = gaussian.learn_kind("scene", values, (days,) * 3, NAMES, 1, gaussian.Choices())
    used = [NAMES.index(name) for name in model.variables]
    filled = gaussian.fill(model, [values[i] for i in used], (days,) * len(used), days, Options((-1.0, 1.0)))
    found = seasons.find(filled.mean, days, seasons.Options(), np.isfinite(values[0]), filled.standard_deviation,
                         uncertainty.draw(days, 1))
    crop = (scene.classes <= fields.TRIPLE).ravel()
    measures, deviations = found.metrics[crop].astype(float), found.deviation[crop].astype(float)
    crops = crops_of.plant(fields.lay_out(SIDE, SIDE, seed), first, last, seed)
    off = off_planting(measures[:, :, metrics.START] - calendar.PLANTING_LAG, crops.transplanting[scene.field.ravel()[crop]])
    told = {"intensity right": np.mean(np.rint(found.count[crop] / ((last - first) / YEAR)) == scene.classes.ravel()[crop]),
            "planting within 12 days": np.mean(off <= 12)}
    peaks, true_peaks = measures[:, :, metrics.PEAK], of_pixels(scene.season_peak)[crop]
    for place, name, truth in ((metrics.START, "start", scene.season_start), (metrics.PEAK, "peak", scene.season_peak),
                               (metrics.END, "end", scene.season_end)):
        error = matched(measures[:, :, place], peaks, true_peaks) - of_pixels(truth)[crop]
        score = np.abs(error) / matched(deviations[:, :, place], peaks, true_peaks)
        told |= {f"days off, {name}": np.nanmedian(np.abs(error)),
                 f"inside 90 %, {name}": np.mean(score[np.isfinite(score)] < WITHIN_90)}
    return told


def tell(found: dict) -> None:
    """Print a line per measure: its mean over the scenes, and each of them."""
    for name in next(iter(found.values())):
        each = [one[name] for one in found.values()]
        print(f"{name}: {np.mean(each):.3f} (" + ", ".join(f"seed {seed}: {one:.3f}" for seed, one in zip(found, each)) + ")")


if __name__ == "__main__":
    main()
