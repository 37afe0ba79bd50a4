"""Claim: `unet` and `vit`, which look at neighbours, beside `fusion`, MOGPR and the line, where clouds hide whole pieces of a scene.

    python tests/benchmarks/learning_chips.py [--sets belgium sample] [--seeds 1 2] [--gaps 60 90] [--epochs 40]
                                              [--architectures fusion unet vit] [--pixels 6000] [folder of the real data]

The scene is cut into chips of 16 x 16 pixels. All that a chip shows within half a gap of one random date is hidden, as a cloud
hides it. Networks learn from two thirds of the chips, and are scored in the others, of which they never saw anything; the scene
covariance, theirs too, learns from what all chips show, as in a fill. On the real cube (100 x 64 pixels, 12 months) the score is
by the hidden observations, on the simulated scene (96 x 96, 62 periods) by the truth without noise at the same places. Pixel
networks learn from `pixels` pixels of the same chips, drawn at random. Prints errors, the ratio to the line with its 95 %
interval (bootstrap of chips), the share inside 90 % intervals, and processor seconds of training.
"""
from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest
import torch
from learning_real import HEADER, NAMES, UNITS, Scores, gap_days, thirds, trained
from phenofuse.core.learning.chips import pixels_of
from phenofuse.core.learning.networks import side_of
from phenofuse.core.learning.networks.learning import Choices
from phenofuse.core.learning.priors import Linear, SceneGaussian
from phenofuse.core.learning.samples import Sample
from phenofuse.core.scene.simulate import simulate
from series import load

SIDE = side_of("unet")


def belgium(folder: Path) -> tuple[list, list, np.ndarray]:
    """Cubes and days of target and radar, and the truth: the target itself."""
    cubes, days = zip(*(load(folder / "worldcereal_belgium_cube" / f"{name}.tif") for name in NAMES))
    return list(cubes), list(days), cubes[0]


def simulated(_) -> tuple[list, list, np.ndarray]:
    """The same of the sample scene, whose truth has no noise."""
    scene = simulate(96, 62, 1)
    days = 6.0 + np.array(scene.starts, "datetime64[D]").astype(float)  # the middles of 12-day periods
    return [scene.ndvi, scene.vv, scene.vh], [days] * len(NAMES), scene.ndvi_truth


SETS = {"belgium": belgium, "sample": simulated}


def cut(cube: np.ndarray) -> np.ndarray:
    """The whole chips of a cube (dates, rows, columns) as series of their pixels."""
    dates, rows, columns = cube.shape
    whole = cube[:, :rows // SIDE * SIDE, :columns // SIDE * SIDE]
    parts = whole.reshape(dates, rows // SIDE, SIDE, columns // SIDE, SIDE)
    return np.ascontiguousarray(parts.transpose(1, 3, 2, 4, 0).reshape(-1, dates), np.float32)


def hide(target: np.ndarray, days: np.ndarray, gap: float, seed: int) -> np.ndarray:
    """Per chip, all observations within half a gap of one date that lies 60 days from both ends, (pixels, dates)."""
    rng, seen = np.random.default_rng(seed), np.isfinite(target)
    hidden = np.zeros(seen.shape, bool)
    for own in pixels_of(np.arange(len(target) // SIDE**2), SIDE):
        inside = np.flatnonzero(seen[own].any(axis=0) & (days > days[0] + 60) & (days < days[-1] - 60))
        hidden[own] = seen[own] & (np.abs(days - days[rng.choice(inside)]) <= gap / 2)
    return hidden


def score(shown: list, days: list, hidden: np.ndarray, truth: np.ndarray, seed: int, options, scores: dict) -> None:
    """Add what each method says of the hidden values of the chips it never saw."""
    numbers = np.arange(len(hidden))
    chip, place = np.divmod(numbers, SIDE**2)
    whole = Sample(tuple(shown), tuple(days), NAMES, UNITS, chip * SIDE + place // SIDE, place % SIDE, chip, SIDE)
    taught, asked = (whole.take(pixels) for pixels in thirds(chip, seed))
    pixel, date = np.nonzero(hidden[thirds(chip, seed)[1]])
    right, length = truth[thirds(chip, seed)[1]][pixel, date], gap_days(asked.values[0], asked.days[0])[pixel, date]
    line = None

    def add(name: str, model, seconds: float = 0.0) -> np.ndarray:
        mean, deviation = (one[pixel, date] for one in model.moments(list(asked.values), asked.days, asked.days[0]))
        scores.setdefault(name, Scores()).add(right, mean, deviation, mean if line is None else line, asked.block[pixel], length,
                                               seconds)
        return mean

    known = list(whole.values), whole.days, whole.names, seed
    line = add("linear", Linear.learn(*known))
    add("MOGPR (scene)", SceneGaussian.learn(*known))
    for architecture in options.architectures:
        own = taught
        if side_of(architecture) == 1:
            drawn = np.random.default_rng(seed).permutation(len(taught))[:options.pixels]
            own = replace(taught.take(np.sort(drawn)), side=1)
        start = time.process_time()
        model = trained(own, Choices(architecture, None, "scene", options.epochs, seed))
        seconds = time.process_time() - start
        add(f"{architecture} on scene", model.again(*known), seconds)


def main() -> None:
    """Print a table per set and gap, seeds pooled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=Path(os.environ.get("PHENOFUSE_SHARED", conftest.ROOT.parent / "shared"), "data"))
    parser.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--gaps", type=int, nargs="+", default=[60, 90])
    parser.add_argument("--architectures", nargs="+", default=["fusion", "unet", "vit"])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--pixels", type=int, default=6000)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'set':10}{'gap':>4} {'method':18}{HEADER}")
    for name in options.sets:
        cubes, days, truth = SETS[name](Path(options.folder))
        values = [cut(cube) for cube in cubes]
        for gap in options.gaps:
            scores: dict = {}
            for seed in options.seeds:
                hidden = hide(values[0], days[0], gap, seed)
                shown = [np.where(hidden, np.float32(np.nan), values[0]), *values[1:]]
                score(shown, days, hidden, cut(truth), seed, options, scores)
            for method, found in scores.items():
                print(f"{name:10}{gap:4} {method:18}{found.row()}", flush=True)


if __name__ == "__main__":
    main()
