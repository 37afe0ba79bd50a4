"""How smooth a pixel is, and which of its observations to trust: compiled, with all that a single fit tells.

Three criteria choose the smoothing from a fixed ladder:

* leave-one-out: the mean squared error of predicting each observation from the others, (r_i / (1 - h_i))^2 with residual r and
  leverage h: one fit gives them all;
* generalised cross-validation, the same with the mean leverage (Craven & Wahba 1979, Numerische Mathematik 31:377);
* V-curve: where fit and roughness change least from step to step (Frasso & Eilers 2015, Statistical Modelling 15:91).

The first two are noisy with few observations, so the logarithm of the smoothing has a prior around what is typical of the scene.
"""
from __future__ import annotations

import math

import numpy as np
from numba import njit

from .kernel import factorise, inverse_diagonal, solve

LEAVE_ONE_OUT, GENERALISED, V_CURVE = 0, 1, 2
# In day^3. Below 10 even series of 5 days are hardly smoothed; above 10^7 those of many years are lines for one year or longer.
# Four steps to a decade: with twice as many, errors at hidden values of three real sets changed by less than 0.5 %.
LADDER = 10.0 ** np.arange(1, 7.01, 0.25)
# Width of the prior, in decades. On four real sets 0.5 was better than 1 and than no prior, most with 23 observations.
PRIOR_DECADES = 0.5
# Three such widths from what is typical, the prior outweighs what one pixel of a hundred observations can say: no need to look there.
LOOKED_AT_DECADES = 1.5
# Standardised leave-one-out residuals beyond which an observation loses weight; low ones are mostly clouds left in, and the
# neighbours of a low one look high. The same limits as of the harmonics, where they were measured.
LOW_OUTLIER, HIGH_OUTLIER = 4.5, 6.0
# An outlier keeps this weight at least, so that sums stay defined when all are outliers.
LEAST_WEIGHT = 1e-3
# Changes of a weight smaller than this do not show in the fill.
NOTICEABLE = 0.01
# Scale of normal errors relative to their median absolute value.
NORMAL_SCALE = 1.4826
# Differences below this share of the largest value are rounding of 32-bit values.
ROUNDING = 1e-7


@njit(cache=True, nogil=True)
def fitted(bands, values, weights, smoothing, count, factor, smooth, diagonal):
    """One fit: smooth values, and the diagonal of the inverse."""
    factorise(bands, weights, smoothing, count, factor)
    solve(factor, weights, values, count, smooth)
    inverse_diagonal(factor, count, diagonal)


@njit(cache=True, nogil=True)
def noise_floor(values, count):
    """What is rounding, in the units of the values."""
    largest = 0.0
    for i in range(count):
        largest = max(largest, abs(values[i]))
    return ROUNDING * largest + 1e-30


@njit(cache=True, nogil=True)
def prediction_error(kind, values, weights, smooth, diagonal, count):
    """Leave-one-out or generalised cross-validation of a fit: mean squared error of prediction."""
    total, leverages = 0.0, 0.0
    for i in range(count):
        leverage = weights[i] * diagonal[i]
        residual = values[i] - smooth[i]
        if kind == LEAVE_ONE_OUT:
            residual /= 1.0 - leverage
        total += weights[i] * residual * residual
        leverages += leverage
    if kind == GENERALISED:
        total /= (1.0 - leverages / count) ** 2
    return total / count


@njit(cache=True, nogil=True)
def fit_and_roughness(days, values, weights, smooth, count):
    """Weighted squared residuals, and the integral of the squared second derivative."""
    fit, roughness = 0.0, 0.0
    for i in range(count):
        fit += weights[i] * (values[i] - smooth[i]) ** 2
    for k in range(1, count - 1):
        left, right = days[k] - days[k - 1], days[k + 1] - days[k]
        bend = (smooth[k + 1] - smooth[k]) / right - (smooth[k] - smooth[k - 1]) / left
        roughness += 2.0 / (left + right) * bend * bend
    return fit, roughness


@njit(cache=True, nogil=True)
def profile(kind, ladder, days, values, weights, bands, count, factor, smooth, diagonal, scores):
    """Minus log likelihood (up to a constant) of each step of the ladder, or of the V-curve its speed between steps."""
    least = noise_floor(values, count) ** 2
    fit_before, roughness_before = 0.0, 0.0
    for step in range(len(ladder)):
        fitted(bands, values, weights, ladder[step], count, factor, smooth, diagonal)
        if kind == V_CURVE:
            fit, roughness = fit_and_roughness(days, values, weights, smooth, count)
            fit, roughness = math.log(fit + least), math.log(roughness + least)
            scores[step] = math.hypot(fit - fit_before, roughness - roughness_before) if step > 0 else np.inf
            fit_before, roughness_before = fit, roughness
        else:
            error = prediction_error(kind, values, weights, smooth, diagonal, count)
            scores[step] = 0.5 * count * math.log(error + least)


@njit(cache=True, nogil=True)
def best_smoothing(kind, ladder, centre, scores):
    """The step of the ladder with the lowest score, a prior around `centre` (a logarithm, base 10) counted in; 32-bit."""
    best, lowest = len(ladder) - 1, np.inf
    for step in range(len(ladder)):
        score = scores[step]
        if kind != V_CURVE:
            score += 0.5 * ((math.log10(ladder[step]) - centre) / PRIOR_DECADES) ** 2
        if score < lowest:
            best, lowest = step, score
    chosen = math.sqrt(ladder[best] * ladder[best - 1]) if kind == V_CURVE and best > 0 else ladder[best]
    return np.float64(np.float32(chosen))  # as its raster holds it, so that the raster given back fills alike


@njit(cache=True, nogil=True)
def reweigh(values, given, weights, smooth, diagonal, count, errors):
    """New weights: those given, times (limit / residual)^2 beyond the limit of standardised leave-one-out residuals.

    Returns whether any changed noticeably; else they stay those of the fit.
    """
    for i in range(count):
        independence = 1.0 - weights[i] * diagonal[i]
        spread = 1.0 / given[i] + diagonal[i] / independence  # of a prediction from the others, in units of the noise variance
        errors[i] = (values[i] - smooth[i]) / independence / math.sqrt(spread)
    scale = NORMAL_SCALE * np.median(np.abs(errors[:count])) + noise_floor(values, count)
    changed = False
    for i in range(count):
        limit = (LOW_OUTLIER if errors[i] < 0.0 else HIGH_OUTLIER) * scale
        share = limit / max(abs(errors[i]), limit)
        errors[i] = given[i] * max(share * share, LEAST_WEIGHT)
        changed = changed or abs(errors[i] - weights[i]) > NOTICEABLE * given[i]
    if changed:
        weights[:count] = errors[:count]
    return changed
