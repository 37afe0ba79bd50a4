"""Masks: which pixels a method works on."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

import numpy as np
import rasterio
import rasterio.windows
from rasterio.features import rasterize

from ..errors import GridMismatchError, InputError
from .grids import Grid, Window
from .raw import RasterFile

# Polygons are burnt in squares of this side that start at the grid's corner, whatever window is asked for: so rounding,
# where an edge runs through the middle of a pixel, cannot depend on the tiling.
SQUARE = 512
# Squares kept, 256 kB each: those of a row of tiles are asked for again by its next window.
SQUARES_KEPT = 64


def read_mask(path: str, grid: Grid, window: Window | None = None) -> np.ndarray:
    """Which pixels of a window lie inside a mask.

    Parameters
    ----------
    path : str
        GeoJSON polygons in the grid's reference system (a pixel is inside when its middle is), or a raster on the grid
        (a pixel is inside when its first band is valid and not zero there).
    grid : Grid
        Of the series.
    window : Window, optional
        Default: the whole grid.

    Returns
    -------
    ndarray, (rows, columns), bool
        True inside.

    Raises
    ------
    GridMismatchError
        When a raster mask lies on another grid.
    InputError
        When the file cannot be read, or none of its polygons touches the grid.
    """
    window = window or grid.window
    if Path(path).suffix.lower() in (".geojson", ".json"):
        return _from_polygons(str(path), grid, window)
    return _from_raster(str(path), grid, window)


def _from_raster(path: str, grid: Grid, window: Window) -> np.ndarray:
    raster = RasterFile.open(path)
    difference = grid.difference(raster.grid)
    if difference:
        raise GridMismatchError(
            f"The mask {raster.name} does not lie on the grid of the series: {difference}.",
            "Warp it to the series' extent and pixel size (gdal:warpreproject, nearest neighbour), or give polygons.",
        )
    values = raster.values(1, window)
    return np.isfinite(values) & (values != 0)


def _from_polygons(path: str, grid: Grid, window: Window) -> np.ndarray:
    made = Path(path).stat().st_mtime_ns if Path(path).exists() else 0
    inside = np.zeros((window.rows, window.columns), bool)
    for top in range(window.row // SQUARE * SQUARE, window.row + window.rows, SQUARE):
        for left in range(window.column // SQUARE * SQUARE, window.column + window.columns, SQUARE):
            square = _square(path, made, grid, top, left)
            rows = slice(max(top, window.row), min(top + SQUARE, window.row + window.rows))
            columns = slice(max(left, window.column), min(left + SQUARE, window.column + window.columns))
            inside[
                rows.start - window.row : rows.stop - window.row,
                columns.start - window.column : columns.stop - window.column,
            ] = square[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return inside


@lru_cache(maxsize=SQUARES_KEPT)
def _square(path: str, made: int, grid: Grid, top: int, left: int) -> np.ndarray:
    """The pixels inside, of the square whose first row and column are given."""
    polygons, boxes = _polygons(path, made, grid)
    west, north, east, south = boxes.T
    near = (west <= left + SQUARE) & (east >= left) & (north <= top + SQUARE) & (south >= top)
    shape = SQUARE, SQUARE
    if not near.any():
        return np.zeros(shape, bool)
    square = rasterio.windows.Window(left, top, SQUARE, SQUARE)
    here = rasterio.windows.transform(square, rasterio.Affine(*grid.transform))
    return rasterize([polygons[i] for i in np.flatnonzero(near)], shape, transform=here, dtype="uint8").astype(bool)


@lru_cache(maxsize=4)
def _polygons(path: str, made: int, grid: Grid) -> tuple[list, np.ndarray]:
    """Polygons, and their bounding boxes in columns and rows of the grid (left, top, right, bottom)."""
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"), object_hook=_compact)
        polygons = [rings for feature in content["features"] for rings in feature["geometry"] or ()]
    except (OSError, ValueError, TypeError, KeyError, IndexError) as problem:
        raise InputError(
            f"The mask {Path(path).name} cannot be read as GeoJSON polygons ({problem}).",
            "Give polygons, or a raster on the grid of the series.",
        ) from problem
    boxes = np.array([_box(rings[0], grid) for rings in polygons]).reshape(-1, 4)
    west, north, east, south = boxes.T
    touches = (west < grid.width) & (east > 0) & (north < grid.height) & (south > 0)
    if not touches.any():
        raise InputError(
            f"No polygon of the mask {Path(path).name} touches the series.",
            "Check the reference system of the polygons, or leave MASK empty.",
        )
    return [{"type": "Polygon", "coordinates": rings} for rings in polygons], boxes


def _compact(member: dict):
    """A geometry as its list of polygons, each a list of (points, 2) arrays; other JSON objects as they are.

    Called while the file is parsed, so that a large layer never lies in memory as Python lists of numbers.
    """
    kind = member.get("type")
    if kind == "Polygon":
        return _polygon(member["coordinates"])
    if kind == "MultiPolygon":
        return [rings for polygon in member["coordinates"] for rings in _polygon(polygon)]
    if kind == "GeometryCollection":
        return [rings for part in member["geometries"] if isinstance(part, list) for rings in part]
    if kind == "Feature" and not isinstance(member["geometry"], list):
        member["geometry"] = None  # points and lines cover nothing
    return member


def _polygon(rings: list) -> list:
    """One polygon, or none when its outline has no area to speak of (a closed ring has at least four points)."""
    arrays = [np.array([point[:2] for point in ring], float) for ring in rings if len(ring) >= 4]
    return [arrays] if rings and len(rings[0]) >= 4 else []


def _box(outline: np.ndarray, grid: Grid) -> tuple:
    a, b, c, d, e, f = tuple(~rasterio.Affine(*grid.transform))[:6]
    columns, rows = np.array([[a, b], [d, e]]) @ outline.T + [[c], [f]]
    return columns.min(), rows.min(), columns.max(), rows.max()
