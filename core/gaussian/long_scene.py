"""Series of many years: overlapping stretches of dates, each with its own scene covariance, faded into one another.

One covariance over all dates would cost time with the cube of their number, and memory with its square. What is seen a
season away hardly moves a date, so each date is filled from the stretch in which it lies deepest, and time and memory grow
with the number of stretches alone. Around the border of two stretches their fills are mixed with weights that run from one
to the other, so that no step shows; the standard deviation is that of the mixture, wider where the two disagree.
"""
from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..timeseries.filling import Filled, Options, assemble
from ..timeseries.sampling import varies
from . import scene as short
from .calibration import Calibration
from .other_years import ENOUGH_PIXELS, further_pixels
from .scene import PIXELS_AT_ONCE, SceneCovariance

# A stretch serves at most the days `SERVED`, and sees `MARGIN` days beyond them on both sides. In gaps of 60 and 90 days hidden
# in five simulated years, margins of 90, 180 and 240 days leave 25 and 23 %, 22 and 19 %, 22 and 19 % of the error of linear
# interpolation, one covariance over all dates 20 and 17 %; they fill a pixel in 95, 155 and 187 microseconds, it in 306.
SERVED, MARGIN = 365.25, 240.0
# Series no longer than one stretch have one covariance over all dates, and so have sparse ones: of all variables, no more
# dates than two years of three variables every 12 days have.
WHOLE_DAYS, WHOLE_STATES = SERVED + 2 * MARGIN, 200
# Days around a border in which the weight runs from one stretch to the next.
FADE = 60.0
# A stretch in which the sample holds fewer values of the target (and not half as many as in the fullest) teaches nothing of
# its own: it takes what the nearest years taught.
FEWEST_VALUES = 100


@dataclass(frozen=True)
class LongScene:
    """What was learnt of a long series; it takes the place of one `SceneCovariance`.

    Parameters
    ----------
    variables : tuple of str
        The target, then the covariates.
    stretches : tuple of SceneCovariance
        In order of time. A covariate without values in a stretch is missing there.
    spans : (stretches, 2)
        First and last day that each stretch sees.
    borders : (stretches - 1,)
        Days at which one stretch hands over to the next.
    calibration : Calibration
        Factor by which standard deviations are multiplied, see `self_check`.
    digests : tuple of str
        Of the target's dates that taught it (`Series.digests`).
    """

    variables: tuple
    stretches: tuple
    spans: np.ndarray
    borders: np.ndarray
    calibration: Calibration = Calibration()
    digests: tuple = ()

    @property
    def pixels(self) -> int:
        """How many pixels taught the stretch that most did."""
        return max(stretch.pixels for stretch in self.stretches)

    @property
    def noise_deviation(self) -> float:
        """Standard deviation of the target's noise in its own units: that of a typical stretch."""
        return float(np.median([stretch.noise_deviation for stretch in self.stretches]))

    def to_dict(self) -> dict:
        """All of it as text and numbers, for JSON."""
        return {"variables": list(self.variables), "stretches": [stretch.to_dict() for stretch in self.stretches],
                "spans": self.spans.tolist(), "borders": self.borders.tolist(),
                "calibration": self.calibration.to_dict(), "digests": list(self.digests)}

    @classmethod
    def from_dict(cls, content: dict) -> LongScene:
        """The inverse of `to_dict`; numbers come back to the last bit."""
        return cls(tuple(content["variables"]), tuple(map(SceneCovariance.from_dict, content["stretches"])),
                   np.array(content["spans"], float), np.array(content["borders"], float), Calibration(**content["calibration"]),
                   tuple(content["digests"]))

    def weights(self, days: np.ndarray) -> np.ndarray:
        """How much each stretch counts on these days: (stretches, days), of sum 1 on each day."""
        later = np.clip((days - self.borders[:, None]) / FADE + 0.5, 0, 1)
        return np.concatenate([np.ones((1, len(days))), later]) - np.concatenate([later, np.zeros((1, len(days)))])


def from_dict(content: dict):
    """The model that `to_dict` of either kind told."""
    return (LongScene if "stretches" in content else SceneCovariance).from_dict(content)


def is_long(days: tuple) -> bool:
    """Whether series at these days of all variables are too long for one covariance."""
    every = np.concatenate(days)
    return every.max() - every.min() > WHOLE_DAYS and len(every) > WHOLE_STATES


def plan(target_days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Spans (stretches, 2) of days that stretches see, and the borders (stretches - 1,) between what they serve."""
    first, last = target_days[0], target_days[-1]
    to_share = max(last - first - 2 * MARGIN, 0.0)
    count = max(int(np.ceil(to_share / SERVED)), 1)
    starts = first + to_share / count * np.arange(count)
    spans = np.stack([starts, starts + to_share / count + 2 * MARGIN], axis=1)
    spans[0, 0], spans[-1, 1] = first - MARGIN, last + MARGIN  # covariates tell beyond the target's ends, too
    return spans, starts[1:] + MARGIN


def inside(days: tuple, span: np.ndarray) -> list:
    """Which days of each variable lie in a span, both ends included."""
    return [slice(np.searchsorted(own, span[0]), np.searchsorted(own, span[1], side="right")) for own in days]


def learn(learn_whole, values: list, days: tuple, variables: tuple):
    """Learn from pixels, stretch by stretch if the series is long.

    Parameters
    ----------
    learn_whole : callable
        Learns one covariance from values, days and variables.
    values : list of (pixels, dates)
        The target, then its covariates; NaN where missing.
    days : tuple of (dates,)
    variables : tuple of str

    Returns
    -------
    SceneCovariance or LongScene
    """
    if not is_long(days):
        return learn_whole(values, days, variables)
    spans, borders = plan(days[0])
    parts = [inside(days, span) for span in spans]
    counts = np.array([np.isfinite(values[0][:, part[0]]).sum() for part in parts])
    taught = np.flatnonzero(counts >= min(FEWEST_VALUES, counts.max() / 2))
    learnt = {number: _stretch(learn_whole, values, days, variables, parts[number]) for number in taught}
    model = _joined(learnt, variables, days, spans, borders)
    if len(values[0]) >= ENOUGH_PIXELS:
        return model
    means = _means(model, days)
    for number in taught:
        again = _stretch(learn_whole, values, days, variables, parts[number], means)
        # How many pixels were seen, and when, is told by those of the stretch itself.
        learnt[number] = replace(again, pixels=learnt[number].pixels, seen=learnt[number].seen)
    return _joined(learnt, variables, days, spans, borders)


def _stretch(learn_whole, values: list, days: tuple, variables: tuple, parts: list, means=None) -> SceneCovariance:
    """Learn one stretch from the pixels seen in it and, given the scene's means, from other years."""
    shown = [own[:, part] for own, part in zip(values, parts)]
    rows = np.isfinite(shown[0]).any(axis=1)
    shown = [own[rows] for own in shown]
    telling = [i for i, own in enumerate(shown) if i == 0 or varies(own)]
    if means is not None:
        shown = [np.concatenate(own) for own in zip(shown, further_pixels(values, days, means, parts))]
    return learn_whole([shown[i] for i in telling], tuple(days[i][parts[i]] for i in telling),
                       tuple(variables[i] for i in telling))


def _joined(learnt: dict, variables: tuple, days: tuple, spans: np.ndarray, borders: np.ndarray) -> LongScene:
    """All stretches, from those that were learnt."""
    known = tuple(learnt.values())
    stretches = tuple(learnt.get(number) or nearest(known, variables, days[0][inside(days, span)[0]], span)
                      for number, span in enumerate(spans))
    return LongScene(tuple(variables), stretches, spans, borders)


def _means(model: LongScene, days: tuple) -> list:
    """What the scene showed on average at all dates of each variable; NaN where no stretch knows it."""
    sums, known = ([np.zeros(len(own)) for own in days] for _ in range(2))
    for number, stretch in enumerate(model.stretches):
        courses = np.split(stretch.shares @ stretch.means, np.cumsum([len(own) for own in stretch.days])[:-1])
        for name, own, course, centre, scale in zip(stretch.variables, stretch.days, courses, stretch.centre, stretch.scale):
            place = model.variables.index(name)
            weight = model.weights(days[place])[number]
            sums[place] += weight * np.interp(days[place], own, course * scale + centre)
            known[place] += weight
    return [np.divide(own, weight, out=np.full(len(own), np.nan), where=weight > 0) for own, weight in zip(sums, known)]


def nearest(known: tuple, variables: tuple, target_days: np.ndarray, span: np.ndarray) -> SceneCovariance:
    """Of scenes learnt, that of most of these variables, and then of the nearest years, moved by whole years to a span."""
    around = target_days if len(target_days) else span

    def distance(scene: SceneCovariance) -> tuple:
        middle = (scene.days[0][0] + scene.days[0][-1]) / 2
        return len(set(variables) - set(scene.variables)), abs(middle - (around[0] + around[-1]) / 2)

    found = min(known, key=distance)
    return found.of(tuple(name for name in variables if name in found.variables)).in_year_of(around)


def apply(model, variables: tuple, days: tuple):
    """What an earlier run learnt, for series of these variables and days.

    Parameters
    ----------
    model : SceneCovariance or LongScene
    variables : tuple of str
        All of them known to the model.
    days : tuple of (dates,)

    Returns
    -------
    SceneCovariance or LongScene
    """
    whole = nearest(model.stretches, variables, days[0], days[0])
    if not is_long(days) and whole.variables == variables:
        return replace(whole.at(days), calibration=model.calibration)
    spans, borders = plan(days[0])
    stretches = tuple(nearest(model.stretches, variables, days[0][inside(days, span)[0]], span) for span in spans)
    return LongScene(tuple(variables), stretches, spans, borders, model.calibration)


def moments(values: list, days: tuple, output_days: np.ndarray, model, robust: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation at all dates, by a model of either kind; see `scene.moments`."""
    if isinstance(model, SceneCovariance):
        return short.moments(values, days, output_days, model, robust)
    return _faded(values, days, output_days, model, robust, True, short.some_seen(values))


def typical(model: LongScene, output_days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (output dates,) of the scene's pixels: those of a pixel of which nothing is seen."""
    none = np.empty(0)
    mean, deviation = _faded([np.empty((1, 0))] * len(model.variables), (none,) * len(model.variables), output_days, model,
                             False, True, np.zeros(1, int))
    return mean[0], deviation[0]


def fill(values: list, days: tuple, output_days: np.ndarray, model, options: Options) -> Filled:
    """Fill pixels by a model of either kind; see `scene.fill`."""
    if isinstance(model, SceneCovariance):
        return short.fill(values, days, output_days, model, options)
    mean, deviation = _faded(values, days, output_days, model, options.robust, not options.keep_observed,
                             short.some_seen(values))
    shape = mean.shape
    filled = Filled(np.empty(shape, np.float32), np.empty(shape, np.float32), np.empty(shape, np.uint8))
    known = model.noise_deviation * model.calibration.at(0.0)
    for start in range(0, len(mean), PIXELS_AT_ONCE):
        pixels = slice(start, start + PIXELS_AT_ONCE)
        found = assemble([v[pixels] for v in values], days, output_days, mean[pixels], deviation[pixels], known, options)
        filled.mean[pixels], filled.standard_deviation[pixels] = found.mean, found.standard_deviation
        filled.quality[pixels] = found.quality
    return filled


def _faded(values: list, days: tuple, output_days: np.ndarray, model: LongScene, robust: bool, smooth: bool,
           rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (pixels, output dates) of the pixels `rows`; NaN for all others."""
    mean, square = (np.full((len(values[0]), len(output_days)), np.nan) for _ in range(2))
    mean[rows], square[rows] = 0.0, 0.0
    for stretch, span, weight in zip(model.stretches, model.spans, model.weights(output_days)):
        at = np.flatnonzero(weight > 0)
        if not len(at):
            continue
        at = slice(at[0], at[-1] + 1)
        places = [model.variables.index(name) for name in stretch.variables]
        parts = inside(days, span)
        shown, seen_days = [values[i][:, parts[i]] for i in places], tuple(days[i][parts[i]] for i in places)
        stretch = replace(stretch, calibration=model.calibration)
        for pixels, found, spread in short.batches(shown, seen_days, output_days[at], stretch, robust, smooth, rows):
            mean[pixels, at] += weight[at] * found
            square[pixels, at] += weight[at] * (spread**2 + found**2)
    for start in range(0, len(mean), PIXELS_AT_ONCE):
        pixels = slice(start, start + PIXELS_AT_ONCE)
        square[pixels] = np.sqrt(np.maximum(square[pixels] - mean[pixels] ** 2, 0.0))
    return mean, square
