"""Claim: trained on a real cloudy stack, networks fill gaps of 60 and 90 days better than linear interpolation by a fifth and more.

    python tests/benchmarks/learning_real.py [--sets NAME ...] [--seeds 1 2 3 4] [--architectures fusion bigru mlp]
                                             [--epochs 40] [--priors scene linear] [folder of the real data]

Clear observations within half a gap of one random observation per pixel are hidden. `area`: the network learns from all other
observations of all pixels. `unseen`: it learns from two thirds of the blocks, and is scored in the others, of which it never
saw anything; blocks are places of 0.1 degrees in France, and squares of pixels in Belgium. Beside it are the methods that need
no training, and the prior that the network started from; these learn from all series that they fill, as in a fill. `fusion` is
asked once more without radar, and with that of other pixels. Prints errors, the ratio to linear interpolation with its 95 %
interval (bootstrap of blocks), the largest such ratio of all classes of gap length, the share inside 90 % intervals, and
processor seconds of training.
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
import torch
from gaussian_real import GAPS, SETS, fills, read
from phenofuse.core.events import Silent
from phenofuse.core.learning import samples, splits
from phenofuse.core.learning.evaluate import CALIBRATION, Values, calibrated
from phenofuse.core.learning.networks.learning import Choices, Learning
from phenofuse.core.learning.samples import Sample
from phenofuse.core.tiles.scores import ErrorSums, compare
from phenofuse.core.timeseries import Grid
from phenofuse.core.timeseries.classes import GAP_LABELS, gap_class
from phenofuse.core.timeseries.filling import gaps_around
from series import hide, linear, load

NAMES, UNITS = ("NDVI", "VV", "VH"), ("1", "dB", "dB")
DEGREES = 0.1  # about 10 km: parcels of one place, sown and clouded alike
FEWEST = 30  # values in a class of gap length that is told of
HEADER = (f"{'values':>7}{'RMSE':>8}{'MAE':>8}{'R2':>7}{'ratio':>7} (95 % interval){'worst gap':>17}{'in 90':>7}{'CPU s':>7}")


def blocks(folder: Path, name: str, values: list) -> np.ndarray:
    """Number of the block of each pixel, in the order in which `read` gives them."""
    if name == "worldcereal_dekad_france":
        with open(folder / name / "sites.csv", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        place = np.array([[float(row["lon"]), float(row["lat"])] for row in rows]) // DEGREES
        return np.unique(place, axis=0, return_inverse=True)[1].ravel()
    cube, _ = load(folder / name / SETS[name][0])
    seen = np.flatnonzero(np.isfinite(cube).any(axis=0))
    chosen = np.sort(np.random.default_rng(0).permutation(seen)[:len(values[0])])  # as `read` draws them
    return splits.blocks_of(*np.divmod(chosen, cube.shape[2]), Grid("", (), cube.shape[2], cube.shape[1]))


def thirds(block: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of two thirds of the blocks, and the others."""
    order = np.random.default_rng(seed).permutation(block.max() + 1)
    unseen = np.isin(block, order[:len(order) // 3])
    return np.flatnonzero(~unseen), np.flatnonzero(unseen)


def trained(sample: Sample, choices: Choices):
    """A network that learnt from four fifths of the blocks; it stopped, and was calibrated, by the others."""
    order = np.random.default_rng(choices.seed).permutation(np.unique(sample.block))
    stop, width = (np.flatnonzero(np.isin(sample.block, part)) for part in np.array_split(order[:len(order) // 5], 2))
    rest = np.setdiff1d(np.arange(len(sample)), np.concatenate([stop, width]))
    pixels = {"training": rest, "validation": stop, "calibration": width, "test": width}
    parts = samples.parts(sample, splits.Split("blocks", pixels, dict.fromkeys(splits.PARTS, (-np.inf, np.inf))))
    learning = Learning(parts["training"], parts["validation"], choices, Silent())
    learning.run(Silent())
    model = learning.model()
    model.calibration = calibrated(model, *(Values(parts[name], choices.seed, CALIBRATION, Silent())
                                            for name in ("validation", "calibration")))
    return model


class Scores:
    """Errors of one method, gathered over seeds."""

    def __init__(self):
        self.parts, self.seconds = [], 0.0

    def add(self, truth, mean, deviation, line, block, gap, seconds=0.0):
        """Values of one seed."""
        self.parts.append((np.clip(mean, -1, 1) - truth, deviation, truth, line - truth, block, gap_class(gap)))
        self.seconds += seconds

    def row(self) -> str:
        """What `HEADER` names."""
        error, deviation, truth, line, block, gap = (np.concatenate(part).astype(float) for part in zip(*self.parts))
        sums = ErrorSums(1)
        sums.add_errors(np.zeros(len(error), int), error, truth, deviation)
        score, block = sums.score(0), block.astype(int)
        ratio = compare(*(np.bincount(block, one**2) for one in (error, line)), np.bincount(block))
        worst, label = max((np.sqrt(np.sum(error[own]**2) / np.sum(line[own]**2)), label) for number, label in enumerate(GAP_LABELS)
                           if (own := gap == number).sum() >= FEWEST)
        return (f"{score.count:7}{score.rmse:8.4f}{score.mae:8.4f}{score.r2:7.3f}{ratio.ratio:7.3f} "
                f"({ratio.lower:.3f}-{ratio.upper:.3f}){worst:7.3f} {label:>9}{score.coverage_90:7.3f}"
                f"{self.seconds / len(self.parts):7.0f}")


def gap_days(shown: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Days between the observations around each date of series, infinite beyond the ends."""
    _, gaps, inside = gaps_around(np.isfinite(shown), days, days)
    return np.where(inside, gaps, np.inf)


def gathered(values: list, days: list, block: np.ndarray, gap: float, options) -> dict:
    """Scores by setting and method."""
    found: dict = {}

    def add(setting, method, pixels, mean, deviation, seconds=0.0):
        own = hidden[pixels]
        which = np.nonzero(own)[0]
        found.setdefault((setting, method), Scores()).add(values[0][pixels][own], mean[own], deviation[own], line[pixels][own],
                                                          block[pixels][which], length[pixels][own], seconds)

    everyone = np.arange(len(block))
    for seed in options.seeds:
        hidden = hide(values[0], days[0], gap, seed)
        shown = [np.where(hidden, np.float32(np.nan), values[0]), *values[1:]]
        line, length = linear(shown[0], days[0]), gap_days(shown[0], days[0])
        sample = Sample(tuple(shown), tuple(days), NAMES, UNITS, everyone, everyone, block)
        seen, unseen = thirds(block, seed)
        settings = {name: parts for name, parts in {"area": (everyone, everyone), "unseen": (seen, unseen)}.items()
                    if name in options.settings}
        others = {"linear": (line, np.full_like(line, np.nan)), **(fills(shown, days) if options.others else {})}
        for setting, (_, asked) in settings.items():
            for method, moments in others.items():
                add(setting, method, asked, *(one[asked] for one in moments))
        for architecture in options.architectures:
            for prior in options.priors if architecture != "mlp" else options.priors[:1]:
                for setting, (taught, asked) in settings.items():
                    start = time.process_time()
                    model = trained(sample.take(taught), Choices(architecture, None, prior, options.epochs, seed))
                    seconds = time.process_time() - start
                    model = model.again(shown, tuple(days), NAMES, seed)
                    for suffix, mean, deviation in told(model, architecture, sample.take(asked)):
                        add(setting, f"{architecture} on {prior}{suffix}", asked, mean, deviation, seconds)
                        seconds = 0.0
    return found


def told(model, architecture: str, sample: Sample):
    """Yield what a model says of a sample, and what else is told beside it: a suffix of its name, mean, standard deviation."""
    (target, *radar), days = sample.values, (sample.days, sample.days[0])
    yield "", *model.moments([target, *radar], *days)
    if architecture == "fusion":
        order = np.random.default_rng(0).permutation(len(sample))
        yield ": its prior", *model.prior.moments([target, *radar], *days)
        yield ", no radar", *model.moments([target, *(np.full_like(one, np.nan) for one in radar)], *days)
        yield ", permuted", *model.moments([target, *(one[order] for one in radar)], *days)


def main() -> None:
    """Print a table per set and gap, seeds pooled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=Path(os.environ.get("PHENOFUSE_SHARED", conftest.ROOT.parent / "shared"), "data"))
    parser.add_argument("--sets", nargs="+", default=["worldcereal_dekad_france", "worldcereal_belgium_cube"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--gaps", type=int, nargs="+", default=list(GAPS))
    parser.add_argument("--architectures", nargs="*", default=["fusion", "bigru", "mlp"])
    parser.add_argument("--priors", nargs="+", default=["scene", "linear"])
    parser.add_argument("--settings", nargs="+", default=["area", "unseen"])
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--others", action=argparse.BooleanOptionalAction, default=True, help="the methods that need no training")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'set':26}{'gap':>4} {'setting':8}{'method':29}{HEADER}")
    for name in options.sets:
        values, days = read(Path(options.folder), name)
        block = blocks(Path(options.folder), name, values)
        for gap in options.gaps:
            for (setting, method), scores in sorted(gathered(values, days, block, gap, options).items(), key=lambda one: one[0][0]):
                print(f"{name:26}{gap:4} {setting:8}{method:29}{scores.row()}", flush=True)


if __name__ == "__main__":
    main()
