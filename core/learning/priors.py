"""What a network starts from: a plain method's mean and standard deviation, which it learns to correct.

A prior needs no truth, so it is learnt again from every scene that is to be filled, the gaps and whatever is hidden for a test
taken out: it has no other way to know of them. In training it is learnt in the same way, from each view's own hidden gaps, so
that a network corrects the very prior that it will meet.
"""
from __future__ import annotations

import json
from dataclasses import astuple, dataclass, replace

import numpy as np

from .. import gaussian, whittaker
from ..errors import InputError
from ..timeseries.filling import gaps_around

# The scene covariance needs no more pixels, nor does what is typical of smoothing; more only take longer (see their jobs).
SCENE_PIXELS = 1000
# Pixels that the line's spread is measured on: two numbers, known to a percent.
LINEAR_PIXELS = 2000
# The smoothed value itself, in whatever range, on every date.
SMOOTH = whittaker.Options((-np.inf, np.inf), keep_observed=False)
LENGTHS = "length_scales"  # as the arrays of a scene are called that may be infinite


# With fewer pixels a scene teaches less than that of the training knows; with fewer observations a pixel tells of no change.
FEWEST_TO_TEACH, OBSERVATIONS_TO_TEACH = 100, 3


def learnt_for(method, values: list, days: tuple, names: tuple, seed: int):
    """A prior, or a model with its own, as the scene that is to be filled teaches it; as it is, where that has too few pixels.

    Parameters
    ----------
    method : prior or networks.prediction.Model
    values : list of (pixels, dates)
        The target, then its covariates; NaN where missing or hidden.
    days : tuple of (dates,)
    names : tuple of str
    seed : int
        Of the choice among many pixels.
    """
    telling = np.isfinite(values[0]).sum(axis=1) >= OBSERVATIONS_TO_TEACH
    return method.again(values, days, names, seed) if telling.sum() >= FEWEST_TO_TEACH else method


@dataclass(frozen=True)
class Linear:
    """The line between the observations around each day, and how far from it values are found.

    Values wander about their line as a random walk pinned at both ends does, and carry noise: the variance is
    ``noise (1 + w^2 + (1 - w)^2) + rate (t - a) (b - t) / (b - a)`` between observations at a and b, w = (b - t) / (b - a),
    and ``2 noise + rate |t - a|`` beyond the last.
    """

    rate: float
    noise: float
    centre: float

    @classmethod
    def learn(cls, values: list, days: tuple, names: tuple, seed: int) -> Linear:
        """Fit rate and noise to the squared errors of the line at inner observations; see `gaussian.learn`."""
        target = values[0][:LINEAR_PIXELS]
        squares, walks, noises = [], [], []
        for series in target:
            seen = np.isfinite(series)
            y, t = series[seen].astype(float), days[0][seen]
            a, b = t[1:-1] - t[:-2], t[2:] - t[1:-1]
            w = b / (a + b)
            squares.append((y[1:-1] - w * y[:-2] - (1 - w) * y[2:]) ** 2)
            walks.append(a * b / (a + b))
            noises.append(1 + w**2 + (1 - w) ** 2)
        square, design = np.concatenate(squares), np.stack([np.concatenate(walks), np.concatenate(noises)], 1)
        if not len(square):
            raise InputError("No pixel has three observations, so that no line can be tried.", "Check the series.")
        rate, noise = np.maximum(np.linalg.lstsq(design, square, rcond=None)[0], (1e-8, 1e-6))
        return cls(float(rate), float(noise), float(np.nanmean(target)))

    def again(self, values: list, days: tuple, names: tuple, seed: int) -> Linear:
        """The same learnt from other pixels."""
        return self.learn(values, days, names, seed)

    def moments(self, values: list, days: tuple, output_days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (pixels, output days) of what an observation would show."""
        seen = np.isfinite(values[0])
        before = np.maximum.accumulate(np.where(seen, np.arange(len(days[0])), -1), axis=1)
        after = np.minimum.accumulate(np.where(seen, np.arange(len(days[0])), len(days[0]))[:, ::-1], axis=1)[:, ::-1]
        never = np.full((len(seen), 1), -1), np.full((len(seen), 1), len(days[0]))
        low = np.concatenate([never[0], before], 1)[:, np.searchsorted(days[0], output_days, side="right")]
        high = np.concatenate([after, never[1]], 1)[:, np.searchsorted(days[0], output_days, side="left")]
        none, left, right = (low < 0) & (high >= len(days[0])), low < 0, high >= len(days[0])
        low, high = np.where(left, high, low).clip(0, len(days[0]) - 1), np.where(right, low, high).clip(0, len(days[0]) - 1)
        a, b = np.abs(output_days - days[0][low]), np.abs(days[0][high] - output_days)
        w = np.where(a + b > 0, b / np.maximum(a + b, 1e-9), 1.0)
        rows = np.arange(len(seen))[:, None]
        y = np.where(seen, values[0], 0).astype(float)
        outside = left | right
        mean = np.where(outside, y[rows, low], w * y[rows, low] + (1 - w) * y[rows, high])
        walk = np.where(outside, a, a * b / np.maximum(a + b, 1e-9))
        noise = np.where(outside, 2.0, 1 + w**2 + (1 - w) ** 2)
        deviation = np.sqrt(self.rate * walk + self.noise * noise)
        return np.where(none, self.centre, mean), np.where(none, deviation.max(initial=1.0), deviation)

    @property
    def noise_deviation(self) -> float:
        """Standard deviation of an observation's noise."""
        return self.noise**0.5

    def to_arrays(self) -> dict:
        """All of it as arrays."""
        return {"line": np.array([self.rate, self.noise, self.centre])}

    @classmethod
    def from_arrays(cls, arrays: dict) -> Linear:
        """The inverse of `to_arrays`."""
        return cls(*map(float, arrays["line"]))


@dataclass(frozen=True)
class SceneGaussian:
    """The scene's Gaussian process, as `fillmogpr` learns it: the prior that knows most.

    It may know the target alone, where covariates did not help on gaps hidden from it.
    """

    scene: object  # of `core.gaussian`

    @classmethod
    def learn(cls, values: list, days: tuple, names: tuple, seed: int) -> SceneGaussian:
        """Learn from pixels; see `gaussian.learn`."""
        return cls(gaussian.learn_checked(_some(values, SCENE_PIXELS, seed), days, names, seed)[0])

    def again(self, values: list, days: tuple, names: tuple, seed: int) -> SceneGaussian:
        """The same learnt from other pixels, with as many classes and standard deviations as wide."""
        classes, known = max(len(stretch.shares) for stretch in self.scene.stretches), len(self.scene.variables)
        scene = gaussian.learn(_some(values[:known], SCENE_PIXELS, seed), days[:known], names[:known], seed, classes)
        return SceneGaussian(replace(scene, calibration=self.scene.calibration))

    def moments(self, values: list, days: tuple, output_days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (pixels, output days); of a pixel of which nothing is seen, those of all values."""
        known = len(self.scene.variables)
        values, days = values[:known], days[:known]
        scene = gaussian.apply(self.scene, self.scene.variables, days)
        mean, deviation = gaussian.moments(values, days, output_days, scene)
        blank = ~np.isfinite(mean).all(axis=1)
        mean[blank], deviation[blank] = scene.stretches[0].centre[0], scene.stretches[0].scale[0]
        return mean, deviation

    @property
    def noise_deviation(self) -> float:
        """Standard deviation of an observation's noise."""
        return float(self.scene.noise_deviation * self.scene.calibration.at(0.0))

    def to_arrays(self) -> dict:
        """All of it as finite arrays: the infinite length scale of the constant kernel is told as 0, words as numbers."""
        card, arrays = gaussian.packed(self.scene)
        words = np.frombuffer(json.dumps(card).encode(), np.uint8).astype(np.int64)
        return {"words": words, **{name: np.where(np.isinf(own), 0.0, own) if name.endswith(LENGTHS) else own
                                   for name, own in arrays.items()}}

    @classmethod
    def from_arrays(cls, arrays: dict) -> SceneGaussian:
        """The inverse of `to_arrays`."""
        card = json.loads(arrays["words"].astype(np.uint8).tobytes())
        return cls(gaussian.unpacked(card, {name: np.where(own == 0, np.inf, own) if name.endswith(LENGTHS) else own
                                            for name, own in arrays.items()}))


@dataclass(frozen=True)
class Whittaker:
    """Each pixel's Whittaker smoother, as `fillwhittaker` has it, between its observations.

    Beyond them it would go on straight and soon leave what can be; there, and of pixels with too few observations, it is the line.
    """

    typical: whittaker.Typical
    line: Linear

    @classmethod
    def learn(cls, values: list, days: tuple, names: tuple, seed: int) -> Whittaker:
        """Learn what noise and smoothing are usual; see `gaussian.learn`."""
        line = Linear.learn(values, days, names, seed)
        return cls(whittaker.learn(_some(values[:1], SCENE_PIXELS, seed)[0], days[0], SMOOTH), line)

    def again(self, values: list, days: tuple, names: tuple, seed: int) -> Whittaker:
        """The same learnt from other pixels."""
        return self.learn(values, days, names, seed)

    def moments(self, values: list, days: tuple, output_days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (pixels, output days) of what an observation would show."""
        found = whittaker.fill(values[0], days[0], output_days, SMOOTH, self.typical)
        smooth = gaps_around(np.isfinite(values[0]), days[0], output_days)[2] & np.isfinite(found.mean)
        line = self.line.moments(values, days, output_days)
        return tuple(np.where(smooth, own, straight) for own, straight in zip((found.mean, found.standard_deviation), line))

    @property
    def noise_deviation(self) -> float:
        """Standard deviation of an observation's noise."""
        return self.typical.noise_variance**0.5

    def to_arrays(self) -> dict:
        """All of it as arrays."""
        return {"typical": np.array(astuple(self.typical)), **self.line.to_arrays()}

    @classmethod
    def from_arrays(cls, arrays: dict) -> Whittaker:
        """The inverse of `to_arrays`."""
        *own, pixels = map(float, arrays["typical"])
        return cls(whittaker.Typical(*own, int(pixels)), Linear.from_arrays(arrays))


PRIORS = {"scene": SceneGaussian, "whittaker": Whittaker, "linear": Linear}


def prior_of(name: str):
    """The class of prior called so.

    Raises
    ------
    InputError
        When there is none.
    """
    if name not in PRIORS:
        raise InputError(f"There is no prior '{name}'.", f"Choose one of {', '.join(PRIORS)}.")
    return PRIORS[name]


def _some(values: list, most: int, seed: int) -> list:
    chosen = np.sort(np.random.default_rng(seed).permutation(len(values[0]))[:most])
    return [one[chosen] for one in values]
