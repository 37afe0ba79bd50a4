"""Working the tiles off: threads or Dask, journal, and all outputs complete or none."""

from __future__ import annotations

from functools import lru_cache, partial

import numpy as np

from ..outputs import replace_together
from ..timeseries.grids import Window
from ..timeseries.storing import writer
from ..timeseries.writing import BLOCK
from .journal import Journal
from .plan import SIDES, Plan
from .working import worked

SQUARE = max(SIDES)
SHARE_OF_TILES = 0.85  # of the bar; the rest is for writing the files


def run(plan: Plan, work, outputs: dict, journal: Journal, resources, events) -> None:
    """Work all tiles off and write the outputs.

    Parameters
    ----------
    plan : Plan
        From `tiles.plan`.
    work : callable
        ``work(tile) -> {name: array (bands, rows, columns)}`` of the tile's window, for every output. It must depend on
        nothing but the tile, and be importable by name (or a ``functools.partial``), so that other processes can run it.
    outputs : dict of str to (str, RasterSpec)
        Path and kind of every output.
    journal : Journal
        Finished tiles are kept there and found again. It stays: only the caller knows when nothing is left to do.
    resources : Resources
        Workers, Dask scheduler.
    events : Events
        Progress and cancelling.

    Raises
    ------
    DiskError, OutputError
        Before the first tile where it can be known.
    Cancelled
        The journal stays, so that the same call continues.
    """
    journal.require_room(outputs)
    todo = [tile for tile in plan.tiles if not journal.has(tile)]
    _announce(plan, todo, outputs, resources, events)
    tiles = events.step(0, SHARE_OF_TILES)
    for done, (tile, arrays) in enumerate(worked(work, todo, resources, tiles), start=len(plan.tiles) - len(todo) + 1):
        journal.keep(tile, {name: _checked(arrays[name], tile, spec) for name, (_, spec) in outputs.items()})
        tiles.progress(done / len(plan.tiles))
    _assemble(plan, outputs, journal, events.step(SHARE_OF_TILES, 1))


def _checked(values, tile, spec) -> np.ndarray:
    expected = (len(spec.bands), tile.window.rows, tile.window.columns)
    if values.shape != expected:
        raise ValueError(f"a tile gave {values.shape}, not {expected}")  # a mistake of ours, not of the user's
    return np.ascontiguousarray(values, spec.dtype)


def _assemble(plan: Plan, outputs: dict, journal: Journal, events) -> None:
    """Write the outputs from their parts by whole blocks, then give them their names."""
    blocks = _blocks(plan)
    writers = []
    try:
        for name, (path, spec) in outputs.items():
            file = writer(path, spec)
            writers.append(file)
            part = lru_cache(maxsize=1)(partial(journal.get, name=name))
            for number, (window, tiles) in enumerate(blocks, start=1):
                file.write(_joined(window, tiles, part, spec), window)
                events.progress((len(writers) - 1 + number / len(blocks)) / len(outputs))
            file.close()
        replace_together(move for file in writers for move in file.moves)
    except BaseException:
        for file in writers:
            file.discard()
        raise


def _blocks(plan: Plan) -> list:
    """Windows of whole blocks of the file with the tiles that each touches.

    Their order, and so the file, does not depend on the tiles; the largest come one after the other, each opened once.
    """
    grid, found = plan.grid, {}
    for tile in plan.tiles:
        top, left, rows, columns = tile.window
        for row in range(top // BLOCK, -(-(top + rows) // BLOCK)):
            for column in range(left // BLOCK, -(-(left + columns) // BLOCK)):
                found.setdefault((row * BLOCK, column * BLOCK), []).append(tile)
    order = sorted(found, key=lambda corner: (corner[0] // SQUARE, corner[1] // SQUARE, corner))
    return [(Window(row, column, min(BLOCK, grid.height - row), min(BLOCK, grid.width - column)), found[row, column])
            for row, column in order]


def _joined(window: Window, tiles, part, spec) -> np.ndarray:
    """Values of a window; `part` gives those of a tile."""
    values = np.empty((len(spec.bands), window.rows, window.columns), spec.dtype)
    for tile in tiles:
        here, there = _common(window, tile.window), _common(tile.window, window)
        values[(slice(None), *here)] = part(tile)[(slice(None), *there)]
    return values


def _common(window: Window, other: Window) -> tuple[slice, slice]:
    """Where, within an array of `window`, both windows lie."""
    top, left = max(0, other.row - window.row), max(0, other.column - window.column)
    bottom = min(window.rows, other.row + other.rows - window.row)
    right = min(window.columns, other.column + other.columns - window.column)
    return slice(top, bottom), slice(left, right)


def _announce(plan: Plan, todo, outputs: dict, resources, events) -> None:
    size = sum(spec.bytes for _, spec in outputs.values()) / 2**20
    workers = (
        f"on the Dask cluster at {resources.scheduler}" if resources.scheduler else f"in {resources.workers} threads"
    )
    events.info(
        f"{plan.grid.width} x {plan.grid.height} pixels in {len(plan.tiles)} tiles of {plan.side}, {workers}; "
        f"about {plan.bytes_at_once / 2**20:.0f} MB in hand, up to {2 * size:.0f} MB of disk while it runs."
    )
    if len(todo) < len(plan.tiles):
        events.info(
            f"{len(plan.tiles) - len(todo)} tiles are done already from an earlier run; it continues from there."
        )
