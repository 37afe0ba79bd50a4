"""What a scene has taught: the scene's mean, the spread of its pixels about it, residual and noise.

The mean is itself a curve of the same kind as a pixel: harmonics whose variance decays with the order, and a *departure*,
an Ornstein-Uhlenbeck process, for what all pixels share beyond them (a late spring, haze, snow). The sample tells it on
the dates which it shows, with an error covariance. So a date that most of the scene shows fills the pixels hidden then,
and on dates that the whole scene lost the mean is a cautious guess with a wide standard deviation.
"""
from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from .design import harmonic_design


def decay_table(days, others, length_scale):
    """Correlation exp(-|difference| / length_scale) of an Ornstein-Uhlenbeck process, (days, others)."""
    return np.exp(-np.abs(np.subtract.outer(days, others)) / length_scale)


@dataclass(frozen=True)
class Mean:
    """The mean curve of a scene, as Gaussian process regression of what the sample tells of it.

    Attributes
    ----------
    order, period_days, trend, centre
        The harmonic design.
    level : float
        The curve's mean before anything is told.
    prior_variances : (p,) array
        Of the harmonic coefficients, before anything is told.
    departure_variance, departure_length : float
        Of the Ornstein-Uhlenbeck departure; days.
    days, told, told_covariance : (dates,), (dates,), (dates, dates) arrays
        The curve as told by the sample, and its error covariance.
    """

    order: int
    period_days: float
    trend: bool
    centre: float
    level: float
    prior_variances: np.ndarray
    departure_variance: float
    departure_length: float
    days: np.ndarray
    told: np.ndarray
    told_covariance: np.ndarray

    def design(self, days):
        """Harmonic design matrix at `days`."""
        return harmonic_design(days, self.order, self.period_days, self.trend, self.centre)

    def prior(self, days, others):
        """Prior covariance of the curve between `days` and `others`."""
        harmonics = (self.design(days) * self.prior_variances) @ self.design(others).T
        return harmonics + self.departure_variance * decay_table(days, others, self.departure_length)

    def at(self, days):
        """The curve at `days`."""
        return self.level + self.prior(days, self.days) @ self._weights()

    def variance(self, days):
        """Variance of the curve at `days`: about nothing where the sample shows it, more the further from there."""
        between = self.prior(days, self.days)
        prior = self.design(days) ** 2 @ self.prior_variances + self.departure_variance
        explained = np.einsum("ij,ji->i", between, np.linalg.solve(self._covariance(), between.T))
        return np.maximum(0.0, prior - explained)

    def coefficients(self):
        """Harmonic coefficients of the curve, the departure left out, (p,)."""
        found = self.prior_variances * (self.design(self.days).T @ self._weights())
        found[0] += self.level
        return found

    def log_likelihood(self):
        """Log density of what the sample told, constants left out."""
        sign, logs = np.linalg.slogdet(self._covariance())
        return -0.5 * (logs + (self.told - self.level) @ self._weights()) if sign > 0 else -np.inf

    def _covariance(self):
        return self.prior(self.days, self.days) + self.told_covariance

    def _weights(self):
        return np.linalg.solve(self._covariance(), self.told - self.level)


@dataclass(frozen=True)
class Scene:
    """All that `adaptive.fill` needs besides the series.

    Attributes
    ----------
    mean : Mean
    coefficient_covariance : (p, p) array
        Of the pixels' harmonic coefficients about the mean.
    noise_variance, residual_variance : float
        In squared units of the series.
    length_scale : float
        Days over which the residual's correlation falls to 1/e.
    pixels : int
        Sample size.
    """

    mean: Mean
    coefficient_covariance: np.ndarray
    noise_variance: float
    residual_variance: float
    length_scale: float
    pixels: int

    def modes(self, days):
        """Columns at `days` whose independent standard normal amplitudes give the pixels' spread, (days, p)."""
        return self.mean.design(days) @ np.linalg.cholesky(self.coefficient_covariance)

    def coefficients(self, amplitudes):
        """Harmonic coefficients (pixels, p) from amplitudes of the modes (pixels, p)."""
        return self.mean.coefficients() + amplitudes @ np.linalg.cholesky(self.coefficient_covariance).T

    def to_dict(self) -> dict:
        """Plain numbers and lists, for a journal."""
        return {**_plain(self), "mean": _plain(self.mean)}

    @staticmethod
    def from_dict(plain: dict) -> Scene:
        """The scene that `to_dict` wrote, bit for bit."""
        return Scene(**{**_arrays(plain), "mean": Mean(**_arrays(plain["mean"]))})


def _plain(thing) -> dict:
    values = {f.name: getattr(thing, f.name) for f in fields(thing)}
    return {name: value.tolist() if isinstance(value, np.ndarray) else value for name, value in values.items()}


def _arrays(plain: dict) -> dict:
    return {name: np.array(value) if isinstance(value, list) else value for name, value in plain.items()}
