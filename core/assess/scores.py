"""How far estimates lie from the truth: sums that can be merged, and the scores that follow from them.

A tile adds to sums; sums of tiles are merged; scores are read at the end. The sums are exact, so
that neither the cut into tiles nor their order can change a score.
"""
from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

from ..tiles.sums import ExactSums
from ..timeseries.classes import LEVEL_LABELS, MONTH_LABELS, level_of, month_of

COVERAGES = (0.50, 0.80, 0.90, 0.95)
_QUANTILES = tuple(NormalDist().inv_cdf(0.5 + share / 2) for share in COVERAGES)

# Classes of gap length in days: upper ends, the last class being open; beyond them the dates before the first and
# after the last observation. Linear interpolation is hard to beat in the first two, and radar pays in the last two.
GAP_EDGES = (10, 20, 40, 80)
GAP_LABELS = ("≤ 10", "11–20", "21–40", "41–80", "> 80", "beyond the ends")

BLOCKS_PER_SIDE = 10  # the scene is cut into about a hundred blocks, enough to draw from and each as large as can be
# Efron & Tibshirani 1993, "An Introduction to the Bootstrap": a thousand or more for percentile intervals.
BOOTSTRAP_ROUNDS = 2000


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
                  for share, quantile in zip(COVERAGES, _QUANTILES)}
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
                     *coverage, 2 * _QUANTILES[2] * mean("deviation", uncertain))


class Scores:
    """Scores of one method over a scene: in all, by gap length, by month, by level, and by spatial block.

    Parameters
    ----------
    rows, columns : int
        Size of the scene.
    valid_range : (low, high), optional
        Of the variable, for the joint histogram; NDVI's by default.
    """

    BINS = 100

    def __init__(self, rows: int, columns: int, valid_range: tuple = (-1.0, 1.0)):
        self.side = max(1, round((rows * columns) ** 0.5 / BLOCKS_PER_SIDE))
        self._across = -(-columns // self.side)
        blocks = self._across * -(-rows // self.side)
        self._by_block = ErrorSums(blocks * len(GAP_LABELS))  # group = block * classes + class
        self._by_month = ErrorSums(12)
        self._by_level = ErrorSums(len(LEVEL_LABELS))
        self.edges = np.linspace(*valid_range, self.BINS + 1)
        self.pairs = np.zeros((self.BINS, self.BINS), dtype=np.int64)  # (truth, estimate)
        self.missing = 0

    def add(self, estimate: np.ndarray, truth: np.ndarray, days: np.ndarray, gaps: np.ndarray,
            deviation: np.ndarray | None = None, row: int = 0, column: int = 0) -> None:
        """Add the values of a tile.

        Parameters
        ----------
        estimate, truth : (dates, rows, columns) float
            Scored where both are finite; a true value without an estimate counts as missing.
        days : (dates,) float
            Days since 1970-01-01.
        gaps : (dates, rows, columns) float
            Gap length in days, see `gaps.gap_lengths`.
        deviation : (dates, rows, columns) float, optional
            Predictive standard deviation of the estimate.
        row, column : int
            Place of the tile's first pixel in the scene.
        """
        asked = np.isfinite(truth)
        scored = asked & np.isfinite(estimate)
        self.missing += int(asked.sum() - scored.sum())
        date, r, c = np.nonzero(scored)
        true = truth[scored].astype(float)
        guess = estimate[scored].astype(float)
        error = guess - true
        spread = None if deviation is None else deviation[scored]
        block = (r + row) // self.side * self._across + (c + column) // self.side
        groups = ((self._by_block, block * len(GAP_LABELS) + gap_class(gaps[scored])),
                  (self._by_month, month_of(days)[date]), (self._by_level, level_of(true)))
        for sums, group in groups:
            sums.add_errors(group, error, true, spread)
        self.pairs += np.histogram2d(true, guess, [self.edges, self.edges])[0].astype(np.int64)

    def merge(self, other: Scores) -> None:
        """Add the scores of another part of the same scene."""
        for name in ("_by_block", "_by_month", "_by_level"):
            getattr(self, name).merge(getattr(other, name))
        self.pairs += other.pairs
        self.missing += other.missing

    def overall(self) -> Score:
        """Of all values."""
        return self._by_block.regrouped(np.zeros(self._by_block.groups, dtype=int)).score()

    def by_gap(self) -> dict[str, Score]:
        """Per class of gap length."""
        sums = self._by_block.regrouped(np.arange(self._by_block.groups) % len(GAP_LABELS))
        return {label: sums.score(group) for group, label in enumerate(GAP_LABELS)}

    def by_month(self) -> dict[str, Score]:
        """Per month of the year."""
        return {label: self._by_month.score(group) for group, label in enumerate(MONTH_LABELS)}

    def by_level(self) -> dict[str, Score]:
        """Per class of the true value (NDVI)."""
        return {label: self._by_level.score(group) for group, label in enumerate(LEVEL_LABELS)}

    def compared(self, baseline: Scores, gap: str | None = None, seed: int = 0) -> Comparison:
        """This method against a baseline scored on the same values, in all or in one class of gap length.

        The interval is that of a bootstrap of spatial blocks: neighbouring pixels err alike, so that
        drawing single pixels would make it far too narrow (Roberts et al. 2017, Ecography 40:913).
        """
        own, others, counts = (self._per_block(name, scores, gap) for name, scores in
                               (("squared", self), ("squared", baseline), ("count", self)))
        used = counts > 0
        own, others = own[used], others[used]
        if not used.any() or others.sum() <= 0:
            return Comparison(*[float("nan")] * 4)
        ratio = (own.sum() / others.sum()) ** 0.5
        draws = np.random.Generator(np.random.Philox(seed)).multinomial(
            len(own), np.full(len(own), 1 / len(own)), size=BOOTSTRAP_ROUNDS)
        below = draws @ others
        drawn = np.sqrt((draws @ own)[below > 0] / below[below > 0])
        lower, upper = np.percentile(drawn, (2.5, 97.5)) if len(own) > 1 else (float("nan"),) * 2
        return Comparison(float(ratio), float(lower), float(upper), float(1 - ratio ** 2))

    def _per_block(self, name: str, scores: Scores, gap: str | None) -> np.ndarray:
        values = scores._by_block[name].reshape(-1, len(GAP_LABELS))
        return values.sum(axis=1) if gap is None else values[:, GAP_LABELS.index(gap)]


def gap_class(days: np.ndarray) -> np.ndarray:
    """Number of the class of each gap length, as in ``GAP_LABELS``."""
    return np.where(np.isinf(days), len(GAP_LABELS) - 1, np.digitize(days, GAP_EDGES, right=True))


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
