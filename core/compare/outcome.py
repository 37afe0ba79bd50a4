"""What the methods said of the hidden values, and how far that is from the truth."""
from __future__ import annotations

from dataclasses import dataclass
from time import perf_counter

import numpy as np

from ..tiles.scores import Comparison, ErrorSums, Score, compare
from ..timeseries.classes import GAP_LABELS, LEVEL_LABELS, MONTH_LABELS, gap_class, level_of, month_of

# Methods that learn from other pixels err the more, the fewer of them show the date: classes of that share. Where clouds take
# whole dates most of what is missing lies in the first, most of what is hidden pixel by pixel in the last.
SHOWN = (0.1, 0.3, 0.6)
FEWEST_OF_A_CLASS = 30  # hidden values that stand for a class; with fewer it stands for nothing


@dataclass(frozen=True)
class Outcome:
    """Hidden values that every method filled, and what each said of them.

    Parameters
    ----------
    truth, days, gaps : (values,)
        True value, day since 1970-01-01, and days between the observations left around it.
    way, pixel, block : (values,) int
        How it was hidden, its pixel in the sample, and the pixel's spatial block.
    ways : tuple of str
    estimates, deviations : dict of str to (values,)
        Per method.
    missing : dict of str to int
        Per method: hidden values it did not fill.
    taught_here : tuple of str
        Models whose training saw the hidden values: what they score says nothing.
    weight : (values,), optional
        How much each counts, so that hidden values lie as the really missing ones do (`likeness`); by default all count alike.
    """

    truth: np.ndarray
    days: np.ndarray
    gaps: np.ndarray
    way: np.ndarray
    pixel: np.ndarray
    block: np.ndarray
    ways: tuple
    estimates: dict
    deviations: dict
    missing: dict
    taught_here: tuple = ()
    weight: np.ndarray | None = None

    @property
    def methods(self) -> tuple:
        """Names, in the order of running."""
        return tuple(self.estimates)

    @property
    def fair(self) -> tuple:
        """Methods that never saw the hidden values."""
        return tuple(one for one in self.methods if one not in self.taught_here)

    def classes(self) -> dict:
        """Per group of classes: labels, and the class of each value."""
        return {"all": (("all",), np.zeros(len(self.truth), int)), "pattern": (self.ways, self.way),
                "gap": (GAP_LABELS, gap_class(self.gaps)), "month": (MONTH_LABELS, month_of(self.days)),
                "level": (LEVEL_LABELS, level_of(self.truth))}

    def scores(self, method: str, group: str = "all") -> dict[str, Score]:
        """Scores of a method per class of a group."""
        labels, number = self.classes()[group]
        sums = ErrorSums(len(labels))
        sums.add_errors(number, self.error(method), self.truth, self.deviations[method])
        return {label: sums.score(place) for place, label in enumerate(labels)}

    def score(self, method: str) -> Score:
        """Scores over all values."""
        return self.scores(method)["all"]

    def expected(self, method: str) -> tuple[float, float, float]:
        """RMSE, MAE and R² of a method where values are really missing, as far as hidden ones tell."""
        weight = np.ones(len(self.truth)) if self.weight is None else self.weight
        error = self.error(method)
        squares = np.average(error**2, weights=weight)
        spread = np.average((self.truth - np.average(self.truth, weights=weight)) ** 2, weights=weight)
        return float(np.sqrt(squares)), float(np.average(np.abs(error), weights=weight)), float(1 - squares / spread) if spread else 0.0

    def error(self, method: str) -> np.ndarray:
        """Estimate minus truth."""
        return self.estimates[method] - self.truth

    def compared(self, method: str, other: str, chosen: np.ndarray | None = None) -> Comparison:
        """A method against another on all values, or on those chosen or weighed; the interval is of a bootstrap of spatial blocks."""
        chosen = np.ones(len(self.truth)) if chosen is None else chosen.astype(float)
        own, others = (self._sums(chosen * self.error(one) ** 2) for one in (method, other))
        return compare(own, others, self._sums(chosen))

    def interval(self, method: str, chosen: np.ndarray | None = None) -> tuple[float, float, float]:
        """RMSE of a method with its 95 % interval by the same bootstrap, over all values or the chosen ones."""
        chosen = np.ones(len(self.truth)) if chosen is None else chosen.astype(float)
        counts = self._sums(chosen)
        found = compare(self._sums(chosen * self.error(method) ** 2), counts, counts)  # the "baseline" errs by 1 everywhere
        return found.ratio, found.lower, found.upper

    def _sums(self, values: np.ndarray) -> np.ndarray:
        return np.bincount(self.block, weights=values)


def ask(fill, methods: tuple, values: list, days: np.ndarray, draws: list, events) -> tuple[dict, dict]:
    """Have every method fill what was hidden.

    Parameters
    ----------
    fill : callable
        ``fill(method, values)`` gives means and deviations (pixels, dates) of the target.
    methods : tuple of str
    values : list of (pixels, dates)
        The target, then its covariates.
    days : (dates,)
    draws : list of hiding.Draw
    events : Events

    Returns
    -------
    estimates, deviations : dict of str to (hidden values,)
        In the order of `np.nonzero` of each draw, one draw after the other.
    """
    found: dict = {method: [] for method in methods}
    for place, method in enumerate(methods):
        events.progress(place / len(methods))
        start = perf_counter()
        for draw in draws:
            events.check()
            mean, deviation = fill(method, [np.where(draw.hidden, np.float32(np.nan), values[0]), *values[1:]])
            found[method].append((mean[draw.hidden], deviation[draw.hidden]))
        seconds = (perf_counter() - start) / len(draws)  # said here alone: the same call has to write the same files
        events.info(f"{method}: {seconds:.1f} s for {len(values[0])} pixels.")
    joined = {method: [np.concatenate(parts).astype(float) for parts in zip(*parts)] for method, parts in found.items()}
    return {m: one[0] for m, one in joined.items()}, {m: one[1] for m, one in joined.items()}


def outcome(values: list, days: np.ndarray, draws: list, ways: tuple, blocks: np.ndarray, answers: tuple,
            taught_here: tuple = ()) -> Outcome:
    """Put truth and answers side by side, at the places that every method filled.

    Parameters
    ----------
    values, days, draws
        As for `ask`.
    ways : tuple of str
    blocks : (pixels,) int
    answers : tuple
        What `ask` gave.
    taught_here : tuple of str
        See `Outcome`.
    """
    estimates, deviations = answers
    seen = np.isfinite(values[0])
    pixel, date, gaps, way, shown = (np.concatenate(parts) for parts in zip(*(
        (*np.nonzero(draw.hidden), draw.gaps[draw.hidden], draw.way[np.nonzero(draw.hidden)[0]],
         (seen & ~draw.hidden).mean(axis=0)[np.nonzero(draw.hidden)[1]]) for draw in draws)))
    filled = np.all([np.isfinite(one) for one in estimates.values()], axis=0)
    truth = values[0][pixel, date].astype(float)
    missing = {method: int((~np.isfinite(one)).sum()) for method, one in estimates.items()}
    return Outcome(truth[filled], days[date][filled], gaps[filled], way[filled], pixel[filled], blocks[pixel][filled], ways,
                   {m: one[filled] for m, one in estimates.items()}, {m: one[filled] for m, one in deviations.items()},
                   missing, taught_here, likeness(shown[filled], np.repeat(seen.mean(axis=0), (~seen).sum(axis=0))))


def likeness(hidden: np.ndarray, missing: np.ndarray) -> np.ndarray | None:
    """Weights of hidden values, so that they lie on dates that as much of the scene shows as those of the missing ones.

    Parameters
    ----------
    hidden, missing : (values,)
        Share of the pixels that show the date of each.

    Returns
    -------
    (values,), or None where no class of the missing ones has enough hidden ones
    """
    own, theirs = (np.bincount(np.digitize(one, SHOWN), minlength=len(SHOWN) + 1) for one in (hidden, missing))
    told = own >= FEWEST_OF_A_CLASS
    weight = (np.where(told, theirs, 0) / np.maximum(own, 1))[np.digitize(hidden, SHOWN)]
    return weight / weight.mean() if weight.any() else None
