"""Learning a scene: what of its covariates, classes and standard deviations gaps hidden from it bear out.

`expectation` learns one mean and covariance, `scene_classes` a mixture of them.
"""
from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from . import long_scene, outliers, self_check
from .calibration import FEWEST_TO_JUDGE
from .expectation import Data, State, learn_one
from .long_scene import moments
from .scene import SceneCovariance
from .scene_classes import CLASSES, PIXELS_PER_CLASS, learn_classes
from .self_check import Check
from .stationary import LENGTH_SCALES

# Covariates that lower the error on hidden gaps by a smaller share are left out. Radar of other pixels in place of a pixel's
# own raised it by 1 to 14 % on four real sets and four random seeds; on simulated series it lowered it by 0.2 % at most.
LEAST_HELP = 0.005


def learn_checked(values: list, days: tuple, variables: tuple, seed: int) -> tuple[SceneCovariance, Check]:
    """Learn from pixels, with what gaps hidden from them bear out: classes or none, covariates or none, standard deviations.

    Parameters are those of `learn`.

    Returns
    -------
    scene : SceneCovariance
        Learnt from all values; it knows the target alone where covariates did not help.
    check : Check
        Scores of a scene learnt without the hidden values.
    """
    draws = self_check.draws(values[0], days[0], seed)

    def checked(count: int, classes: int) -> Check:
        fills = []
        for hidden in draws:
            shown = [np.where(hidden, np.float32(np.nan), values[0]), *values[1:count]]
            fills.append(_filled(learn(shown, days[:count], variables[:count], seed, classes), shown, days[:count], hidden))
        return self_check.score(values[0], days[0], fills)

    def best(count: int) -> tuple[Check, int, int]:
        found = [(checked(count, 1), count, 1)]
        if found[0][0].count[-1] and len(values[0]) >= 2 * PIXELS_PER_CLASS:
            found.append((checked(count, CLASSES), count, CLASSES))
        return min(found, key=lambda one: one[0].rmse[-1])

    check, count, classes = best(len(values))
    if count > 1 and check.count[-1] >= FEWEST_TO_JUDGE:
        alone = best(1)
        if check.rmse[-1] >= (1 - LEAST_HELP) * alone[0].rmse[-1]:
            check, count, classes = alone
        check = replace(check, rmse_alone=alone[0].rmse[-1])
    scene = learn(values[:count], days[:count], variables[:count], seed, classes)
    return replace(scene, calibration=check.calibration), check


def check(scene: SceneCovariance, values: list, days: tuple, seed: int) -> Check:
    """Score a scene that was learnt elsewhere at values hidden here."""
    draws = self_check.draws(values[0], days[0], seed)
    return self_check.score(values[0], days[0], [
        _filled(scene, [np.where(hidden, np.float32(np.nan), values[0]), *values[1:]], days, hidden) for hidden in draws],
        calibrate=False)


def _filled(scene: SceneCovariance, shown: list, days: tuple, hidden: np.ndarray) -> tuple:
    rows = np.flatnonzero(hidden.any(axis=1))
    mean, deviation = (np.full(hidden.shape, np.nan) for _ in range(2))
    mean[rows], deviation[rows] = moments([v[rows] for v in shown], days, days[0], scene)
    return hidden, mean, deviation


def learn(values: list, days: tuple, variables: tuple, seed: int = 0, classes: int = CLASSES):
    """Learn mean, covariance and noise from pixels, of a long series in stretches.

    Parameters
    ----------
    values : list of (pixels, dates)
        The target, then its covariates; NaN where missing.
    days : tuple of (dates,)
    variables : tuple of str
    seed : int
        Of the start of the classes.
    classes : int
        At most so many; fewer when there are few pixels.

    Returns
    -------
    SceneCovariance or LongScene
    """
    return long_scene.learn(partial(_learn_whole, seed=seed, classes=classes), values, days, variables)


def _learn_whole(values: list, days: tuple, variables: tuple, seed: int, classes: int) -> SceneCovariance:
    data = Data(values, days)
    state, kernels = learn_one(data)
    one = _scene(data, state, kernels, variables, np.ones(1), [state])
    data = Data([_without_low_outliers(values, one), *values[1:]], days)
    state, kernels = learn_one(data)
    count = max(1, min(classes, data.pixels // PIXELS_PER_CLASS))
    mixture = learn_classes(data, state, count, seed) if count > 1 else (np.ones(1), [state])
    return _scene(data, state, kernels, variables, *mixture)


def _without_low_outliers(values: list, scene: SceneCovariance) -> np.ndarray:
    """The target without values that would teach of clouds, see `outliers`."""
    return outliers.without_low(np.asarray(values[0]), lambda target: (
        *moments([target, *values[1:]], scene.days, scene.days[0], scene, robust=False), scene.noise_deviation))


def _scene(data: Data, state: State, kernels: np.ndarray, variables: tuple, shares: np.ndarray,
           states: list) -> SceneCovariance:
    noise = state.noise[[part.start for part in data.parts]]
    return SceneCovariance(tuple(variables), tuple(data.days), data.centre, data.scale, noise, np.array(LENGTH_SCALES),
                           kernels, shares, np.stack([s.mean for s in states]),
                           np.stack([s.covariance for s in states]), data.pixels, seen=data.well_seen())
