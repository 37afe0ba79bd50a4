"""Asking a trained network for values that were hidden from it, and its baselines for the same ones."""
from __future__ import annotations

import numpy as np

from ..timeseries.filling import gaps_around
from .card import Calibration
from .chips import pixels_of
from .evaluation import WITHIN_90, Evaluation, Example
from .priors import Linear, SceneGaussian
from .samples import Part, hide

# Values of the calibration and the test pixels are hidden anew until there are enough of them: then chance moves a 90 %
# interval by a percent. Several draws also hide several dates of the whole scene.
ENOUGH_VALUES, FEWEST_DRAWS, MOST_DRAWS = 3000, 3, 6
CALIBRATION, TEST = 2_000_000, 3_000_000  # seeds, see `networks.learning`
# Classes of gap length, in days, each with a factor of its own where enough values tell it.
EDGES = (20.0, 40.0, 80.0)
FEWEST_TO_CALIBRATE = 100
MOST_FACTOR = 10.0  # beyond it something is wrong, and the report shows it
EXAMPLES = 6
PROMISE = 0.9
LEVELS = np.linspace(0.9, 0.99, 19)  # of quantiles; the last values of all are chance


class Values:
    """Hidden values of a part, hidden several times, one after the other.

    Attributes
    ----------
    truth : (values,)
    gap_days : (values,)
        Infinite beyond the first or last observation.
    """

    def __init__(self, part: Part, seed: int, first: int, events):
        self.sample, self.days, self._seed, self._events = part.own, part.own.days[0], seed, events
        sample, self.draws, count = part.own, [], 0
        while len(self.draws) < (FEWEST_DRAWS if count >= ENOUGH_VALUES else MOST_DRAWS):
            self.draws.append(hide(part, [seed, first + len(self.draws)], withholding=False))
            count += int(self.draws[-1].hidden.sum()) // sample.side**2  # neighbours in a chip share their gap
        self.truth = self.at([sample.values[0]] * len(self.draws)).astype(float)
        self.gap_days = self.at([_gaps(draw.shown[0], self.days) for draw in self.draws])

    def at(self, arrays: list) -> np.ndarray:
        """What arrays (pixels, dates), one per draw, hold at the hidden values."""
        return np.concatenate([array[draw.hidden] for array, draw in zip(arrays, self.draws)])

    def places(self) -> tuple[np.ndarray, np.ndarray]:
        """Number of the pixel in the sample, and of the date, of each hidden value."""
        return tuple(np.concatenate(parts) for parts in zip(*(np.nonzero(draw.hidden) for draw in self.draws)))

    def learnt(self, learn) -> list:
        """What ``learn(values, days, names, seed)`` makes of what each draw leaves, as it is learnt for a fill."""
        return [learn(*draw.known, self._seed) for draw in self.draws]

    def moments(self, learnt: list, changed=lambda covariates: covariates) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation at the hidden values of what was `learnt` from each draw, with the covariates `changed`."""
        found = []
        for method, (shown, _, _) in zip(learnt, self.draws):
            self._events.check()
            found.append(method.moments([shown[0], *changed(shown[1:])], self.sample.days, self.days))
        return tuple(self.at(list(part)) for part in zip(*found))


def calibrated(model, *parts: Values) -> Calibration:
    """Factors that make 90 % intervals hold 90 % of the values, by gap length (split-conformal, Papadopoulos et al. 2002).

    Values of a block are alike, and the next block is another: with few of them the plain quantile of their errors is too
    small. So its level is that at which the factor of all blocks but one holds 90 % of the values of that one, on average.

    Parameters
    ----------
    model : networks.prediction.Model
    parts : Values
        Of pixels that no weight was learnt from. Those of the validation, which chose an epoch and no more, may be among them:
        on chips of a small scene, one chip apart for this left 82 to 87 % of the values of others inside.
    """
    ratio, gap_days, block = [], [], []
    for values in parts:
        mean, deviation = values.moments(values.learnt(model.again))
        ratio.append(np.abs(mean - values.truth) / deviation)
        gap_days.append(values.gap_days)
        block.append(values.sample.block[values.places()[0]])
    ratio, gap_days, block = map(np.concatenate, (ratio, gap_days, block))
    own = np.digitize(gap_days, EDGES, right=True)
    everywhere = _factor(ratio, block) if len(ratio) else 1.0
    return Calibration(EDGES, tuple(_factor(ratio[own == number], block[own == number])
                                    if (own == number).sum() >= FEWEST_TO_CALIBRATE else everywhere
                                    for number in range(len(EDGES) + 1)))


def evaluated(model, values: Values, split: str, seed: int) -> Evaluation:
    """Ask model and baselines for the hidden values of the test pixels.

    Parameters
    ----------
    model : networks.prediction.Model
        Calibrated.
    values : Values
    split : str
    seed : int
    """
    sample, days = values.sample, values.days
    models, lines = values.learnt(model.again), values.learnt(Linear.learn)
    scenes = [one.prior for one in models] if isinstance(model.prior, SceneGaussian) else values.learnt(SceneGaussian.learn)
    order = pixels_of(np.random.default_rng(seed).permutation(len(sample) // sample.side**2), sample.side).ravel()
    nothing = np.full(len(values.truth), np.nan)
    without = permuted = nothing
    if len(sample.values) > 1:
        without = values.moments(models, lambda others: [np.full_like(one, np.nan) for one in others])[0]
        permuted = values.moments(models, lambda others: [one[order] for one in others])[0]
    mean, deviation = values.moments(models)
    mogpr, mogpr_deviation = values.moments(scenes)
    pixel, date = values.places()
    month = (days[date].astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12) + 1
    return Evaluation(values.truth, mean, deviation, values.moments(lines)[0], mogpr, mogpr_deviation, without, permuted,
                      values.gap_days, month, sample.row[pixel], sample.column[pixel], sample.block[pixel], split,
                      _examples(values, models[0], lines[0], scenes[0]))


def _examples(values: Values, model, line, scene) -> tuple:
    """Series with hidden values, spread over the sample."""
    (shown, hidden, _), truth, days = values.draws[0], values.sample.values[0], values.days
    rows = np.flatnonzero(hidden.any(axis=1))
    rows = rows[np.linspace(0, len(rows) - 1, min(EXAMPLES, len(rows))).astype(int)]
    together = values.sample.side**2
    chips, chip = np.unique(rows // together, return_inverse=True)
    asked, rows = pixels_of(chips, values.sample.side).ravel(), chip * together + rows % together
    own = [one[asked] for one in shown]
    (mean, deviation), (straight, _), (mogpr, _) = (one.moments(own, values.sample.days, days) for one in (model, line, scene))
    lost = np.where(hidden[asked], truth[asked], np.nan)
    return tuple(Example(days, *(one[row] for one in (own[0], lost, mean, deviation, straight, mogpr))) for row in rows)


def _gaps(shown: np.ndarray, days: np.ndarray) -> np.ndarray:
    _, gaps, inside = gaps_around(np.isfinite(shown), days, days)
    return np.where(inside, gaps, np.inf)


def _factor(ratio: np.ndarray, block: np.ndarray) -> float:
    """What the standard deviations must be multiplied by, from errors over standard deviations and the blocks they lie in."""
    level = PROMISE
    if len(blocks := np.unique(block)) > 1:
        held = sum((ratio[block == one][:, None] <= np.quantile(ratio[block != one], LEVELS)).sum(axis=0) for one in blocks)
        level = next((level for level, own in zip(LEVELS, held) if own >= PROMISE * len(ratio)), LEVELS[-1])
    return float(np.clip(np.quantile(ratio, level) / WITHIN_90, 1 / MOST_FACTOR, MOST_FACTOR))
