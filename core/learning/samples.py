"""Pixels to learn from, and views of them: what a network is shown, and what is hidden from it."""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from . import gaps
from .card import Input
from .splits import PARTS, Split

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
class Part:
    """Pixels that serve for one thing, such as the test.

    Parameters
    ----------
    own : Sample
        Values are hidden from these.
    others : Sample
        Pixels of the scene that may be known whole, beside what is left of the own: they help to teach priors.
    between : (first, last)
        Days between which values are hidden, first included.
    """

    own: Sample
    others: Sample
    between: tuple

    def known(self, target: np.ndarray, overcast: np.ndarray) -> tuple:
        """Values, days and names of what a prior may learn from: what is left of the own target, and the others but for some dates."""
        others = np.where(overcast, np.float32(np.nan), self.others.values[0]), *self.others.values[1:]
        own = target, *self.own.values[1:]
        return [np.concatenate(pair) for pair in zip(own, others)], self.own.days, self.own.names


def parts(sample: Sample, split: Split) -> dict[str, Part]:
    """What serves for what. Of each part the earlier ones are known: nothing a score is made of was ever known before."""
    found, earlier = {}, np.empty(0, int)
    for name in PARTS:
        known, own = sample.before(split.until[name][1]), split.pixels[name]
        found[name] = Part(known.take(own), known.take(np.setdiff1d(earlier, own)), split.until[name])
        earlier = np.union1d(earlier, own)
    return found


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


class Draw(NamedTuple):
    """What is left of a part after values were hidden.

    Parameters
    ----------
    shown : list of (pixels, dates)
        The target without what is hidden, and the covariates without what is withheld.
    hidden : (pixels, dates) bool
    known : tuple
        What a prior may learn from: values, days and names of the part and of the pixels beside it.
    """

    shown: list
    hidden: np.ndarray
    known: tuple


def hide(part: Part, seed: list, withholding: bool) -> Draw:
    """Hide values of a part: of each pixel by itself, and on some dates of the whole scene.

    Parameters
    ----------
    part : Part
    seed : list of int
        Another seed hides other values.
    withholding : bool
        Whether some pixels (or chips) lose covariates.
    """
    chance, sample = np.random.default_rng(seed), part.own
    target, days = sample.values[0], sample.days[0]
    seen, between = np.isfinite(target), (days >= part.between[0]) & (days < part.between[1])
    overcast = gaps.overcast(days, chance) & between
    hidden = seen & overcast | gaps.hide(seen & ~overcast, days, chance, together=sample.side**2) & between
    shown = [np.where(hidden, np.float32(np.nan), target), *sample.values[1:]]
    known = part.known(shown[0], overcast)
    if withholding:
        kept = np.repeat(gaps.withhold(len(target) // sample.side**2, len(shown) - 1, chance), sample.side**2, axis=0)
        shown[1:] = [np.where(kept[:, number, None], one, np.float32(np.nan)) for number, one in enumerate(shown[1:])]
    return Draw(shown, hidden, known)


def view(part: Part, prior, seed: list, events) -> View:
    """Hide values and covariates of a part (see `hide`), and ask the prior learnt again from all that is left."""
    shown, hidden, known = hide(part, seed, withholding=True)
    prior, days = prior.again(*known, seed[0]), part.own.days
    said = []
    for start in range(0, len(hidden), PIXELS_AT_ONCE):
        events.check()
        said.append(prior.moments([one[start:start + PIXELS_AT_ONCE] for one in shown], days, days[0]))
    return View(shown, hidden, part.own.values[0], *map(np.concatenate, zip(*said)))
