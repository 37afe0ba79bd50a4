"""What is hidden from all methods, in three ways.

* The clouds of other pixels, moved in time, and stretches of 20 to 120 days: each pixel by itself, and the ways take turns
  from pixel to pixel. Other pixels still show the date.
* The clouds of the whole scene, moved in time: what is lost together in space is lost together here too, so that methods that
  learn from other pixels are not flattered. All pixels at once, in draws of their own.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..assess import gap_lengths, hide
from ..errors import InputError
from ..timeseries.filling import LEAST_OBSERVATIONS

PATTERNS = ("all", "transplanted", "scene", "block")
MOVED, SCENE = "moved clouds", "moved scene"
BLOCK_DAYS = (20.0, 40.0, 60.0, 90.0, 120.0)
LIBRARY_SERIES = 48  # with every move in time they give a thousand different gaps and more
# Values are hidden anew, at most so often, until so many were hidden: some hundred in each way and each class.
ENOUGH_VALUES, MOST_DRAWS = 3000, 4
# The clouds of the whole scene are moved for so many days at once, about a crop's season: the rest of the series stays as it is.
SCENE_DAYS = 120.0
SCENE_ATTEMPTS = 8  # moves tried before one that hides nothing is given up


class Draw(NamedTuple):
    """What is hidden at once: `hidden` (pixels, dates), the days between what is left around each place, and the way."""

    hidden: np.ndarray
    gaps: np.ndarray
    way: np.ndarray


def ways(days: np.ndarray, pattern: str, gap_days: float) -> tuple:
    """How values are hidden: `MOVED`, or the length of a stretch in days.

    Raises
    ------
    InputError
        When the pattern is unknown, or the series is shorter than the gaps.
    """
    if pattern not in PATTERNS:
        raise InputError(f"There is no PATTERN '{pattern}'.", f"Choose one of {', '.join(PATTERNS)}.")
    span = days[-1] - days[0]
    lengths = tuple(length for length in ((gap_days,) if gap_days else BLOCK_DAYS) if length < span)
    if pattern == "block" and not lengths:
        raise InputError(f"The series is {span:g} days long, no longer than the gaps to be hidden in it.",
                         "Give a longer series, or a smaller GAP_DAYS.")
    moved = {"all": (MOVED, SCENE), "transplanted": (MOVED,), "scene": (SCENE,), "block": ()}[pattern]
    return (*moved, *(lengths if pattern in ("all", "block") else ()))


def label(way) -> str:
    """A way in words."""
    return way if isinstance(way, str) else f"{way:g} days"


def draws(target: np.ndarray, days: np.ndarray, chosen: tuple, seed: int) -> list[Draw]:
    """Choose what to hide.

    Parameters
    ----------
    target : (pixels, dates)
    days : (dates,)
    chosen : tuple
        From `ways`.
    seed : int

    Raises
    ------
    InputError
        When nothing can be hidden.
    """
    observed = np.isfinite(target)
    library = _library(observed, seed)
    turns = [place for place, way in enumerate(chosen) if way != SCENE and (way != MOVED or len(library))]
    found = _until(ENOUGH_VALUES, lambda turn: _by_pixel(observed, days, chosen, turns, library, seed + turn, turn)) if turns else []
    if SCENE in chosen:
        place = chosen.index(SCENE)
        found += _until(ENOUGH_VALUES // len(chosen), lambda turn: _whole(observed, days, place, seed + turn))
    if not any(draw.hidden.any() for draw in found):
        raise InputError("Nothing could be hidden: too few observations, or no gap to move.",
                         "Look at the series with 'Describe time series' (phenofuse:describetimeseries), or choose another PATTERN.")
    return found


def _until(enough: int, draw) -> list[Draw]:
    """Draws until enough values are hidden; one that hides nothing is the last."""
    found, count = [], 0
    while len(found) < MOST_DRAWS and count < enough:
        found.append(draw(len(found)))
        count += int(found[-1].hidden.sum())
        if not count:
            break
    return found


def _library(observed: np.ndarray, seed: int) -> np.ndarray:
    """Where some series are missing, (series, dates); none that is never or always seen."""
    some = np.flatnonzero(observed.any(axis=1) & ~observed.all(axis=1))
    return ~observed[np.sort(np.random.default_rng(seed).permutation(some)[:LIBRARY_SERIES])]


def _by_pixel(observed, days, chosen, turns, library, seed: int, turn: int) -> Draw:
    """Each pixel in the way whose turn it is."""
    number = np.array(turns)[(np.arange(len(observed)) + turn) % len(turns)]
    hidden = np.zeros(observed.shape, bool)
    for place in turns:
        own, way = number == place, chosen[place]
        pattern, length = ("transplanted", 1.0) if way == MOVED else ("block", way)
        hidden[own] = hide(observed.T[:, :, None], days, pattern, gap_days=length, fraction=1.0, seed=seed,
                           library=library)[:, own, 0].T
    return Draw(hidden, _gaps(observed & ~hidden, days), number)


def _whole(observed: np.ndarray, days: np.ndarray, place: int, seed: int) -> Draw:
    """The clouds of all pixels in one stretch of the series, laid over another stretch of as many dates."""
    chance = np.random.default_rng(seed)
    count = int(np.clip(SCENE_DAYS / np.median(np.diff(days)), 1, max(1, len(days) // 2)))
    hidden = np.zeros(observed.shape, bool)
    for _ in range(SCENE_ATTEMPTS):
        start, source = (slice(first, first + count) for first in chance.integers(0, len(days) - count + 1, 2))
        hidden[:, start] = observed[:, start] & ~observed[:, source]
        hidden &= (observed & ~hidden).sum(axis=1, keepdims=True) >= LEAST_OBSERVATIONS
        if hidden.any():
            break
    return Draw(hidden, _gaps(observed & ~hidden, days), np.full(len(observed), place))


def _gaps(shown: np.ndarray, days: np.ndarray) -> np.ndarray:
    return gap_lengths(shown.T[:, :, None], days)[:, :, 0].T
