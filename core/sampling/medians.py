"""Medians of pixels that may weigh differently."""

from __future__ import annotations

import numpy as np


def medians(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The value with half of the weight on either side, at each date; where two values are it, their mean.

    Parameters
    ----------
    values : (dates, pixels)
        NaN where missing.
    weights : (pixels,)

    Returns
    -------
    ndarray, (dates,), float64
        NaN where nothing is known.
    """
    if not values.shape[1]:
        return np.full(len(values), np.nan)
    order = np.argsort(values, axis=1, kind="stable")  # missing ones last
    ordered = np.take_along_axis(values, order, axis=1).astype(float)
    reached = np.cumsum(np.where(np.isfinite(ordered), weights[order], 0), axis=1)
    half = reached[:, -1:] / 2
    tolerance = 1e-9 * half  # sums of shares of pixels are rounded
    low = (reached >= half - tolerance).argmax(axis=1)
    high = (reached > half + tolerance).argmax(axis=1)
    rows = np.arange(len(values))
    found = 0.5 * (ordered[rows, low] + ordered[rows, high])
    return np.where(reached[:, -1] > 0, found, np.nan)
