"""Claim: series of many years, filled in stretches, come near what one covariance over all dates gives, in a fraction of its time.

    python tests/benchmarks/gaussian_long.py [--seeds 1 2] [--sets NAME ...] [--margins 90 180 ...] [folder of the real data]

Per set: clear observations within half a gap of one random observation per pixel are hidden and filled by one covariance over
all dates, and in stretches. Prints the error relative to linear interpolation at the same places, the share inside 90 %
intervals, how far both fills lie apart at all dates in units of the standard deviation, and processor seconds to learn and fill.
"""
from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest
from gaussian_real import read
from phenofuse.core.gaussian import long_scene, scene_learning
from phenofuse.core.scene.simulate import simulate
from series import hide, linear, pixels

GAPS = (60, 90)
WITHIN_90 = 1.6449
SIMULATED_SIDE, SIMULATED_DATES = 24, 152  # five years every 12 days
FEW = 30


def simulated(few: int | None = None, radar: bool = True) -> tuple[list, list]:
    """Five years of the sample scene."""
    drawn = simulate(SIMULATED_SIDE, SIMULATED_DATES, 1)
    cubes = [drawn.ndvi, drawn.vv, drawn.vh][:3 if radar else 1]
    values = [pixels(cube) for cube in cubes]
    seen = np.flatnonzero(np.isfinite(values[0]).any(axis=1))
    if few:
        seen = np.random.default_rng(0).permutation(seen)[:few]
    return [one[seen] for one in values], [19000 + 12.0 * np.arange(SIMULATED_DATES)] * len(values)


def table(path: Path, site: str, good) -> tuple[list, list]:
    """NDVI series (sites, dates) of a table with one line per site and date, and their days."""
    with open(path, encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["NDVI"] not in ("", "NA") and good(row)]
    names, dates = sorted({row[site] for row in rows}), sorted({row["date"] for row in rows})
    values = np.full((len(names), len(dates)), np.nan, np.float32)
    for row in rows:
        values[names.index(row[site]), dates.index(row["date"])] = float(row["NDVI"])
    return [values], [np.array(dates, "datetime64[D]").astype(float)]


SETS = {
    "simulated": lambda folder: simulated(),
    "simulated, no radar": lambda folder: simulated(radar=False),
    "simulated, 30 pixels": lambda folder: simulated(FEW),
    "eolearn_s2_patch": lambda folder: read(folder, "eolearn_s2_patch"),
    "phenofit_mod13a1": lambda folder: table(folder / "phenofit_mod13a1" / "series.csv", "site",
                                             lambda row: row["SummaryQA"] in ("0", "1")),
    "sits_modis_ndvi": lambda folder: table(folder / "sits_modis_ndvi" / "mato_grosso_point_2000_2016.csv", "series_id",
                                            lambda row: float(row["NDVI"]) > -0.3),
}


def filled(shown: list, days: list, whole: bool) -> tuple:
    """Mean, standard deviation at the target's dates; processor seconds to learn, and to fill a pixel in milliseconds."""
    short = long_scene.WHOLE_DAYS, long_scene.WHOLE_STATES
    long_scene.WHOLE_DAYS, long_scene.WHOLE_STATES = (np.inf, np.inf) if whole else (short[0], 0)
    try:
        started = time.process_time()
        model, _ = scene_learning.learn_checked(shown, tuple(days), tuple(f"variable {i}" for i in range(len(shown))), 1)
        learnt = time.process_time()
        used = len(model.variables)
        mean, deviation = long_scene.moments(shown[:used], tuple(days[:used]), days[0], model)
        return mean, deviation, learnt - started, (time.process_time() - learnt) / len(mean) * 1e3
    finally:
        long_scene.WHOLE_DAYS, long_scene.WHOLE_STATES = short


def main() -> None:
    """Print one line per set, gap and way, seeds pooled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=Path(os.environ.get("PHENOFUSE_SHARED", conftest.ROOT.parent / "shared"), "data"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    parser.add_argument("--margins", type=float, nargs="+", default=[long_scene.MARGIN])
    options = parser.parse_args()
    print(f"{'set':22}{'gap':>4}  {'way':10}{'values':>7}{'RMSE':>8}{'ratio':>7}{'in 90':>7}{'apart':>7}{'learn s':>9}{'fill ms':>9}")
    for name in options.sets:
        values, days = SETS[name](Path(options.folder))
        for gap in GAPS:
            compare(name, gap, values, days, options)


def compare(name: str, gap: int, values: list, days: list, options) -> None:
    """Print the lines of one set and gap."""
    lines, errors, ways = [], {}, ["whole", *options.margins]
    for seed in options.seeds:
        hidden = hide(values[0], days[0], gap, seed)
        shown = [np.where(hidden, np.float32(np.nan), values[0]), *values[1:]]
        lines.append((linear(shown[0], days[0]) - values[0])[hidden])
        whole = None
        for way in ways:
            if way != "whole":
                long_scene.MARGIN = way
            mean, deviation, learning, filling = filled(shown, days, way == "whole")
            whole = (mean, deviation) if way == "whole" else whole
            error = (np.clip(mean, -1, 1) - values[0])[hidden]
            apart = ((mean - whole[0]) / whole[1])[np.isnan(shown[0])]
            errors.setdefault(way, []).append((error, np.abs(error) < WITHIN_90 * deviation[hidden], apart, learning, filling))
    baseline = np.sqrt(np.mean(np.concatenate(lines) ** 2))
    for way, parts in errors.items():
        error, inside, apart = (np.concatenate(part) for part in list(zip(*parts))[:3])
        learning, filling = (np.mean([part[i] for part in parts]) for i in (3, 4))
        rmse = np.sqrt(np.mean(error**2))
        print(f"{name:22}{gap:4}  {way!s:10}{len(error):7}{rmse:8.4f}{rmse / baseline:7.3f}{inside.mean():7.3f}"
              f"{np.sqrt(np.mean(apart**2)):7.2f}{learning:9.1f}{filling:9.3f}", flush=True)


if __name__ == "__main__":
    main()
