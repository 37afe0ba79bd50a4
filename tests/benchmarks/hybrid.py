"""Claim: on the simulated scene the 90 % intervals of `fillhybrid` (inverse variance) hold 81 to 95 % of missing values.

Five methods fill the scene; every two and three of them are merged. Per choice: error of each and of the merged fill, and the share
of missing values, as a clear observation would have shown them, inside the merged intervals, inside those of the best rule, and
inside what independence would promise. `--side` makes the scene smaller.
"""
from __future__ import annotations

import argparse
import sys
from itertools import combinations
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # noqa: F401 (links the checkout as package phenofuse)
from phenofuse.core.compare import methods
from phenofuse.core.hybrid.merging import merge
from phenofuse.core.scene.simulate import simulate
from series import pixels

METHODS = methods.METHODS[:5]
DAYS = 12.0 * np.arange(62)
NINETY = 1.6449


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=30)
    scene = simulate(parser.parse_args().side, len(DAYS), 1)
    values, truth = [pixels(one) for one in (scene.ndvi, scene.vv, scene.vh)], pixels(scene.ndvi_truth)
    missing = np.isnan(values[0])
    noise = np.std((values[0] - truth)[~missing])
    truth = (truth + np.random.default_rng(0).normal(0, noise, truth.shape))[missing]
    filled = {method: [one[missing] for one in methods.fill(method, values, (DAYS,) * 3, ("NDVI", "VV", "VH"), (-1, 1), 1)]
              for method in METHODS}
    for method, (mean, deviation) in filled.items():
        print(f"{method}: error {error(mean - truth):.4f}, inside {inside(mean - truth, deviation):.1%}", flush=True)
    for chosen in (*combinations(METHODS, 2), *combinations(METHODS, 3)):
        means, deviations = (np.stack([filled[method][part] for method in chosen]) for part in (0, 1))
        merged, best = (merge(rule, means, deviations) for rule in ("inverse_variance", "best"))
        independent = np.sum(deviations.astype(float) ** -2.0, axis=0) ** -0.5
        shares = [inside(merged.mean - truth, one) for one in (merged.deviation, independent)]
        print(f"{' + '.join(chosen)}: error {error(merged.mean - truth):.4f}, inside {shares[0]:.1%}, if independent {shares[1]:.1%}; "
              f"best: error {error(best.mean - truth):.4f}, inside {inside(best.mean - truth, best.deviation):.1%}", flush=True)


def error(difference) -> float:
    """Root mean square."""
    return float(np.sqrt(np.nanmean(difference**2)))


def inside(difference, deviation) -> float:
    """Share inside the 90 % interval, of what was filled."""
    known = np.isfinite(difference + deviation)
    return float(np.mean(np.abs(difference[known]) <= NINETY * deviation[known]))


if __name__ == "__main__":
    main()
