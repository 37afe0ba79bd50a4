"""The plain solver: all observations of one pixel in one covariance matrix, and its Cholesky factor.

Cubic in the observations and slow on purpose: every line is a line of the textbook (Rasmussen & Williams 2006,
algorithm 2.1), so that it can be checked by eye. It stays as the yardstick of the fast solvers.
"""
from __future__ import annotations

import numpy as np

from .coregionalisation import JITTER, matern


def covariance(model, days, outputs, other_days, other_outputs):
    """Covariance of the noise-free processes at (day, output) pairs, (n, m)."""
    distance = np.subtract.outer(days, other_days)
    return sum(matrix[np.ix_(outputs, other_outputs)] * matern(distance, length_scale)
               for matrix, length_scale in zip(model.matrices(), model.length_scale))


def solve(model, values, days, output_days=()):
    """Negative log likelihood of one pixel, and prediction of all outputs.

    Parameters
    ----------
    model : coregionalisation.Coregionalisation
    values : sequence of P arrays
        Standardised values of each output, NaN where missing.
    days : sequence of P arrays
        Their own dates, in days.
    output_days : (m,) array
        Dates to predict.

    Returns
    -------
    negative_log_likelihood : float
    mean, standard_deviation : (P, m) arrays
        In standardised units; the standard deviation is that of a new observation, noise included.
    """
    seen = [np.isfinite(series) for series in values]
    y = np.concatenate([series[known] for series, known in zip(values, seen)])
    x = np.concatenate([dates[known] for dates, known in zip(days, seen)])
    outputs = np.concatenate([np.full(known.sum(), p) for p, known in enumerate(seen)])
    total = covariance(model, x, outputs, x, outputs) + np.diag(model.noise[outputs] + JITTER)
    factor = np.linalg.cholesky(total)
    white = np.linalg.solve(factor, y)
    likelihood = 0.5 * white @ white + np.log(np.diag(factor)).sum() + 0.5 * len(y) * np.log(2 * np.pi)
    output_days = np.asarray(output_days, float)
    mean, deviation = (np.empty((model.outputs, len(output_days))) for _ in "md")
    variance = model.matrices().sum(axis=0).diagonal() + model.noise
    for p in range(model.outputs):
        between = covariance(model, x, outputs, output_days, np.full(len(output_days), p))
        explained = np.linalg.solve(factor, between)
        mean[p] = explained.T @ white
        deviation[p] = np.sqrt(variance[p] - (explained**2).sum(axis=0))
    return likelihood, mean, deviation
