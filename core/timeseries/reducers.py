"""Several pictures become one, pixel by pixel, of what each has seen there."""

from __future__ import annotations

import numpy as np

REDUCERS = ("median", "mean", "min", "max", "count", "first", "last")


def reduced(stack: np.ndarray, how: str, decibels: bool = False) -> np.ndarray:
    """One picture of several.

    Parameters
    ----------
    stack : ndarray, (pictures, rows, columns)
        NaN or infinite where nothing was seen.
    how : str
        One of `REDUCERS`; ``first`` and ``last`` take the first and last picture that has seen the pixel.
    decibels : bool
        Values are decibels, whose means are those of their power.

    Returns
    -------
    ndarray, (rows, columns), float32
        NaN where no picture has seen the pixel; numbers of pictures, with zeros, for ``count``.
    """
    seen = np.isfinite(stack)
    count = seen.sum(axis=0)
    if how == "count":
        return count.astype("float32")
    if how == "mean":
        power = 10.0 ** (stack / 10.0) if decibels else stack
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.where(seen, power, 0).sum(axis=0, dtype="float64") / count
            found = 10 * np.log10(mean) if decibels else mean
    elif how == "median":
        ordered = np.sort(np.where(seen, stack, np.inf), axis=0)
        middle = np.maximum(count - 1, 0) // 2, np.minimum(count // 2, len(stack) - 1)
        low, high = (_at(ordered, place).astype("float64") for place in middle)
        found = np.where(low == high, low, _halfway(low, high, decibels))
    elif how in ("min", "max"):
        found = np.where(seen, stack, np.inf).min(axis=0) if how == "min" else np.where(seen, stack, -np.inf).max(axis=0)
    else:
        found = _at(stack, seen.argmax(axis=0) if how == "first" else len(stack) - 1 - seen[::-1].argmax(axis=0))
    return np.where(count > 0, found, np.nan).astype("float32")


def _at(stack: np.ndarray, place: np.ndarray) -> np.ndarray:
    """From each pixel's pictures the one at a place of its own."""
    return np.take_along_axis(stack, place[None], axis=0)[0]


def _halfway(low: np.ndarray, high: np.ndarray, decibels: bool) -> np.ndarray:
    with np.errstate(invalid="ignore", over="ignore"):
        return 10 * np.log10((10 ** (low / 10) + 10 ** (high / 10)) / 2) if decibels else (low + high) / 2
