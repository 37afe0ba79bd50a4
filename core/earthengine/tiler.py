"""The tiles of a period: where they lie, and their pixels on disk until the period is whole.

A tile counts once its file is complete and its checksum is in the ledger. A tile that is too much for the service is
cut in halves, down to a size below which something else is wrong.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

import numpy as np

from .. import files
from ..timeseries import Window
from . import arrival
from .ledger import Item, Ledger
from .plan import SMALLEST_SHARE, Plan

PARTS = ".parts"
ROWS_AT_ONCE = 256  # whole blocks of the file


def windows(plan: Plan) -> list:
    """Tiles of nearly equal size within the limits of one request."""
    return [Window(row, column, rows, columns)
            for row, rows in _cuts(plan.height, plan.tile_side) for column, columns in _cuts(plan.width, plan.tile_side)]


def halves(window: Window, plan: Plan) -> list:
    """Two halves of a tile along its longer side; [] when it is small already."""
    row, column, rows, columns = window
    if max(rows, columns) < 2 * (plan.tile_side // SMALLEST_SHARE):
        return []
    if rows >= columns:
        half = rows // 2
        return [Window(row, column, half, columns), Window(row + half, column, rows - half, columns)]
    half = columns // 2
    return [Window(row, column, rows, half), Window(row, column + half, rows, columns - half)]


class Parts:
    """The finished tiles of an export, in a hidden folder beside its rasters."""

    def __init__(self, ledger: Ledger):
        self._ledger, self._folder = ledger, ledger.folder / PARTS

    def keep(self, item: Item, window: Window, values: np.ndarray) -> None:
        """Write a tile (bands, rows, columns) and then its checksum."""
        file = self._file(item, window)
        with files.whole(file) as writing, open(writing, "wb") as stream:
            np.save(stream, values, allow_pickle=False)
        self._ledger.keep_tile(item, window, _checksum(file))

    def cut(self, item: Item, window: Window, plan: Plan) -> list:
        """Remember that a tile was too large; returns its halves, or [] when it cannot be cut."""
        found = halves(window, plan)
        if found:
            self._ledger.keep_tile(item, window, None)
        return found

    def missing(self, item: Item, plan: Plan) -> list:
        """Tiles that are still to be fetched; those on disk that are not what they were are forgotten."""
        known, wanted = self._ledger.tiles(item), []
        spoilt = [w for w, digest in known.items() if digest and _checksum(self._file(item, Window(*w))) != digest]
        if spoilt:
            self._ledger.forget_tiles(item, *spoilt)
        for window in self._leaves(plan, known):
            if not known.get(tuple(window)) or tuple(window) in spoilt:
                wanted.append(window)
        return wanted

    def strips(self, item: Item, plan: Plan):
        """An image's pixels in strips of whole rows, as `arrival.write` takes them: the file is the same however tiles were cut."""
        leaves = self._leaves(plan, self._ledger.tiles(item))
        for row in range(0, plan.height, ROWS_AT_ONCE):
            strip = Window(row, 0, min(ROWS_AT_ONCE, plan.height - row), plan.width)
            touched = [tile for tile in leaves if tile.row < row + strip.rows and row < tile.row + tile.rows]
            for bands in arrival.groups(plan, ROWS_AT_ONCE):
                values = np.empty((len(bands), strip.rows, strip.columns), "float32")
                for tile in touched:
                    first, last = max(row, tile.row), min(row + strip.rows, tile.row + tile.rows)
                    part = np.load(self._file(item, tile), mmap_mode="r", allow_pickle=False)[bands.start : bands.stop]
                    values[:, first - row : last - row, tile.slices[1]] = part[:, first - tile.row : last - tile.row]
                yield strip, bands, values

    def remove(self, item: Item) -> None:
        """Forget a period's tiles: it is finished, or begins anew."""
        self._ledger.forget_tiles(item)
        for file in self._folder.glob(f"{item.key[:16]}-*"):
            file.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove the folder once no tile is left in it."""
        with suppress(OSError):
            self._folder.rmdir()

    def _leaves(self, plan: Plan, known: dict) -> list:
        waiting, found = list(reversed(windows(plan))), []
        while waiting:
            window = waiting.pop()
            if tuple(window) in known and known[tuple(window)] is None:
                waiting += reversed(halves(window, plan))
            else:
                found.append(window)
        return found

    def _file(self, item: Item, window: Window) -> Path:
        return self._folder / f"{item.key[:16]}-{'-'.join(map(str, window))}.npy"


def _cuts(length: int, most: int) -> list:
    count = -(-length // most)
    edges = [length * number // count for number in range(count + 1)]
    return [(a, b - a) for a, b in zip(edges, edges[1:])]


def _checksum(file: Path) -> str:
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest()
    except OSError:
        return ""
