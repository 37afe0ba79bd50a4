"""Which tiles, from a memory budget: pure arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import MemoryLimitError
from ..timeseries.grids import Grid, Window

# Whole blocks of the contract's files (256 pixels), or whole shares of one; larger tiles gain nothing and answer
# a cancel later.
SIDES = (512, 256, 128, 64, 32, 16)
SMALLEST_USEFUL = 64  # a small scene is not cut finer: below this, reading costs more than computing
# A bar with fewer tiles than this per worker stands still for long and leaves workers idle at the end.
TILES_PER_WORKER = 4


@dataclass(frozen=True)
class Tile:
    """A tile: `window` is what it writes, `context` what it reads (the window and its margin)."""

    index: int
    window: Window
    context: Window

    @property
    def inner(self) -> tuple[slice, slice]:
        """Where the window lies within an array of the context."""
        top, left = self.window.row - self.context.row, self.window.column - self.context.column
        return slice(top, top + self.window.rows), slice(left, left + self.window.columns)

    @property
    def name(self) -> str:
        """The window as text."""
        return f"{self.window.row}-{self.window.column}-{self.window.rows}x{self.window.columns}"


@dataclass(frozen=True)
class Plan:
    """Tiles in the order they are worked off."""

    grid: Grid
    side: int
    tiles: tuple[Tile, ...]
    bytes_at_once: int


def plan(grid: Grid, bytes_per_pixel: float, resources, margin: int = 0) -> Plan:
    """Cut a grid into tiles so that all workers together stay within the memory budget.

    Parameters
    ----------
    grid : Grid
        The scene.
    bytes_per_pixel : float
        All that one pixel of a tile needs while it is worked on: inputs, outputs and what lies between.
    resources : Resources
        `memory_mb` and `workers`.
    margin : int
        Pixels of context around each tile.

    Returns
    -------
    Plan

    Raises
    ------
    MemoryLimitError
        When even the smallest tile does not fit.
    """
    budget = resources.memory_mb * 2**20 / resources.workers
    fitting = [side for side in SIDES if (side + 2 * margin) ** 2 * bytes_per_pixel <= budget]
    if not fitting:
        needed = (SIDES[-1] + 2 * margin) ** 2 * bytes_per_pixel * resources.workers / 2**20
        raise MemoryLimitError(
            f"The smallest tile needs {needed:.0f} MB with {resources.workers} workers, but "
            f"MEMORY_MB is {resources.memory_mb}.",
            "Raise MEMORY_MB or lower WORKERS.",
        )
    enough = [s for s in fitting if s >= SMALLEST_USEFUL and _count(grid, s) >= TILES_PER_WORKER * resources.workers]
    side = enough[0] if enough else min(fitting[0], SMALLEST_USEFUL)
    tiles = []
    for row in range(0, grid.height, side):
        for column in range(0, grid.width, side):
            window = Window(row, column, min(side, grid.height - row), min(side, grid.width - column))
            tiles.append(Tile(len(tiles), window, _grown(window, margin, grid)))
    return Plan(grid, side, tuple(tiles), int((side + 2 * margin) ** 2 * bytes_per_pixel * resources.workers))


def _count(grid: Grid, side: int) -> int:
    return -(-grid.height // side) * -(-grid.width // side)


def _grown(window: Window, margin: int, grid: Grid) -> Window:
    top, left = max(0, window.row - margin), max(0, window.column - margin)
    bottom = min(grid.height, window.row + window.rows + margin)
    right = min(grid.width, window.column + window.columns + margin)
    return Window(top, left, bottom - top, right - left)
