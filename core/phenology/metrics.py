"""Measuring one season of a curve, after TIMESAT (Jonsson & Eklundh 2004, Computers & Geosciences 30, 833-845).

A season reaches from the valley before its peak to the valley after it. Start and end lie where the curve passes a level on
either side, or changes fastest; between dates the curve is straight. Base is the mean of both valleys, amplitude the peak
minus base. The large integral is that of the curve from start to end, the small one that above the base, both in value
times days. The rates are those between 20 and 80 % of the rise and of the fall.
"""
from __future__ import annotations

import math

from numba import njit

AMPLITUDE, ABSOLUTE, DERIVATIVE, LOGISTIC = 0, 1, 2, 3
METHODS = {"amplitude": AMPLITUDE, "absolute": ABSOLUTE, "derivative": DERIVATIVE, "logistic": LOGISTIC}

START, PEAK, END, LENGTH, AMPLITUDE_OF_SEASON, BASE, PEAK_VALUE, LARGE_INTEGRAL, SMALL_INTEGRAL, RISE, FALL = range(11)
COUNT = 11
DATES = 3  # the first three are dates

# A side that changes by less than this share of its height in its outer third has come to its valley; a straight one changes by
# a third, and the tail of a logistic by a seventh where a hundredth of its height is still to come.
STILL_MOVING = 0.15
# Halvings of the interval between two dates: to within a minute of 16 days.
HALVINGS = 15
LOW, HIGH = 0.2, 0.8  # of the amplitude, between which the rates are taken


@njit(cache=True, nogil=True)
def measure(curve, days, left, peak, right, cut_left, cut_right, method, threshold, out):
    """Measure one season; parameters as of `measure_dates`.

    Parameters
    ----------
    out : (COUNT,)
        Written; NaN where there is none.
    """
    out[:] = math.nan
    base_left, base_right, top = measure_dates(curve, days, left, peak, right, cut_left, cut_right, method, threshold, out)
    out[PEAK_VALUE] = top
    out[BASE] = 0.5 * (base_left + base_right)
    out[AMPLITUDE_OF_SEASON] = top - out[BASE]
    out[RISE] = _rate(curve, days, peak, left, base_left, top)
    out[FALL] = _rate(curve, days, peak, right, base_right, top)
    if math.isfinite(out[START] + out[END]):
        out[LENGTH] = out[END] - out[START]
        out[LARGE_INTEGRAL] = _integral(curve, days, left, right, out[START], out[END])
        out[SMALL_INTEGRAL] = out[LARGE_INTEGRAL] - out[BASE] * out[LENGTH]


@njit(cache=True, nogil=True)
def measure_dates(curve, days, left, peak, right, cut_left, cut_right, method, threshold, out):
    """Start, peak and end of one season.

    Parameters
    ----------
    curve, days : (dates,) float64
    left, peak, right : int
        Positions of the valley before, the peak, the valley after.
    cut_left, cut_right : bool
        The series ends there while the season still rises or falls: the valley on that side is none. The other one is the
        base where it is lower; where both are cut there is no base.
    method : int
        AMPLITUDE or LOGISTIC: `threshold` is a share of the amplitude of each side. ABSOLUTE: a value. DERIVATIVE: not used.
    threshold : float
    out : (DATES or more,)
        START, PEAK and END are written; NaN where there is none.

    Returns
    -------
    tuple of float
        Base before, base after, value of the peak.
    """
    base_left, base_right = curve[left], curve[right]
    if cut_left and cut_right:
        base_left = base_right = math.nan
    elif cut_left:
        base_left = min(base_left, base_right)
    elif cut_right:
        base_right = min(base_left, base_right)
    before, after = max(peak - 1, 0), min(peak + 1, len(days) - 1)
    out[PEAK], top = _vertex(days[before], days[peak], days[after], curve[before], curve[peak], curve[after])
    if method == DERIVATIVE:
        out[START], out[END] = _steepest(curve, days, left, peak), _steepest(curve, days, peak, right)
        if cut_left and out[START] < days[left + 1]:  # it may be steeper still before the series
            out[START] = math.nan
        if cut_right and out[END] > days[right - 1]:
            out[END] = math.nan
        return base_left, base_right, top
    level_left = level_right = threshold
    if method != ABSOLUTE:
        level_left = base_left + threshold * (top - base_left)
        level_right = base_right + threshold * (top - base_right)
    out[START] = _crossing(curve, days, peak, left, level_left)
    out[END] = _crossing(curve, days, peak, right, level_right)
    return base_left, base_right, top


@njit(cache=True, nogil=True)
def is_cut(curve, days, peak, edge):
    """Whether the season still rises or falls at a valley that is an end of the series."""
    if 0 < edge < len(days) - 1:
        return False
    third = days[edge] + (days[peak] - days[edge]) / 3
    step = 1 if edge < peak else -1
    i = edge
    while (days[i + step] - third) * step < 0:
        i += step
    there = curve[i] + (third - days[i]) / (days[i + step] - days[i]) * (curve[i + step] - curve[i])
    return there - curve[edge] > STILL_MOVING * (curve[peak] - curve[edge])


@njit(cache=True, nogil=True)
def _vertex(day_0, day_1, day_2, value_0, value_1, value_2):
    """Day and value of the top (or bottom) of the parabola through three points; the middle one where there is none."""
    if not day_0 < day_1 < day_2:
        return day_1, value_1
    slope_0, slope_1 = (value_1 - value_0) / (day_1 - day_0), (value_2 - value_1) / (day_2 - day_1)
    bend = (slope_1 - slope_0) / (day_2 - day_0)
    if bend == 0.0 or slope_0 * slope_1 > 0.0:
        return day_1, value_1
    slope = slope_0 + bend * (day_1 - day_0)  # of the parabola at the middle point
    shift = -0.5 * slope / bend
    return day_1 + shift, value_1 + 0.5 * slope * shift


@njit(cache=True, nogil=True)
def _crossing(curve, days, peak, limit, level):
    """Day at which the curve, followed from the peak to the limit, first falls below the level; NaN if it does not."""
    step = 1 if limit > peak else -1
    if curve[peak] < level:
        return math.nan
    for i in range(peak, limit, step):
        if curve[i + step] < level:
            return _between(curve, days, min(i, i + step), level)
    return math.nan


@njit(cache=True, nogil=True)
def _between(curve, days, i, level):
    """Day between positions i and i + 1 at which the cubic through them passes the level that lies between their values.

    Its slopes are those of the parabolas through each point and its two neighbours.
    """
    step = days[i + 1] - days[i]
    left, right = _slope(curve, days, i) * step, _slope(curve, days, i + 1) * step
    low, high = 0.0, 1.0
    rising = curve[i] < curve[i + 1]
    for _ in range(HALVINGS):
        x = 0.5 * (low + high)
        y = ((1 + 2 * x) * (1 - x) ** 2 * curve[i] + x * (1 - x) ** 2 * left
             + x * x * (3 - 2 * x) * curve[i + 1] - x * x * (1 - x) * right)
        if (y < level) == rising:
            low = x
        else:
            high = x
    return days[i] + 0.5 * (low + high) * step


@njit(cache=True, nogil=True)
def _slope(curve, days, i):
    """Slope of the curve at a date: that of the parabola through it and its neighbours; at an end, of the straight line."""
    if i == 0 or i == len(days) - 1:
        j = max(i - 1, 0)
        return (curve[j + 1] - curve[j]) / (days[j + 1] - days[j])
    before, after = days[i] - days[i - 1], days[i + 1] - days[i]
    return ((curve[i] - curve[i - 1]) / before * after + (curve[i + 1] - curve[i]) / after * before) / (before + after)


@njit(cache=True, nogil=True)
def _steepest(curve, days, first, last):
    """Day of the largest slope, up or down, between two positions: the top of the parabola through the slopes around it."""
    best, steepest = -1, 0.0
    for i in range(first, last):
        slope = abs(curve[i + 1] - curve[i]) / (days[i + 1] - days[i])
        if slope > steepest:
            best, steepest = i, slope
    if best < 0:
        return math.nan
    low, high = max(best - 1, first), min(best + 1, last - 1)
    if low == best or high == best:
        return 0.5 * (days[best] + days[best + 1])
    sign = 1.0 if curve[best + 1] > curve[best] else -1.0
    before, after = sign * (curve[best] - curve[low]), sign * (curve[high + 1] - curve[high])
    day, _ = _vertex(0.5 * (days[low] + days[best]), 0.5 * (days[best] + days[best + 1]), 0.5 * (days[high] + days[high + 1]),
                     before / (days[best] - days[low]), steepest, after / (days[high + 1] - days[high]))
    return day


@njit(cache=True, nogil=True)
def _rate(curve, days, peak, limit, base, top):
    """Change a day between LOW and HIGH of one side's amplitude; NaN where either is not crossed."""
    low = _crossing(curve, days, peak, limit, base + LOW * (top - base))
    high = _crossing(curve, days, peak, limit, base + HIGH * (top - base))
    return (HIGH - LOW) * (top - base) / abs(high - low) if low != high else math.nan


@njit(cache=True, nogil=True)
def _integral(curve, days, left, right, start, end):
    """Integral of the curve, straight between its dates, from start to end."""
    total = 0.0
    for i in range(left, right):
        begin, stop = max(days[i], start), min(days[i + 1], end)
        if stop > begin:
            slope = (curve[i + 1] - curve[i]) / (days[i + 1] - days[i])
            total += (stop - begin) * (curve[i] + slope * (0.5 * (begin + stop) - days[i]))
    return total
