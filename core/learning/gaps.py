"""Which clear observations to hide from a network in training, in the ways in which they are really lost."""
from __future__ import annotations

import numpy as np

# Shares of the ways, as published trainings mix them: transplanted cloud sequences (U-TILISE, Stucker et al. 2023) and
# stretches of 20 to 120 days are what users have to fill; ends are what near-real-time users have to.
WAYS = {"transplanted": 0.40, "stretch": 0.40, "random": 0.10, "tail": 0.05, "head": 0.05}
STRETCH_DAYS = 20.0, 120.0
MOST_RANDOM = 0.5  # share of the observations that random points may take
FEWEST_LEFT = 2  # what linear interpolation needs
# How often radar is withheld, so that a network can do without: Sentinel-1B was lost in December 2021.
NO_COVARIATE, ONE_LESS = 0.15, 0.15


def hide(seen: np.ndarray, days: np.ndarray, chance, ways: dict | None = None) -> np.ndarray:
    """Choose observations to hide.

    Parameters
    ----------
    seen : (pixels, dates) bool
        Where there is an observation.
    days : (dates,)
        Increasing.
    chance : numpy Generator
    ways : dict, optional
        Share of the pixels per way; default `WAYS`.

    Returns
    -------
    (pixels, dates) bool
        True where an observation is hidden. Of every pixel at least two remain; of one with fewer than three, all.
    """
    ways = ways or WAYS
    shares = np.array(list(ways.values()), float)
    chosen = chance.choice(len(shares), len(seen), p=shares / shares.sum())
    hidden = np.zeros(seen.shape, bool)
    for number, way in enumerate(ways):
        pixels = np.flatnonzero(chosen == number)
        if len(pixels):
            hidden[pixels] = seen[pixels] & _HIDERS[way](seen, pixels, days, chance)
    return _sparing(hidden, seen, chance)


def withhold(pixels: int, covariates: int, chance) -> np.ndarray:
    """Which covariates each pixel keeps, (pixels, covariates) bool: all, all but one, or none."""
    kept = np.ones((pixels, covariates), bool)
    draw = chance.random(pixels)
    kept[draw < NO_COVARIATE] = False
    if covariates:
        fewer = np.flatnonzero((draw >= NO_COVARIATE) & (draw < NO_COVARIATE + ONE_LESS))
        kept[fewer, chance.integers(covariates, size=len(fewer))] = False
    return kept


def _transplanted(seen, pixels, days, chance) -> np.ndarray:
    """What another pixel's clouds, moved in time, would have hidden."""
    other, shift = chance.integers(len(seen), size=len(pixels)), chance.integers(len(days), size=len(pixels))
    return ~seen[other[:, None], (np.arange(len(days)) + shift[:, None]) % len(days)]


def _stretch(seen, pixels, days, chance) -> np.ndarray:
    """All around one observation, within half of a length drawn."""
    draws = np.where(seen[pixels], chance.random((len(pixels), len(days))), -1)
    centre = days[draws.argmax(axis=1)]
    half = chance.uniform(*STRETCH_DAYS, size=len(pixels)) / 2
    return np.abs(days - centre[:, None]) <= half[:, None]


def _random(seen, pixels, days, chance) -> np.ndarray:
    """Single observations."""
    return chance.random((len(pixels), len(days))) < chance.uniform(0, MOST_RANDOM, size=(len(pixels), 1))


def _tail(seen, pixels, days, chance) -> np.ndarray:
    """The end of the series, counted from the pixel's last observation."""
    last = np.where(seen[pixels], days, -np.inf).max(axis=1)
    return days > (last - chance.uniform(*STRETCH_DAYS, size=len(pixels)))[:, None]


def _head(seen, pixels, days, chance) -> np.ndarray:
    """The beginning of the series."""
    first = np.where(seen[pixels], days, np.inf).min(axis=1)
    return days < (first + chance.uniform(*STRETCH_DAYS, size=len(pixels)))[:, None]


_HIDERS = {"transplanted": _transplanted, "stretch": _stretch, "random": _random, "tail": _tail, "head": _head}


def _sparing(hidden: np.ndarray, seen: np.ndarray, chance) -> np.ndarray:
    """Give back what was hidden of pixels that would keep too little: first by chance some, so that two remain."""
    missing = FEWEST_LEFT - (seen & ~hidden).sum(axis=1)
    for pixel in np.flatnonzero(missing > 0):
        own = np.flatnonzero(hidden[pixel])
        hidden[pixel, chance.permutation(own)[:missing[pixel]]] = False
    return hidden
