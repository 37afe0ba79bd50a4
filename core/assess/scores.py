"""How far estimates lie from the truth: sums that can be merged, and the scores that follow from them.

A tile adds to sums; sums of tiles are merged; scores are read at the end. Sums are whole numbers
(multiples of 2**-50 in Python integers): adding them never rounds, so neither the cut into tiles
nor their order can change a score.
"""
from __future__ import annotations

from statistics import NormalDist
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr

COVERAGES = (0.50, 0.80, 0.90, 0.95)
_QUANTILES = tuple(NormalDist().inv_cdf(0.5 + share / 2) for share in COVERAGES)

# Classes of gap length in days: upper ends, the last class being open; beyond them the dates before the first and
# after the last observation. Linear interpolation is hard to beat in the first two, and radar pays in the last two.
GAP_EDGES = (10, 20, 40, 80)
GAP_LABELS = ("≤ 10", "11–20", "21–40", "41–80", "> 80", "beyond the ends")
LEVEL_EDGES = (0.2, 0.4, 0.6, 0.8)  # of NDVI: bare, sparse, growing, dense, closed
LEVEL_LABELS = ("below 0.2", "0.2–0.4", "0.4–0.6", "0.6–0.8", "above 0.8")
MONTH_LABELS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

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


class Sums:
    """Exact sums of errors in numbered groups."""

    NAMES = ("count", "error", "absolute", "squared", "truth", "truth_squared", "uncertain", "inside_50", "inside_80",
             "inside_90", "inside_95", "deviation", "crps")
    UNIT = 2.0 ** -50

    def __init__(self, groups: int):
        self._sums = np.zeros((len(self.NAMES), groups), dtype=object)

    def add(self, group: np.ndarray, error: np.ndarray, truth: np.ndarray, deviation: np.ndarray | None = None) -> None:
        """Add values (all 1-D of one length): their group, estimate minus truth, truth, and standard deviation.

        A standard deviation that is missing or negative is left out of the scores of the uncertainty.
        """
        error, truth = error.astype(float), truth.astype(float)
        values = {"count": np.ones_like(error), "error": error, "absolute": np.abs(error), "squared": error ** 2,
                  "truth": truth, "truth_squared": truth ** 2}
        self._add(group, values)
        if deviation is not None:
            known = deviation >= 0
            self._add(group[known], _uncertainty(error[known], deviation[known].astype(float)))

    def merge(self, other: Sums) -> None:
        """Add the sums of another part."""
        self._sums = self._sums + other._sums

    def merged(self, groups: np.ndarray) -> Sums:
        """The same sums in fewer groups: `groups` holds the new number of each."""
        result = Sums(int(groups.max()) + 1)
        for old, new in enumerate(groups):
            result._sums[:, new] += self._sums[:, old]
        return result

    def values(self, name: str) -> np.ndarray:
        """One of the sums, per group, as float."""
        scale = 1.0 if name == "count" else self.UNIT
        return self._sums[self.NAMES.index(name)].astype(float) * scale

    def score(self, group: int = 0) -> Score:
        """The scores of a group."""
        total = dict(zip(self.NAMES, (int(value) for value in self._sums[:, group])))
        n, uncertain = total["count"], total["uncertain"]
        if not n:
            return Score(0, *[float("nan")] * 10)

        def mean(name):
            return total[name] * self.UNIT / n

        def uncertain_mean(name, unit=1.0):
            return total[name] * unit / uncertain if uncertain else float("nan")

        # n * sum(t^2) - sum(t)^2 in whole numbers, so that nothing cancels.
        spread = (n * (total["truth_squared"] << 50) - total["truth"] ** 2) / (n * n) * self.UNIT ** 2
        return Score(n, mean("squared") ** 0.5, mean("absolute"), mean("error"),
                     1 - mean("squared") / spread if spread > 0 else float("nan"),
                     uncertain_mean("crps", self.UNIT),
                     *(uncertain_mean(f"inside_{share * 100:.0f}") for share in COVERAGES),
                     2 * _QUANTILES[2] * uncertain_mean("deviation", self.UNIT))

    def _add(self, group: np.ndarray, values: dict) -> None:
        groups = self._sums.shape[1]
        for name, value in values.items():
            counted = value.dtype == bool or name in ("count", "uncertain")
            sums = _counts(group, value, groups) if counted else _exact_sums(group, value, groups)
            self._sums[self.NAMES.index(name)] += np.array(sums, dtype=object)


class Scores:
    """Scores of one method over a scene: in all, by gap length, by month, by level, and by spatial block.

    Parameters
    ----------
    rows, columns : int
        Size of the scene.
    valid_range : (low, high), optional
        Of the variable, for the joint histogram; NDVI's by default.
    """

    BINS = 200

    def __init__(self, rows: int, columns: int, valid_range: tuple = (-1.0, 1.0)):
        self.side = max(1, round((rows * columns) ** 0.5 / BLOCKS_PER_SIDE))
        self._across = -(-columns // self.side)
        blocks = self._across * -(-rows // self.side)
        self._by_block = Sums(blocks * len(GAP_LABELS))  # group = block * classes + class
        self._by_month = Sums(12)
        self._by_level = Sums(len(LEVEL_LABELS))
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
                  (self._by_month, month_of(days)[date]), (self._by_level, np.digitize(true, LEVEL_EDGES)))
        for sums, group in groups:
            sums.add(group, error, true, spread)
        self.pairs += np.histogram2d(true, guess, [self.edges, self.edges])[0].astype(np.int64)

    def merge(self, other: Scores) -> None:
        """Add the scores of another part of the same scene."""
        for name in ("_by_block", "_by_month", "_by_level"):
            getattr(self, name).merge(getattr(other, name))
        self.pairs += other.pairs
        self.missing += other.missing

    def overall(self) -> Score:
        """Of all values."""
        return self._by_block.merged(np.zeros(self._groups, dtype=int)).score()

    def by_gap(self) -> dict[str, Score]:
        """Per class of gap length."""
        sums = self._by_block.merged(np.arange(self._groups) % len(GAP_LABELS))
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

    @property
    def _groups(self) -> int:
        return self._by_block.values("count").size

    def _per_block(self, name: str, scores: Scores, gap: str | None) -> np.ndarray:
        values = scores._by_block.values(name).reshape(-1, len(GAP_LABELS))
        return values.sum(axis=1) if gap is None else values[:, GAP_LABELS.index(gap)]


def gap_class(days: np.ndarray) -> np.ndarray:
    """Number of the class of each gap length, as in ``GAP_LABELS``."""
    return np.where(np.isinf(days), len(GAP_LABELS) - 1, np.digitize(days, GAP_EDGES, right=True))


def month_of(days: np.ndarray) -> np.ndarray:
    """Month, 0 to 11, of days since 1970-01-01."""
    return np.floor(days).astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12


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


def _uncertainty(error: np.ndarray, deviation: np.ndarray) -> dict:
    inside = {f"inside_{share * 100:.0f}": np.abs(error) <= quantile * deviation
              for share, quantile in zip(COVERAGES, _QUANTILES)}
    return {"uncertain": np.ones_like(error), **inside, "deviation": deviation,
            "crps": gaussian_crps(error, deviation)}


# bincount adds in float64, which is exact for whole numbers below 2**53: with this many values at once, the two
# halves of any value below 2**17 (an error of 360 squared) stay there.
_VALUES_AT_ONCE = 2 ** 16


def _exact_sums(group: np.ndarray, values: np.ndarray, groups: int) -> list[int]:
    """Sums per group of the values, each rounded to the nearest multiple of 2**-50, in that unit."""
    total = [0] * groups
    for start in range(0, len(values), _VALUES_AT_ONCE):
        part = slice(start, start + _VALUES_AT_ONCE)
        high = np.rint(values[part] * 2.0 ** 20)
        low = np.rint((values[part] - high * 2.0 ** -20) * 2.0 ** 50)
        sums = (np.bincount(group[part], half, groups) for half in (high, low))
        total = [before + (int(coarse) << 30) + int(fine) for before, coarse, fine in zip(total, *sums)]
    return total


def _counts(group: np.ndarray, chosen: np.ndarray, groups: int) -> list[int]:
    return np.bincount(group[chosen.astype(bool)], minlength=groups).tolist()
