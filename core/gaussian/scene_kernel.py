"""The arithmetic of the scene covariance, compiled: condition on the covariates once, then on each pixel's clear dates.

With y = mean + f + e, f ~ N(0, S), e ~ N(0, diag(noise)), the covariates c seen by a pixel give

    S_cc + noise = R'R,   z = R^-T (y_c - mean_c),   H = R^-T S_cu,
    mean_u|c = mean_u + H'z,   S_u|c = S_uu - H'H,

of which only z depends on the values. What is left per pixel is the same step once more with its clear target dates.
Source: Rasmussen & Williams 2006, Gaussian Processes for Machine Learning, equations 2.22 to 2.24 and 5.12 (leave-one-out).

Factors are upper triangles, so that all inner loops run along rows. Every pixel is computed alone and in the same order:
its bits do not depend on its batch or thread.
"""
from __future__ import annotations

import math

import numpy as np
from numba import njit

# Standardised leave-one-out residuals beyond which an observation loses weight. Low ones are mostly thin clouds and
# shadows left in. Thresholds down to 3 / 4.5 changed the error on hidden real values by less than 0.3 %.
LOW_OUTLIER = 3.5
HIGH_OUTLIER = 5.0
LEAST_WEIGHT = 1e-3
# Classes less likely than this for a pixel cannot move its mean or variance noticeably.
LEAST_SHARE = 1e-3


@njit(cache=True, nogil=True)
def factorise(matrix, size):
    """Upper Cholesky factor R of R'R = matrix, in place of its upper triangle; returns the log determinant.

    A pivot that rounding made zero or negative gives NaN, which the caller finds in its results.
    """
    log_determinant = 0.0
    for j in range(size):
        pivot = math.sqrt(matrix[j, j]) if matrix[j, j] > 0.0 else math.nan
        log_determinant += 2.0 * math.log(pivot)
        inverse = 1.0 / pivot
        matrix[j, j] = pivot
        for k in range(j + 1, size):
            matrix[j, k] *= inverse
        for i in range(j + 1, size):
            share = matrix[j, i]
            for k in range(i, size):
                matrix[i, k] -= share * matrix[j, k]
    return log_determinant


@njit(cache=True, nogil=True)
def whiten(factor, size, values):
    """values := R^-T values, (size,); returns its squared length."""
    square = 0.0
    for i in range(size):
        value = values[i] / factor[i, i]
        values[i] = value
        square += value * value
        for k in range(i + 1, size):
            values[k] -= factor[i, k] * value
    return square


@njit(cache=True, nogil=True)
def whiten_rows(factor, size, rows, width):
    """rows := R^-T rows, (size, width)."""
    for i in range(size):
        inverse = 1.0 / factor[i, i]
        for t in range(width):
            rows[i, t] *= inverse
        for k in range(i + 1, size):
            share = factor[i, k]
            for t in range(width):
                rows[k, t] -= share * rows[i, t]


@njit(cache=True, nogil=True)
def condition(covariances, noise, seen, width):
    """Condition the first `width` states of each class on the covariates at states `seen`.

    Returns
    -------
    factors : (classes, seen, seen)
        R above.
    gains : (classes, seen, width)
        H above.
    left : (classes, width, width)
        Covariances that are left.
    log_determinants : (classes,)
    """
    classes, count = len(covariances), len(seen)
    factors = np.empty((classes, count, count))
    gains = np.empty((classes, count, width))
    left = np.empty((classes, width, width))
    log_determinants = np.empty(classes)
    for c in range(classes):
        for i in range(count):
            for k in range(count):
                factors[c, i, k] = covariances[c, seen[i], seen[k]]
            factors[c, i, i] += noise[seen[i]]
            for t in range(width):
                gains[c, i, t] = covariances[c, seen[i], t]
        log_determinants[c] = factorise(factors[c], count)
        whiten_rows(factors[c], count, gains[c], width)
        for t in range(width):
            for u in range(width):
                left[c, t, u] = covariances[c, t, u]
        for i in range(count):
            for t in range(width):
                gain = gains[c, i, t]
                for u in range(width):
                    left[c, t, u] -= gain * gains[c, i, u]
    return factors, gains, left, log_determinants


@njit(cache=True, nogil=True)
def _factor_of_pixel(left, where, count, noise, factor):
    for i in range(count):
        for k in range(i, count):
            factor[i, k] = left[where[i], where[k]]
        factor[i, i] += noise[i]
    return factorise(factor, count)


@njit(cache=True, nogil=True)
def _reweigh(factor, count, white, usual_noise, noise, inverse):
    """New noise variances from leave-one-out residuals; returns whether any observation lost weight.

    Weight 1 up to the threshold, then Tukey's bisquare down to `LEAST_WEIGHT` at twice the threshold; the noise grows by
    (1 / weight - 1) times the leave-one-out variance.
    """
    for i in range(count):
        for k in range(count):
            inverse[i, k] = 0.0
        inverse[i, i] = 1.0
    whiten_rows(factor, count, inverse, count)  # R^-T, lower
    changed = False
    for i in range(count):
        precision, value = 0.0, 0.0
        for k in range(i, count):
            precision += inverse[k, i] * inverse[k, i]
            value += inverse[k, i] * white[k]
        variance = 1.0 / precision
        residual = value * variance / math.sqrt(variance)
        excess = abs(residual) / (LOW_OUTLIER if residual < 0.0 else HIGH_OUTLIER) - 1.0
        if excess > 0.0:
            changed = True
            weight = LEAST_WEIGHT
            if excess < 1.0:
                weight = max(weight, (1.0 - excess * excess) ** 2)
            noise[i] = usual_noise + (1.0 / weight - 1.0) * variance
    return changed


@njit(cache=True, nogil=True)
def fill_pixels(target, covariates, means, seen, conditioned, noise, log_shares, robust, smooth, mean, variance):
    """Mean and variance of the noise-free target of pixels that miss the same covariate values.

    Parameters
    ----------
    target : (pixels, dates)
        Standardised, NaN where missing; `dates` are the first states.
    covariates : (seen, pixels)
        Standardised values at the states `seen`.
    means : (classes, states)
        States are the target's dates, further dates asked for, then the covariates' dates.
    seen : (seen,)
        States of the covariates' values.
    conditioned : tuple
        From `condition`.
    noise : (states,)
        Variances.
    log_shares : (classes,)
        Logarithm of each class's share of the scene.
    robust : bool
        Whether outliers lose weight.
    smooth : bool
        Whether observed dates are wanted too; otherwise they are left as they are.
    mean, variance : (pixels, width)
        Filled in.
    """
    factors, gains, left, log_determinants = conditioned
    classes, dates, pixels, width = len(means), target.shape[1], target.shape[0], mean.shape[1]
    prior, likelihood = _given_covariates(covariates, means, seen, factors, gains, log_determinants, log_shares, width)
    where, wanted = np.empty(dates, np.int64), np.empty(width, np.int64)
    own_noise = np.empty(dates)
    factor = np.empty((classes, dates, dates))
    white = np.empty((classes, dates))
    inverse = np.empty((dates, dates))
    rows = np.empty((dates, width))
    share = np.empty(classes)
    for p in range(pixels):
        count, wants = 0, 0
        for t in range(width):
            if t < dates and target[p, t] == target[p, t]:
                where[count] = t
                own_noise[count] = noise[t]
                count += 1
                if not smooth:
                    continue
            wanted[wants] = t
            wants += 1
        best = _shares(target[p], prior[:, :, p], left, likelihood[:, p], where, count, own_noise, factor, white, share)
        if robust and count > 2 and _reweigh(factor[best], count, white[best], noise[0], own_noise, inverse):
            _shares(target[p], prior[:, :, p], left, likelihood[:, p], where, count, own_noise, factor, white, share)
        for n in range(wants):
            mean[p, wanted[n]] = 0.0
            variance[p, wanted[n]] = 0.0
        for c in range(classes):
            if share[c] == 0.0:
                continue
            for i in range(count):
                for n in range(wants):
                    rows[i, n] = left[c, where[i], wanted[n]]
            whiten_rows(factor[c], count, rows, wants)
            for n in range(wants):
                expected, spread = prior[c, wanted[n], p], left[c, wanted[n], wanted[n]]
                for i in range(count):
                    expected += white[c, i] * rows[i, n]
                    spread -= rows[i, n] * rows[i, n]
                # Moments of a mixture, taken about zero: means are of order one in standardised units.
                mean[p, wanted[n]] += share[c] * expected
                variance[p, wanted[n]] += share[c] * (spread + expected * expected)
        for n in range(wants):
            variance[p, wanted[n]] -= mean[p, wanted[n]] * mean[p, wanted[n]]


@njit(cache=True, nogil=True)
def _given_covariates(covariates, means, seen, factors, gains, log_determinants, log_shares, width):
    """Expected target (classes, width, pixels) and log likelihood (classes, pixels) given the covariates alone.

    Pixels lie side by side, so that each step serves all of them with one number of the factor.
    """
    classes, pixels = len(means), covariates.shape[1]
    prior = np.empty((classes, width, pixels))
    likelihood = np.empty((classes, pixels))
    white = np.empty(covariates.shape)
    for c in range(classes):
        for i in range(len(seen)):
            for p in range(pixels):
                white[i, p] = covariates[i, p] - means[c, seen[i]]
        whiten_rows(factors[c], len(seen), white, pixels)
        for p in range(pixels):
            likelihood[c, p] = log_shares[c] - 0.5 * log_determinants[c]
        for i in range(len(seen)):
            for p in range(pixels):
                likelihood[c, p] -= 0.5 * white[i, p] * white[i, p]
        for t in range(width):
            for p in range(pixels):
                prior[c, t, p] = means[c, t]
            for i in range(len(seen)):
                gain = gains[c, i, t]
                for p in range(pixels):
                    prior[c, t, p] += gain * white[i, p]
    return prior, likelihood


@njit(cache=True, nogil=True)
def _shares(values, prior, left, likelihood, where, count, noise, factor, white, share):
    """How likely each class is for one pixel, into `share`; returns the likeliest.

    Leaves each class's Cholesky factor and whitened residuals in `factor` and `white`.
    """
    classes = len(share)
    best = 0
    for c in range(classes):
        log_determinant = _factor_of_pixel(left[c], where, count, noise, factor[c])
        for i in range(count):
            white[c, i] = values[where[i]] - prior[c, where[i]]
        share[c] = likelihood[c] - 0.5 * (whiten(factor[c], count, white[c]) + log_determinant)
        if share[c] > share[best]:
            best = c
    top, total = share[best], 0.0
    for c in range(classes):
        share[c] = math.exp(share[c] - top)
        if share[c] < LEAST_SHARE:
            share[c] = 0.0
        total += share[c]
    for c in range(classes):
        share[c] /= total
    return best


@njit(cache=True, nogil=True)
def gather_precisions(residuals, seen, left, noise, weights, precisions, scores, likelihood):
    """What learning needs of pixels with one pattern of covariates: sums of (S_oo + noise)^-1 and its products.

    Parameters
    ----------
    residuals, seen : (pixels, dates)
        Target minus its mean given the covariates; True where observed.
    left : (dates, dates)
        Covariance given the covariates.
    noise : (dates,)
    weights : (pixels,)
    precisions : (dates, dates)
        Receives the weighted sum of the inverses, at their dates.
    scores : (pixels, dates)
        Receives inverse times residual, zero where nothing was observed.
    likelihood : (pixels,)
        Receives the log likelihood less its constant.
    """
    pixels, dates = residuals.shape
    where = np.empty(dates, np.int64)
    own_noise = np.empty(dates)
    factor = np.empty((dates, dates))
    inverse = np.empty((dates, dates))
    white = np.empty(dates)
    for p in range(pixels):
        count = 0
        for t in range(dates):
            scores[p, t] = 0.0
            if seen[p, t]:
                where[count] = t
                own_noise[count] = noise[t]
                white[count] = residuals[p, t]
                count += 1
        log_determinant = _factor_of_pixel(left, where, count, own_noise, factor)
        likelihood[p] = -0.5 * (whiten(factor, count, white) + log_determinant)
        for i in range(count):
            for k in range(count):
                inverse[i, k] = 0.0
            inverse[i, i] = 1.0
        whiten_rows(factor, count, inverse, count)
        for i in range(count):
            for k in range(i + 1):
                scores[p, where[k]] += inverse[i, k] * white[i]
                share = weights[p] * inverse[i, k]
                for m in range(i + 1):
                    precisions[where[k], where[m]] += share * inverse[i, m]
