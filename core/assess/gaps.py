"""Gaps: their lengths, and patterns in which to hide observations.

A pattern decides from a pixel's own observations and from random numbers that depend on nothing
but the seed and the pixel's place in the scene. Hence the same values are hidden whatever the
tiles. Four patterns, from the easiest to the hardest:

* ``random``: single observations, as most papers report;
* ``transplanted``: the cloud sequence of another pixel, moved in time, so that what is lost
  together is really lost together;
* ``block``: everything within one stretch of given length;
* ``tail``: the end of the series, as in near-real-time use.
"""
from __future__ import annotations

import numpy as np

from ..errors import InputError

PATTERNS = ("random", "block", "transplanted", "tail")

# A pixel with fewer observations is left alone: an annual wave with a trend has four unknowns, and
# two more values are the least that tell its spread.
FEWEST_OBSERVATIONS = 6
# Of every pixel at least the two observations remain that linear interpolation needs.
FEWEST_LEFT = 2
TRANSPLANT_ATTEMPTS = 8  # cloud sequences tried per pixel before it is left alone
DRAW_OF_PLACES = 2 ** 32  # beyond the draws that pixels make for themselves


def hide(observed: np.ndarray, days: np.ndarray, pattern: str, *, gap_days: float, fraction: float, seed: int,
         row: int = 0, column: int = 0, library: np.ndarray | None = None) -> np.ndarray:
    """Choose the observations to hide.

    Parameters
    ----------
    observed : (dates, rows, columns) bool
        Where there is a value.
    days : (dates,) float
        Strictly increasing.
    pattern : str
        ``random``, ``block``, ``transplanted`` or ``tail``.
    gap_days : float
        Length of a block (from end to end) or of the tail; the other patterns have lengths of their own.
    fraction : float
        ``random``: share of each pixel's observations; else: share of the pixels that get a gap.
    seed : int
        Another seed hides other values.
    row, column : int
        Place of the array's first pixel in the scene.
    library : (sequences, dates) bool, optional
        Needed for ``transplanted``: where sequences of the scene are *missing*; see `draw_places`.

    Returns
    -------
    (dates, rows, columns) bool
        True where an observation is hidden; never where there is none.

    Raises
    ------
    InputError
        When a parameter is out of its range.
    """
    check(pattern, gap_days, fraction, days)
    chance = _Chance(seed, row, column, observed.shape[1:])
    if pattern == "random":
        hidden = _random(observed, fraction, chance)
    else:
        chosen = chance.uniform(0) < fraction
        if pattern == "block":
            hidden = _block(observed, days, gap_days, chance)
        elif pattern == "tail":
            hidden = observed & _shaped(days > days[-1] - gap_days)
        else:
            hidden = _transplanted(observed, library, chance)
        hidden &= chosen
    count = observed.sum(axis=0)
    hidden &= (count >= FEWEST_OBSERVATIONS) & (count - hidden.sum(axis=0) >= FEWEST_LEFT)
    return hidden


def check(pattern: str, gap_days: float, fraction: float, days: np.ndarray) -> None:
    """Raise `InputError` unless this pattern can be laid over a series of these days."""
    if pattern not in PATTERNS:
        raise InputError(f"The gap pattern is '{pattern}'; known are {', '.join(PATTERNS)}.", "Choose one of them.")
    if not 0 < fraction <= 1 or (pattern == "random" and fraction == 1):
        most = "below 1 with random gaps" if pattern == "random" else "at most 1"
        raise InputError(f"FRACTION is {fraction:g}; it must be above 0 and {most}.", "Choose for example 0.3.")
    length = days[-1] - days[0]
    if pattern in ("block", "tail") and not 0 < gap_days < length:
        raise InputError(f"GAP_DAYS is {gap_days:g}; it must be above 0 and below the {length:g} days of the series.",
                         "Choose a shorter gap, for example 60.")


def gap_lengths(observed: np.ndarray, days: np.ndarray, at: np.ndarray | None = None) -> np.ndarray:
    """Days between the observations that surround each date.

    Parameters
    ----------
    observed : (dates, rows, columns) bool
        Where there is a value; hidden ones count as missing.
    days : (dates,) float
        Strictly increasing.
    at : (wanted,) float, optional
        Days asked for; by default `days`.

    Returns
    -------
    (wanted, rows, columns) float32
        0 where observed; infinite before the first and after the last observation.
    """
    at = days if at is None else at
    day = _shaped(np.asarray(days, dtype=float))
    before = np.maximum.accumulate(np.where(observed, day, -np.inf), axis=0)
    after = np.minimum.accumulate(np.where(observed, day, np.inf)[::-1], axis=0)[::-1]
    never = np.full((1, *observed.shape[1:]), np.inf)
    before = np.concatenate([-never, before])[np.searchsorted(days, at, side="right")]
    after = np.concatenate([after, never])[np.searchsorted(days, at, side="left")]
    return (after - before).astype(np.float32)


def draw_places(rows: int, columns: int, count: int, seed: int) -> list[tuple[int, int]]:
    """At most `count` places (row, column) whose sequences can be transplanted; the same for the same seed."""
    draws = _Chance(seed, 0, 0, (1, count)).uniform(DRAW_OF_PLACES)[0]
    return [divmod(place, columns) for place in sorted(set(np.floor(draws * rows * columns).astype(int).tolist()))]


def _random(observed: np.ndarray, fraction: float, chance: _Chance) -> np.ndarray:
    """Hide the given share of every pixel's observations, rounded down: those with the smallest draws."""
    draws = np.where(observed, np.stack([chance.uniform(1 + date) for date in range(len(observed))]), np.inf)
    order = np.argsort(draws, axis=0, kind="stable")
    rank = np.empty_like(order)
    np.put_along_axis(rank, order, _shaped(np.arange(len(observed))), axis=0)
    return observed & (rank < np.floor(fraction * observed.sum(axis=0) + 1e-9))


def _block(observed: np.ndarray, days: np.ndarray, gap_days: float, chance: _Chance) -> np.ndarray:
    """Hide all within half a gap of one observation, drawn among those that leave others on both sides."""
    day = _shaped(days)
    first = np.where(observed, day, np.inf).min(axis=0)
    last = np.where(observed, day, -np.inf).max(axis=0)
    inside = observed & (day - gap_days / 2 > first) & (day + gap_days / 2 < last)
    chosen = np.floor(chance.uniform(1) * inside.sum(axis=0))
    centre = inside & (np.cumsum(inside, axis=0) == chosen + 1)
    middle = np.where(centre, day, -np.inf).max(axis=0)
    return observed & (np.abs(day - middle) <= gap_days / 2)


def _transplanted(observed: np.ndarray, library: np.ndarray, chance: _Chance) -> np.ndarray:
    """Hide what another pixel's clouds, moved in time, would have hidden.

    Each pixel takes the first of a few draws that hides at least one of its observations and leaves enough.
    """
    count, dates = observed.sum(axis=0), len(observed)
    index = _shaped(np.arange(dates))
    hidden = np.zeros_like(observed)
    open_ = count >= FEWEST_OBSERVATIONS
    for attempt in range(TRANSPLANT_ATTEMPTS):
        sequence = np.floor(chance.uniform(1 + 2 * attempt) * len(library)).astype(int)
        shift = np.floor(chance.uniform(2 + 2 * attempt) * dates).astype(int)
        proposal = observed & library[sequence, (index + shift) % dates]
        lost = proposal.sum(axis=0)
        taken = open_ & (lost > 0) & (count - lost >= FEWEST_LEFT)
        hidden |= proposal & taken
        open_ &= ~taken
    return hidden


class _Chance:
    """Uniform random numbers in [0, 1) that depend only on the seed, the pixel's place and the number of the draw.

    Every number is a hash of these four: SplitMix64's finaliser (Steele, Lea & Flood 2014, "Fast
    splittable pseudorandom number generators"), applied after each is added in.
    """

    GOLDEN = np.uint64(0x9E3779B97F4A7C15)

    def __init__(self, seed: int, row: int, column: int, shape: tuple):
        start = np.full(shape, seed & 0xFFFFFFFFFFFFFFFF, dtype=np.uint64)
        rows = np.arange(row, row + shape[0], dtype=np.uint64)[:, None]
        columns = np.arange(column, column + shape[1], dtype=np.uint64)[None, :]
        self._state = self._mixed(self._mixed(self._mixed(start) + rows) + columns)

    def uniform(self, draw: int) -> np.ndarray:
        """The numbers (rows, columns) of this draw."""
        return (self._mixed(self._state + np.uint64(draw)) >> np.uint64(11)) * 2.0 ** -53

    @classmethod
    def _mixed(cls, value: np.ndarray) -> np.ndarray:
        value = value + cls.GOLDEN
        value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return value ^ (value >> np.uint64(31))


def _shaped(vector: np.ndarray) -> np.ndarray:
    """A vector of dates along the first axis of (dates, rows, columns)."""
    return np.asarray(vector)[:, None, None]
