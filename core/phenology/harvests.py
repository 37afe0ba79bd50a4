"""Sudden drops of a series: mowing and harvest.

A drop is a fall from a peak to a valley that stand out (as in `division`), with a part in it that is large and fast enough:
the idea and the default limits are those of FuseTS' `peakvalley`, on true dates. Nothing is smoothed: a cut is sudden.
"""
from __future__ import annotations

import math

import numpy as np
from numba import njit

from .division import known_dates, prune, turning_points

LEAST_DROP = 0.15
LEAST_RATE = 0.007  # a day


def find(values, days, most: int, least_drop: float = LEAST_DROP, least_rate: float = LEAST_RATE) -> np.ndarray:
    """Days of the drops of many pixels.

    Parameters
    ----------
    values : (pixels, dates) array
        NaN where unknown; such dates are left out.
    days : (dates,) array
        Increasing.
    most : int
        So many are kept, the first in time.
    least_drop : float
        Smaller drops are none, and smaller rebounds do not end one.
    least_rate : float
        Slower drops are none, in value a day.

    Returns
    -------
    (pixels, most) float32
        The middle of the fastest part of each drop, in days since 1970-01-01; NaN where there are fewer.
    """
    values, days = np.ascontiguousarray(values, np.float64), np.ascontiguousarray(days, np.float64)
    out = np.full((len(values), most), np.nan, np.float32)
    _pixels(values, days, float(least_drop), float(least_rate), out)
    return out


@njit(cache=True, nogil=True)
def _pixels(values, days, least_drop, least_rate, out):
    dates = len(days)
    none = np.zeros(dates)
    place, found = np.empty(dates, np.int64), np.empty(dates + 1, np.int64)
    for pixel in range(len(values)):
        n = known_dates(values[pixel], place)
        if n < 2:
            continue
        at, y = days[place[:n]], values[pixel][place[:n]]
        points = prune(y, at, none, turning_points(y, n, found), found, least_drop, 0.0)
        events = 0
        for k in range(points - 1):
            day = _fastest(y, at, found[k], found[k + 1], least_drop, least_rate)
            if math.isfinite(day) and events < out.shape[1]:
                out[pixel, events] = day
                events += 1


@njit(cache=True, nogil=True)
def _fastest(y, days, first, last, least_drop, least_rate):
    """Middle of the fastest part of a fall that is large enough; NaN where none is fast enough."""
    day, fastest = math.nan, least_rate
    for i in range(first, last):
        for j in range(i + 1, last + 1):
            rate = (y[i] - y[j]) / (days[j] - days[i])
            if y[i] - y[j] >= least_drop and rate >= fastest:
                day, fastest = 0.5 * (days[i] + days[j]), rate
    return day
