"""Claim: on five simulated scenes the method that `comparemethods` takes errs 4 % more than the best where values are missing.

Five methods fill scenes whose truth is known. Per seed: the true error of each at the missing values, the error on all hidden
values alike and the one expected by weighed hidden values, and by how much the method that each of these two would choose errs
more than the best one. `--side` is that of the scenes, `--seeds` chooses them.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # noqa: F401 (links the checkout as package phenofuse)
from phenofuse.core.compare import hiding, methods
from phenofuse.core.compare.outcome import ask, outcome
from phenofuse.core.events import Silent
from phenofuse.core.scene.simulate import simulate
from series import pixels

METHODS = methods.METHODS[:5]
DAYS = 12.0 * np.arange(62)
BLOCK = 36  # pixels


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=24)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4, 5])
    options = parser.parse_args()
    more = np.array([one(options.side, seed) for seed in options.seeds])
    print(f"mean of what is lost: {more[:, 0].mean():.1%} by all hidden values alike, {more[:, 1].mean():.1%} by weighed ones")


def one(side: int, seed: int) -> tuple[float, float]:
    """Print a scene's errors; by how much each choice errs more than the best method."""
    scene = simulate(side, len(DAYS), seed)
    values = [np.ascontiguousarray(pixels(cube)) for cube in (scene.ndvi, scene.vv, scene.vh)]
    missing, truth = np.isnan(values[0]), pixels(scene.ndvi_truth)

    def fill(method, shown):
        return methods.fill(method, shown, (DAYS,) * 3, ("NDVI", "VV", "VH"), (-1, 1), 1)

    true = {method: float(np.sqrt(np.nanmean((fill(method, values)[0] - truth)[missing] ** 2))) for method in METHODS}
    ways = hiding.ways(DAYS, "all", 0.0)
    draws = hiding.draws(values[0], DAYS, ways, 1)
    found = outcome(values, DAYS, draws, tuple(map(hiding.label, ways)), np.arange(side**2) // BLOCK,
                    ask(fill, METHODS, values, DAYS, draws, Silent()))
    told = {"true": true, "alike": {method: found.score(method).rmse for method in METHODS},
            "weighed": {method: found.expected(method)[0] for method in METHODS}}
    for name, errors in told.items():
        print(f"seed {seed}, {name}: " + ", ".join(f"{method} {error:.4f}" for method, error in errors.items()), flush=True)
    least = min(true.values())
    return tuple(true[min(told[name], key=told[name].get)] / least - 1 for name in ("alike", "weighed"))


if __name__ == "__main__":
    main()
