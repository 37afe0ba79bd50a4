"""Season division: the peaks and valleys that stand out of a curve.

All turning points are taken first; then the two neighbours that differ least are taken away, again and again, until every
rise and every fall that is left is large enough (a curve's persistence: Edelsbrunner, Letscher & Zomorodian 2002, Discrete &
Computational Geometry 28, 511-533). So a short rebound disappears into the fall around it, whatever the order of things. The
limits are those of phenofit's season division (Kong et al. 2022, Methods in Ecology and Evolution 13, 1508-1527): a share
of the series' range (its r_max), and 45 days between valleys (its len_min). Where values have standard deviations, a change
also has to exceed what chance makes of nothing.
"""
from __future__ import annotations

import math

from numba import njit

# Standard deviations of the difference of two values that a change exceeds: by chance one of six does, to one side. Of the field
# pixels of four simulated scenes filled by `fillmogpr` 99.7 % then have their crops (of eight others 98 %), their villages and trees
# 1.6 seasons too many; with 1.28 (one of ten) 98.4 % (95.8 %) and 1.3, with 0.8 99.9 % (98.7 %) and 1.8.
BEYOND_CHANCE = 1.0


@njit(cache=True, nogil=True)
def known_dates(series, place):
    """Write the positions of the finite values of a series to `place`; returns how many there are."""
    count = 0
    for i in range(len(series)):
        if math.isfinite(series[i]):
            place[count] = i
            count += 1
    return count


@njit(cache=True, nogil=True)
def turning_points(curve, count, found):
    """Write the positions of alternating valleys and peaks, both ends included, to `found`; returns how many.

    Of equal values in a row the middle one counts. A constant curve has a single turning point.
    """
    points = 1
    found[0] = 0
    direction = 0
    since = 0  # where the present value was first reached
    for i in range(1, count):
        if curve[i] == curve[i - 1]:
            continue
        new = 1 if curve[i] > curve[i - 1] else -1
        if direction != 0 and new != direction:
            found[points] = (since + i - 1) // 2
            points += 1
        direction = new
        since = i
    if direction != 0:
        found[points] = count - 1
        points += 1
    return points


@njit(cache=True, nogil=True)
def prune(curve, days, spread, points, found, least_change, least_days):
    """Take away what does not stand out; returns how many turning points are left.

    Parameters
    ----------
    curve, days, spread : (dates,) float64
        `spread`: standard deviation of each value; zeros where they are unknown.
    points : int
    found : (points or more,) int64
        From `turning_points`; changed in place.
    least_change : float
        Every rise and fall that stays is at least so large.
    least_days : float
        Least time between the two valleys of a season.
    """
    while points > 1:
        place, least = -1, 1.0
        for i in range(points - 1):
            doubt = BEYOND_CHANCE * math.hypot(spread[found[i]], spread[found[i + 1]])
            change = abs(curve[found[i + 1]] - curve[found[i]]) / max(least_change, doubt)
            if change < least:
                place, least = i, change
        if place < 0:
            place = _shortest(curve, days, points, found, least_days)
        if place < 0:
            break
        points = _without(points, found, place)
    return points


@njit(cache=True, nogil=True)
def _shortest(curve, days, points, found, least_days):
    """Of the shortest season that is too short: its higher valley and the lower peak beside that; -1 for none.

    The first of the two positions is returned. Seasons at an end of the series may be longer than what is seen of them.
    """
    place, least = -1, least_days
    for i in range(2, points - 2):
        left, peak, right = found[i - 1], found[i], found[i + 1]
        if curve[peak] > curve[left] and days[right] - days[left] < least:
            least = days[right] - days[left]
            valley = i - 1 if curve[left] >= curve[right] else i + 1
            place = valley - 1 if curve[found[valley - 1]] < curve[found[valley + 1]] else valley
    return place


@njit(cache=True, nogil=True)
def _without(points, found, place):
    """Take the turning points `place` and `place + 1` away, at an end of the series only the outer one."""
    if place == 0 or place == points - 2:
        gone, by = (0, 1) if place == 0 else (points - 1, 1)
    else:
        gone, by = place, 2
    for i in range(gone, points - by):
        found[i] = found[i + by]
    return points - by
