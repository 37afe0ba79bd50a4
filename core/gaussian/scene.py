"""A mean and covariance over all dates of a scene's variables, and the exact fill that follows from them.

Every pixel is a draw of one of a few classes (grassland, winter cereals, ...), each with its own mean and covariance of
the target and its covariates at all their dates; what is seen of the pixel tells how likely each class is, and what the
missing dates hold. Nothing is assumed of the covariance (`scene_learning` learns it), except between the dates at which
the scene was seen: there a stationary kernel of each variable, learnt too, interpolates it.
"""
from __future__ import annotations

import base64
from dataclasses import dataclass, replace

import numpy as np

from ..timeseries.filling import Filled, Options, assemble, distances
from . import scene_kernel as kernel
from .calibration import Calibration

# Pixels standardised and filled at a time: their intermediate arrays stay within the processor's caches.
PIXELS_AT_ONCE = 128
# Added to the variance of kernels that are inverted; of standardised values, far below any noise.
JITTER = 1e-9
DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class SceneCovariance:
    """What was learnt; the first variable is the target. All values are standardised by `centre` and `scale`.

    Parameters
    ----------
    variables : tuple of str
    days : tuple of (dates,) arrays
        Days since 1970-01-01 of each variable.
    centre, scale, noise : (variables,)
        `noise` is the variance of the white noise in standardised units.
    length_scales : (kernels,)
        Days; infinite for the constant kernel.
    kernel_variances : (variables, kernels)
        The stationary kernel of each variable is their sum of v exp(-|dt| / length scale).
    shares : (classes,)
    means : (classes, states)
        States are the dates of all variables, one variable after the other.
    covariances : (classes, states, states)
    pixels : int
        How many pixels taught it.
    calibration : Calibration
        Factor by which standard deviations are multiplied, see `self_check`.
    seen : (dates of the target,)
        How well the scene was seen on each date, 1 as on those where values could be hidden: so far a calibration below 1
        holds, for it tells nothing of dates that clouds took. Default: 1.
    digests : tuple of str
        Of the target's dates that taught it (`Series.digests`).
    """

    variables: tuple
    days: tuple
    centre: np.ndarray
    scale: np.ndarray
    noise: np.ndarray
    length_scales: np.ndarray
    kernel_variances: np.ndarray
    shares: np.ndarray
    means: np.ndarray
    covariances: np.ndarray
    pixels: int
    calibration: Calibration = Calibration()
    seen: np.ndarray | None = None
    digests: tuple = ()

    def __post_init__(self):
        if self.seen is None:
            object.__setattr__(self, "seen", np.ones(len(self.days[0])))

    @property
    def stretches(self) -> tuple:
        """Itself: one stretch of time, see `long_scene`."""
        return (self,)

    @property
    def noise_deviation(self) -> float:
        """Standard deviation of the target's noise in its own units."""
        return float(np.sqrt(self.noise[0]) * self.scale[0])

    def calibration_at(self, days: np.ndarray, distance: np.ndarray) -> np.ndarray:
        """Factors (pixels, days) of standard deviations, on days of the target at distances from the nearest observation."""
        factor = self.calibration.at(distance)
        return np.where(factor < 1, 1 - (1 - factor) * np.interp(days, self.days[0], self.seen), factor)

    def to_dict(self) -> dict:
        """All of it as text and numbers, for JSON; arrays in base64, which is a tenth of lists of numbers in memory."""
        return {**{name: _text(getattr(self, name)) for name in ARRAYS}, "variables": list(self.variables),
                "days": [_text(days) for days in self.days], "pixels": self.pixels,
                "calibration": self.calibration.to_dict(), "digests": list(self.digests)}

    @classmethod
    def from_dict(cls, content: dict) -> SceneCovariance:
        """The inverse of `to_dict`; numbers come back to the last bit."""
        return cls(tuple(content["variables"]), tuple(map(_array, content["days"])), pixels=int(content["pixels"]),
                   calibration=Calibration(**content["calibration"]), digests=tuple(content["digests"]),
                   **{name: _array(content[name]) for name in ARRAYS})

    def of(self, variables: tuple) -> SceneCovariance:
        """The same scene, of some of its variables in this order; the others are left out."""
        order = [self.variables.index(name) for name in variables]
        starts = np.cumsum([0, *map(len, self.days)])
        states = np.concatenate([np.arange(starts[i], starts[i + 1]) for i in order])
        return replace(self, variables=tuple(variables), days=tuple(self.days[i] for i in order),
                       centre=self.centre[order], scale=self.scale[order], noise=self.noise[order],
                       kernel_variances=self.kernel_variances[order], means=self.means[:, states],
                       seen=self.seen if order[0] == 0 else None,
                       covariances=self.covariances[:, states][:, :, states])

    def in_year_of(self, days: np.ndarray) -> SceneCovariance:
        """The same scene some whole years later or earlier, so that its seasons lie over these days of the target."""
        middle = (days[0] + days[-1]) / 2 - (self.days[0][0] + self.days[0][-1]) / 2
        shift = round(round(middle / DAYS_PER_YEAR) * DAYS_PER_YEAR)
        return replace(self, days=tuple(own + shift for own in self.days))

    def kernel_of(self, variable: int, one: np.ndarray, other: np.ndarray) -> np.ndarray:
        """Stationary covariance (dates, dates) of a variable between two sets of days."""
        lags = np.abs(one[:, None] - other[None])
        return sum(v * np.exp(-lags / scale) for v, scale in zip(self.kernel_variances[variable], self.length_scales))

    def at(self, days: tuple) -> SceneCovariance:
        """The same scene seen at other dates of each variable.

        Dates that were learnt keep their mean and covariance exactly. Between and beyond them, each variable is
        interpolated by its stationary kernel: ``f_new = W f_old + r`` with ``W = K_no K_oo^-1`` and ``cov(r) = K_nn -
        W K_on``, so that the covariance stays positive definite and falls back to the kernel far from all dates learnt.
        """
        if all(np.array_equal(new, old) for new, old in zip(days, self.days)):
            return self
        weights = np.zeros((sum(map(len, days)), self.means.shape[1]))
        rest = np.zeros((len(weights), len(weights)))
        row = column = 0
        for v, (new, old) in enumerate(zip(days, self.days)):
            rows, columns = slice(row, row + len(new)), slice(column, column + len(old))
            weights[rows, columns], rest[rows, rows] = self._interpolation(v, new, old)
            row, column = rows.stop, columns.stop
        means = self.means @ weights.T
        covariances = np.stack([weights @ c @ weights.T + rest for c in self.covariances])
        return replace(self, days=tuple(days), means=means, covariances=covariances,
                       seen=np.interp(days[0], self.days[0], self.seen))

    def _interpolation(self, variable: int, new: np.ndarray, old: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        where = np.searchsorted(old, new)
        known = (where < len(old)) & (old[np.minimum(where, len(old) - 1)] == new)
        across = self.kernel_of(variable, new, old)
        weights = np.linalg.solve(self.kernel_of(variable, old, old) + JITTER * np.eye(len(old)), across.T).T
        rest = self.kernel_of(variable, new, new) - weights @ across.T
        weights[known] = np.eye(len(old))[where[known]]
        rest[known], rest[:, known] = 0.0, 0.0
        return weights, rest


ARRAYS = ("centre", "scale", "noise", "length_scales", "kernel_variances", "shares", "means", "covariances", "seen")


def _text(array: np.ndarray) -> list:
    return [list(array.shape), base64.b64encode(np.ascontiguousarray(array, "<f8")).decode()]


def _array(text: list) -> np.ndarray:
    shape, content = text
    return np.frombuffer(base64.b64decode(content), "<f8").reshape(shape).astype(float)


def fill(values: list, days: tuple, output_days: np.ndarray, scene: SceneCovariance, options: Options) -> Filled:
    """Fill pixels: the exact mean and standard deviation given all that is seen of each.

    Parameters
    ----------
    values : list of (pixels, dates) float32
        The target, then its covariates in the order of ``scene.variables``; NaN where missing.
    days : tuple of (dates,)
        Of each variable.
    output_days : (dates,)
        Increasing; dates of the target among them come back as observed.
    scene : SceneCovariance
    options : Options

    Returns
    -------
    Filled
        The standard deviation is that of what a clear observation would have shown (noise included).
    """
    known = scene.noise_deviation * scene.calibration.at(0.0)
    shape = len(values[0]), len(output_days)
    filled = Filled(np.full(shape, np.nan, np.float32), np.full(shape, np.nan, np.float32), np.zeros(shape, np.uint8))
    smooth = not options.keep_observed
    for pixels, mean, deviation in batches(values, days, output_days, scene, options.robust, smooth, some_seen(values)):
        found = assemble([v[pixels] for v in values], days, output_days, mean, deviation, known, options)
        filled.mean[pixels], filled.standard_deviation[pixels] = found.mean, found.standard_deviation
        filled.quality[pixels] = found.quality
    return filled


def moments(values: list, days: tuple, output_days: np.ndarray, scene: SceneCovariance,
            robust: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (pixels, dates), float64, noise included, at all dates: observed ones are smoothed."""
    mean, deviation = (np.full((len(values[0]), len(output_days)), np.nan) for _ in range(2))
    for pixels, *found in batches(values, days, output_days, scene, robust, True, some_seen(values)):
        mean[pixels], deviation[pixels] = found
    return mean, deviation


def some_seen(values: list) -> np.ndarray:
    """Numbers of the pixels of which anything is seen; `values` as for `fill`."""
    return np.flatnonzero(np.any([np.isfinite(v).any(axis=1) for v in values], axis=0))


def batches(values: list, days: tuple, output_days: np.ndarray, scene: SceneCovariance, robust: bool, smooth: bool,
            rows: np.ndarray):
    """Yield (numbers of pixels, mean, standard deviation) until all pixels `rows` are done.

    Unless `smooth`, observed dates hold no meaningful number. Pixels of which nothing is seen get what the scene's do on average.
    """
    states = _States(scene, days, output_days)
    seen_covariates = [np.isfinite(v[rows]) for v in values[1:]]
    seen_covariates = np.concatenate([np.empty((len(rows), 0), bool), *seen_covariates], axis=1)
    for alike, seen in patterns(seen_covariates):
        conditioned = kernel.condition(states.covariances, states.noise, seen + states.width, states.width)
        for start in range(0, len(alike), PIXELS_AT_ONCE):
            pixels = rows[alike[start:start + PIXELS_AT_ONCE]]
            yield (pixels, *states.filled([v[pixels] for v in values], seen, conditioned, robust, smooth))


class _States:
    """The scene's states in the order the kernel wants: target dates, further output dates, covariate dates."""

    def __init__(self, scene: SceneCovariance, days: tuple, output_days: np.ndarray):
        self.scene = scene
        both = np.union1d(days[0], output_days)
        target, further = np.searchsorted(both, days[0]), np.searchsorted(both, np.setdiff1d(output_days, days[0]))
        ordered = scene.at((both, *days[1:]))
        self.width = len(both)
        order = np.concatenate([target, further, np.arange(self.width, ordered.means.shape[1])])
        self.means = ordered.means[:, order]
        self.covariances = ordered.covariances[:, order][:, :, order]
        self.noise = np.repeat(scene.noise, [self.width, *map(len, days[1:])])
        self.outputs = np.argsort(order[:self.width])[np.searchsorted(both, output_days)]
        self.days, self.output_days = days[0], output_days

    def filled(self, values: list, seen: np.ndarray, conditioned: tuple, robust: bool,
               smooth: bool) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation at the output dates, in the target's units."""
        scene = self.scene
        target, *others = ((np.asarray(v, float) - c) / s for v, c, s in zip(values, scene.centre, scene.scale))
        covariates = np.concatenate([np.empty((len(target), 0)), *others], axis=1)[:, seen].T
        mean, variance = np.zeros((len(target), self.width)), np.zeros((len(target), self.width))
        kernel.fill_pixels(target, np.ascontiguousarray(covariates), self.means, seen + self.width, conditioned,
                           self.noise, np.log(scene.shares), robust, smooth, mean, variance)
        mean, variance = mean[:, self.outputs], variance[:, self.outputs] + self.noise[0]
        factor = scene.calibration_at(self.output_days, distances(np.isfinite(target), self.days, self.output_days))
        return mean * scene.scale[0] + scene.centre[0], np.sqrt(variance) * scene.scale[0] * factor


def patterns(seen: np.ndarray) -> list:
    """Rows that are alike: a list of (their numbers, the columns that are true in them)."""
    if not len(seen):
        return []
    if not seen.shape[1]:
        return [(np.arange(len(seen)), np.empty(0, np.int64))]
    packed = np.packbits(seen, axis=1)
    _, first, which = np.unique(packed, axis=0, return_index=True, return_inverse=True)
    which = which.ravel()
    order = np.argsort(which, kind="stable")
    ends = np.cumsum(np.bincount(which, minlength=len(first)))
    return [(rows, np.flatnonzero(seen[rows[0]])) for rows in np.split(order, ends[:-1])]
