"""A mixture of covariances: classes of pixels, each with a prior of `WITHIN` times the scene's own covariance.

On dates that clouds took from the whole scene little tells the classes apart, so there it is `WITHIN_UNSEEN` times.
"""
from __future__ import annotations

import numpy as np

from .expectation import Data, State, expect, updated

# Chosen on 60- and 90-day gaps hidden in 237 series of France and 1000 of Belgium (random seeds other than those reported).
# The optimum is flat: 6 to 12 classes change the error by less than 1.5 %, ensembles of seeds by 0.5 %. Four classes of 0.7 and
# weight 200 err by 1 % more in France and by 8 and 13 % more in Belgium; weight 50 by 1 to 2 % more in France.
CLASS_ROUNDS = 4
CLASSES = 8
CLASS_PRIOR_PIXELS = 100.0
CLASS_MEAN_PIXELS = 10.0
WITHIN = 0.3  # share of the scene's covariance that is expected within a class
# The same on dates that clouds took from the whole scene: with 0.3, 0.65 and 1 the 90 % intervals there hold 85, 94 and 97 % of
# the simulated scene's truth.
WITHIN_UNSEEN = 0.65
# With fewer pixels per class its mean is a matter of chance.
PIXELS_PER_CLASS = 20
# Classes start from k-means in the space of the main components of all series.
COMPONENTS = 6
STARTS, MOVES = 8, 30
CERTAINTY_AT_START = 0.95


def learn_classes(data: Data, scene: State, count: int, seed: int) -> tuple[np.ndarray, list]:
    """Shares and states of a mixture of classes; the noise is the scene's."""
    member = _first_members(data, scene, count, seed)
    states = [State(scene.mean, scene.covariance, scene.noise) for _ in range(count)]
    shares = np.full(count, 1 / count)
    for _ in range(CLASS_ROUNDS):
        states = [_class_round(data, scene, state, member[:, k]) for k, state in enumerate(states)]
        likelihood = np.stack([expect(data, state, np.ones(data.pixels))[2] for state in states], axis=1)
        likelihood += np.log(shares)
        member = np.exp(likelihood - likelihood.max(axis=1, keepdims=True))
        member /= member.sum(axis=1, keepdims=True)
        shares = (member.sum(axis=0) + 1) / (data.pixels + count)
    return shares, states


def _class_round(data: Data, scene: State, state: State, weights: np.ndarray) -> State:
    scores, precision, _ = expect(data, state, weights)
    size = weights.sum()
    weighted = scores * weights[:, None]
    away = size * (state.mean - scene.mean) + state.covariance @ weighted.sum(axis=0)
    known = np.concatenate([data.well_seen(), np.ones(data.states - data.dates)])
    within = np.outer(*2 * [np.sqrt(WITHIN_UNSEEN + (WITHIN - WITHIN_UNSEEN) * known)])
    covariance = updated(state.covariance, weighted.T @ scores - precision, size, within * scene.covariance,
                         CLASS_PRIOR_PIXELS)
    return State(scene.mean + away / (size + CLASS_MEAN_PIXELS), covariance, scene.noise)


def _first_members(data: Data, scene: State, count: int, seed: int) -> np.ndarray:
    """Membership (pixels, classes): k-means of the expected series along their main components."""
    scores, _, _ = expect(data, scene, np.ones(data.pixels))
    _, vectors = np.linalg.eigh(scene.covariance)
    places = scores @ scene.covariance @ vectors[:, -COMPONENTS:]
    chance = np.random.default_rng(seed)
    best, nearest = np.inf, None
    for _ in range(STARTS):
        centres = places[chance.choice(len(places), count, replace=False)]
        for _ in range(MOVES):
            distance = ((places[:, None] - centres) ** 2).sum(axis=2)
            own = distance.argmin(axis=1)
            centres = np.stack([places[own == k].mean(axis=0) if (own == k).any() else centres[k] for k in range(count)])
        if distance.min(axis=1).sum() < best:
            best, nearest = distance.min(axis=1).sum(), own
    member = np.full((len(places), count), (1 - CERTAINTY_AT_START) / (count - 1))
    member[np.arange(len(places)), nearest] = CERTAINTY_AT_START
    return member
