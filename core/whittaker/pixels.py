"""The Whittaker smoother of many pixels, compiled: choose the smoothing, trust the observations, then fit all dates.

Choosing needs the observed dates alone. The last fit has all dates of the series and of the result as unknowns, so that mean and
standard deviation come from one matrix.
"""
from __future__ import annotations

import numpy as np
from numba import njit

from ..timeseries.filling import LEAST_OBSERVATIONS
from .kernel import penalty
from .smoothing import best_smoothing, fitted, profile, reweigh

# Further rounds moved the curves of three real sets by 0.0024 at most (root mean square).
ROBUST_ROUNDS = 3
# On the same sets ten rounds already gave the curve of forty.
ENVELOPE_ROUNDS = 20
# A curve may leave the range of a pixel's observations by this share of it: peaks between dates are real, the overshoot of a cubic
# in a long gap is not. With NDVI, whose range is at most 2, that is never more than 0.1.
OVERSHOOT = 0.05


@njit(cache=True, nogil=True)
def gather(series, given, days, where, own_days, values, weights):
    """Observations of one pixel that have a weight: their places, days, values and weights; returns how many."""
    count = 0
    for t in range(len(days)):
        if np.isfinite(series[t]) and given[t] > 0.0:
            where[count], own_days[count], values[count], weights[count] = t, days[t], series[t], given[t]
            count += 1
    return count


@njit(cache=True, nogil=True)
def bounds(values, count):
    """Lowest and highest value that a curve through these observations may take."""
    lowest, highest = values[:count].min(), values[:count].max()
    margin = OVERSHOOT * (highest - lowest)
    return lowest - margin, highest + margin


@njit(cache=True, nogil=True)
def _settle(rounds, bands, values, given, weights, smoothing, count, factor, smooth, diagonal, errors):
    """Fit, weigh outliers down, fit again; `given` are the weights to begin with. Returns whether there were outliers."""
    weights[:count] = given[:count]
    fitted(bands, values, weights, smoothing, count, factor, smooth, diagonal)
    for turn in range(rounds):
        if not reweigh(values, given, weights, smooth, diagonal, count, errors):
            return turn > 0
        fitted(bands, values, weights, smoothing, count, factor, smooth, diagonal)
    return rounds > 0


@njit(cache=True, nogil=True)
def _lift(envelope, bands, values, trusted, weights, smoothing, count, factor, smooth, diagonal):
    """Weights of an envelope: the trusted ones, times `envelope` above the curve and 1 - `envelope` below it, until none changes.

    Asymmetric least squares (Newey & Powell 1987, Econometrica 55:819): the curve of expectiles of that level.
    """
    for _ in range(ENVELOPE_ROUNDS):
        changed = False
        for i in range(count):
            side = envelope if values[i] > smooth[i] else 1.0 - envelope
            weight = 2.0 * side * trusted[i]
            changed = changed or weight != weights[i]
            weights[i] = weight
        if not changed:
            return
        fitted(bands, values, weights, smoothing, count, factor, smooth, diagonal)


@njit(cache=True, nogil=True)
def fit_pixels(series, given, days, grid, own, wanted, kind, ladder, centre, known, robust, envelope,
               mean, spread, misfit, smoothing):
    """Fit every pixel.

    Parameters
    ----------
    series, given : (pixels, dates) values, NaN where missing, and their weights
    days, grid : (dates,), (unknowns,) days of the series; of all unknowns
    own, wanted : places of the series' dates and of the output dates in `grid`
    kind, ladder, centre : see `smoothing`
    known : (pixels,) smoothing to use; where it is not above 0 it is chosen
    robust, envelope : whether outliers lose weight; level of the envelope, 0.5 for none
    mean, spread : (pixels, output dates) filled with the curve, and the variance of the curve in units of the noise variance
    misfit : (pixels,) filled with the sum of squared residuals over (1 - leverage)
    smoothing : (pixels,) filled with what was used; NaN with fewer than `LEAST_OBSERVATIONS`
    """
    size, dates = len(grid), len(days)
    where = np.empty(dates, np.int64)
    own_days, values, trusted, begun, weights, errors = np.empty((6, dates))
    scores = np.empty(len(ladder))
    bands, factor, grid_bands = np.empty((3, dates)), np.empty((3, size)), np.empty((3, size))
    smooth, diagonal, grid_values, grid_weights = np.empty((4, size))
    penalty(grid, size, grid_bands)
    rounds = ROBUST_ROUNDS if robust else 0
    for pixel in range(len(series)):
        mean[pixel], spread[pixel], misfit[pixel], smoothing[pixel] = np.nan, np.nan, np.nan, np.nan
        count = gather(series[pixel], given[pixel], days, where, own_days, values, begun)
        if count < LEAST_OBSERVATIONS:
            continue
        penalty(own_days, count, bands)
        chosen = known[pixel]
        if not chosen > 0.0:
            profile(kind, ladder, own_days, values, begun, bands, count, factor, smooth, diagonal, scores)
            chosen = best_smoothing(kind, ladder, centre, scores)
            if _settle(rounds, bands, values, begun, trusted, chosen, count, factor, smooth, diagonal, errors):
                profile(kind, ladder, own_days, values, trusted, bands, count, factor, smooth, diagonal, scores)
                chosen = best_smoothing(kind, ladder, centre, scores)
        _settle(rounds, bands, values, begun, trusted, chosen, count, factor, smooth, diagonal, errors)
        total = 0.0
        for i in range(count):
            total += trusted[i] * (values[i] - smooth[i]) ** 2 / (1.0 - trusted[i] * diagonal[i])
        weights[:count] = trusted[:count]
        if envelope != 0.5:
            _lift(envelope, bands, values, trusted, weights, chosen, count, factor, smooth, diagonal)
        grid_weights[:] = 0.0
        for i in range(count):
            place = own[where[i]]
            grid_values[place], grid_weights[place] = values[i], weights[i]
        fitted(grid_bands, grid_values, grid_weights, chosen, size, factor, smooth, diagonal)
        low, high = bounds(values, count)
        for t in range(len(wanted)):
            mean[pixel, t] = min(max(smooth[wanted[t]], low), high)
            spread[pixel, t] = diagonal[wanted[t]]
        misfit[pixel], smoothing[pixel] = total, chosen


@njit(cache=True, nogil=True)
def profiles(series, given, days, kind, ladder, scores):
    """Score of each step of the ladder for each pixel, without a prior; NaN where there are too few observations."""
    dates = len(days)
    where = np.empty(dates, np.int64)
    own_days, values, weights, smooth, diagonal = np.empty((5, dates))
    bands, factor = np.empty((3, dates)), np.empty((3, dates))
    for pixel in range(len(series)):
        scores[pixel] = np.nan
        count = gather(series[pixel], given[pixel], days, where, own_days, values, weights)
        if count >= LEAST_OBSERVATIONS:
            penalty(own_days, count, bands)
            profile(kind, ladder, own_days, values, weights, bands, count, factor, smooth, diagonal, scores[pixel])
