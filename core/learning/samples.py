"""Pixels to learn from, and views of them: what a network is shown, and what is hidden from it."""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from . import gaps
from .card import Input

# Training pixels get their prior from a scene learnt without them, as all pixels will later: so many folds of blocks.
FOLDS = 4
# The inner share of the values, between 0.5 and 99.5 %, that says what values were seen in training.
INNER = 0.5, 99.5
# Pixels asked for their prior at a time: a cancel waits no longer than for these.
PIXELS_AT_ONCE = 256


@dataclass(frozen=True)
class Sample:
    """Series of pixels from all over a scene.

    Parameters
    ----------
    values : tuple of (pixels, dates) float32
        The target, then its covariates; NaN where missing.
    days : tuple of (dates,)
    names, units : tuple of str
    row, column, block : (pixels,) int
    side : int
        Of the chips whose pixels these are, row by row, one chip after the other; 1 where pixels are drawn one by one.
    """

    values: tuple
    days: tuple
    names: tuple
    units: tuple
    row: np.ndarray
    column: np.ndarray
    block: np.ndarray
    side: int = 1

    def __len__(self) -> int:
        return len(self.row)

    def take(self, pixels: np.ndarray) -> Sample:
        """The same series of some pixels."""
        return replace(self, values=tuple(one[pixels] for one in self.values),
                       **{name: getattr(self, name)[pixels] for name in ("row", "column", "block")})

    def before(self, day: float) -> Sample:
        """As known on a day: what came on it or later is missing."""
        return replace(self, values=tuple(np.where(when < day, one, np.float32(np.nan))
                                          for one, when in zip(self.values, self.days)))

    def inputs(self) -> tuple:
        """How each series is standardised, and which values it held."""
        found = []
        for name, units, values in zip(self.names, self.units, self.values):
            seen = values[np.isfinite(values)].astype(float)
            low, high = np.percentile(seen, INNER)
            found.append(Input(name, units, float(seen.mean()), float(seen.std()) or 1.0, float(low), float(high)))
        return tuple(found)


@dataclass(frozen=True)
class View:
    """A sample with values hidden, see `hide`.

    Parameters
    ----------
    shown : list of (pixels, dates) float32
    hidden : (pixels, dates) bool
    truth : (pixels, dates) float32
        The target.
    prior_mean, prior_deviation : (pixels, dates)
        At the target's dates, asked with `shown` alone.
    """

    shown: list
    hidden: np.ndarray
    truth: np.ndarray
    prior_mean: np.ndarray
    prior_deviation: np.ndarray


class Folds:
    """A prior for the pixels that taught it, told of each by one that others taught.

    Parameters
    ----------
    prior : prior
        What all of them taught.
    sample : Sample
    folds : int
    seed : int
    events : Events
        Cancelling.
    """

    def __init__(self, prior, sample: Sample, folds: int, seed: int, events):
        self._fold, self._events = np.unique(sample.block, return_inverse=True)[1] % folds, events
        self._priors = []
        for number in range(folds):
            events.check()
            others = sample.take(np.flatnonzero(self._fold != number))
            self._priors.append(prior.again(list(others.values), others.days, others.names, seed))

    def moments(self, values: list, days: tuple, output_days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of all pixels of the sample; see `priors`."""
        mean, deviation = (np.empty((len(values[0]), len(output_days))) for _ in range(2))
        for number, prior in enumerate(self._priors):
            own = np.flatnonzero(self._fold == number)
            for start in range(0, len(own), PIXELS_AT_ONCE):
                self._events.check()
                some = own[start:start + PIXELS_AT_ONCE]
                mean[some], deviation[some] = prior.moments([one[some] for one in values], days, output_days)
        return mean, deviation


def hide(sample: Sample, between: tuple, seed: list, withholding: bool) -> tuple[list, np.ndarray]:
    """Hide values of a sample.

    Parameters
    ----------
    sample : Sample
    between : (first, last)
        Days between which values are hidden, first included.
    seed : list of int
        Another seed hides other values.
    withholding : bool
        Whether some pixels (or chips) lose covariates.

    Returns
    -------
    shown : list of (pixels, dates)
        The target without what is hidden, and the covariates without what is withheld.
    hidden : (pixels, dates) bool
    """
    chance = np.random.default_rng(seed)
    target, days = sample.values[0], sample.days[0]
    hidden = gaps.hide(np.isfinite(target), days, chance, together=sample.side**2) & (days >= between[0]) & (days < between[1])
    shown = [np.where(hidden, np.float32(np.nan), target), *sample.values[1:]]
    if withholding:
        kept = np.repeat(gaps.withhold(len(target) // sample.side**2, len(shown) - 1, chance), sample.side**2, axis=0)
        shown[1:] = [np.where(kept[:, number, None], one, np.float32(np.nan)) for number, one in enumerate(shown[1:])]
    return shown, hidden


def view(sample: Sample, prior, between: tuple, seed: list) -> View:
    """Hide values and covariates of a sample (see `hide`), and ask a prior, or `Folds`, what it makes of the rest."""
    shown, hidden = hide(sample, between, seed, withholding=True)
    return View(shown, hidden, sample.values[0], *prior.moments(shown, sample.days, sample.days[0]))
