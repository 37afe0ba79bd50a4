"""How far estimates lie from the truth: sums that can be merged, and the scores that follow from them.

A tile adds to sums; sums of tiles are merged; scores are read at the end. The sums are exact, so
that neither the cut into tiles nor their order can change a score.
"""
from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from .sums import ExactSums

COVERAGES = (0.50, 0.80, 0.90, 0.95)
QUANTILES = tuple(NormalDist().inv_cdf(0.5 + share / 2) for share in COVERAGES)
# 90 % intervals are called honest when they hold this share of true values: the range in which a user would not
# decide otherwise than with exact ones.
HONEST = (0.85, 0.95)
# Efron & Tibshirani 1993, "An Introduction to the Bootstrap": a thousand or more for percentile intervals.
BOOTSTRAP_ROUNDS = 2000
BLOCKS_PER_SIDE = 10  # a scene is cut into about a hundred blocks, enough to draw from and each as large as can be


class Score(NamedTuple):
    """Scores of one group of values; NaN where there is nothing to score.

    `bias` is estimate minus truth. `r2` is 1 - SSE / SST about the mean of the group's true values. Of the
    uncertainty: `crps` (of a Gaussian; in the units of the values), the share of true values inside the central
    intervals, and the mean width of the 90 % interval.
    """

    count: int
    rmse: float
    mae: float
    bias: float
    r2: float
    crps: float
    coverage_50: float
    coverage_80: float
    coverage_90: float
    coverage_95: float
    width_90: float


class Comparison(NamedTuple):
    """RMSE of a method over that of the baseline on the same values, with its 95 % interval, and the skill."""

    ratio: float
    lower: float
    upper: float
    skill: float


class ErrorSums(ExactSums):
    """Sums of errors in numbered groups, and the scores that follow from them."""

    NAMES = ("count", "error", "absolute", "squared", "truth", "truth_squared", "uncertain", "deviation", "crps",
             *(f"inside_{share * 100:.0f}" for share in COVERAGES))

    def __init__(self, groups: int):
        super().__init__(self.NAMES, groups)

    def add_errors(self, group: np.ndarray, error: np.ndarray, truth: np.ndarray,
                   deviation: np.ndarray | None = None) -> None:
        """Add values (all 1-D of one length): their group, estimate minus truth, truth, and standard deviation.

        A standard deviation that is missing or negative is left out of the scores of the uncertainty.
        """
        self.add(group, count=np.ones_like(error), error=error, absolute=np.abs(error), squared=error ** 2,
                 truth=truth, truth_squared=truth ** 2)
        if deviation is None:
            return
        known = deviation >= 0
        group, error, deviation = group[known], error[known], deviation[known].astype(float)
        inside = {f"inside_{share * 100:.0f}": np.abs(error) <= quantile * deviation
                  for share, quantile in zip(COVERAGES, QUANTILES)}
        self.add(group, uncertain=np.ones_like(error), deviation=deviation,
                 crps=gaussian_crps(error, deviation), **inside)

    def score(self, group: int = 0) -> Score:
        """The scores of a group."""
        n, uncertain = self.whole("count", group), self.whole("uncertain", group)
        if not n:
            return Score(0, *[float("nan")] * 10)

        def mean(name, of=n):
            return self.whole(name, group) / of if of else float("nan")

        # n * sum(t^2) - sum(t)^2 in whole numbers, so that nothing cancels.
        spread = (n * self.whole("truth_squared", group) - self.whole("truth", group) ** 2) / (n * n)
        coverage = (mean(f"inside_{share * 100:.0f}", uncertain) for share in COVERAGES)
        return Score(round(self["count"][group]), mean("squared") ** 0.5, mean("absolute"), mean("error"),
                     1 - mean("squared") / spread if spread > 0 else float("nan"), mean("crps", uncertain),
                     *coverage, 2 * QUANTILES[2] * mean("deviation", uncertain))


def block_side(rows: int, columns: int) -> int:
    """Side in pixels of the blocks that a scene is cut into for `compare`."""
    return max(1, round((rows * columns) ** 0.5 / BLOCKS_PER_SIDE))


def compare(squared: np.ndarray, baseline: np.ndarray, counts: np.ndarray, seed: int = 0) -> Comparison:
    """A method against a baseline on the same values.

    The interval is that of a paired bootstrap of spatial blocks: neighbouring pixels err alike, so that
    drawing single pixels would make it far too narrow (Roberts et al. 2017, Ecography 40:913).

    Parameters
    ----------
    squared, baseline : (blocks,) float
        Sums of the squared errors of the method and of the baseline in each block.
    counts : (blocks,) float
        Number of values in each block; those without any are left out.
    seed : int
        Of the bootstrap.
    """
    used = counts > 0
    own, others = squared[used], baseline[used]
    if not used.any() or others.sum() <= 0:
        return Comparison(*[float("nan")] * 4)
    ratio = (own.sum() / others.sum()) ** 0.5
    draws = np.random.Generator(np.random.Philox(seed)).multinomial(
        len(own), np.full(len(own), 1 / len(own)), size=BOOTSTRAP_ROUNDS)
    below = draws @ others
    drawn = np.sqrt((draws @ own)[below > 0] / below[below > 0])
    lower, upper = np.percentile(drawn, (2.5, 97.5)) if len(own) > 1 else (float("nan"),) * 2
    return Comparison(float(ratio), float(lower), float(upper), float(1 - ratio ** 2))


def gaussian_crps(error: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of a Gaussian forecast, in the units of the values; smaller is better.

    ``s * (z * (2 Phi(z) - 1) + 2 phi(z) - 1 / sqrt(pi))`` with z = error / s (Gneiting & Raftery 2007, JASA 102:359,
    equation 21, with the sign turned). For a standard deviation of zero it is the absolute error.
    """
    sure = deviation <= 0
    scale = np.where(sure, 1.0, deviation)
    z = error / scale
    density = np.exp(-z ** 2 / 2) / np.sqrt(2 * np.pi)
    return np.where(sure, np.abs(error), scale * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / np.sqrt(np.pi)))
