"""Linear interpolation in time: the baseline, and a strong one for short gaps."""
from __future__ import annotations

import numpy as np

VALUES_AT_ONCE = 2 ** 20  # keeps the helper arrays near 50 MB; larger pieces are no faster


def interpolate(days: np.ndarray, values: np.ndarray, at: np.ndarray | None = None) -> np.ndarray:
    """Interpolate every pixel's series linearly between its observations.

    Before the first and after the last observation the nearest one is repeated, as ``numpy.interp`` does.

    Parameters
    ----------
    days : (dates,) float
        Strictly increasing.
    values : (dates, ...) float
        NaN where nothing was observed.
    at : (wanted,) float, optional
        Days to interpolate to, increasing; by default `days`, where observations come back unchanged.

    Returns
    -------
    (wanted, ...) float64
        NaN only where a pixel has no observation at all.
    """
    days = np.asarray(days, dtype=float)
    at = days if at is None else np.asarray(at, dtype=float)
    series = values.reshape(len(days), -1)
    result = np.empty((len(at), series.shape[1]))
    step = max(1, VALUES_AT_ONCE // len(days))
    for start in range(0, series.shape[1], step):
        part = slice(start, start + step)
        result[:, part] = _interpolate(days, series[:, part], at)
    return result.reshape((len(at), *values.shape[1:]))


def _interpolate(days: np.ndarray, values: np.ndarray, at: np.ndarray) -> np.ndarray:
    low, high = _surrounding(np.isfinite(values), days, at)
    first, last = (np.take_along_axis(values, index, axis=0).astype(float) for index in (low, high))
    span = days[high] - days[low]
    apart = span > 0
    slope = np.divide(last - first, span, out=np.zeros_like(first), where=apart)
    return slope * np.where(apart, at[:, None] - days[low], 0.0) + first


def _surrounding(observed: np.ndarray, days: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Indices of the observations before and after each wanted day; both the nearest one beyond the ends.

    Of a pixel that was never observed they point at some missing value.
    """
    count = len(days)
    index = np.arange(count, dtype=np.int32)[:, None]
    before = np.maximum.accumulate(np.where(observed, index, -1), axis=0)
    after = np.minimum.accumulate(np.where(observed, index, count)[::-1], axis=0)[::-1]
    none = np.full((1, observed.shape[1]), -1), np.full((1, observed.shape[1]), count)
    # Of each wanted day: the last date not after it and the first date not before it.
    low = np.concatenate([none[0], before])[np.searchsorted(days, at, side="right")]
    high = np.concatenate([after, none[1]])[np.searchsorted(days, at, side="left")]
    low, high = np.where(low < 0, high, low), np.where(high >= count, low, high)
    return np.minimum(low, count - 1), np.maximum(high, 0)
