"""Two simple ways to fill, from the observations near a date: straight lines, and local parabolas on uneven dates; compiled.

Savitzky & Golay (1964, Analytical Chemistry 36:1627) fit a polynomial to the points around each date by least squares; on even
dates that is a fixed filter, on uneven ones the fit is made for each date. A line joins the observation before to the one after.

Both are sums of observations with weights l. A gap adds the wander of a Brownian bridge, of which a line is the mean, so

    variance of a clear observation = noise (1 + sum l^2) + wander a b / (a + b),

a and b the days to the observations before and after. `typical` holds noise and wander, from leave-one-out errors.
"""
from __future__ import annotations

import numpy as np
from numba import njit

from ..timeseries.filling import LEAST_OBSERVATIONS
from .pixels import bounds, gather

# So many observations on each side belong to a parabola at least, however far: with fewer it follows noise into a gap.
SIDE = 3


@njit(cache=True, nogil=True)
def _before(days, count, at):
    """How many observations lie on or before a day."""
    found = 0
    while found < count and days[found] <= at:
        found += 1
    return found


@njit(cache=True, nogil=True)
def _bridge(days, count, at, before):
    """a b / (a + b), or the distance to the only side; `before` observations lie on or before the day."""
    if before == 0:
        return days[0] - at
    if before == count:
        return at - days[count - 1]
    a, b = at - days[before - 1], days[before] - at
    return a * b / (a + b)


@njit(cache=True, nogil=True)
def _line(days, values, weights, count, at, before):
    """Value of the line at a day, and the sum of its squared weights over those of the observations."""
    first, last = max(before - 1, 0), min(before, count - 1)
    share = 0.0 if first == last else (at - days[first]) / (days[last] - days[first])
    value = values[first] + share * (values[last] - values[first])
    if share == 0.0:
        return value, 1.0 / weights[first]
    return value, (1.0 - share) ** 2 / weights[first] + share ** 2 / weights[last]


@njit(cache=True, nogil=True)
def _parabola(days, values, weights, count, at, before, half):
    """The same of a parabola through the observations within `half` days, and through `SIDE` on each side at least."""
    first, last = max(before - SIDE, 0), min(before + SIDE, count)
    while first > 0 and days[first - 1] >= at - half:
        first -= 1
    while last < count and days[last] <= at + half:
        last += 1
    width = max(at - days[first], days[last - 1] - at, 1.0)
    s0 = s1 = s2 = s3 = s4 = r0 = r1 = r2 = 0.0
    for i in range(first, last):
        x, w = (days[i] - at) / width, weights[i]
        s0, s1, s2, s3, s4 = s0 + w, s1 + w * x, s2 + w * x * x, s3 + w * x ** 3, s4 + w * x ** 4
        r0, r1, r2 = r0 + w * values[i], r1 + w * x * values[i], r2 + w * x * x * values[i]
    a, b, c = s2 * s4 - s3 * s3, s2 * s3 - s1 * s4, s1 * s3 - s2 * s2  # first row of the adjugate
    determinant = s0 * a + s1 * b + s2 * c
    if last - first < 3 or determinant <= 1e-12 * s0 * s2 * s4:
        return _line(days, values, weights, count, at, before)
    return (a * r0 + b * r1 + c * r2) / determinant, a / determinant


@njit(cache=True, nogil=True)
def _at(parabola, days, values, weights, count, at, half):
    """Value, sum of squared weights and bridge at a day."""
    before = _before(days, count, at)
    value, square = (_parabola(days, values, weights, count, at, before, half) if parabola
                     else _line(days, values, weights, count, at, before))
    return value, square, _bridge(days, count, at, before)


@njit(cache=True, nogil=True)
def left_out(parabola, series, given, days, half, error, square, bridge):
    """Of each observation left out: the error at it, sum of squared weights, and bridge; NaN where nothing was left out."""
    where = np.empty(len(days), np.int64)
    own_days, values, weights, other_days, other_values, other_weights = np.empty((6, len(days)))
    for pixel in range(len(series)):
        error[pixel], square[pixel], bridge[pixel] = np.nan, np.nan, np.nan
        count = gather(series[pixel], given[pixel], days, where, own_days, values, weights)
        if count <= LEAST_OBSERVATIONS:
            continue
        for one in range(1, count - 1):
            kept = 0
            for i in range(count):
                if i != one:
                    other_days[kept], other_values[kept], other_weights[kept] = own_days[i], values[i], weights[i]
                    kept += 1
            t = where[one]
            value, square[pixel, t], bridge[pixel, t] = _at(parabola, other_days, other_values, other_weights, kept, days[t], half)
            error[pixel, t] = values[one] - value
            square[pixel, t] += 1.0 / weights[one] - 1.0


@njit(cache=True, nogil=True)
def fit_pixels(parabola, series, given, days, output_days, half, mean, square, bridge):
    """Values within `bounds`, sums of squared weights and bridges at the output days; NaN with too few observations."""
    where = np.empty(len(days), np.int64)
    own_days, values, weights = np.empty((3, len(days)))
    for pixel in range(len(series)):
        mean[pixel], square[pixel], bridge[pixel] = np.nan, np.nan, np.nan
        count = gather(series[pixel], given[pixel], days, where, own_days, values, weights)
        if count < LEAST_OBSERVATIONS:
            continue
        low, high = bounds(values, count)
        for t in range(len(output_days)):
            value, square[pixel, t], bridge[pixel, t] = _at(parabola, own_days, values, weights, count, output_days[t], half)
            mean[pixel, t] = min(max(value, low), high)
