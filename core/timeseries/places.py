"""Places that values are wanted of, points and polygons, and the pixels of a grid that belong to each."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from rasterio import Affine
from rasterio.warp import transform

from ..errors import InputError
from ..foreign import json_in
from .grids import Grid, Window
from .masks import _compact as _compact_polygons

# Of a polygon with the middles of fewer pixels, each pixel counts by the share of it that is covered: where few pixels
# decide, those on the edge are many, and whether their middles lie inside is chance.
FEW_PIXELS = 10


class Place(NamedTuple):
    """A feature: its name, and `geometry`, points (points, 2) or a list of polygons (rings (points, 2), the outline first)."""

    name: str
    geometry: np.ndarray | list

    @property
    def is_area(self) -> bool:
        """Whether it is made of polygons."""
        return isinstance(self.geometry, list)


class Pixels(NamedTuple):
    """Pixels of a grid as runs in rows: columns from `starts` up to, and without, `ends`.

    Parameters
    ----------
    rows, starts, ends : (runs,) int
    weights : (runs,) float
        What each of a run's pixels counts: 1, or the share of it that is covered.
    beyond : bool
        Whether a part of the place lies outside the grid.
    """

    rows: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    weights: np.ndarray
    beyond: bool

    @property
    def count(self) -> int:
        """Number of pixels."""
        return int((self.ends - self.starts).sum())

    def within(self, window: Window) -> Pixels:
        """Those in a window."""
        starts = np.maximum(self.starts, window.column)
        ends = np.minimum(self.ends, window.column + window.columns)
        kept = (self.rows >= window.row) & (self.rows < window.row + window.rows) & (ends > starts)
        return Pixels(self.rows[kept], starts[kept], ends[kept], self.weights[kept], self.beyond)

    def placed(self, window: Window) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the pixels in the flattened window that holds them all, and their weights; both (pixels,)."""
        lengths = self.ends - self.starts
        first = (self.rows - window.row) * window.columns + self.starts - window.column
        before = np.cumsum(lengths) - lengths
        return np.repeat(first - before, lengths) + np.arange(lengths.sum()), np.repeat(self.weights, lengths)


def read_places(path: str) -> list[Place]:
    """The features of a GeoJSON file of points or polygons, in their order.

    Raises
    ------
    InputError
        When the file cannot be read, holds nothing, or points beside polygons.
    """
    try:
        features = json_in(Path(path).read_bytes(), _compact)["features"]
        found = [Place(str((one.get("properties") or {}).get("name", number)), _geometry(one["geometry"]))
                 for number, one in enumerate(features, start=1)]  # fmt: skip
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as problem:
        raise InputError(f"{Path(path).name} cannot be read as GeoJSON points or polygons ({problem}).",
                         "Give a layer of points or polygons.") from problem  # fmt: skip
    kinds = {place.is_area for place in found if len(place.geometry)}
    if len(kinds) != 1:
        raise InputError("PLACES holds points beside polygons." if kinds else "PLACES holds no point and no polygon.",
                         "Give a layer of points, or one of polygons.")  # fmt: skip
    return found


def pixels_of(place: Place, crs: str, grid: Grid) -> Pixels:
    """The pixels of a place: those its points lie in, or those whose middle lies inside.

    Polygons with the middles of fewer than `FEW_PIXELS` pixels get all pixels that they touch, each by the share covered.

    Parameters
    ----------
    place : Place
    crs : str
        Reference system of its coordinates.
    grid : Grid
    """
    if not place.is_area:
        return _of_points(_on_grid(place.geometry, crs, grid), grid)
    polygons = [[_on_grid(ring, crs, grid) for ring in rings] for rings in place.geometry]
    beyond = any(_reaches_beyond(ring, grid) for rings in polygons for ring in rings)
    runs = _joined([_runs(rings, grid) for rings in polygons])
    if (runs[2] - runs[1]).sum() >= FEW_PIXELS:
        return Pixels(*runs, np.ones(len(runs[0])), beyond)
    covered: dict = {}
    for rings in polygons:
        for pixel in _touched(rings, _runs(rings, grid), grid):
            share = _covered(rings, *pixel)
            if share > 0:
                covered[pixel] = min(1.0, covered.get(pixel, 0.0) + share)
    rows, columns = np.array(sorted(covered), int).reshape(-1, 2).T
    return Pixels(rows, columns, columns + 1, np.array([covered[pixel] for pixel in sorted(covered)]), beyond)


def _compact(member: dict):
    """Points as an array, polygons as `masks` has them, while the file is parsed."""
    kind = member.get("type")
    if kind == "Point":
        return np.array([member["coordinates"][:2]], float).reshape(-1, 2)
    if kind == "MultiPoint":
        return np.array([point[:2] for point in member["coordinates"]], float).reshape(-1, 2)
    if kind == "Feature" and isinstance(member["geometry"], np.ndarray):
        return member
    return _compact_polygons(member)


def _geometry(found) -> np.ndarray | list:
    if isinstance(found, np.ndarray) and not np.isfinite(found).all():
        raise ValueError("a point is not two numbers")
    return [] if found is None else found


def _on_grid(points: np.ndarray, crs: str, grid: Grid) -> np.ndarray:
    """Points as columns and rows of a grid, fractions included."""
    if crs and grid.crs and crs != grid.crs:
        points = np.stack(transform(crs, grid.crs, *points.T), axis=1)
    a, b, c, d, e, f = tuple(~Affine(*grid.transform))[:6]
    return points @ np.array([[a, d], [b, e]]) + [c, f]


def _reaches_beyond(points: np.ndarray, grid: Grid) -> bool:
    return bool((points < 0).any() or (points > [grid.width, grid.height]).any())


def _of_points(points: np.ndarray, grid: Grid) -> Pixels:
    found = np.floor(points)
    inside = ((found >= 0) & (found < [grid.width, grid.height])).all(axis=1)
    columns, rows = np.unique(found[inside].astype(int), axis=0).reshape(-1, 2).T
    return Pixels(rows, columns, columns + 1, np.ones(len(rows)), not inside.all())


def _runs(rings: list, grid: Grid) -> tuple:
    """Rows, starts and ends of the runs of pixels whose middles lie inside a polygon, by the even-odd rule.

    Along the middles of a row the outlines are crossed an even number of times: from each odd crossing to the next even
    one lies the inside. No window is asked for, so that what belongs to a polygon cannot depend on one.
    """
    x1, y1, x2, y2 = np.concatenate([np.hstack([ring[:-1], ring[1:]]) for ring in map(_closed, rings)]).T
    low, high = np.minimum(y1, y2), np.maximum(y1, y2)
    first = np.clip(np.ceil(low - 0.5), 0, grid.height).astype(int)
    last = np.clip(np.ceil(high - 0.5), 0, grid.height).astype(int)
    crossed = last - first
    edge = np.repeat(np.arange(len(crossed)), crossed)
    rows = np.arange(crossed.sum()) - np.repeat(np.cumsum(crossed) - crossed, crossed) + first[edge]
    with np.errstate(divide="ignore", invalid="ignore"):
        x = x1[edge] + (rows + 0.5 - y1[edge]) * (x2[edge] - x1[edge]) / (y2[edge] - y1[edge])
    columns = np.clip(np.floor(x + 0.5), 0, grid.width).astype(int)  # a middle on an edge: as GDAL burns it
    order = np.lexsort((columns, rows))
    rows, starts, ends = rows[order][::2], columns[order][::2], columns[order][1::2]
    some = ends > starts
    return rows[some], starts[some], ends[some]


def _closed(ring: np.ndarray) -> np.ndarray:
    return ring if (ring[0] == ring[-1]).all() else np.vstack([ring, ring[:1]])


def _joined(parts: list) -> tuple:
    """The runs of several polygons, each pixel once where they overlap."""
    rows, starts, ends = (np.concatenate([np.empty(0, int), *found]) for found in zip(*parts)) if parts else (np.empty(0, int),) * 3
    order = np.lexsort((starts, rows))
    rows, starts, ends = rows[order], starts[order].copy(), ends[order]
    reached = {}
    for number in range(len(rows)) if len(parts) > 1 else ():
        starts[number] = max(starts[number], reached.get(rows[number], 0))
        reached[rows[number]] = max(ends[number], reached.get(rows[number], 0))
    some = ends > starts
    return rows[some], starts[some], ends[some]


def _touched(rings: list, runs: tuple, grid: Grid) -> set:
    """Pixels (row, column) of the grid that an edge of a polygon passes through, or whose middles lie inside it."""
    found = {(int(row), int(column)) for row, start, end in zip(*runs) for column in range(start, end)}
    for ring in map(_closed, rings):
        for a, b in zip(ring, ring[1:]):
            shares = [0.0, 1.0]
            for start, end in zip(a, b):  # where the edge crosses a line between columns, then one between rows
                lines = np.arange(np.ceil(min(start, end)), np.floor(max(start, end)) + 1)
                shares += ((lines - start) / (end - start)).tolist() if end != start else []
            shares = np.unique(np.clip(shares, 0, 1))
            middles = np.floor(a + (0.5 * (shares[1:] + shares[:-1]))[:, None] * (b - a)).astype(int)
            found |= {(int(row), int(column)) for column, row in middles}
    return {(row, column) for row, column in found if 0 <= row < grid.height and 0 <= column < grid.width}


def _covered(rings: list, row: int, column: int) -> float:
    """The share of a pixel that a polygon covers."""
    outline, *holes = (_area(_clipped(_closed(ring)[:-1], row, column)) for ring in rings)
    return max(0.0, outline - sum(holes))


def _clipped(points: np.ndarray, row: int, column: int) -> np.ndarray:
    """A ring, cut to a pixel one side after the other (Sutherland & Hodgman 1974, Communications of the ACM 17:32)."""
    for axis, limit, sign in ((0, column, 1), (0, column + 1, -1), (1, row, 1), (1, row + 1, -1)):
        distance = sign * (points[:, axis] - limit)
        kept = []
        for place, here in enumerate(distance):
            before, point, last = distance[place - 1], points[place], points[place - 1]
            if (here >= 0) != (before >= 0):
                kept.append(last + before / (before - here) * (point - last))
            if here >= 0:
                kept.append(point)
        if len(kept) < 3:
            return np.empty((0, 2))
        points = np.array(kept)
    return points


def _area(points: np.ndarray) -> float:
    if not len(points):
        return 0.0
    x, y = (points - points[0]).T
    return abs(0.5 * float(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
