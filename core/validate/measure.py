"""One pass over a band: all that the checks need to know of it, in constant memory."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

SAMPLE_SIDE = 128  # pixels: the sample serves medians, correlations and the small maps


@dataclass(frozen=True)
class Measure:
    """What a band holds. Counts and extremes are exact; `sample` holds every n-th row and column.

    Attributes
    ----------
    pixels, finite, infinite : counts
    low, high, mean, deviation : of the finite values; NaN where there is none
    outside : count of finite values outside the variable's range
    at_low, at_high, zero : counts of values exactly at the limits of the range, and exactly 0
    whole : count of whole numbers
    fill, fill_count : the commonest value outside the range, within the sample, and its count there
    sample_outside : count of values outside the range within the sample
    digest : hexadecimal digest of all values
    sample : (rows, columns) float32, infinite as in the file
    """

    pixels: int
    finite: int
    infinite: int
    low: float
    high: float
    mean: float
    deviation: float
    outside: int
    at_low: int
    at_high: int
    zero: int
    whole: int
    fill: float
    fill_count: int
    sample_outside: int
    digest: str
    sample: np.ndarray

    @property
    def valid_share(self) -> float:
        """Share of pixels with a finite value."""
        return self.finite / self.pixels

    @property
    def median(self) -> float:
        """Median of the finite values of the sample, NaN without any."""
        values = self.sample[np.isfinite(self.sample)]
        return float(np.median(values)) if values.size else float("nan")


def measure(strips, shape: tuple, valid_range=None) -> Measure:
    """Measure a band that comes as strips of rows from top to bottom.

    Parameters
    ----------
    strips : iterable of (rows, columns) arrays
    shape : (rows, columns) of the whole band
    valid_range : (low, high), optional
        What the variable can physically be.
    """
    step = max(1, -(-max(shape) // SAMPLE_SIDE))
    low_limit, high_limit = valid_range or (-np.inf, np.inf)
    counts = dict.fromkeys(("finite", "infinite", "outside", "at_low", "at_high", "zero", "whole"), 0)
    lows, highs, total, squares, row, sample = [], [], 0.0, 0.0, 0, []
    digest = hashlib.sha256()
    for strip in strips:
        digest.update(np.ascontiguousarray(strip))
        sample.append(np.asarray(strip[-row % step :: step, ::step], "float32"))
        row += strip.shape[0]
        values = strip[np.isfinite(strip)].astype("float64")
        counts["infinite"] += int(np.isinf(strip).sum())
        counts["finite"] += values.size
        counts["outside"] += int(((values < low_limit) | (values > high_limit)).sum())
        for name, value in (("at_low", low_limit), ("at_high", high_limit), ("zero", 0.0)):
            counts[name] += int((values == value).sum())
        counts["whole"] += int((values == np.round(values)).sum())
        if values.size:
            lows.append(values.min())
            highs.append(values.max())
            total += values.sum()
            squares += (values**2).sum()
    count = counts["finite"]
    mean = total / count if count else float("nan")
    sample = np.concatenate(sample)
    fill, fill_count, sample_outside = _commonest_outside(sample, low_limit, high_limit)
    return Measure(
        pixels=shape[0] * shape[1],
        low=min(lows, default=float("nan")),
        high=max(highs, default=float("nan")),
        mean=mean,
        deviation=float(np.sqrt(max(squares / count - mean**2, 0.0))) if count else float("nan"),
        fill=fill,
        fill_count=fill_count,
        sample_outside=sample_outside,
        digest=digest.hexdigest(),
        sample=sample,
        **counts,
    )


def _commonest_outside(sample: np.ndarray, low: float, high: float) -> tuple:
    finite = sample[np.isfinite(sample)]
    outside = finite[(finite < low) | (finite > high)]
    if not outside.size:
        return float("nan"), 0, 0
    distinct, counts = np.unique(outside, return_counts=True)
    return float(distinct[counts.argmax()]), int(counts.max()), int(outside.size)
