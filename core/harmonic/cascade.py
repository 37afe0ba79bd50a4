"""The cascade: 10, then 5, then 1 harmonics with a linear trend, by plain least squares, pixel by pixel.

The form is that of Earth Engine scripts in use: each date takes the fit with most harmonics whose value there lies strictly
inside the valid range. It is here for comparison with older work; with long gaps it is far worse than linear
interpolation. What those scripts get wrong is mended: observed values stay as they are, time is centred (uncentred it
loses seven digits), an order is used only with more observations than unknowns, and the last order is checked too.
"""
from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numba import njit

from .codes import codes
from .design import checked_days, harmonic_design, increasing_days, window_centre

ORDERS = (10, 5, 1)
OBSERVED = -1
NONE = 0
# When what a column holds beyond the columns before it is below this share of its length, the observed dates do not tell
# them apart: of 16 digits 8 would be left.
LEAST_PIVOT = 1e-8


@dataclass(frozen=True)
class Options:
    """How `fill` works; the meanings are those of `adaptive.Options`.

    Attributes
    ----------
    half_period_rule : bool
        Use an order H only across gaps up to period / (2 H), the shortest wave it holds; off, as in the scripts.
    """

    orders: tuple = ORDERS
    period_days: float = 365.25
    valid_range: tuple = (-1.0, 1.0)
    max_gap_days: float = 0.0
    extrapolate: bool = True
    keep_observed: bool = True
    half_period_rule: bool = False


@dataclass(frozen=True)
class Filled:
    """Filled series.

    Attributes
    ----------
    mean, standard_deviation : (pixels, output dates) float32
        Standard deviation from residual variance and leverage, of what a clear observation would have shown.
    quality : (pixels, output dates) uint8
    harmonics : (pixels, output dates) int16
        Harmonics of the fit used; -1 observed, 0 none possible.
    """

    mean: np.ndarray
    standard_deviation: np.ndarray
    quality: np.ndarray
    harmonics: np.ndarray


def fill(series, days, output_days, options) -> Filled:
    """Fill incomplete series (pixels, dates) at `output_days`; arguments as in `adaptive.fill`."""
    series = np.ascontiguousarray(series, np.float32)
    days, output_days = checked_days(series, days), increasing_days(output_days)
    shape = (len(series), len(output_days))
    mean, deviation = np.empty(shape, np.float32), np.empty(shape, np.float32)
    reason, harmonics = np.empty(shape, np.uint8), np.empty(shape, np.int16)
    largest, centre = max(options.orders), window_centre(days)
    parameters = (float(options.period_days), float(options.valid_range[0]), float(options.valid_range[1]),
                  float(options.max_gap_days))
    switches = (int(options.keep_observed), int(options.extrapolate), int(options.half_period_rule))
    _fill_pixels(series, days, harmonic_design(days, largest, options.period_days, True, centre), output_days,
                 harmonic_design(output_days, largest, options.period_days, True, centre),
                 np.array(sorted(options.orders, reverse=True), np.int64), parameters, switches,
                 mean, deviation, reason, harmonics)
    return Filled(mean, deviation, codes(series, days, output_days, mean, reason, options), harmonics)


@njit(cache=True, nogil=True)
def _least_squares(design, values, where, count, unknowns, columns, triangle, coefficients):
    """Modified Gram-Schmidt of [A y], as accurate as Householder's (Bjorck 1967); returns the residual variance.

    columns : (unknowns + 1, dates) work; triangle : R of A = Q R. NaN when the dates do not tell the columns apart.
    """
    for i in range(count):
        for a in range(unknowns):
            columns[a, i] = design[where[i], a]
        columns[unknowns, i] = values[where[i]]
    for a in range(unknowns):
        whole = 0.0
        for i in range(count):
            whole += design[where[i], a] ** 2
        square = 0.0
        for i in range(count):
            square += columns[a, i] * columns[a, i]
        if not square > (LEAST_PIVOT * LEAST_PIVOT) * whole:
            return np.nan
        pivot = math.sqrt(square)
        triangle[a, a] = pivot
        for i in range(count):
            columns[a, i] /= pivot
        for b in range(a + 1, unknowns + 1):
            share = 0.0
            for i in range(count):
                share += columns[a, i] * columns[b, i]
            for i in range(count):
                columns[b, i] -= share * columns[a, i]
            if b < unknowns:
                triangle[a, b] = share
            else:
                coefficients[a] = share
    for a in range(unknowns - 1, -1, -1):
        value = coefficients[a]
        for b in range(a + 1, unknowns):
            value -= triangle[a, b] * coefficients[b]
        coefficients[a] = value / triangle[a, a]
    square = 0.0
    for i in range(count):
        square += columns[unknowns, i] * columns[unknowns, i]
    return square / (count - unknowns)


@njit(cache=True, nogil=True)
def _leverage(row, unknowns, triangle, work):
    """row' (A'A)^-1 row, from A = Q R."""
    square = 0.0
    for i in range(unknowns):
        value = row[i]
        for k in range(i):
            value -= triangle[k, i] * work[k]
        work[i] = value / triangle[i, i]
        square += work[i] * work[i]
    return square


@njit(cache=True, nogil=True)
def _fill_pixels(series, days, design, output_days, output_design, orders, parameters, switches,
                 filled, deviation, reason, harmonics):
    """Fill every pixel of a batch: fit each order once, then let each date take the first valid one."""
    period, low, high, longest = parameters
    keep, extrapolate, half_period = switches
    size, levels, outputs = design.shape[1], len(orders), len(output_days)
    where = np.empty(len(days), np.int64)
    columns = np.empty((size + 1, len(days)))
    triangles = np.empty((levels, size, size))
    coefficients = np.empty((levels, size))
    variances = np.empty(levels)
    work = np.empty(size)
    for pixel in range(len(series)):
        values = series[pixel]
        count, anything = 0, False
        for t in range(len(days)):
            anything = anything or values[t] == values[t]
            if low <= values[t] <= high:
                where[count] = t
                count += 1
        for level in range(levels):
            unknowns = 2 + 2 * orders[level]
            variances[level] = np.nan
            if count > unknowns:
                variances[level] = _least_squares(design, values, where, count, unknowns, columns, triangles[level],
                                                  coefficients[level])
        after = 0
        for t in range(outputs):
            day = output_days[t]
            while after < count and days[where[after]] < day:
                after += 1
            observed = after < count and days[where[after]] == day
            inside = 0 < after < count
            gap = 0.0
            if inside and not observed:
                gap = days[where[after]] - days[where[after - 1]]
            elif count > 0 and not observed:
                gap = days[where[0]] - day if after == 0 else day - days[where[count - 1]]
            value, spread, used = np.nan, np.nan, 0
            for level in range(levels):
                if half_period and gap > period / (2 * orders[level]) or not variances[level] >= 0.0:
                    continue
                unknowns = 2 + 2 * orders[level]
                fit = 0.0
                for a in range(unknowns):
                    fit += output_design[t, a] * coefficients[level, a]
                if low < fit < high:
                    value, used = fit, orders[level]
                    lever = _leverage(output_design[t], unknowns, triangles[level], work)
                    spread = math.sqrt(variances[level] * (1.0 + lever))
                    break
            code = 3
            if count == 0:
                code = 7 if anything else 0
            elif observed:
                code = 1
                if keep:
                    value, used = values[where[after]], -1
                    spread = _noise(variances)
            elif longest > 0.0 and gap > longest:
                code, used, value, spread = 4, 0, np.nan, np.nan
            elif not inside:
                code = 5
                if not extrapolate:
                    value, spread, used = np.nan, np.nan, 0
            if used == 0 and (code == 3 or code == 1 or code == 5 and extrapolate):
                code = 6
            filled[pixel, t] = value
            deviation[pixel, t] = spread
            reason[pixel, t] = code
            harmonics[pixel, t] = used


@njit(cache=True, nogil=True)
def _noise(variances):
    """Residual standard deviation of the fit with most harmonics that exists, NaN where none does."""
    for level in range(len(variances)):
        if variances[level] >= 0.0:
            return math.sqrt(variances[level])
    return np.nan
