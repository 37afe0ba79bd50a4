"""Which pixels, or which dates, serve for what: training, validation, calibration and test are kept apart."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import InputError
from ..timeseries import Grid
from ..timeseries.sampling import LATTICE, PIXELS_READ_WHOLE

PARTS = ("training", "validation", "calibration", "test")
KINDS = ("blocks", "time", "random")
SHARES = (0.60, 0.12, 0.12, 0.16)
# A scene that is read whole is cut into so many blocks along each side. More blocks lie closer together, so that the test tells
# less of other places; fewer leave the parts to chance.
BLOCKS_ALONG = 8
FEWEST_BLOCKS = 8
FEWEST_PIXELS = 20


@dataclass(frozen=True)
class Split:
    """Pixels and dates of every part.

    Parameters
    ----------
    kind : str
        ``blocks``, ``time`` or ``random``.
    pixels : dict of str to (pixels,) int
        Per part, numbers of its pixels in the sample.
    until : dict of str to (first, last)
        Per part, the days between which its values are hidden, first included; nothing after `last` is known to it.
    """

    kind: str
    pixels: dict
    until: dict


def blocks_of(row: np.ndarray, column: np.ndarray, grid: Grid) -> np.ndarray:
    """Number of the block of the scene each pixel lies in, (pixels,); no window that is drawn of a large scene is cut."""
    along = LATTICE if grid.height * grid.width > PIXELS_READ_WHOLE else BLOCKS_ALONG
    down, across = (np.searchsorted(np.linspace(0, length, along + 1).astype(int), place, side="right") - 1
                    for length, place in ((grid.height, row), (grid.width, column)))
    return down * along + across


def require_kind(kind: str) -> None:
    """Raise `InputError` when there is no such split."""
    if kind not in KINDS:
        raise InputError(f"There is no split '{kind}'.", f"Choose one of {', '.join(KINDS)}.")


def split(kind: str, block: np.ndarray, days: np.ndarray, seed: int, together: int = 1) -> Split:
    """Draw the parts.

    Parameters
    ----------
    kind : str
        ``blocks``: whole blocks (the score is that of places never seen). ``time``: later dates (that of times never seen).
        ``random``: single pixels (or chips), whose neighbours were seen (optimistic).
    block : (pixels,)
        Number of each pixel's block.
    days : (dates,)
        Of the target.
    seed : int
    together : int
        Pixels per chip; chips stay whole.

    Raises
    ------
    InputError
        When there are too few pixels, blocks or dates.
    """
    require_kind(kind)
    if len(block) < FEWEST_PIXELS:
        raise InputError(f"Only {len(block)} pixels hold observations, and a network needs {FEWEST_PIXELS} at the very least.",
                         "Give a larger area or a wider mask, or fill with phenofuse:fillmogpr.")
    chance = np.random.default_rng(seed)
    everything = dict.fromkeys(PARTS, (-np.inf, np.inf))
    if kind == "time":
        edges = np.quantile(days, np.cumsum((0, *SHARES)))
        edges[0], edges[-1] = -np.inf, np.inf
        if len(days) < 4 * len(PARTS):
            raise InputError(f"The series has {len(days)} dates, too few to keep later ones for the test.", "Choose SPLIT = blocks.")
        everyone = np.arange(len(block))
        return Split(kind, dict.fromkeys(PARTS, everyone), dict(zip(PARTS, zip(edges, edges[1:]))))
    groups = block if kind == "blocks" else np.arange(len(block)) // together
    names, own = np.unique(groups, return_inverse=True)
    if len(names) < FEWEST_BLOCKS:
        raise InputError(f"The pixels lie in {len(names)} blocks, too few to keep some for the test.",
                         "Give a larger area, or choose SPLIT = random.")
    return Split(kind, dict(zip(PARTS, _dealt(own, len(names), chance))), everything)


def _dealt(own: np.ndarray, count: int, chance) -> list:
    """Numbers of the pixels of each part: groups in random order, each to the part that lacks most of its share."""
    sizes = np.bincount(own, minlength=count)
    wanted, got = np.array(SHARES) * sizes.sum(), np.zeros(len(SHARES))
    part = np.empty(count, int)
    for group in chance.permutation(count):
        part[group] = np.argmax((wanted - got) / wanted)
        got[part[group]] += sizes[group]
    return [np.flatnonzero(part[own] == number) for number in range(len(SHARES))]
