"""How far standard deviations are stretched: a factor that changes smoothly with the distance to the nearest observation.

    factor(distance) = level (distance / middle)^growth,    distance kept within those of the values hidden by the run

so that 90 % intervals hold 90 % of the hidden values, near ones and far ones alike: a model that knows its noise well may
still be too sure, or too timid, across long gaps. The two numbers are a quantile regression of the logarithms (Koenker &
Bassett 1978, Econometrica 46:33).
"""
from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import NormalDist

import numpy as np

SHARE = 0.9
# With fewer hidden values nothing is concluded from them.
FEWEST_TO_JUDGE = 100
# Standard deviations are never stretched by more than this: beyond it the model is wrong, and the report says so.
MOST = 2.0
# Growths that are tried: at most with the square root of the distance, as errors of a random walk grow.
GROWTHS = np.linspace(-0.5, 0.5, 21)
# Distances beyond these quantiles of the hidden values' tell too little.
TYPICAL = (0.05, 0.95)


@dataclass(frozen=True)
class Calibration:
    """Factor of standard deviations.

    Parameters
    ----------
    level : float
        At the geometric mean of the two distances.
    growth : float
        Power of the distance.
    nearest, farthest : float
        Days between which the factor changes.
    """

    level: float = 1.0
    growth: float = 0.0
    nearest: float = 1.0
    farthest: float = 1.0

    def at(self, distance):
        """The factor at distances, in days, from the nearest observation of the target."""
        relative = np.clip(distance, self.nearest, self.farthest) / np.sqrt(self.nearest * self.farthest)
        return np.clip(self.level * relative**self.growth, 1 / MOST, MOST)

    def to_dict(self) -> dict:
        """As plain numbers, for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        near, far = f"{self.at(self.nearest):.2f}", f"{self.at(self.farthest):.2f}"
        return near if near == far else f"{near} near observations and {far} far from them"


def fitted(ratio: np.ndarray, distance: np.ndarray) -> Calibration:
    """The calibration that hidden values bear out.

    Parameters
    ----------
    ratio : (values,)
        |error| over standard deviation.
    distance : (values,)
        Days to the nearest observation that was left.
    """
    if len(ratio) < FEWEST_TO_JUDGE:
        return Calibration()
    nearest, farthest = (max(float(np.quantile(distance, share)), 1.0) for share in TYPICAL)
    relative = np.log(np.clip(distance, nearest, farthest) / np.sqrt(nearest * farthest))
    excess = np.log(np.maximum(ratio, 1e-6) / NormalDist().inv_cdf((1 + SHARE) / 2))
    best = min((_line(excess, relative, growth) for growth in GROWTHS), key=lambda line: line[0])
    return Calibration(float(np.exp(best[1])), float(best[2]), nearest, farthest)


def _line(excess: np.ndarray, relative: np.ndarray, growth: float) -> tuple[float, float, float]:
    """Loss, level and growth of the line of this growth below which `SHARE` of the values lie."""
    left = excess - growth * relative
    level = float(np.quantile(left, SHARE))
    loss = np.where(left > level, SHARE * (left - level), (1 - SHARE) * (level - left)).sum()
    return float(loss), level, float(growth)
