"""Which clear observations to hide from a network in training, in the ways in which they are really lost."""
from __future__ import annotations

import numpy as np

# Shares of the ways, as published trainings mix them: transplanted cloud sequences (U-TILISE, Stucker et al. 2023) and
# stretches of 20 to 120 days are what users have to fill; ends are what near-real-time users have to.
WAYS = {"transplanted": 0.40, "stretch": 0.40, "random": 0.10, "tail": 0.05, "head": 0.05}
STRETCH_DAYS = 20.0, 120.0
MOST_RANDOM = 0.5  # share of the observations that random points may take
FEWEST_LEFT = 2  # what linear interpolation needs
# Stretches that clouds take from the whole scene, until such a share of the dates is gone. There a prior that knows other pixels
# errs most; without them networks learnt to trust it everywhere.
OVERCAST_DAYS, OVERCAST = (10.0, 60.0), 0.1
# How often radar is withheld, so that a network can do without: Sentinel-1B was lost in December 2021.
NO_COVARIATE, ONE_LESS = 0.15, 0.15


def hide(seen: np.ndarray, days: np.ndarray, chance, ways: dict | None = None, together: int = 1) -> np.ndarray:
    """Choose observations to hide.

    Parameters
    ----------
    seen : (pixels, dates) bool
        Where there is an observation.
    days : (dates,)
        Increasing.
    chance : numpy Generator
    ways : dict, optional
        Share of the chips per way; default `WAYS`.
    together : int
        Pixels per chip: so many neighbours, one after the other, lose the same, so that none shows what another has lost.
        1 where every pixel is looked at alone.

    Returns
    -------
    (pixels, dates) bool
        True where an observation is hidden. Of every pixel at least two remain; of one with fewer than three, all.
    """
    ways = ways or WAYS
    shares = np.array(list(ways.values()), float)
    there = seen.reshape(-1, together, len(days))
    chosen = chance.choice(len(shares), len(there), p=shares / shares.sum())
    hidden = np.zeros(there.shape, bool)
    for number, way in enumerate(ways):
        chips = np.flatnonzero(chosen == number)
        if len(chips):
            hidden[chips] = there[chips] & _HIDERS[way](there, chips, days, chance)
    return _sparing(hidden, there, chance).reshape(seen.shape)


def overcast(days: np.ndarray, chance) -> np.ndarray:
    """Dates on which no pixel of the scene is seen, (dates,) bool."""
    found = np.zeros(len(days), bool)
    while found.mean() < OVERCAST:
        found |= np.abs(days - chance.choice(days)) <= chance.uniform(*OVERCAST_DAYS) / 2
    return found


def withhold(chips: int, covariates: int, chance) -> np.ndarray:
    """Which covariates each chip keeps, (chips, covariates) bool: all, all but one, or none."""
    kept = np.ones((chips, covariates), bool)
    draw = chance.random(chips)
    kept[draw < NO_COVARIATE] = False
    if covariates:
        fewer = np.flatnonzero((draw >= NO_COVARIATE) & (draw < NO_COVARIATE + ONE_LESS))
        kept[fewer, chance.integers(covariates, size=len(fewer))] = False
    return kept


# Each way takes where observations are, (chips, pixels, dates), and the numbers of the chips that lose some; it gives what is
# covered there, (chips, pixels or 1, dates).

def _transplanted(there, chips, days, chance) -> np.ndarray:
    """What another chip's clouds, moved in time, would have hidden: their shapes stay whole."""
    other, shift = chance.integers(len(there), size=len(chips)), chance.integers(len(days), size=len(chips))
    return ~np.take_along_axis(there[other], ((np.arange(len(days)) + shift[:, None]) % len(days))[:, None], axis=2)


def _stretch(there, chips, days, chance) -> np.ndarray:
    """All around one observation, within half of a length drawn."""
    draws = np.where(there[chips].any(axis=1), chance.random((len(chips), len(days))), -1)
    centre = days[draws.argmax(axis=1)]
    half = chance.uniform(*STRETCH_DAYS, size=len(chips)) / 2
    return (np.abs(days - centre[:, None]) <= half[:, None])[:, None]


def _random(there, chips, days, chance) -> np.ndarray:
    """Single observations."""
    return (chance.random((len(chips), len(days))) < chance.uniform(0, MOST_RANDOM, size=(len(chips), 1)))[:, None]


def _tail(there, chips, days, chance) -> np.ndarray:
    """The end of the series, counted from the last observation."""
    last = np.where(there[chips].any(axis=1), days, -np.inf).max(axis=1)
    return (days > (last - chance.uniform(*STRETCH_DAYS, size=len(chips)))[:, None])[:, None]


def _head(there, chips, days, chance) -> np.ndarray:
    """The beginning of the series."""
    first = np.where(there[chips].any(axis=1), days, np.inf).min(axis=1)
    return (days < (first + chance.uniform(*STRETCH_DAYS, size=len(chips)))[:, None])[:, None]


_HIDERS = {"transplanted": _transplanted, "stretch": _stretch, "random": _random, "tail": _tail, "head": _head}


def _sparing(hidden: np.ndarray, there: np.ndarray, chance) -> np.ndarray:
    """Give back to chips with a pixel that would keep too little whole dates by chance, until it keeps two."""
    missing = np.minimum(there.sum(axis=2), FEWEST_LEFT) - (there & ~hidden).sum(axis=2)
    for chip in np.flatnonzero((missing > 0).any(axis=1)):
        own, lack = hidden[chip], missing[chip]
        for date in chance.permutation(np.flatnonzero(own[lack > 0].any(axis=0))):
            if own[lack > 0, date].any():
                lack -= own[:, date]
                own[:, date] = False
    return hidden
