"""Files that finished tasks left on Drive or in a bucket, once the user has put them into a folder of this machine.

A large period arrives in several files; they must fit together on the plan's grid without gap or overlap.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..timeseries import RasterFile, Window
from ..timeseries.grids import PIXEL_TOLERANCE
from . import arrival, look
from .ledger import Item, Ledger
from .plan import Plan

FOLDER = "incoming"


def take(plan: Plan, ledger: Ledger, folder, events) -> list:
    """Take in the files of all finished tasks that lie in `folder`.

    Returns
    -------
    list of Item
        Finished tasks whose files are not there.
    """
    folder = Path(folder or ledger.folder / FOLDER)
    periods, lacking = dict(zip(map(plan.key, plan.spans), plan.spans)), []
    for item in ledger.items("SUCCEEDED", "DOWNLOADING"):
        events.check()
        paths = sorted([*folder.glob(f"{item.task_name}.tif"), *folder.glob(f"{item.task_name}-*.tif")])  # whole, or in pieces
        if not paths:
            lacking.append(item)
            continue
        item = ledger.move(item, "DOWNLOADING", f"{len(paths)} files in {folder.name}")
        _take_one(plan, ledger, item, periods[item.key], paths, events)
    return lacking


def _take_one(plan: Plan, ledger: Ledger, item: Item, period, paths: list, events) -> None:
    path, found = ledger.folder / item.file_name, []
    try:
        pieces = [_Piece(plan, file) for file in paths]
        _require_whole(plan, pieces)
        found = arrival.write(path, plan, period, (strip for piece in pieces for strip in piece.strips()))
        text = arrival.sentences(arrival.problems(found))[0] if arrival.problems(found) else ""
    except InputError as problem:
        text = problem.text
    if text:
        look.fail(ledger, item, found, events, text)
    else:
        arrival.record(ledger, item, path, found)


class _Piece:
    """One file, and where on the grid it lies; its bands are taken by name."""

    def __init__(self, plan: Plan, path: Path):
        self._plan, self._file = plan, RasterFile.open(path)
        names = [band.description for band in self._file.bands]
        if sorted(names) != sorted(plan.bands):
            raise InputError(f"{path.name} has the bands {', '.join(name or '(no name)' for name in names)}, not "
                             f"{', '.join(plan.bands)}.")  # fmt: skip
        self._indexes = [names.index(name) + 1 for name in plan.bands]
        grid, pixel = self._file.grid, plan.transform[0]
        row, column = (plan.transform[5] - grid.transform[5]) / pixel, (grid.transform[2] - plan.transform[2]) / pixel
        self.window = Window(round(row), round(column), grid.height, grid.width)
        moved = (pixel, 0.0, plan.transform[2] + round(column) * pixel, 0.0, -pixel, plan.transform[5] - round(row) * pixel)
        difference = type(grid)(plan.grid.crs, moved, grid.width, grid.height).difference(grid)
        off = max(abs(row - round(row)), abs(column - round(column))) > PIXEL_TOLERANCE
        if difference or off or not self._inside(plan):
            why = difference or "it lies between its pixels or reaches beyond"
            raise InputError(f"{path.name} does not lie on the grid of the export: {why}.")

    def strips(self):
        """Windows of the grid and their values, as `arrival.write` takes them."""
        row, column, rows, columns = self.window
        for first in range(0, rows, arrival.ROWS_AT_ONCE):
            part = Window(first, 0, min(arrival.ROWS_AT_ONCE, rows - first), columns)
            for bands in arrival.groups(self._plan, arrival.ROWS_AT_ONCE):
                values = np.stack([self._file.values(self._indexes[band], part) for band in bands])
                yield Window(row + first, column, part.rows, columns), bands, values

    def _inside(self, plan: Plan) -> bool:
        row, column, rows, columns = self.window
        return row >= 0 and column >= 0 and row + rows <= plan.height and column + columns <= plan.width


def _require_whole(plan: Plan, pieces: list) -> None:
    area = sum(piece.window.rows * piece.window.columns for piece in pieces)
    overlap = any(_overlap(a.window, b.window) for i, a in enumerate(pieces) for b in pieces[i + 1 :])
    if overlap or area != plan.width * plan.height:
        raise InputError(f"{len(pieces)} files cover {area / (plan.width * plan.height):.0%} of the grid"
                         f"{' and overlap' if overlap else ''}: some are missing, or belong to another export.")  # fmt: skip


def _overlap(a: Window, b: Window) -> bool:
    return (a.row < b.row + b.rows and b.row < a.row + a.rows
            and a.column < b.column + b.columns and b.column < a.column + a.columns)  # fmt: skip
