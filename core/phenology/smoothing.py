"""The curve that is measured: local parabolas at the true dates.

At each date a parabola is fitted to the values around it by least squares with tricube weights (Cleveland 1979, Journal of
the American Statistical Association 74, 829-836); on even dates that is a Savitzky-Golay filter (1964). It flattens no peak
that is a parabola, and where dates are sparse it goes through the values.
"""
from __future__ import annotations

import numpy as np
from numba import njit

# A parabola through fewer values is no smoothing.
LEAST_VALUES = 4


@njit(cache=True, nogil=True)
def weights(days, count, width, first, table):
    """Weights of the values around each date.

    Parameters
    ----------
    days : (count,) float64
    count : int
    width : float
        Values less than so many days away count.
    first : (count,) int64
        Written: the first value that counts for each date.
    table : (count, at least count) float64
        Written: weights of the values from `first` on; zeros after the last.

    Returns
    -------
    int
        Most values that count for any date.
    """
    most = 1
    low = 0
    for i in range(count):
        while low < i and days[i] - days[low] >= width:
            low += 1
        high = i + 1
        while high < count and days[high] - days[i] < width:
            high += 1
        near = high - low
        table[i, :] = 0.0
        if near < LEAST_VALUES:
            first[i] = i
            table[i, 0] = 1.0
            continue
        first[i] = low
        s0, s1, s2, s3, s4 = 0.0, 0.0, 0.0, 0.0, 0.0
        for j in range(low, high):
            x = (days[j] - days[i]) / width
            w = (1.0 - abs(x) ** 3) ** 3
            table[i, j - low] = w
            s0 += w
            s1 += w * x
            s2 += w * x * x
            s3 += w * x**3
            s4 += w * x**4
        # First row of the inverse of [[s0, s1, s2], [s1, s2, s3], [s2, s3, s4]]: the parabola's value at x = 0.
        a, b, c = s2 * s4 - s3 * s3, s2 * s3 - s1 * s4, s1 * s3 - s2 * s2
        determinant = s0 * a + s1 * b + s2 * c
        for j in range(low, high):
            x = (days[j] - days[i]) / width
            table[i, j - low] *= (a + b * x + c * x * x) / determinant
        most = max(most, near)
    return most


@njit(cache=True, nogil=True)
def smooth(values, count, first, table, most, curve):
    """Write the weighted sums of `values` to `curve`; both (count,) float64."""
    for i in range(count):
        total = 0.0
        for j in range(min(most, count - first[i])):
            total += table[i, j] * values[first[i] + j]
        curve[i] = total


def smoothed(values, days, width):
    """The smoothed curve of one series without missing values, (dates,) float64."""
    values, days = np.ascontiguousarray(values, float), np.ascontiguousarray(days, float)
    count = len(days)
    first, table, curve = np.empty(count, np.int64), np.empty((count, count)), np.empty(count)
    smooth(values, count, first, table, weights(days, count, float(width), first, table), curve)
    return curve
