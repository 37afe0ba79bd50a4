"""The three covariances behind one face: each learns from a sample, checks itself on hidden gaps, and fills."""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..timeseries.filling import Filled, Options, distances
from . import long_scene, pixel, scene_learning, self_check, shared
from .calibration import Calibration
from .long_scene import LongScene
from .scene import SceneCovariance
from .shared import Shared

KINDS = ("scene", "shared", "pixel")
# Pixels that a stationary model is checked on: some thousand hidden values, and seconds where each pixel is fitted.
CHECKED_PIXELS = 400


@dataclass(frozen=True)
class Choices:
    """What users choose besides the kind of covariance.

    Parameters
    ----------
    noise_per_pixel : bool
        ``shared``: whether every pixel has noise of its own.
    maximum_likelihood : bool
        ``pixel``: fit each pixel without shrinkage towards the shared values.
    """

    noise_per_pixel: bool = False
    maximum_likelihood: bool = False


@dataclass(frozen=True)
class Stationary:
    """A linear model of coregionalisation: one for the scene, or one per pixel.

    Parameters
    ----------
    variables : tuple of str
    shared : Shared
        Hyper-parameters of the scene.
    each : bool
        Whether every pixel is fitted on its own.
    noise_per_pixel : bool
    starts : (starts, parameters) array, or None
        For maximum likelihood.
    calibration : Calibration
        Factor by which standard deviations are multiplied, see `self_check`.
    """

    variables: tuple
    shared: Shared
    each: bool
    noise_per_pixel: bool
    starts: np.ndarray | None
    calibration: Calibration = Calibration()

    @property
    def pixels(self) -> int:
        """How many pixels taught it."""
        return self.shared.pixels

    def to_dict(self) -> dict:
        """Plain numbers and lists, for a journal."""
        return {"variables": list(self.variables), "shared": self.shared.to_dict(), "each": self.each,
                "noise_per_pixel": self.noise_per_pixel, "calibration": self.calibration.to_dict(),
                "starts": None if self.starts is None else self.starts.tolist()}

    @classmethod
    def from_dict(cls, content: dict) -> Stationary:
        """The inverse of `to_dict`."""
        starts = content["starts"]
        return cls(**{**content, "variables": tuple(content["variables"]), "shared": Shared.from_dict(content["shared"]),
                      "starts": None if starts is None else np.array(starts),
                      "calibration": Calibration(**content["calibration"])})

    def moments(self, values: list, days: tuple) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation at the target's dates."""
        if self.each:
            mean, deviation, *_ = pixel.moments(values, days, days[0], self.shared, self.starts)
        else:
            mean, deviation, _ = shared.moments(values, days, days[0], self.shared, self.noise_per_pixel)
        return mean, deviation * self._factors(values, days, days[0])

    def fill(self, values: list, days: tuple, output_days: np.ndarray, options: Options) -> Filled:
        """Fill pixels."""
        if self.each:
            found = pixel.fill(values, days, output_days, self.shared, options, self.starts)
        else:
            found = shared.fill(values, days, output_days, self.shared, options, self.noise_per_pixel)
        factors = self._factors(values, days, output_days).astype(np.float32)
        return replace(found, standard_deviation=found.standard_deviation * factors)

    def _factors(self, values: list, days: tuple, output_days: np.ndarray) -> np.ndarray:
        return self.calibration.at(distances(np.isfinite(values[0]), days[0], output_days))


def learn(kind: str, values: list, days: tuple, variables: tuple, seed: int, choices: Choices):
    """Learn a model of this kind from pixels, and check it on gaps hidden from them.

    Returns
    -------
    model : SceneCovariance, LongScene or Stationary
    check : Check
    """
    if kind == "scene":
        return scene_learning.learn_checked(values, days, variables, seed)
    chosen = np.sort(np.random.default_rng(seed).permutation(len(values[0]))[:CHECKED_PIXELS])
    values = [one[chosen] for one in values]
    draws = self_check.draws(values[0], days[0], seed)
    # Its few dozen numbers are learnt once, without the first draw of hidden values: they would hardly change with them.
    shown = _without(values, draws[0])
    common = shared.learn(shown, days, seed)
    starts = pixel.learn_starts(shown, days, common, seed) if kind == "pixel" and choices.maximum_likelihood else None
    model = Stationary(tuple(variables), common, kind == "pixel", choices.noise_per_pixel, starts)
    fills = [(hidden, *model.moments(_without(values, hidden), days)) for hidden in draws]
    check = self_check.score(values[0], days[0], fills)
    return replace(model, calibration=check.calibration), check


def fill(model, values: list, days: tuple, output_days: np.ndarray, options: Options) -> Filled:
    """Fill pixels with a model of any kind; see `scene.fill`."""
    if not len(values[0]):  # a tile outside the mask
        shape = 0, len(output_days)
        return Filled(np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.uint8))
    if isinstance(model, (SceneCovariance, LongScene)):
        return long_scene.fill(values, days, output_days, model, options)
    return model.fill(values, days, output_days, options)


def from_dict(kind: str, content: dict):
    """The model that its `to_dict` told."""
    return long_scene.from_dict(content) if kind == "scene" else Stationary.from_dict(content)


def _without(values: list, hidden: np.ndarray) -> list:
    return [np.where(hidden, np.float32(np.nan), values[0]), *values[1:]]
