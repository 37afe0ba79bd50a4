"""Learn a scene from its own incomplete series: empirical Bayes, in turns that each raise the marginal likelihood.

On a seeded sample of pixels, in every round: the scene's mean curve by a Newton step, the spread of the coefficients about
it by expectation-maximisation (Dempster, Laird & Rubin 1977), noise, residual and length scale by marginal likelihood.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import minimize

from ..errors import InputError
from .design import checked_days, trend_supported, window_centre
from .kernel import log_likelihood, mean_gradient, second_moments
from .scene import Mean, Scene, decay_table

# Pixels' worth of belief in the prior below against the scene's own series; 5 to 60 gave the same error within 1 %.
PRIOR_PIXELS = 30.0
# Share of the series' overall variance that a constant, a trend or the first harmonic may have before anything is learnt.
# Harmonic k has k^-3 of it, the decay of a curve with kinks in its slope, such as green-up and harvest make.
PRIOR_SHARE = 0.75
PRIOR_DECAY = 3.0
# Where the search for length scales starts, and the loose log-normal belief (standard deviation in logs) about them.
LENGTH_SCALE_DAYS = 25.0
LENGTH_SCALE_SPREAD = 1.5
# Between dates a week or more apart, a rough residual explains white noise too; a tenth of its deviation is left to noise.
NOISE_SHARE = 0.01
# Noise is never taken to be smaller than this share of the series' standard deviation: float32 NDVI carries 1e-7.
LEAST_NOISE = 1e-6
# Nor is the mean curve ever told better than this share of it, which keeps its covariance positive definite.
LEAST_MEAN_ERROR = 1e-4
ROUNDS = 8
EXPECTATIONS_PER_ROUND = 8
LIKELIHOODS_PER_ROUND = 60
# Change of the log likelihood, per pixel and round, below which learning stops.
ENOUGH = 1e-3


@dataclass
class _State:
    """Estimates on their way to a `Scene`, and the sample they come from."""

    series: np.ndarray
    days: np.ndarray
    low: float
    high: float
    variance: float
    typical_length: float
    longest_length: float
    least_noise: float
    mean: Mean
    prior: np.ndarray
    covariance: np.ndarray
    noise: float
    residual: float
    length_scale: float
    extra: np.ndarray

    def arguments(self) -> tuple:
        """What all kernels take first."""
        modes = self.mean.design(self.days) @ np.linalg.cholesky(self.covariance)
        return self.series, self.mean.at(self.days), modes, decay_table(self.days, self.days, self.length_scale)


def learn(series, days, options, seed=0) -> Scene:
    """Learn a scene.

    Parameters
    ----------
    series : (pixels, dates) array
        NaN where nothing was observed. Only a seeded sample of `options.sample` pixels is used.
    days : (dates,) array
        Strictly increasing days.
    options : adaptive.Options
    seed : int

    Raises
    ------
    InputError
        When no pixel holds a valid observation, or the dates do not fit.
    """
    days = checked_days(series, days)
    state = _start(_sample(np.asarray(series), options, seed), days, options)
    reached = -np.inf
    for _ in range(ROUNDS):
        _renew_mean(state)
        for _ in range(EXPECTATIONS_PER_ROUND):
            _renew_spread(state, options.robust_rounds)
        likelihood = _renew_variances(state)
        if abs(likelihood - reached) < ENOUGH * len(state.series):
            break
        reached = likelihood
    _renew_mean(state)
    return Scene(state.mean, state.covariance, state.noise, state.residual, state.length_scale, len(state.series))


def _sample(series, options, seed):
    """Pixels with observations, at most `options.sample` of them, as float64 with NaN outside the valid range."""
    low, high = options.valid_range
    with np.errstate(invalid="ignore"):
        valid = (series >= low) & (series <= high)
    seen = np.flatnonzero(valid.any(axis=1))
    if len(seen) == 0:
        raise InputError("No pixel has a valid observation, so there is nothing to learn from.",
                         "Check the nodata value, the units and the MASK of INPUT.")
    if len(seen) > options.sample:
        seen = np.sort(np.random.default_rng(seed).choice(seen, options.sample, replace=False))
    return np.where(valid[seen], series[seen], np.nan).astype(np.float64)


def _start(sample, days, options) -> _State:
    """First estimates, from the sample's overall mean and variance alone."""
    dates = int(np.isfinite(sample).any(axis=0).sum())
    trend = trend_supported(days, options.period_days) if options.trend == "auto" else options.trend == "yes"
    trend = trend and dates > 2
    order = max(0, min(options.order, (dates - 1 - trend) // 2))
    least = max(LEAST_NOISE**2 * float(np.nanvar(sample)),
                np.finfo(np.float32).eps ** 2 * max(float(np.nanmean(sample**2)), 1e-12))
    variance = max(float(np.nanvar(sample)), 100 * least)
    shares = [1.0] * (1 + trend) + [k**-PRIOR_DECAY for k in range(1, order + 1) for _ in ("cosine", "sine")]
    prior = PRIOR_SHARE * variance * np.array(shares)
    spacing = float(np.median(np.diff(days))) if len(days) > 1 else LENGTH_SCALE_DAYS
    typical = max(LENGTH_SCALE_DAYS, spacing)
    nothing = np.zeros(0)
    mean = Mean(order, float(options.period_days), trend, window_centre(days), float(np.nanmean(sample)), prior,
                0.1 * variance, typical, nothing, nothing, np.zeros((0, 0)))
    return _State(sample, days, *options.valid_range, variance, typical, max(typical, float(days[-1] - days[0])), least,
                  mean, np.diag(prior), np.diag(prior), 0.1 * variance, 0.1 * variance, typical, np.zeros(sample.shape))


def _renew_mean(state: _State) -> None:
    """One Newton step of the mean curve: what the sample tells of it at the present estimates, and how well.

    It is the mean of these pixels, not of all that might have been: the share of the error that stems from their spread
    belongs to the pixels, which tell it themselves.
    """
    least = LEAST_MEAN_ERROR**2 * state.variance
    gradient, information = mean_gradient(*state.arguments(), max(state.noise, least), state.residual, state.extra,
                                          state.low, state.high)
    shown = np.diag(information) > 0
    error = np.linalg.inv(information[np.ix_(shown, shown)])
    told = state.mean.at(state.days)[shown] + error @ gradient[shown]
    design = state.mean.design(state.days[shown])
    values, vectors = np.linalg.eigh(error - design @ state.covariance @ design.T / len(state.series))
    covariance = (vectors * np.maximum(values, least)) @ vectors.T
    mean = replace(state.mean, days=state.days[shown], told=told, told_covariance=covariance)

    def settled(logs):
        variance = np.clip(np.exp(logs[0]), least, state.variance)
        return replace(mean, departure_variance=float(variance),
                       departure_length=float(min(np.exp(logs[1]), state.longest_length)))

    start = np.log([mean.departure_variance, mean.departure_length])
    found = _lowest(lambda logs: _belief(state, logs[1]) - settled(logs).log_likelihood(), start, [-1.0, 0.4])
    state.mean = settled(found.x)


def _renew_spread(state: _State, rounds: int) -> None:
    """One expectation-maximisation step of the coefficients' covariance, and robust weights."""
    second = second_moments(*state.arguments(), state.noise, state.residual, rounds, state.low, state.high,
                            state.extra)
    factor = np.linalg.cholesky(state.covariance)
    covariance = (factor @ second @ factor.T + PRIOR_PIXELS * state.prior) / (len(state.series) + PRIOR_PIXELS)
    state.covariance = 0.5 * (covariance + covariance.T)


def _renew_variances(state: _State) -> float:
    """Noise and residual variance and length scale of the highest marginal likelihood; returns it (times its belief)."""
    series, mean, modes, _ = state.arguments()

    def settled(logs):
        noise, residual, length = np.exp(logs)
        residual = max(residual, state.least_noise)
        return max(noise, NOISE_SHARE * residual, state.least_noise), residual, min(length, state.longest_length)

    def loss(logs):
        noise, residual, length = settled(logs)
        return _belief(state, logs[2]) - log_likelihood(
            series, mean, modes, decay_table(state.days, state.days, length), noise, residual, state.extra,
            state.low, state.high)

    found = _lowest(loss, np.log([state.noise, state.residual, state.length_scale]), [-1.0, -0.7, 0.4])
    state.noise, state.residual, state.length_scale = (float(value) for value in settled(found.x))
    return -float(found.fun)


def _belief(state: _State, log_length: float) -> float:
    """Minus the log density of a length scale before anything is learnt."""
    return 0.5 * ((log_length - np.log(state.typical_length)) / LENGTH_SCALE_SPREAD) ** 2


def _lowest(loss, start, steps):
    """Minimum by the simplex of Nelder and Mead: a few parameters, no derivatives, and no line search to go astray."""
    return minimize(loss, start, method="Nelder-Mead", options={
        "maxfev": LIKELIHOODS_PER_ROUND, "initial_simplex": np.vstack([start, start + np.diag(steps)]),
        "xatol": 1e-3, "fatol": 1e-2})
