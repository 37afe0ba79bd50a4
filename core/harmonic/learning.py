"""What a scene teaches: prior of the coefficients, common departure, residual and noise, learnt from its own series.

Empirical Bayes: mean and covariance of the coefficients by expectation-maximisation (Dempster, Laird & Rubin 1977),
variances and length scale of residual and noise by marginal likelihood, in turns, on a seeded sample of incomplete series.
The *departure* is what all pixels share on a date beyond the harmonics (a late spring, haze, snow): where only a part of
the scene is cloudy, the rest tells it.
"""
from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np
from scipy.optimize import minimize

from ..errors import InputError
from .design import checked_days, harmonic_design, trend_supported, window_centre
from .kernel import expectations, log_likelihood

# Pixels' worth of belief in the prior below against the scene's own series; 5 to 60 gave the same error within 1 %.
PRIOR_PIXELS = 30.0
# Share of the series' overall variance that a constant, a trend or the first harmonic may have before anything is learnt.
# Harmonic k has k^-3 of it, the decay of a curve with kinks in its slope, such as green-up and harvest make.
PRIOR_SHARE = 0.75
PRIOR_DECAY = 3
# Where the search for the residual starts, and the loose log-normal belief (standard deviation in logs) about its length.
LENGTH_SCALE_DAYS = 25.0
LENGTH_SCALE_SPREAD = 1.5
# Noise is never taken to be smaller than this share of the series' standard deviation: float32 NDVI carries 1e-7.
LEAST_NOISE = 1e-6
ROUNDS = 8
# A departure sought before noise and residual are roughly known takes in what belongs to the coefficients.
ROUNDS_BEFORE_DEPARTURE = 2
EXPECTATIONS_PER_ROUND = 4
LIKELIHOODS_PER_ROUND = 60
# Gain of the log likelihood, per pixel and round, below which learning stops.
ENOUGH = 1e-3
# Half a step: the dates are moved all at once, and a full step may overshoot where neighbours move together.
DEPARTURE_STEP = 0.5


@dataclass(frozen=True)
class Scene:
    """What a scene has taught; all that `adaptive.fill` needs besides the series.

    Attributes
    ----------
    days : (dates,) array
        Days of the series learnt from.
    order, period_days, trend, centre
        The harmonic design.
    coefficient_mean, coefficient_covariance : (p,), (p, p) arrays
    noise_variance, residual_variance : float
        In squared units of the series.
    length_scale : float
        Days over which the residual's correlation falls to 1/e.
    departure, departure_information : (dates,) arrays
        What all pixels share on each date, and the inverse variance with which the sample told it.
    departure_variance : float
    pixels : int
        Sample size.
    """

    days: np.ndarray
    order: int
    period_days: float
    trend: bool
    centre: float
    coefficient_mean: np.ndarray
    coefficient_covariance: np.ndarray
    noise_variance: float
    residual_variance: float
    length_scale: float
    departure: np.ndarray
    departure_information: np.ndarray
    departure_variance: float
    pixels: int

    def design(self, days):
        """Harmonic design matrix at `days`."""
        return harmonic_design(days, self.order, self.period_days, self.trend, self.centre)

    def mean(self, days):
        """Mean of the scene's series at `days`, (days,)."""
        harmonic = self.design(days) @ self.coefficient_mean
        if self.departure_variance <= 0:
            return harmonic
        between = decay_table(days, self.days, self.length_scale)
        return harmonic + between @ np.linalg.solve(decay_table(self.days, self.days, self.length_scale), self.departure)

    def mean_variance(self, days):
        """Variance of the common departure at `days`: zero where the sample tells it, all of it far from any date."""
        known = self.departure_information > 0
        between = decay_table(days, self.days[known], self.length_scale) * self.departure_variance
        if self.departure_variance <= 0 or not known.any():
            return np.full(len(days), self.departure_variance)
        covariance = decay_table(self.days[known], self.days[known], self.length_scale) * self.departure_variance
        covariance += np.diag(1 / self.departure_information[known])
        explained = np.einsum("ij,ji->i", between, np.linalg.solve(covariance, between.T))
        return np.maximum(0.0, self.departure_variance - explained)

    def modes(self, days):
        """Columns at `days` whose independent standard normal amplitudes give the coefficients' prior, (days, p)."""
        return self.design(days) @ np.linalg.cholesky(self.coefficient_covariance)

    def coefficients(self, amplitudes):
        """Coefficients (pixels, p) from amplitudes of the modes (pixels, p)."""
        return self.coefficient_mean + amplitudes @ np.linalg.cholesky(self.coefficient_covariance).T

    def to_dict(self) -> dict:
        """Plain numbers and lists, for a journal."""
        return {f.name: getattr(self, f.name).tolist() if isinstance(getattr(self, f.name), np.ndarray)
                else getattr(self, f.name) for f in fields(self)}

    @staticmethod
    def from_dict(plain: dict) -> "Scene":
        """The scene that `to_dict` wrote, bit for bit."""
        return Scene(**{name: np.array(value) if isinstance(value, list) else value for name, value in plain.items()})


@dataclass
class _State:
    """Estimates on their way to a `Scene`, and the sample they come from."""

    series: np.ndarray
    days: np.ndarray
    design: np.ndarray
    low: float
    high: float
    prior: np.ndarray
    typical_length: float
    longest_length: float
    least_noise: float
    mean: np.ndarray
    covariance: np.ndarray
    noise: float
    residual: float
    length_scale: float
    departure: np.ndarray
    departure_variance: float
    information: np.ndarray
    inflation: np.ndarray = field(default=None)

    def arguments(self):
        """What both kernels take first."""
        modes = self.design @ np.linalg.cholesky(self.covariance)
        return (self.series, self.design @ self.mean + self.departure, modes,
                decay_table(self.days, self.days, self.length_scale))


def decay_table(days, others, length_scale):
    """Correlation exp(-|difference| / length_scale) of an Ornstein-Uhlenbeck process, (days, others)."""
    return np.exp(-np.abs(np.subtract.outer(days, others)) / length_scale)


def learn(series, days, options, seed=0) -> Scene:
    """Learn a scene from its incomplete series.

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
    sample = _sample(np.asarray(series), options, seed)
    state, trend, order = _start(sample, days, options)
    reached = -np.inf
    for turn in range(ROUNDS):
        for _ in range(EXPECTATIONS_PER_ROUND):
            gradient, information = _renew_prior(state, options.robust_rounds)
            if turn >= ROUNDS_BEFORE_DEPARTURE:
                _renew_departure(state, gradient, information)
        likelihood = _renew_variances(state)
        if turn > ROUNDS_BEFORE_DEPARTURE and likelihood - reached < ENOUGH * len(sample):
            break
        reached = likelihood
    return Scene(days, order, float(options.period_days), trend, window_centre(days), state.mean, state.covariance,
                 state.noise, state.residual, state.length_scale, state.departure, state.information,
                 state.departure_variance, len(sample))


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


def _start(sample, days, options):
    """First estimates, from the sample's overall mean and variance alone."""
    dates = int(np.isfinite(sample).any(axis=0).sum())
    trend = trend_supported(days, options.period_days) if options.trend == "auto" else options.trend == "yes"
    trend = trend and dates > 2
    order = max(0, min(options.order, (dates - 1 - trend) // 2))
    design = harmonic_design(days, order, options.period_days, trend, window_centre(days))
    variance = float(np.nanvar(sample))
    least = max(LEAST_NOISE**2 * variance, np.finfo(np.float32).eps ** 2 * max(float(np.nanmean(sample**2)), 1e-12))
    variance = max(variance, 100 * least)
    prior = np.diag(np.array([1.0] + [1.0] * trend + [k**-float(PRIOR_DECAY) for k in range(1, order + 1) for _ in "cs"]))
    prior *= PRIOR_SHARE * variance
    mean = np.zeros(design.shape[1])
    mean[0] = np.nanmean(sample)
    spacing = float(np.median(np.diff(days))) if len(days) > 1 else LENGTH_SCALE_DAYS
    typical = max(LENGTH_SCALE_DAYS, spacing)
    state = _State(sample, days, design, options.valid_range[0], options.valid_range[1], prior, typical,
                   max(typical, float(days[-1] - days[0])), least, mean,
                   prior.copy(), 0.1 * variance, 0.1 * variance, typical, np.zeros(len(days)), 0.02 * variance,
                   np.zeros(len(days)))
    state.inflation = np.ones(sample.shape)
    return state, trend, order


def _renew_prior(state, rounds):
    """One expectation-maximisation step of the coefficients' prior; returns what `_renew_departure` needs."""
    first, second, gradient, information = expectations(
        *state.arguments(), state.noise, state.residual, rounds, state.low, state.high, state.inflation)
    pixels = len(state.series)
    factor = np.linalg.cholesky(state.covariance)
    average = first / pixels
    state.mean = state.mean + factor @ average
    scatter = factor @ (second - pixels * np.outer(average, average)) @ factor.T
    covariance = (scatter + PRIOR_PIXELS * state.prior) / (pixels + PRIOR_PIXELS)
    state.covariance = 0.5 * (covariance + covariance.T)
    return gradient, information


def _renew_departure(state, gradient, information):
    """Half a Fisher step towards the most probable common departure, and its variance by expectation-maximisation.

    Its prior is an Ornstein-Uhlenbeck process of the residual's length scale, so a date that the sample does not show
    takes after its neighbours.
    """
    state.information = information
    known = information > 0
    target = state.departure[known] + gradient[known] / information[known]
    covariance = state.departure_variance * decay_table(state.days, state.days[known], state.length_scale)
    gain = np.linalg.solve(covariance[known] + np.diag(1 / information[known]), covariance.T).T
    state.departure = (1 - DEPARTURE_STEP) * state.departure + DEPARTURE_STEP * (gain @ target)
    left = state.departure_variance - np.einsum("ij,ij->i", gain, covariance)
    correlation = decay_table(state.days[known], state.days[known], state.length_scale)
    square = state.departure[known] @ np.linalg.solve(correlation, state.departure[known])
    spread = np.trace(np.linalg.solve(correlation, np.diag(left[known]))) / correlation.shape[0]
    state.departure_variance = float(max((square / known.sum()) + min(spread, state.departure_variance),
                                         state.least_noise))


def _renew_variances(state):
    """Noise and residual variance and length scale of the highest marginal likelihood; returns it (times its belief)."""
    def settle(logs):
        noise, residual, length = np.exp(logs)
        return max(noise, state.least_noise), max(residual, 1e-2 * state.least_noise), min(length, state.longest_length)

    series, mean, modes, _ = state.arguments()

    def loss(logs):
        noise, residual, length = settle(logs)
        belief = 0.5 * ((logs[2] - np.log(state.typical_length)) / LENGTH_SCALE_SPREAD) ** 2
        return belief - log_likelihood(series, mean, modes, decay_table(state.days, state.days, length), noise, residual,
                                       state.inflation, state.low, state.high)

    start = np.log([state.noise, state.residual, state.length_scale])
    simplex = np.vstack([start, start + np.diag([-1.0, -0.7, 0.4])])
    found = minimize(loss, start, method="Nelder-Mead",
                     options={"maxfev": LIKELIHOODS_PER_ROUND, "initial_simplex": simplex, "xatol": 1e-3, "fatol": 1e-2})
    state.noise, state.residual, state.length_scale = (float(value) for value in settle(found.x))
    return -float(found.fun)
