"""A double logistic fitted to one season by least squares, compiled.

    f(t) = a + (m - a) s(r (t - p)) - (m - b) s(q (t - e)),   s(x) = 1 / (1 + exp(-x))

a and b are what the season rises from and falls to, m what it rises to, p and e the middles of rise and fall, r and q their
rates: the function of Beck et al. (2006, Remote Sensing of Environment 100, 321-334) with a level of its own on each side.
Fitted by Levenberg and Marquardt's method (Press et al. 2007, Numerical Recipes, section 15.5) with the rates as logarithms.
"""
from __future__ import annotations

import math

import numpy as np
from numba import njit

BEFORE, AFTER, TOP, RISE_DAY, FALL_DAY, LOG_RISE, LOG_FALL = range(7)
PARAMETERS = 7
MOST_STEPS = 60
# The sum of squares changes by less than this share: dates are good to minutes by then.
TOLERANCE = 1e-7
LARGEST_DAMPING = 1e8
# Rates of a day: slower than 100 days from a tenth to nine tenths, or faster than 3, is no season's rise.
SLOWEST, FASTEST = math.log(0.044), math.log(1.5)
# The root mean square of what is left may be this share of the amplitude: half of what would pass for a fit of a triangle.
WORST_MISFIT = 0.2


@njit(cache=True, nogil=True)
def value(parameters, day):
    """The double logistic at a day."""
    rise = _logistic(math.exp(parameters[LOG_RISE]) * (day - parameters[RISE_DAY]))
    fall = _logistic(math.exp(parameters[LOG_FALL]) * (day - parameters[FALL_DAY]))
    return (parameters[BEFORE] + (parameters[TOP] - parameters[BEFORE]) * rise
            - (parameters[TOP] - parameters[AFTER]) * fall)


@njit(cache=True, nogil=True)
def fit(values, days, left, right, parameters, steps):
    """Fit the values from position `left` to `right`.

    Parameters
    ----------
    values, days : (dates,) float64
    left, right : int
    parameters : (PARAMETERS,) float64
        Start values; the fit is written here.
    steps : int
        At most so many.

    Returns
    -------
    bool
        Whether the fit is a season's curve: settled, with its rise before its fall, both within the values' dates, at
        possible rates, near the values.
    """
    count = right - left + 1
    if count < PARAMETERS:
        return False
    normal, gradient = np.empty((PARAMETERS, PARAMETERS)), np.empty(PARAMETERS)
    damped, trial = np.empty((PARAMETERS, PARAMETERS)), np.empty(PARAMETERS)
    squares = _linearise(values, days, left, right, parameters, normal, gradient)
    damping, settled = 1e-3, False
    for _ in range(steps):
        better = False
        while damping < LARGEST_DAMPING:
            for i in range(PARAMETERS):
                for j in range(PARAMETERS):
                    damped[i, j] = normal[i, j]
                damped[i, i] += damping * normal[i, i] + 1e-12
            _solve(damped, gradient, trial)
            for i in range(PARAMETERS):
                trial[i] += parameters[i]
            trial[LOG_RISE] = min(max(trial[LOG_RISE], SLOWEST), FASTEST)
            trial[LOG_FALL] = min(max(trial[LOG_FALL], SLOWEST), FASTEST)
            found = _squares(values, days, left, right, trial)
            if found <= squares:
                better = True
                break
            damping *= 10.0
        if not better:
            settled = True  # no step in any direction is better
            break
        settled = squares - found <= TOLERANCE * squares
        parameters[:] = trial
        damping = max(damping * 0.1, 1e-9)
        if settled:
            break
        squares = _linearise(values, days, left, right, parameters, normal, gradient)
    lowest = min(parameters[BEFORE], parameters[AFTER])
    amplitude = parameters[TOP] - lowest
    misfit = math.sqrt(_squares(values, days, left, right, parameters) / count)
    return (settled and parameters[RISE_DAY] < parameters[FALL_DAY] and parameters[RISE_DAY] > days[left]
            and parameters[FALL_DAY] < days[right] and misfit < WORST_MISFIT * amplitude)


@njit(cache=True, nogil=True)
def _logistic(x):
    return 0.5 * (1.0 + math.tanh(0.5 * x))


@njit(cache=True, nogil=True)
def _squares(values, days, left, right, parameters):
    total = 0.0
    for i in range(left, right + 1):
        total += (values[i] - value(parameters, days[i])) ** 2
    return total


@njit(cache=True, nogil=True)
def _linearise(values, days, left, right, parameters, normal, gradient):
    """Sum of squares; J'J goes to `normal` and J'(values - f) to `gradient`."""
    normal[:] = 0.0
    gradient[:] = 0.0
    row = np.empty(PARAMETERS)
    rise_rate, fall_rate = math.exp(parameters[LOG_RISE]), math.exp(parameters[LOG_FALL])
    up, down = parameters[TOP] - parameters[BEFORE], parameters[TOP] - parameters[AFTER]
    total = 0.0
    for k in range(left, right + 1):
        since_rise, since_fall = days[k] - parameters[RISE_DAY], days[k] - parameters[FALL_DAY]
        rise, fall = _logistic(rise_rate * since_rise), _logistic(fall_rate * since_fall)
        rise_slope, fall_slope = up * rise * (1.0 - rise) * rise_rate, down * fall * (1.0 - fall) * fall_rate
        row[BEFORE], row[AFTER], row[TOP] = 1.0 - rise, fall, rise - fall
        row[RISE_DAY], row[FALL_DAY] = -rise_slope, fall_slope
        row[LOG_RISE], row[LOG_FALL] = rise_slope * since_rise, -fall_slope * since_fall
        error = values[k] - (parameters[BEFORE] + up * rise - down * fall)
        total += error * error
        for i in range(PARAMETERS):
            gradient[i] += row[i] * error
            for j in range(PARAMETERS):
                normal[i, j] += row[i] * row[j]
    return total


@njit(cache=True, nogil=True)
def _solve(matrix, right_side, out):
    """Solve a symmetric positive definite system by Cholesky's method; `matrix` is overwritten."""
    n = len(right_side)
    for i in range(n):
        for j in range(i + 1):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = math.sqrt(max(total, 1e-300)) if i == j else total / matrix[j, j]
    for i in range(n):
        total = right_side[i]
        for k in range(i):
            total -= matrix[i, k] * out[k]
        out[i] = total / matrix[i, i]
    for i in range(n - 1, -1, -1):
        total = out[i]
        for k in range(i + 1, n):
            total -= matrix[k, i] * out[k]
        out[i] = total / matrix[i, i]
