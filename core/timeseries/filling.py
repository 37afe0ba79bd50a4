"""From a method's means and standard deviations to the results users get: observed values kept, reasons given."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import quality
from .grids import Window
from .writing import series_spec

# A covariate this near to a date supports its value: Sentinel-1 repeats its orbit every 12 days.
SUPPORT_DAYS = 12.0
# With fewer observations of the target a pixel's fill is hardly its own (code 6).
LEAST_OBSERVATIONS = 3


@dataclass(frozen=True)
class Options:
    """How a fill is given.

    Parameters
    ----------
    valid_range : (low, high)
        Of the target; means are kept inside.
    keep_observed : bool
        Whether observed values come back unchanged.
    max_gap_days : float
        Longer gaps stay empty; 0 fills all.
    robust : bool
        Whether outliers lose weight.
    """

    valid_range: tuple
    keep_observed: bool = True
    max_gap_days: float = 0.0
    robust: bool = True


@dataclass(frozen=True)
class Filled:
    """Results (pixels, dates): `mean` and `standard_deviation` float32, `quality` uint8."""

    mean: np.ndarray
    standard_deviation: np.ndarray
    quality: np.ndarray


def assemble(values: list, days: tuple, output_days: np.ndarray, mean: np.ndarray, deviation: np.ndarray,
             observed_deviation, options: Options, needs: int = 0) -> Filled:
    """Results of a batch of pixels.

    Parameters
    ----------
    values : list of (pixels, dates)
        The target, then its covariates; NaN where missing.
    days : tuple of (dates,)
        Of each of them.
    output_days : (dates,)
    mean, deviation : (pixels, output dates)
        In the target's units, noise included; not finite where the method failed.
    observed_deviation : float or (pixels,)
        Standard deviation of the observations kept.
    options : Options
    needs : int
        See `reasons`.
    """
    known = np.isfinite(mean + deviation)
    code = reasons(values, days, output_days, known, options.max_gap_days, options.keep_observed, needs)
    observed = gaps_around(np.isfinite(values[0]), days[0], output_days)[0]
    gone = ~known | (code == quality.BEYOND_MAX_GAP) | (code == quality.NO_DATA)
    result = np.where(gone, np.nan, np.clip(mean, *options.valid_range)).astype(np.float32)
    spread = np.where(gone, np.nan, deviation).astype(np.float32)
    if options.keep_observed:
        own = np.minimum(np.searchsorted(days[0], output_days), len(days[0]) - 1)
        result[observed] = values[0][:, own][observed]
        own_deviation = np.broadcast_to(np.reshape(observed_deviation, (-1, 1)), result.shape)
        spread[observed] = own_deviation[observed]
    return Filled(result, spread, code)


def reasons(values: list, days: tuple, output_days: np.ndarray, known: np.ndarray, max_gap_days: float = 0.0,
            keep_observed: bool = True, needs: int = 0) -> np.ndarray:
    """Reason codes (pixels, output dates), by one rule for all methods.

    Of several reasons the first counts: nothing is known of the pixel (0), observed (1), beyond the longest gap (4), the method
    has no value (8), too few observations (6), constant (7), before the first or after the last observation (5), filled (2, 3).

    Parameters
    ----------
    values : list of (pixels, dates)
        The target, then its covariates; NaN where missing.
    days : tuple of (dates,)
    output_days : (dates,)
    known : (pixels, output dates) bool
        Where the method has a value.
    max_gap_days : float
        Longer gaps stay empty; 0 fills all.
    keep_observed : bool
        Whether an observed value comes back where the method has none.
    needs : int
        With fewer observations the method has no value, for that reason (6) and not for having failed (8).
    """
    observed, gaps, inside = gaps_around(np.isfinite(values[0]), days[0], output_days)
    code = _codes(values, days, output_days, inside)
    possible = code != quality.NO_DATA
    enough = np.isfinite(values[0]).sum(axis=1, keepdims=True) >= needs
    code[possible & ~known & enough] = quality.NOT_CONVERGED
    if max_gap_days > 0:
        code[possible & ~observed & (gaps > max_gap_days)] = quality.BEYOND_MAX_GAP
    code[observed & (known | keep_observed)] = quality.OBSERVED
    return code


def gaps_around(seen: np.ndarray, days: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Per pixel and date asked for: whether observed, length of the gap around it, and whether observations lie on both sides.

    Beyond the first and last observation the length is the distance to it; infinite where there is none.
    """
    before, after = _neighbours(seen, days, at)
    inside = np.isfinite(before) & np.isfinite(after)
    with np.errstate(invalid="ignore"):
        gaps = np.where(inside, after - before, np.minimum(at - before, after - at))
    return before == at, gaps, inside


def distances(seen: np.ndarray, days: np.ndarray, at: np.ndarray) -> np.ndarray:
    """Days (pixels, dates asked for) to the nearest observation, zero where observed and infinite where there is none."""
    before, after = _neighbours(seen, days, at)
    return np.minimum(at - before, after - at)


def _neighbours(seen: np.ndarray, days: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Days (pixels, dates asked for) of the last observation up to each date and of the first from it on; infinite if none."""
    before = np.maximum.accumulate(np.where(seen, days, -np.inf), axis=1)
    after = np.minimum.accumulate(np.where(seen, days, np.inf)[:, ::-1], axis=1)[:, ::-1]
    none = np.full((len(seen), 1), np.inf)
    return (np.concatenate([-none, before], axis=1)[:, np.searchsorted(days, at, side="right")],
            np.concatenate([after, none], axis=1)[:, np.searchsorted(days, at, side="left")])


def _codes(values: list, days: tuple, output_days: np.ndarray, inside: np.ndarray) -> np.ndarray:
    """Reason codes (pixels, output dates) of filled values."""
    target, code = values[0], np.full(inside.shape, quality.FILLED_IN_TIME, np.uint8)
    any_covariate = np.zeros(len(target), bool)
    for other, other_days in zip(values[1:], days[1:]):
        seen = np.isfinite(other)
        any_covariate |= seen.any(axis=1)
        near = np.abs(other_days[:, None] - output_days) <= SUPPORT_DAYS
        code[seen.astype(np.float32) @ near.astype(np.float32) > 0] = quality.FILLED_WITH_SAR
    code[~inside] = quality.EXTRAPOLATED
    seen = np.isfinite(target)
    count = seen.sum(axis=1)
    lowest = np.where(seen, target, np.inf).min(axis=1)
    highest = np.where(seen, target, -np.inf).max(axis=1)
    code[(count > 1) & (lowest == highest)] = quality.INVALID
    code[count < LEAST_OBSERVATIONS] = quality.TOO_FEW
    code[(count == 0) & ~any_covariate] = quality.NO_DATA
    return code


def rasters(target, periods, header) -> dict:
    """The rasters that every fill can write, by their keys.

    Parameters
    ----------
    target : Series
    periods : sequence of Period
        Of the output.
    header : callable
        ``header(variable, units)`` gives the `Header` of a raster of this run.
    """
    return {"OUTPUT": series_spec(target.grid, periods, header(target.variable.name, target.units)),
            "UNCERTAINTY": series_spec(target.grid, periods, header("standard deviation", target.units)),
            "QUALITY": series_spec(target.grid, periods, header("quality", ""), "uint8")}


def placed(arrays: dict, inside: np.ndarray | slice, window: Window) -> dict:
    """Arrays (pixels inside, bands) at their places in a tile: (bands, rows, columns), with nothing known elsewhere."""
    out = {}
    for name, array in arrays.items():
        nothing = np.nan if array.dtype.kind == "f" else quality.NO_DATA
        bands = np.full((array.shape[1], window.rows * window.columns), nothing, array.dtype)
        bands[:, inside] = array.T
        out[name] = bands.reshape(-1, window.rows, window.columns)
    return out
