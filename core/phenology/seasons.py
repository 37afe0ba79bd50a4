"""All seasons of many pixels: smoothed, divided, measured, with the spread of their dates, compiled."""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from . import logistic, metrics, reasons
from .division import known_dates, prune, turning_points
from .logistic import AFTER, BEFORE, FALL_DAY, LOG_FALL, LOG_RISE, RISE_DAY, TOP
from .metrics import AMPLITUDE, DATES, END, LOGISTIC, PEAK_VALUE, START, is_cut, measure, measure_dates
from .smoothing import smooth, weights
from .uncertainty import Draws, disturb

# A season has a valley, a peak, a valley, and something between them.
LEAST_DATES = 5
# A logistic runs from a fifth to four fifths of its height in 2 ln(4) / rate: its mean slope there, relative to its rate.
SLOPE_OF_RATE = 0.6 / (2 * math.log(4))
# Steps of a fit to a disturbed season, which starts at the undisturbed fit.
STEPS_OF_A_DRAW = 5
# The curve that seasons are measured on is smoothed over this share of the days that it is smoothed over to divide it: the
# former has to keep its edges, the latter must not follow noise.
MEASURED_SHARE = 0.6
# A date that lies between two dates of the series has this share of their distance as a standard deviation besides: 0.29 if
# nothing told where between them; noise-free seasons of 12-day dates err by up to 0.17 (2 days). Chosen on four simulated scenes
# filled by `fillmogpr`; on eight others 90 % intervals then hold 95, 90 and 85 % of start, peak and end (with 0.2: 96, 93, 88).
SHARE_OF_STEP = 0.14
# With fewer draws that have a date, its spread is not told.
LEAST_SHARE_OF_DRAWS = 0.5


@dataclass(frozen=True)
class Options:
    """How seasons are found and measured.

    Parameters
    ----------
    method : str
        A key of ``metrics.METHODS``.
    threshold : float
        Share of the amplitude, or the value itself where the method is ``absolute``.
    max_seasons : int
        So many are kept, the first in time; all are counted.
    smoothing_days : float
        Values less than so many days away smooth a value; 0 smooths none.
    least_amplitude, least_share : float
        Every rise and fall between seasons is at least so large, in value and as a share of the pixel's range.
    least_days : float
        Least time from valley to valley.
    max_gap_days : float
        Seasons with a longer time without an observation between start and end are withheld; 0 withholds none.
    least_observations : int
        Seasons with fewer observations from start to end are withheld.
    """

    method: str = "amplitude"
    threshold: float = 0.2
    max_seasons: int = 6
    smoothing_days: float = 50.0
    least_amplitude: float = 0.15
    least_share: float = 0.25
    least_days: float = 45.0
    max_gap_days: float = 0.0
    least_observations: int = 0


@dataclass(frozen=True)
class Found:
    """What was found.

    Attributes
    ----------
    metrics : (pixels, max_seasons, metrics.COUNT) float32
        NaN where there is none; dates in days since 1970-01-01.
    reason : (pixels, max_seasons) uint8
        Codes of `reasons`.
    count : (pixels,) float32
        Seasons whose peak lies inside the series; NaN where there are too few dates to tell.
    deviation : (pixels, max_seasons, metrics.DATES) float32
        Standard deviation in days of start, peak and end; NaN where unknown.
    """

    metrics: np.ndarray
    reason: np.ndarray
    count: np.ndarray
    deviation: np.ndarray


def find(values, days, options: Options, observed=None, spread=None, draws: Draws | None = None) -> Found:
    """Find and measure the seasons of many pixels.

    Parameters
    ----------
    values : (pixels, dates) array
        NaN where unknown; such dates are left out.
    days : (dates,) array
        Increasing.
    options : Options
    observed : (pixels, dates) bool array, optional
        Where a value was observed; by default wherever there is one.
    spread : (pixels, dates) array, optional
        Standard deviation of each value, noise included.
    draws : Draws, optional
        Standard errors; needed with `spread`.
    """
    values, days = np.ascontiguousarray(values), np.ascontiguousarray(days, np.float64)
    pixels, dates = values.shape
    observed = np.isfinite(values) if observed is None else np.ascontiguousarray(observed, np.bool_)
    spread = np.empty((0, dates), values.dtype) if spread is None else np.ascontiguousarray(spread, values.dtype)
    process, noise = (draws.process, draws.noise) if draws else (np.empty((0, dates)), np.empty((0, dates)))
    found = Found(np.full((pixels, options.max_seasons, metrics.COUNT), np.nan, np.float32),
                  np.zeros((pixels, options.max_seasons), np.uint8), np.full(pixels, np.nan, np.float32),
                  np.full((pixels, options.max_seasons, DATES), np.nan, np.float32))
    _pixels(values, days, observed, spread, process, noise, metrics.METHODS[options.method], float(options.threshold),
            float(options.smoothing_days), float(options.least_amplitude), float(options.least_share),
            float(options.least_days), float(options.max_gap_days), int(options.least_observations),
            found.metrics, found.reason, found.count, found.deviation)
    return found


@njit(cache=True, nogil=True)
def _pixels(values, days, observed, spread, process, noise, method, threshold, width, least_amplitude, least_share,
            least_days, max_gap, least_observations, out, reason, count, deviation):
    dates = len(days)
    first, table, most = np.empty((2, dates), np.int64), np.empty((2, dates, dates)), np.empty(2, np.int64)
    place, found = np.empty(dates, np.int64), np.empty(dates + 1, np.int64)
    disturbed, curves = np.empty((2, len(process), dates))
    weighted = 0  # dates that the weights are for; those of all dates serve the pixels after, too
    for pixel in range(len(values)):
        n = known_dates(values[pixel], place)
        if n < LEAST_DATES:
            reason[pixel, :] = reasons.NO_DATA if n == 0 else reasons.TOO_FEW_DATES
            continue
        where = place[:n]
        at, y, doubt, seen = days[where], np.empty(n), np.zeros(n), observed[pixel][where]
        for i in range(n):
            y[i] = values[pixel, where[i]]
            if len(spread) > 0 and spread[pixel, where[i]] > 0.0:
                doubt[i] = spread[pixel, where[i]]
        if n < dates or weighted < dates:
            weighted = n
            most[0] = weights(at, n, width, first[0], table[0])
            most[1] = weights(at, n, MEASURED_SHARE * width, first[1], table[1])
        for draw in range(len(process) if len(spread) > 0 else 0):
            disturb(y, seen, doubt, process[draw], noise[draw], where, disturbed[draw])
            smooth(disturbed[draw], n, first[1], table[1], most[1], curves[draw])
        rough, curve = np.empty(n), np.empty(n)
        smooth(y, n, first[0], table[0], most[0], rough)
        smooth(y, n, first[1], table[1], most[1], curve)
        least_change = max(least_amplitude, least_share * (rough.max() - rough.min()))
        points = prune(rough, at, doubt, turning_points(rough, n, found), found, least_change, least_days)
        reason[pixel, :] = reasons.FLAT if points == 1 else reasons.NO_MORE
        count[pixel] = _measured(rough, found[:points], y, curve, at, seen, disturbed[:, :n], curves[:, :n], method, threshold,
                                 max_gap, least_observations, out[pixel], reason[pixel], deviation[pixel])


@njit(cache=True, nogil=True)
def _measured(rough, found, y, curve, days, seen, disturbed, curves, method, threshold, max_gap, least_observations, out, reason,
              deviation):
    """Measure the seasons between the turning points `found` of the curve `rough`; returns how many there are."""
    last, season = len(found) - 1, 0
    for k in range(last + 1 if last > 0 else 0):
        before, peak, after = found[k - 1] if k > 0 else 0, found[k], found[k + 1] if k < last else len(days) - 1
        if peak == 0 or peak == len(days) - 1 or rough[peak] < rough[before] or rough[peak] < rough[after]:
            continue  # a valley, or a season whose peak is not seen
        if season < len(out):
            before, peak, after = _extremes(curve, before, peak, after)
            reason[season] = _season(y, curve, days, seen, disturbed, curves, before, peak, after, method, threshold, max_gap,
                                     least_observations, out[season], deviation[season])
        season += 1
    return season


@njit(cache=True, nogil=True)
def _season(y, curve, days, seen, disturbed, curves, before, peak, after, method, threshold, max_gap, least_observations, out,
            deviation):
    """Measure one season and the deviations of its dates; returns its reason code.

    disturbed, curves : (draws, dates)
        The values with errors, and their curves; no draws, no deviations.
    """
    cut_left, cut_right = is_cut(curve, days, peak, before), is_cut(curve, days, peak, after)
    fitted, found = np.empty(logistic.PARAMETERS), np.empty(metrics.COUNT)
    fits = _measure(y, curve, days, before, peak, after, cut_left, cut_right, method, threshold, fitted, found)
    code = _reason(found, days, seen, before, after, cut_left, cut_right, max_gap, least_observations)
    if code == reasons.LONG_GAP or code == reasons.TOO_FEW_OBSERVATIONS:
        return code
    out[:] = found
    if len(curves) > 0:
        _spread(disturbed, curves, days, before, peak, after, cut_left, cut_right, method if fits else AMPLITUDE, threshold,
                fitted, found, deviation)
    return code if fits or code != reasons.COMPLETE else reasons.FIT_FAILED


@njit(cache=True, nogil=True)
def _extremes(curve, before, peak, after):
    """The highest position between two valleys, and the lowest ones on either side of it, the nearest of equals."""
    for i in range(before + 1, after):
        if curve[i] > curve[peak]:
            peak = i
    low, high = before, after
    for i in range(before, peak):
        if curve[i] <= curve[low]:
            low = i
    for i in range(after, peak, -1):
        if curve[i] <= curve[high]:
            high = i
    return low, peak, high


@njit(cache=True, nogil=True)
def _measure(y, curve, days, before, peak, after, cut_left, cut_right, method, threshold, fitted, out):
    """Measure a season on the curve, or on the double logistic fitted to its values.

    `fitted` receives the parameters. Returns False, with the season measured on the curve, where none fits.
    """
    if method != LOGISTIC:
        measure(curve, days, before, peak, after, cut_left, cut_right, method, threshold, out)
        return True
    measure(curve, days, before, peak, after, cut_left, cut_right, AMPLITUDE, 0.5, out)
    fitted[BEFORE], fitted[AFTER], fitted[TOP] = curve[before], curve[after], out[PEAK_VALUE]
    fitted[RISE_DAY] = out[START] if math.isfinite(out[START]) else 0.5 * (days[before] + days[peak])
    fitted[FALL_DAY] = out[END] if math.isfinite(out[END]) else 0.5 * (days[peak] + days[after])
    fitted[LOG_RISE] = _log_rate(out[metrics.RISE], out[PEAK_VALUE] - curve[before])
    fitted[LOG_FALL] = _log_rate(out[metrics.FALL], out[PEAK_VALUE] - curve[after])
    if not logistic.fit(y, days, before, after, fitted, logistic.MOST_STEPS):
        measure(curve, days, before, peak, after, cut_left, cut_right, AMPLITUDE, threshold, out)
        return False
    daily, daily_days, top = _daily(fitted, days[before], days[after])
    measure(daily, daily_days, 0, top, len(daily) - 1, cut_left, cut_right, AMPLITUDE, threshold, out)
    return True


@njit(cache=True, nogil=True)
def _daily(fitted, first, last):
    """A double logistic day by day: values, days, and the position of its top."""
    count = int(last - first) + 1
    days, values = np.empty(count), np.empty(count)
    for i in range(count):
        days[i] = first + i
        values[i] = logistic.value(fitted, days[i])
    return values, days, values.argmax()


@njit(cache=True, nogil=True)
def _log_rate(slope, amplitude):
    """Logarithm of the rate of a logistic with this mean slope; that of a month's rise where the slope is unknown."""
    if not (slope > 0.0 and amplitude > 0.0):
        return math.log(0.1)
    return min(max(math.log(slope / amplitude / SLOPE_OF_RATE), logistic.SLOWEST), logistic.FASTEST)


@njit(cache=True, nogil=True)
def _reason(found, days, seen, before, after, cut_left, cut_right, max_gap, least_observations):
    """Reason code of a season measured."""
    no_start, no_end = not math.isfinite(found[START]), not math.isfinite(found[END])
    start = days[before] if no_start else found[START]
    end = days[after] if no_end else found[END]
    count, last, longest = 0, start, 0.0
    for i in range(len(days)):
        if seen[i] and start <= days[i] <= end:
            longest = max(longest, days[i] - last)
            last = days[i]
            count += 1
    if 0 < max_gap < max(longest, end - last):
        return reasons.LONG_GAP
    if count < least_observations:
        return reasons.TOO_FEW_OBSERVATIONS
    if (no_start and not cut_left) or (no_end and not cut_right):
        return reasons.NEVER_CROSSED
    if no_start and no_end:
        return reasons.CUT_AT_BOTH
    return reasons.CUT_AT_START if no_start else reasons.CUT_AT_END if no_end else reasons.COMPLETE


@njit(cache=True, nogil=True)
def _spread(disturbed, curves, days, before, peak, after, cut_left, cut_right, method, threshold, fitted, nominal, out):
    """Standard deviations in days of start, peak and end, from seasons measured with errors drawn."""
    draws = len(curves)
    one, own = np.empty(DATES), np.empty(logistic.PARAMETERS)
    counts, squares = np.zeros(DATES), np.zeros(DATES)
    for draw in range(draws):
        if method == LOGISTIC:
            own[:] = fitted
            logistic.fit(disturbed[draw], days, before, after, own, STEPS_OF_A_DRAW)
            daily, daily_days, top = _daily(own, days[before], days[after])
            measure_dates(daily, daily_days, 0, top, len(daily) - 1, cut_left, cut_right, AMPLITUDE, threshold, one)
        else:
            low, top, high = _extremes(curves[draw], before, peak, after)
            measure_dates(curves[draw], days, low, top, high, cut_left, cut_right, method, threshold, one)
        for k in range(DATES):
            if math.isfinite(one[k]):
                off = one[k] - nominal[k]
                counts[k] += 1
                squares[k] += off * off
    for k in range(DATES):
        if math.isfinite(nominal[k]) and counts[k] >= max(2, LEAST_SHARE_OF_DRAWS * draws):
            i = min(max(np.searchsorted(days, nominal[k]), 1), len(days) - 1)
            resolution = SHARE_OF_STEP * (days[i] - days[i - 1])
            out[k] = math.sqrt(squares[k] / counts[k] + resolution * resolution)
