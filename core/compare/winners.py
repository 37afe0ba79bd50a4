"""Which method errs least in which part of the scene: coarse cells, silent where little was hidden."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..tiles.scores import compare
from ..timeseries import Grid
from .methods import TOO_CLOSE, TOO_FEW, code
from .outcome import Outcome

# As many as windows are sampled along each side of a large scene, so that each cell holds one.
CELLS_ALONG = 6
# A cell with fewer hidden values, or from fewer pixels, tells nothing.
FEWEST_VALUES, FEWEST_PIXELS = 30, 5


class Cells(NamedTuple):
    """The coarse grid, and rows and columns of the scene that a cell spans."""

    grid: Grid
    rows: int
    columns: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.grid.height, self.grid.width


def cells(grid: Grid) -> Cells:
    """Coarse cells over a scene."""
    rows, columns = (-(-length // CELLS_ALONG) for length in (grid.height, grid.width))
    a, b, c, d, e, f = grid.transform
    coarse = (a * columns, b * rows, c, d * columns, e * rows, f)
    return Cells(Grid(grid.crs, coarse, -(-grid.width // columns), -(-grid.height // rows)), rows, columns)


def winners(outcome: Outcome, row: np.ndarray, column: np.ndarray, where: Cells) -> np.ndarray:
    """Code of the winner in each cell, (rows, columns) uint8.

    A method wins when its error is smaller than that of every other beyond chance, by a paired bootstrap of the cell's
    pixels. Neighbouring pixels err alike, so a narrow win may still be chance.

    Parameters
    ----------
    outcome : Outcome
    row, column : (pixels,) int
        Places of the sample's pixels in the scene.
    where : Cells
    """
    found = np.zeros(where.shape, np.uint8)
    cell = (row // where.rows * where.shape[1] + column // where.columns)[outcome.pixel]
    for number in np.unique(cell):
        found.flat[number] = _winner(outcome, cell == number)
    return found


def _winner(outcome: Outcome, here: np.ndarray) -> int:
    pixels, own = np.unique(outcome.pixel[here], return_inverse=True)
    if here.sum() < FEWEST_VALUES or len(pixels) < FEWEST_PIXELS:
        return TOO_FEW
    sums = {method: np.bincount(own, weights=outcome.error(method)[here] ** 2) for method in outcome.fair}
    first, *others = sorted(sums, key=lambda method: sums[method].sum())
    counts = np.bincount(own)
    if all(compare(sums[first], sums[other], counts).upper < 1 for other in others):
        return code(first, outcome.methods)
    return TOO_CLOSE
