"""One model of coregionalisation for the whole scene: hyper-parameters learnt once, every pixel smoothed exactly with them.

The hyper-parameters maximise the likelihood of a sample of pixels together, from several starts whose length-scales follow
the data's own dates, with weak priors. Values are departures from the scene's mean curve; a term that hardly forgets
carries what sets a pixel apart all year. So a pixel with few observations, or none, still has a mean and an honest
standard deviation. On request, every pixel has noise of its own.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from ..errors import InputError
from ..timeseries.filling import Filled, Options, assemble
from .coregionalisation import Coregionalisation
from .observations import Observations, Standard, gather, standardise
from .optimise import minimise
from .state_space import likelihoods, smooth

# Pixels to learn from: the hyper-parameters of two samples of this size fill alike (errors within 1 %).
SAMPLE = 200
# Length-scales, in typical steps between the target's dates, at which learning starts: a season and what is shorter and
# longer; days to seasons; with a term that hardly forgets, for what sets a pixel apart; and with one that sees only single
# dates (noise that outputs share), where bounds allow it.
START_LENGTHS = ((1.7, 3.5, 7.0), (0.5, 2.5, 10.0), (2.0, 4.0, 100.0), (0.1, 2.5, 5.0))
# One term for the seasons and one for what sets a pixel apart; more where there are more outputs.
LEAST_TERMS = 2
# Bounds of length-scales: the typical step, because a shorter term cannot be told from noise and takes its place, and many
# times the whole period, where a process is a constant. Everything else is of standardised values, of variance one.
SHORTEST_IN_STEPS = 1.0
LONGEST_IN_SPANS = 30.0
LARGEST = 5.0
# Weak beliefs, worth one pixel of the sample: length-scales around four steps, give or take a factor of e^1.5.
LENGTH_PRIOR_STEPS, LENGTH_PRIOR_WIDTH = 4.0, 1.5
WEIGHT_PRIOR_WIDTH = 1.0
MOST_ITERATIONS = 300
# How far a pixel's root of noise is expected from the scene's, and when its search ends, in units of log likelihood.
NOISE_WIDTH = 0.1
TOLERANCE = 1e-2
MOST_EVALUATIONS = 100
# Pixels at a time: their arrays stay in the processor's caches.
PIXELS_AT_ONCE = 512


@dataclass(frozen=True)
class Shared:
    """What was learnt; all that `moments` needs besides the series.

    Attributes
    ----------
    model : Coregionalisation
    standard : Standard
        Mean curves and spreads of the scene's variables.
    step, span : float
        Days between two dates of the target, and from the first date of all variables to the last.
    pixels : int
        Sample size.
    likelihood : float
        Negative log likelihood per pixel of the sample.
    """

    model: Coregionalisation
    standard: Standard
    step: float
    span: float
    pixels: int
    likelihood: float

    @property
    def vector(self):
        """Parameter vector of the model."""
        return self.model.vector()

    def bounds(self, shortest=SHORTEST_IN_STEPS):
        """Lower and upper bounds of parameter vectors; `shortest` is the least length-scale in steps."""
        return bounds(self.model.terms, self.model.outputs, self.step * shortest, self.span)

    def to_dict(self) -> dict:
        """Plain numbers and lists, for a journal."""
        return {"model": self.model.to_dict(), "standard": self.standard.to_dict(), "step": self.step, "span": self.span,
                "pixels": self.pixels, "likelihood": self.likelihood}

    @staticmethod
    def from_dict(plain: dict) -> Shared:
        """What `to_dict` wrote, bit for bit."""
        return Shared(**{**plain, "model": Coregionalisation.from_dict(plain["model"]),
                         "standard": Standard.from_dict(plain["standard"])})


def learn(values, days, seed=0, terms=None) -> Shared:
    """Learn the scene's hyper-parameters.

    Parameters
    ----------
    values : sequence of P (pixels, dates of the variable) arrays
        The target first; NaN where missing. A seeded sample is used.
    days : sequence of P arrays
        Days of each variable.
    seed : int
    terms : int or None
        Q; as many as outputs, and at least two, when None.

    Raises
    ------
    InputError
        When no pixel has three different values of the target.
    """
    chosen = sampled(values, days, SAMPLE, seed)
    standard = standardise(chosen, days)
    sample = gather(chosen, days, standard=standard)
    outputs = sample.series.shape[1]
    terms = max(outputs, LEAST_TERMS) if terms is None else terms
    step, span = axis(days)
    low, high = bounds(terms, outputs, step * SHORTEST_IN_STEPS, span)
    starts = first_starts(sample, terms, step, seed)
    found = [_maximise(sample, terms, start, low, high, step) for start in starts]
    best = min(found, key=lambda result: result.fun)
    return Shared(Coregionalisation.from_vector(best.x, terms, outputs), standard, step, span, len(chosen[0]),
                  float(best.fun))


def fill(values, days, output_days, shared: Shared, options: Options, noise_per_pixel=False) -> Filled:
    """Fill pixels; see `moments` for the arguments and `timeseries.filling.assemble` for the result."""
    mean, deviation, noise = moments(values, days, output_days, shared, noise_per_pixel)
    return assemble(list(values), tuple(days), np.asarray(output_days, float), mean, deviation, noise, options)


def moments(values, days, output_days, shared: Shared, noise_per_pixel=False):
    """Exact mean and standard deviation of every pixel, observed dates smoothed.

    Parameters
    ----------
    values : sequence of P (pixels, dates of the variable) arrays
        The target first, then the covariates as they were learnt; NaN where missing.
    days : sequence of P arrays
        Days of each variable.
    output_days : (m,) array
        Strictly increasing days.
    shared : Shared
    noise_per_pixel : bool
        Whether every pixel has noise of its own, shrunk towards the scene's.

    Returns
    -------
    mean, standard_deviation : (pixels, m) arrays
        In the target's units; the standard deviation is that of what a clear observation would have shown (noise included).
    noise : (pixels,) array
        Standard deviation of the noise of an observation.
    """
    def smoothed(batch):
        observations = gather(batch, days, output_days, shared.standard)
        return predict(observations, _vectors(observations, shared) if noise_per_pixel else shared.vector[None],
                       shared.model.terms)

    return in_batches(smoothed, values)


def in_batches(work, values):
    """Results of `work(values of a batch of pixels)`, each an array with pixels first, joined."""
    count = len(values[0])
    parts = [work([np.asarray(own[first:first + PIXELS_AT_ONCE]) for own in values])
             for first in range(0, max(count, 1), PIXELS_AT_ONCE)]
    return tuple(np.concatenate(part) for part in zip(*parts))


def predict(observations: Observations, vectors, terms):
    """Mean, standard deviation and noise of the target at the wanted dates, in its own units."""
    pixels = len(observations.series)
    shape = pixels, 1, len(observations.curve)
    mean, variance = np.empty(shape), np.empty(shape)
    vectors = np.ascontiguousarray(vectors, float)
    if mean.size:
        smooth(vectors, observations.series, observations.steps, terms, observations.wanted, 1, mean, variance)
    outputs = observations.series.shape[1]
    noise = vectors[:, -outputs] ** 2
    centre, scale = observations.centre[:, :1], observations.scale[:, :1]
    return (mean[:, 0] * scale + centre + observations.curve, np.sqrt(variance[:, 0] + noise[:, None]) * scale,
            np.sqrt(noise) * observations.scale[:, 0])


def axis(days):
    """Typical step of the target's dates, and span of all dates."""
    everything = np.concatenate([np.asarray(own, float) for own in days])
    span = float(np.ptp(everything)) if len(everything) else 0.0
    steps = np.diff(days[0])
    step = float(np.median(steps)) if len(steps) else max(span, 1.0)
    return step, max(span, step)


def bounds(terms, outputs, shortest, span):
    """Lower and upper bounds of parameter vectors."""
    size = 2 * terms * outputs
    high = np.full(size + terms + outputs, LARGEST)
    low = -high
    low[size:size + terms] = np.log(shortest)
    high[size:size + terms] = np.log(LONGEST_IN_SPANS * span)
    return low, high


def sampled(values, days, size, seed) -> list:
    """Values of at most `size` pixels whose targets are usable, drawn with a seed."""
    usable = gather(values[:1], days[:1]).usable.nonzero()[0]
    if not len(usable):
        raise InputError("No pixel has three different valid values, so there is nothing to learn from.",
                         "Check the nodata value, the units and the MASK of INPUT.")
    if len(usable) > size:
        usable = np.sort(np.random.default_rng(seed).choice(usable, size, replace=False))
    return [np.asarray(own)[usable] for own in values]


def first_starts(sample: Observations, terms, step, seed, repeats=1):
    """Parameter vectors to start from, (starts, parameters): length-scales from the dates, weights from the correlations."""
    outputs = sample.series.shape[1]
    rng = np.random.default_rng(seed)
    loading = _loading(sample.series)
    starts = []
    for _ in range(repeats):
        for lengths in START_LENGTHS:
            length = np.log(step * np.interp(np.linspace(0, 2, terms), range(3), lengths)) if terms > 1 else [
                np.log(step * lengths[1])]
            weights = loading / np.sqrt(terms) + rng.normal(0.0, 0.3, (terms, outputs))
            starts.append(np.concatenate([weights.ravel(), np.full(terms * outputs, 0.55), length, np.full(outputs, 0.4)]))
    return np.array(starts)


def _loading(series):
    """How strongly outputs go together: leading component of their correlations over pixels and common dates, (P,)."""
    seen = np.isfinite(series)
    filled = np.where(seen, series, 0.0)
    together = np.einsum("npt,nqt->pq", seen.astype(float), seen.astype(float))
    correlation = np.einsum("npt,nqt->pq", filled, filled) / np.maximum(together, 1.0)
    values, vectors = np.linalg.eigh(correlation)
    leading = vectors[:, -1] * np.sqrt(max(values[-1], 0.0))
    return leading * (1.0 if leading[0] >= 0 else -1.0)


def _maximise(sample, terms, start, low, high, step):
    """Bounded L-BFGS over one vector for the whole sample; `fun` is per pixel."""
    pixels, outputs = sample.series.shape[:2]
    value, gradient = np.empty(pixels), np.empty((pixels, len(start)))
    size = terms * outputs
    centre, precision = np.zeros(len(start)), np.zeros(len(start))
    precision[:size] = WEIGHT_PRIOR_WIDTH**-2
    lengths = slice(2 * size, 2 * size + terms)
    centre[lengths], precision[lengths] = np.log(LENGTH_PRIOR_STEPS * step), LENGTH_PRIOR_WIDTH**-2

    def loss(vector):
        likelihoods(vector[None], sample.series, sample.steps, terms, value, gradient)
        away = vector - centre
        return ((value.sum() + 0.5 * (precision * away**2).sum()) / pixels,
                (gradient.sum(axis=0) + precision * away) / pixels)

    return minimize(loss, np.clip(start, low, high), jac=True, method="L-BFGS-B", bounds=list(zip(low, high)),
                    options={"maxiter": MOST_ITERATIONS, "ftol": 1e-8})


def _vectors(observations, shared):
    """Parameter vectors that differ between pixels in their noise only; the scene's where a target is not usable."""
    vector = shared.vector
    vectors = np.repeat(vector[None], len(observations.series), axis=0)
    usable = np.flatnonzero(observations.usable)
    low, high = vector.copy(), vector.copy()
    outputs = shared.model.outputs
    low[-outputs:], high[-outputs:] = -LARGEST, LARGEST
    solution, value, evaluations, status = results(len(usable), len(vector))
    if len(usable):
        minimise(observations.series, observations.steps, shared.model.terms, usable, vectors[usable], vector,
                 np.full(len(vector), NOISE_WIDTH**-2), low, high, TOLERANCE, MOST_EVALUATIONS, solution, value, evaluations,
                 status)
        good = np.isfinite(value)
        vectors[usable[good]] = solution[good]
    return vectors


def results(items, size):
    """Arrays for the results of `optimise.minimise`."""
    return np.empty((items, size)), np.empty(items), np.zeros(items, np.int64), np.zeros(items, np.int64)
