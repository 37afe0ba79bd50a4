"""Filling by pixel: what users may choose, what is learnt from a sample, and the fill itself."""
from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from scipy.optimize import nnls

from ..timeseries import filling
from . import local, pixels
from .smoothing import GENERALISED, LADDER, LEAVE_ONE_OUT, LOOKED_AT_DECADES, V_CURVE
from .typical import PRIOR_OBSERVATIONS, Typical

MODES = ("whittaker", "savgol", "linear")
CRITERIA = {"leave_one_out": LEAVE_ONE_OUT, "gcv": GENERALISED, "v_curve": V_CURVE}
# Pixels that teach what is typical: with fewer observations a pixel hardly knows its own noise.
TELLING_OBSERVATIONS = 6
# Share of the squared leave-one-out errors that is noise at least, in the local modes: where wander explains them all (composites
# of flux sites), an observation would be given as certain. On Sentinel-2 and Brazilian MODIS series 0.7 to 1 is found.
LEAST_NOISE = 0.1
# Pixels whose results are put together at a time: their arrays stay within the processor's caches.
AT_ONCE = 512


@dataclass(frozen=True)
class Options(filling.Options):
    """How to fill.

    Parameters
    ----------
    mode : str
        One of `MODES`.
    criterion : str
        One of `CRITERIA`, which chooses the smoothing.
    smoothing : float, optional
        In day^3, for all pixels; None chooses it for each.
    envelope : float
        Level between 0 and 1: 0.5 for the middle of the observations, 0.9 for their upper envelope.
    window_days : float
        Width of the local parabolas.
    """

    mode: str = "whittaker"
    criterion: str = "leave_one_out"
    smoothing: float | None = None
    envelope: float = 0.5
    window_days: float = 90.0


@dataclass(frozen=True)
class Filled(filling.Filled):
    """As of every fill, and the `smoothing` of each pixel (pixels,) float32 in day^3; NaN where none was used."""

    smoothing: np.ndarray


def learn(values, days, options: Options, weights=None) -> Typical:
    """What is typical of these pixels; see `fill` for the arguments."""
    values, days, weights = _checked(values, days, weights)
    telling = np.sum(np.isfinite(values) & (weights > 0), axis=1) >= TELLING_OBSERVATIONS
    if telling.any():
        values, weights = values[telling], weights[telling]
    if options.mode != "whittaker":
        return _learn_local(values, days, options, weights)
    scores = np.empty((len(values), len(LADDER)))
    kind = CRITERIA[options.criterion]
    pixels.profiles(values, weights, days, GENERALISED if kind == GENERALISED else LEAVE_ONE_OUT, LADDER, scores)
    centre = float(np.log10(LADDER[np.argmin(np.nansum(scores, axis=0))]))
    _, _, misfit, _ = _whittaker(values, days, days[:1], options, Typical(np.nan, centre), weights,
                                 np.full(len(values), options.smoothing or 0.0))
    return Typical(_mean(misfit / _count(values, weights)), centre, pixels=len(values))


def fill(values, days, output_days, options: Options, typical: Typical | None = None, weights=None, smoothing=None) -> Filled:
    """Fill incomplete series at any dates.

    Parameters
    ----------
    values : (pixels, dates) array
        NaN where nothing was observed.
    days : (dates,) array
        Strictly increasing.
    output_days : (output dates,) array
        Strictly increasing; those among `days` can be observed dates.
    options : Options
    typical : Typical, optional
        From `learn`; by default learnt from these values.
    weights : (pixels, dates) array, optional
        Relative precisions of the observations, 1 for usual ones; one of weight 0 or NaN counts as missing.
    smoothing : (pixels,) array, optional
        Of each pixel in day^3; it is chosen where not above 0.

    Returns
    -------
    Filled
        Means and standard deviations of what a clear observation would have shown. With fewer than three observations nothing is
        filled (code 6). Bit-identical for a pixel however pixels are batched, given the same `typical`.
    """
    values, days, weights = _checked(values, days, weights)
    output_days = _increasing(output_days, "output_days")
    typical = learn(values, days, options, weights) if typical is None else typical
    if smoothing is None:
        smoothing = np.full(len(values), options.smoothing or 0.0)
    parts = [_fill(values[part], days, output_days, options, typical, weights[part], np.asarray(smoothing, float)[part])
             for part in (slice(start, start + AT_ONCE) for start in range(0, max(len(values), 1), AT_ONCE))]
    return Filled(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Filled)))


def _fill(values, days, output_days, options, typical, weights, smoothing) -> Filled:
    values = np.where(weights > 0, values, np.float32(np.nan))
    if options.mode == "whittaker":
        mean, spread, misfit, used = _whittaker(values, days, output_days, options, typical, weights, smoothing)
        count = np.where(np.isfinite(misfit), _count(values, weights), 0)
        noise = (np.nan_to_num(misfit) + PRIOR_OBSERVATIONS * typical.noise_variance) / (count + PRIOR_OBSERVATIONS)
        variance = noise[:, None] * (1.0 + spread)
    else:
        mean, variance, noise = _local(values, days, output_days, options, typical, weights)
        used = np.full(len(values), np.nan)
    found = filling.assemble([values], (days,), output_days, mean, np.sqrt(variance), np.sqrt(noise), options,
                             filling.LEAST_OBSERVATIONS)
    return Filled(found.mean, found.standard_deviation, found.quality, used.astype(np.float32))


def _whittaker(values, days, output_days, options, typical, weights, smoothing):
    """Mean, variance of the curve over that of the noise, misfit and smoothing; see `pixels.fit_pixels`."""
    kind, grid = CRITERIA[options.criterion], np.union1d(days, output_days)
    ladder = LADDER if kind == V_CURVE else LADDER[np.abs(np.log10(LADDER) - typical.smoothing) <= LOOKED_AT_DECADES]
    shape = len(values), len(output_days)
    mean, spread, misfit, used = np.empty(shape), np.empty(shape), np.empty(shape[0]), np.empty(shape[0])
    pixels.fit_pixels(values, weights, days, grid, np.searchsorted(grid, days), np.searchsorted(grid, output_days),
                      kind, ladder, typical.smoothing, smoothing, options.robust,
                      float(options.envelope), mean, spread, misfit, used)
    return mean, spread, misfit, used


def _local(values, days, output_days, options, typical, weights):
    """Mean, variance of a clear observation, and of the noise (pixels,); see `local`."""
    parabola, half = options.mode == "savgol", options.window_days / 2
    mean, square, bridge = np.empty((3, len(values), len(output_days)))
    local.fit_pixels(parabola, values, weights, days, output_days, half, mean, square, bridge)
    error, own_square, own_bridge = _left_out(values, days, options, weights)
    with np.errstate(invalid="ignore", divide="ignore"):
        score = error ** 2 / (typical.noise_variance * (1 + own_square) + typical.wander * own_bridge)
    known = np.isfinite(score)
    scale = (np.where(known, score, 0).sum(axis=1) + PRIOR_OBSERVATIONS) / (known.sum(axis=1) + PRIOR_OBSERVATIONS)
    variance = scale[:, None] * (typical.noise_variance * (1 + square) + typical.wander * bridge)
    return mean, variance, scale * typical.noise_variance


def _left_out(values, days, options, weights):
    found = np.empty((3, *values.shape))
    local.left_out(options.mode == "savgol", values, weights, days, options.window_days / 2, *found)
    return found


def _learn_local(values, days, options, weights) -> Typical:
    """Noise and wander that explain squared leave-one-out errors, by least squares."""
    error, square, bridge = (one.ravel() for one in _left_out(values, days, options, weights))
    known = np.isfinite(error)
    error, square, bridge = error[known], square[known], bridge[known]
    if not len(error):
        return Typical(np.nan, pixels=len(values))
    columns = np.stack([1 + square, bridge], axis=1)
    noise, wander = nnls(columns, error ** 2)[0]
    noise = max(noise, LEAST_NOISE * np.mean(error ** 2 / columns[:, 0]))
    return Typical(float(noise), wander=float(wander), pixels=len(values))


def _count(values, weights) -> np.ndarray:
    return np.sum(np.isfinite(values) & (weights > 0), axis=1)


def _mean(variances: np.ndarray) -> float:
    known = variances[np.isfinite(variances)]
    return float(known.mean()) if len(known) else float("nan")


def _checked(values, days, weights):
    values = np.asarray(values, np.float32)  # as the rasters hold them
    days = _increasing(days, "days")
    if values.ndim != 2 or values.shape[1] != len(days):
        raise ValueError(f"values are {values.shape}, but there are {len(days)} days")
    weights = np.ones(values.shape, np.float32) if weights is None else np.nan_to_num(np.asarray(weights, np.float32))
    return values, days, weights


def _increasing(days, name: str) -> np.ndarray:
    days = np.asarray(days, float)
    if np.any(np.diff(days) <= 0):
        raise ValueError(f"{name} must increase strictly")
    return days
