"""Scores of a filled scene: in all, by gap length, by month, by level, and by spatial block; tile by tile."""
from __future__ import annotations

import numpy as np

from ..tiles.scores import Comparison, ErrorSums, Score, block_side, compare
from ..timeseries.classes import GAP_LABELS, LEVEL_LABELS, MONTH_LABELS, gap_class, level_of, month_of


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
        self.side = block_side(rows, columns)
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

        The interval is that of a bootstrap of spatial blocks, see `compare`.
        """
        own, others, counts = (self._per_block(name, scores, gap) for name, scores in
                               (("squared", self), ("squared", baseline), ("count", self)))
        return compare(own, others, counts, seed)

    def _per_block(self, name: str, scores: Scores, gap: str | None) -> np.ndarray:
        values = scores._by_block[name].reshape(-1, len(GAP_LABELS))
        return values.sum(axis=1) if gap is None else values[:, GAP_LABELS.index(gap)]
