"""Pixels from all over a scene, for methods that learn before they fill."""
from __future__ import annotations

import numpy as np

from .grids import Window
from .masks import read_mask
from .series import Series

# Scenes up to this size are read whole; of larger ones a lattice of windows is, each within one block of the file for
# most, so that sampling costs seconds whatever the size.
PIXELS_READ_WHOLE = 256 * 256
LATTICE, WINDOW_SIDE = 6, 16
# With fewer pixels from the lattice (a small mask, say) the whole scene is searched.
FEWEST_PIXELS = 200
SEARCHED_SIDE = 256


def sample_pixels(series: list[Series], mask: str | None, most: int | None, seed: int, events) -> list[np.ndarray]:
    """Values of pixels inside the mask that hold at least one observation of the first series.

    Parameters
    ----------
    series : list of Series
        On one grid.
    mask : str, optional
        See `masks.read_mask`.
    most : int, optional
        So many pixels at most, drawn at random; None takes all.
    seed : int
    events : Events
        Cancelling.

    Returns
    -------
    list of (pixels, dates) float32
        Of each series.
    """
    return sample_places(series, mask, most, seed, events)[0]


def varies(values: np.ndarray) -> bool:
    """Whether there are different values among those that are not missing: of others nothing can be learnt."""
    seen = values[np.isfinite(values)]
    return len(seen) > 1 and seen.min() < seen.max()


def sample_places(series: list[Series], mask: str | None, most: int | None, seed: int, events) -> tuple:
    """As `sample_pixels`, with the places of the pixels.

    Returns
    -------
    values : list of (pixels, dates) float32
    rows, columns : (pixels,) int
    """
    chance = np.random.default_rng(seed)
    grid = series[0].grid
    found, count = [], 0
    windows = _windows(grid.height, grid.width, chance)
    for window in windows:
        events.check()
        found.append(_seen(series, mask, window))
        count += len(found[-1][0])
    if count < FEWEST_PIXELS and len(windows) > 1:
        for window in _everywhere(grid.height, grid.width):
            events.check()
            found.append(_seen(series, mask, window))
            count += len(found[-1][0])
            if count >= FEWEST_PIXELS:
                break
    chosen = np.sort(chance.choice(count, count if most is None else min(count, most), replace=False))
    *values, rows, columns = (np.concatenate(parts)[chosen] for parts in zip(*found))
    return values, rows, columns


def _windows(height: int, width: int, chance) -> list:
    """The whole of a small scene, or one randomly placed window in each cell of a lattice."""
    if height * width <= PIXELS_READ_WHOLE:
        return [Window(0, 0, height, width)]
    windows = []
    for rows in _cells(height):
        for columns in _cells(width):
            row, column = int(chance.integers(*rows)), int(chance.integers(*columns))
            windows.append(Window(row, column, min(WINDOW_SIDE, height - row), min(WINDOW_SIDE, width - column)))
    return windows


def _cells(length: int) -> list:
    edges = np.unique(np.linspace(0, length, LATTICE + 1).astype(int))
    return [(a, max(a + 1, b - WINDOW_SIDE)) for a, b in zip(edges, edges[1:])]


def _everywhere(height: int, width: int):
    for row in range(0, height, SEARCHED_SIDE):
        for column in range(0, width, SEARCHED_SIDE):
            yield Window(row, column, min(SEARCHED_SIDE, height - row), min(SEARCHED_SIDE, width - column))


def _seen(series: list[Series], mask, window: Window) -> list[np.ndarray]:
    """Values (pixels, dates) of each series, rows and columns, of the pixels of a window that qualify."""
    values = [one.read(window).reshape(one.count, -1) for one in series]
    keep = np.isfinite(values[0]).any(axis=0)
    if mask:
        keep &= read_mask(mask, series[0].grid, window).ravel()
    rows, columns = np.divmod(np.flatnonzero(keep), window.columns)
    return [*(np.ascontiguousarray(one[:, keep].T) for one in values), rows + window.row, columns + window.column]
