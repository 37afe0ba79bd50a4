"""Every run checks itself: gaps of known length are hidden from a sample of pixels, and the fill is scored there."""
from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np

from ..timeseries.filling import distances
from .calibration import Calibration, fitted

GAP_DAYS = (30.0, 60.0, 90.0)
PROMISED = (0.5, 0.8, 0.9, 0.95)
# A pixel needs so many observations to lose some: a season has about four unknowns, and two tell their spread.
FEWEST_OBSERVATIONS = 6
# Gaps are hidden anew, at most so often, until so many values were: then chance moves a 90 % interval by a percent or two.
ENOUGH_VALUES, MOST_DRAWS = 1000, 4


@dataclass(frozen=True)
class Check:
    """What the hidden values told.

    Parameters
    ----------
    gap_days : tuple of float
        One class per length of the hidden gaps, and all together as the last.
    count, rmse, rmse_linear : tuple
        Per class.
    coverage : tuple of tuple
        Per class, the shares of hidden values inside the central intervals that promise `PROMISED`.
    calibration : Calibration
        Factor by which standard deviations are to be multiplied.
    rmse_alone : float or None
        Error at the same values without covariates, where that was tried.
    dates_learnt : int
        Dates whose values, hidden ones too, had taught what filled them (see `Series.digests`): with any, scores flatter.
    """

    gap_days: tuple
    count: tuple
    rmse: tuple
    rmse_linear: tuple
    coverage: tuple
    calibration: Calibration
    dates_learnt: int = 0
    rmse_alone: float | None = None

    def to_dict(self) -> dict:
        """As plain lists, for JSON."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict) -> Check:
        """The inverse of `to_dict`."""
        return cls(**{**content, "calibration": Calibration(**content["calibration"])})

    @property
    def numbers(self) -> dict:
        """The numbers a job hands on; none when nothing could be hidden."""
        if not self.count[-1]:
            return {}
        return {"RMSE": self.rmse[-1], "RMSE_LINEAR": self.rmse_linear[-1],
                "RATIO": self.rmse[-1] / max(self.rmse_linear[-1], 1e-12),
                "COVERAGE": self.coverage[-1][PROMISED.index(0.9)]}


def hide(target: np.ndarray, days: np.ndarray, seed: int) -> np.ndarray:
    """Choose what to hide: per pixel all observations within half a gap of one of them, with others left on both sides.

    The lengths `GAP_DAYS` take turns from pixel to pixel.

    Returns
    -------
    (pixels, dates) bool
    """
    chance = np.random.default_rng(seed)
    hidden = np.zeros(target.shape, bool)
    for pixel, seen in enumerate(np.isfinite(target)):
        draw = chance.random()
        half = GAP_DAYS[pixel % len(GAP_DAYS)] / 2
        own = days[seen]
        if len(own) < FEWEST_OBSERVATIONS:
            continue
        centres = own[(own - half > own[0]) & (own + half < own[-1])]
        if len(centres):
            hidden[pixel] = seen & (np.abs(days - centres[int(draw * len(centres))]) <= half)
    return hidden


def draws(target: np.ndarray, days: np.ndarray, seed: int) -> list:
    """What to hide, several times where one draw of `hide` hides few values."""
    found, count = [], 0
    while len(found) < MOST_DRAWS and count < ENOUGH_VALUES:
        found.append(hide(target, days, seed + len(found)))
        count += int(found[-1].sum())
        if not count:
            break
    return found


def score(target: np.ndarray, days: np.ndarray, fills: list, calibrate: bool = True) -> Check:
    """Score fills of the same pixels, each of which has not seen the values hidden from it.

    Coverage is that of standard deviations calibrated on the other half of the pixels, so that it is an honest forecast.

    Parameters
    ----------
    target : (pixels, dates)
    days : (dates,)
    fills : list of (hidden, mean, standard deviation), each (pixels, dates)
    calibrate : bool
        Whether standard deviations may be stretched.
    """
    places, error, line, ratio, distance = (np.concatenate(parts) for parts in zip(*(
        _errors(target, days, *one) for one in fills)))
    half = places // len(GAP_DAYS) % 2
    fair = ratio.copy()
    for own in (half == 0, half == 1) if calibrate else ():
        fair[own] /= fitted(ratio[~own], distance[~own]).at(distance[own])
    groups = [places % len(GAP_DAYS) == k for k in range(len(GAP_DAYS))] + [np.ones(len(places), bool)]
    quantiles = [NormalDist().inv_cdf(0.5 + share / 2) for share in PROMISED]
    coverage = tuple(tuple(_mean(fair[group] <= q) for q in quantiles) for group in groups)
    return Check(GAP_DAYS, tuple(int(group.sum()) for group in groups),
                 tuple(_mean(error[group] ** 2) ** 0.5 for group in groups),
                 tuple(_mean(line[group] ** 2) ** 0.5 for group in groups), coverage,
                 fitted(ratio, distance) if calibrate else Calibration())


def _errors(target, days, hidden, mean, deviation) -> tuple:
    """Of each hidden value that was filled: its pixel, error, error of the line, |error| over standard deviation, and distance."""
    pixels, dates = np.nonzero(hidden & np.isfinite(mean) & np.isfinite(deviation))
    truth = target[pixels, dates].astype(float)
    error = mean[pixels, dates] - truth
    shown = np.where(hidden, np.nan, target)
    line = _linear(shown, days)[pixels, dates] - truth
    distance = distances(np.isfinite(shown), days, days)[pixels, dates]
    return pixels, error, line, np.abs(error) / deviation[pixels, dates], distance


def _linear(target: np.ndarray, days: np.ndarray) -> np.ndarray:
    out = np.full(target.shape, np.nan)
    for pixel, series in enumerate(target):
        seen = np.isfinite(series)
        if seen.any():
            out[pixel] = np.interp(days, days[seen], series[seen])
    return out


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0
