"""Counts, histograms and correlations of a series, in parts that are merged.

Counts are whole numbers and sums are exact, so that neither the cut into tiles nor their order can change a figure.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..tiles.sums import ExactSums
from ..timeseries.classes import LEVEL_LABELS, calendar_months, level_of, month_of

BINS = 200  # of the variable's range: 0.01 of NDVI
# Radar is paired with the optical date nearest to it, at most half of Sentinel-1's 12-day repeat cycle away.
MOST_OFFSET_DAYS = 6.0
THUMBNAIL = 300  # pixels along the longer side of the small maps


class Relation(NamedTuple):
    """Correlation of a covariate with the target.

    `overall` pools all pairs. `within` is the same after each pixel's own means are taken out: it tells how well the
    covariate follows the target *in time*, which is what filling a gap needs.
    """

    count: int
    overall: float
    within: float
    by_month: tuple
    by_level: tuple


class Statistics:
    """What is known of a series and its covariates so far.

    Parameters
    ----------
    days : (dates,) float
        Of the series.
    rows, columns : int
        Size of the scene.
    valid_range : (low, high)
        Of the histogram.
    covariates : sequence of str
        Names.
    """

    def __init__(self, days: np.ndarray, rows: int, columns: int, valid_range: tuple, covariates: tuple = ()):
        self.days, self.rows, self.columns, self.covariates = days, rows, columns, tuple(covariates)
        self.edges = np.linspace(*valid_range, BINS + 1)
        self.histograms = np.zeros((len(days), BINS), dtype=np.int64)
        self.valid = np.zeros(len(days), dtype=np.int64)
        self.counts = np.zeros(len(days) + 1, dtype=np.int64)  # pixels by number of observations
        self.gaps = np.zeros(int(np.ceil(days[-1] - days[0])) + 1, dtype=np.int64)  # seen pixels by longest gap
        self.step = max(1, -(-max(rows, columns) // THUMBNAIL))
        shape = -(-rows // self.step), -(-columns // self.step)
        self.thumbnails = {name: np.full(shape, np.nan, np.float32) for name in ("observations", "longest gap")}
        self.relations = {name: _Pairs() for name in self.covariates}

    def add(self, values: np.ndarray, covariates: dict, row: int = 0, column: int = 0) -> None:
        """Add a tile.

        Parameters
        ----------
        values : (dates, rows, columns) float
            NaN where missing.
        covariates : dict of str to (dates, rows, columns) float
            Brought to the dates of the series, see `nearest_dates`.
        row, column : int
            Place of the tile's first pixel in the scene.
        """
        seen = np.isfinite(values)
        self.valid += seen.sum(axis=(1, 2))
        for date, layer in enumerate(values):
            self.histograms[date] += np.histogram(layer[seen[date]], self.edges)[0]
        count, longest = observation_counts(values), longest_gaps(values, self.days)
        self.counts += np.bincount(count.ravel(), minlength=len(self.counts))
        self.gaps += np.bincount(np.ceil(longest[count > 0]).astype(int), minlength=len(self.gaps))
        for name, layer in (("observations", count), ("longest gap", longest)):
            self._put(name, np.where(count > 0, layer, np.nan), row, column)
        for name, other in covariates.items():
            self.relations[name].add(values, other, self.days)

    def merge(self, other: Statistics) -> None:
        """Add another part of the same scene."""
        for name in ("histograms", "valid", "counts", "gaps"):
            getattr(self, name)[...] += getattr(other, name)
        for name, small in self.thumbnails.items():
            known = np.isfinite(other.thumbnails[name])
            small[known] = other.thumbnails[name][known]
        for name, pairs in self.relations.items():
            pairs.merge(other.relations[name])

    @property
    def pixels(self) -> int:
        """Pixels of the scene."""
        return self.rows * self.columns

    @property
    def seen_pixels(self) -> int:
        """Pixels with at least one observation."""
        return int(self.counts[1:].sum())

    @property
    def valid_share(self) -> float:
        """Share of all values that are there."""
        return float(self.valid.sum() / (self.pixels * len(self.days)))

    def share_with_gap_over(self, days: float) -> float:
        """Share of the seen pixels whose longest gap is longer than so many days; NaN where nothing was ever seen."""
        return float(self.gaps[int(days) + 1:].sum() / self.seen_pixels) if self.seen_pixels else float("nan")

    def share_with_fewer_than(self, observations: int) -> float:
        """Share of the seen pixels with fewer observations; NaN where nothing was ever seen."""
        return float(self.counts[1:observations].sum() / self.seen_pixels) if self.seen_pixels else float("nan")

    def quantiles(self, shares) -> np.ndarray:
        """Quantiles of the values of each date (shares, dates), to the width of a bin; NaN where nothing was seen."""
        totals = self.histograms.sum(axis=1)
        found = np.full((len(shares), len(self.days)), np.nan)
        middles = (self.edges[1:] + self.edges[:-1]) / 2
        cumulated = self.histograms.cumsum(axis=1)
        for date in np.flatnonzero(totals):
            found[:, date] = middles[np.searchsorted(cumulated[date], np.asarray(shares) * totals[date])]
        return found

    def by_calendar_month(self) -> dict[str, float]:
        """Share of the values that are there, per calendar month of the series; 0 where no date falls in one."""
        months = calendar_months(self.days)
        found = {}
        for month in np.arange(months[0], months[-1] + 1):
            inside = months == month
            found[str(month)] = float(self.valid[inside].sum() / (self.pixels * inside.sum())) if inside.any() else 0.0
        return found

    def relation(self, name: str) -> Relation:
        """How a covariate goes with the series."""
        return self.relations[name].relation()

    def _put(self, name: str, layer: np.ndarray, row: int, column: int) -> None:
        """Put every so-manieth pixel of the scene into the small map."""
        first_row, first_column = -row % self.step, -column % self.step
        picked = layer[first_row::self.step, first_column::self.step]
        top, left = (row + first_row) // self.step, (column + first_column) // self.step
        self.thumbnails[name][top:top + picked.shape[0], left:left + picked.shape[1]] = picked


class _Pairs:
    """Exact sums of pairs of values: pooled by month and level, and within pixels."""

    NAMES = ("count", "x", "y", "xx", "yy", "xy")

    def __init__(self):
        self._pooled = ExactSums(self.NAMES, 12 * len(LEVEL_LABELS))
        self._within = ExactSums(self.NAMES, 1)

    def add(self, target: np.ndarray, other: np.ndarray, days: np.ndarray) -> None:
        both = np.isfinite(target) & np.isfinite(other)
        y, x = (np.where(both, values, 0).astype(float) for values in (target, other))
        months = np.broadcast_to(month_of(days)[:, None, None], both.shape)[both]
        group = months * len(LEVEL_LABELS) + level_of(y[both])
        self._pooled.add(group, **_products(x[both], y[both]))
        count = np.maximum(both.sum(axis=0), 1)
        x, y = ((values - values.sum(axis=0) / count)[both] for values in (x, y))
        self._within.add(np.zeros(x.shape, int), **_products(x, y))

    def merge(self, other: _Pairs) -> None:
        self._pooled.merge(other._pooled)
        self._within.merge(other._within)

    def relation(self) -> Relation:
        groups = np.arange(self._pooled.groups)
        overall = self._pooled.regrouped(groups * 0)
        month = self._pooled.regrouped(groups // len(LEVEL_LABELS))
        level = self._pooled.regrouped(groups % len(LEVEL_LABELS))
        return Relation(round(overall["count"][0]), _correlation(overall), _correlation(self._within),
                        tuple(_correlation(month, group) for group in range(12)),
                        tuple(_correlation(level, group) for group in range(len(LEVEL_LABELS))))


def observation_counts(values: np.ndarray) -> np.ndarray:
    """Number of observations of each pixel (rows, columns)."""
    return np.isfinite(values).sum(axis=0)


def longest_gaps(values: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Longest time without an observation of each pixel, in days (rows, columns), float32.

    The first and the last date of the series bound it too: a pixel never seen has a gap as long as the series.
    """
    day = np.asarray(days, dtype=float)[:, None, None]
    last_seen = np.maximum.accumulate(np.where(np.isfinite(values), day, days[0]), axis=0)
    end = np.broadcast_to(days[-1], (1, *values.shape[1:]))
    return np.diff(last_seen, axis=0, append=end).max(axis=0).astype(np.float32)


def nearest_dates(days: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For each day, the position of the nearest of the others, or -1 where it is too far, and its offset in days."""
    position = np.abs(days[:, None] - others[None, :]).argmin(axis=1)
    offset = others[position] - days
    return np.where(np.abs(offset) <= MOST_OFFSET_DAYS, position, -1), offset


def _products(x: np.ndarray, y: np.ndarray) -> dict:
    return {"count": np.ones_like(x), "x": x, "y": y, "xx": x * x, "yy": y * y, "xy": x * y}


def _correlation(sums: ExactSums, group: int = 0) -> float:
    """Pearson's correlation; NaN with fewer than three pairs or where one of the two does not vary."""
    n, x, y, xx, yy, xy = (sums.whole(name, group) for name in _Pairs.NAMES)
    if sums["count"][group] < 3:
        return float("nan")
    spread_x, spread_y = (n * xx - x * x) / (n * n), (n * yy - y * y) / (n * n)
    if spread_x <= 0 or spread_y <= 0:
        return float("nan")
    return (n * xy - x * y) / (n * n) / (spread_x * spread_y) ** 0.5
