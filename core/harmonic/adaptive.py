"""The adaptive model: each pixel's harmonics lean on what its scene has taught, and a residual follows its own data.

    y(t) = mean(t) + A(t) theta + r(t) + e(t),    theta ~ N(0, S)

A holds the harmonics at the true dates. The scene's mean curve, S, and the variances of the autocorrelated residual r and
the white noise e come from `learning.learn`. Given them, the filled mean and its standard deviation are
exact (`kernel`). A gap is filled as similar places would fill it, a dense series is followed closely, and a pixel with
hardly an observation falls back to the scene's mean with a wide standard deviation.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .codes import codes
from .design import amplitude_and_phase, checked_days, increasing_days
from .kernel import fill_pixels
from .learning import learn
from .scene import Scene, decay_table

__all__ = ["Filled", "Options", "Scene", "fill", "learn"]


@dataclass(frozen=True)
class Options:
    """How `learn` and `fill` work.

    Attributes
    ----------
    order : int
        Harmonics, capped by the number of dates.
    period_days : float
        Length of the first harmonic.
    trend : str
        ``auto`` (with a window of at least 1.5 periods), ``yes`` or ``no``.
    robust_rounds : int
        Rounds that lower the weight of outliers, mostly clouds left in; 0 for none.
    valid_range : tuple of float
        Values outside it are not observations, and means of filled dates are clipped into it (their standard
        deviations are not).
    max_gap_days : float
        Longer gaps stay NaN (code 4); 0 fills all. Before the first and after the last observation, the distance to it counts.
    extrapolate : bool
        Fill before the first and after the last observation too (code 5 either way).
    keep_observed : bool
        Observed values come back bit-identical, with the noise as standard deviation; else they are smoothed.
    sample : int
        Pixels to learn from; more gave the same error.
    """

    order: int = 6
    period_days: float = 365.25
    trend: str = "auto"
    robust_rounds: int = 3
    valid_range: tuple = (-1.0, 1.0)
    max_gap_days: float = 0.0
    extrapolate: bool = True
    keep_observed: bool = True
    sample: int = 1000


@dataclass(frozen=True)
class Filled:
    """Filled series.

    Attributes
    ----------
    mean, standard_deviation : (pixels, output dates) float32
        The standard deviation is that of what a clear observation would have shown, noise included.
    quality : (pixels, output dates) uint8
        Reason codes of `timeseries.quality`.
    amplitude, phase : (pixels, order) float32, or None
        Of each harmonic, in units of the series and in radians; see `design.amplitude_and_phase`.
    """

    mean: np.ndarray
    standard_deviation: np.ndarray
    quality: np.ndarray
    amplitude: np.ndarray = None
    phase: np.ndarray = None


def fill(series, days, output_days, scene, options, harmonics=False) -> Filled:
    """Fill incomplete series at any dates.

    Parameters
    ----------
    series : (pixels, dates) array
        NaN where nothing was observed; read as float32.
    days : (dates,) array
        Strictly increasing days.
    output_days : (output dates,) array
        Strictly increasing days; those among `days` can be observed dates.
    scene : Scene
    options : Options
    harmonics : bool
        Whether amplitude and phase are wanted.

    Returns
    -------
    Filled
        Bit-identical for a pixel however pixels are batched or threaded.
    """
    series = np.ascontiguousarray(series, np.float32)
    days, output_days = checked_days(series, days), increasing_days(output_days)
    shape = (len(series), len(output_days))
    mean, deviation, reason = np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.uint8)
    amplitudes = np.empty((len(series), len(scene.coefficient_covariance) if harmonics else 0))
    parameters = (scene.noise_variance, scene.residual_variance, float(options.valid_range[0]),
                  float(options.valid_range[1]), float(options.max_gap_days))
    switches = (int(options.robust_rounds), int(options.keep_observed), int(options.extrapolate))
    fill_pixels(series, days, scene.mean.at(days), scene.modes(days), decay_table(days, days, scene.length_scale),
                output_days, scene.mean.at(output_days), scene.modes(output_days), scene.mean.variance(output_days),
                decay_table(output_days, days, scene.length_scale), parameters, switches, mean, deviation, reason,
                amplitudes)
    reason = codes(series, days, output_days, mean, reason, options)
    if not harmonics:
        return Filled(mean, deviation, reason)
    amplitude, phase = amplitude_and_phase(scene.coefficients(amplitudes), scene.mean.order, scene.mean.trend)
    return Filled(mean, deviation, reason, amplitude.astype(np.float32), phase.astype(np.float32))
