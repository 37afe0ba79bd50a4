"""Chips: square pieces of a scene, for networks that look at a pixel's neighbours as well.

A chip is handed on as the series of its pixels, row by row, one chip after the other, so that all that works on pixels works on
chips too. To learn from, chips are drawn from a lattice without overlap; to fill, they overlap, and each pixel gets a mean of
what they say, weighted by a cosine window that fades towards a chip's edges, where it knows least. The lattice is that of the
scene, so that tiles leave no trace.
"""
from __future__ import annotations

import numpy as np

from ..errors import InputError
from ..timeseries import Series, Window
from ..timeseries.grids import Grid
from ..timeseries.masks import read_mask
from ..timeseries.sampling import sample_places

# Steps from chip to chip in filling, as a share of their side: the window asks for half a side at most, and steps that are no
# multiple of the patches of 4 pixels (6 of 16) lay the borders of one chip's patches inside another's.
STEP = 3 / 8


def require_room(series: Series, side: int, architecture: str) -> None:
    """Raise `InputError` when a scene is smaller than a chip."""
    grid = series.grid
    if min(grid.height, grid.width) < side:
        raise InputError(f"{series.name} has {grid.width} x {grid.height} pixels, less than the {side} x {side} that the "
                         f"architecture {architecture} looks at together.",
                         "Give a larger area, or use the architecture fusion or 'Fill with radar' (phenofuse:fillmogpr).")


def sample_chips(series: list[Series], mask: str | None, most: int, side: int, seed: int, events) -> tuple:
    """Pixels of whole chips from all over a scene, as `timeseries.sampling.sample_places` gives single ones.

    Parameters
    ----------
    series : list of Series
        On one grid.
    mask : str, optional
        Outside of it the first series counts as missing.
    most : int
        So many chips at most, drawn at random among those that hold an observation of the first series.
    side : int
        1 draws ``most`` single pixels.
    seed : int
    events : Events
        Cancelling.

    Returns
    -------
    values : list of (pixels, dates) float32
    rows, columns : (pixels,) int
    """
    if side == 1:
        return sample_places(series, mask, most, seed, events)
    across = series[0].grid.width // side
    found: dict = {}
    for place in np.random.default_rng(seed).permutation(series[0].grid.height // side * across):
        events.check()
        window = Window(int(place // across) * side, int(place % across) * side, side, side)
        values = [pixel_by_pixel(one, window) for one in series]
        if mask:
            values[0][~read_mask(mask, series[0].grid, window).ravel()] = np.nan
        if np.isfinite(values[0]).any():
            found[place] = values, window
        if len(found) == most:
            break
    chosen = [found[place] for place in sorted(found)]
    own = np.arange(side)
    rows, columns = (np.array([place[axis] for _, place in chosen], int).reshape(-1, 1, 1) for axis in (0, 1))
    shape = len(chosen), side, side
    values = [np.concatenate([parts[number] for parts, _ in chosen]) if chosen else np.empty((0, one.count), np.float32)
              for number, one in enumerate(series)]
    return (values, *(np.broadcast_to(one, shape).ravel() for one in (rows + own[:, None], columns + own)))


def pixel_by_pixel(series: Series, window: Window) -> np.ndarray:
    """Values of a window as series of its pixels, (pixels, dates)."""
    return np.ascontiguousarray(series.read(window).reshape(series.count, -1).T)


def pixels_of(chips: np.ndarray, side: int) -> np.ndarray:
    """Numbers of the pixels of some chips in a sample, (chips, pixels)."""
    return np.asarray(chips)[:, None] * side**2 + np.arange(side**2)


def batches(pixels: int, side: int, count: int, chance):
    """Yield numbers of all pixels of a sample in `count` random parts of whole chips, which are flipped and turned at random."""
    turns, turned = chance.spawn(1)[0], _turned(side)
    for chips in np.array_split(chance.permutation(pixels // side**2), count):
        yield (chips[:, None] * side**2 + turned[turns.integers(len(turned), size=len(chips))]).ravel()


def covering(grid: Grid, window: Window, context: Window, side: int) -> np.ndarray:
    """Chips of the scene's lattice that touch a window: numbers of their pixels in its context, (chips, side x side).

    The context must reach `side` pixels beyond the window, or to the edge of the scene.
    """
    tops, lefts = (_starts(length, first, count, side) for length, first, count in (
        (grid.height, window.row, window.rows), (grid.width, window.column, window.columns)))
    rows, columns = ((one - first)[:, None] + np.arange(side) for one, first in ((tops, context.row), (lefts, context.column)))
    return (rows[:, None, :, None] * context.columns + columns[None, :, None, :]).reshape(-1, side**2)


def weight(side: int) -> np.ndarray:
    """What each pixel of a chip counts where chips overlap, (side x side,): a cosine window along both sides."""
    edge = np.sin(np.pi * (np.arange(side) + 0.5) / side) ** 2
    return np.outer(edge, edge).ravel()


def _starts(length: int, first: int, count: int, side: int) -> np.ndarray:
    """Where chips begin along one side of the scene, of those that touch the `count` pixels from `first` on."""
    starts = np.unique(np.append(np.arange(0, length - side, max(1, int(side * STEP))), length - side))
    return starts[(starts + side > first) & (starts < first + count)]


def _turned(side: int) -> np.ndarray:
    """Numbers of a chip's pixels in each of its eight flips and quarter turns, (8, side x side)."""
    upright = np.arange(side**2).reshape(side, side)
    return np.array([np.rot90(one, turns).ravel() for one in (upright, upright.T) for turns in range(4)])
