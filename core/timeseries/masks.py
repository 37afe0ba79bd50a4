"""Masks: which pixels a method works on; zones: which polygon each pixel lies in."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
import rasterio
import rasterio.windows
from rasterio.features import rasterize
from rasterio.warp import transform

from ..errors import GridMismatchError, InputError
from ..foreign import json_in
from .grids import Grid, Window
from .raw import RasterFile

# Polygons are burnt in squares of this side that start at the grid's corner, whatever window is asked for: so rounding,
# where an edge runs through the middle of a pixel, cannot depend on the tiling.
SQUARE = 512
# Squares kept, 1 MB each: those of a row of tiles are asked for again by its next window.
SQUARES_KEPT = 32


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


def read_zones(path: str, grid: Grid, window: Window | None = None) -> np.ndarray:
    """Which polygon the middle of each pixel of a window lies in.

    Parameters
    ----------
    path : str
        GeoJSON features with polygons in the grid's reference system; of overlapping ones the last counts.
    grid : Grid
        Of the series.
    window : Window, optional
        Default: the whole grid.

    Returns
    -------
    ndarray, (rows, columns), int32
        Number of the feature, from 1; 0 outside all.

    Raises
    ------
    InputError
        When the file cannot be read, or none of its polygons touches the grid.
    """
    return _burnt(str(path), grid, window or grid.window)


def zone_names(path: str) -> list[str]:
    """Names of the features of a GeoJSON file, in their order: the property ``name``, else their number."""
    return [str(properties.get("name", number)) for number, (properties, _) in enumerate(_features(path), start=1)]


def polygons_on(path: str, crs: str, grid: Grid) -> list:
    """Polygons of a GeoJSON file that come near a grid, in the grid's reference system.

    Parameters
    ----------
    path : str
    crs : str
        Reference system of the file, such as ``EPSG:4326``.
    grid : Grid

    Returns
    -------
    list of lists of ndarray, (points, 2)
        The rings of each polygon, its outline first.

    Raises
    ------
    InputError
        When the file cannot be read, or none of its polygons touches the grid.
    """
    moved = [[np.stack(transform(crs, grid.crs, *ring.T), axis=1) for ring in rings]
             for _, polygons in _features(path) for rings in polygons]  # fmt: skip
    found = [rings for rings in moved if _touches(_box(rings[0], grid), grid)]
    if not found:
        raise _nothing_touches(path)
    return found


def _from_polygons(path: str, grid: Grid, window: Window) -> np.ndarray:
    return _burnt(path, grid, window) > 0


def _burnt(path: str, grid: Grid, window: Window) -> np.ndarray:
    made = Path(path).stat().st_mtime_ns if Path(path).exists() else 0
    numbers = np.zeros((window.rows, window.columns), np.int32)
    for top in range(window.row // SQUARE * SQUARE, window.row + window.rows, SQUARE):
        for left in range(window.column // SQUARE * SQUARE, window.column + window.columns, SQUARE):
            square = _square(path, made, grid, top, left)
            rows = slice(max(top, window.row), min(top + SQUARE, window.row + window.rows))
            columns = slice(max(left, window.column), min(left + SQUARE, window.column + window.columns))
            numbers[
                rows.start - window.row : rows.stop - window.row,
                columns.start - window.column : columns.stop - window.column,
            ] = square[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return numbers


@lru_cache(maxsize=SQUARES_KEPT)
def _square(path: str, made: int, grid: Grid, top: int, left: int) -> np.ndarray:
    """Numbers of the features, of the square whose first row and column are given."""
    polygons, features, boxes = _polygons(path, made, grid)
    west, north, east, south = boxes.T
    near = (west <= left + SQUARE) & (east >= left) & (north <= top + SQUARE) & (south >= top)
    shape = SQUARE, SQUARE
    if not near.any():
        return np.zeros(shape, np.int32)
    square = rasterio.windows.Window(left, top, SQUARE, SQUARE)
    here = rasterio.windows.transform(square, rasterio.Affine(*grid.transform))
    shapes = [(polygons[i], features[i]) for i in np.flatnonzero(near)]
    return rasterize(shapes, shape, transform=here, dtype="int32")


@lru_cache(maxsize=4)
def _polygons(path: str, made: int, grid: Grid) -> tuple[list, list, np.ndarray]:
    """Polygons, numbers of their features, and their boxes in columns and rows of the grid (left, top, right, bottom)."""
    numbered = [(rings, number) for number, (_, polygons) in enumerate(_features(path), start=1) for rings in polygons]
    boxes = np.array([_box(rings[0], grid) for rings, _ in numbered]).reshape(-1, 4)
    if not _touches(boxes.T, grid).any():
        raise _nothing_touches(path)
    shapes = [{"type": "Polygon", "coordinates": rings} for rings, _ in numbered]
    return shapes, [number for _, number in numbered], boxes


def _features(path: str) -> list[tuple]:
    """Properties and polygons of each feature of a GeoJSON file."""
    try:
        content = json_in(Path(path).read_bytes(), _compact)
        found = [(feature.get("properties") or {}, feature["geometry"] or []) for feature in content["features"]]
        for properties, polygons in found:
            if not isinstance(properties, dict) or not all(isinstance(ring, np.ndarray) for rings in polygons for ring in rings):
                raise ValueError("a feature is none")
        return found
    except (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError) as problem:
        raise InputError(
            f"{Path(path).name} cannot be read as GeoJSON polygons ({problem}).",
            "Give polygons, or a raster on the grid of the series.",
        ) from problem


def _touches(box, grid: Grid):
    west, north, east, south = box
    return (west < grid.width) & (east > 0) & (north < grid.height) & (south > 0)


def _nothing_touches(path: str) -> InputError:
    return InputError(f"No polygon of {Path(path).name} touches the series.",
                      "Check the reference system of the polygons, or give none.")  # fmt: skip


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
    if any(ring.ndim != 2 or ring.shape[1] != 2 or not np.isfinite(ring).all() for ring in arrays):
        raise ValueError("a point is not two numbers")
    return [arrays] if rings and len(rings[0]) >= 4 else []


def _box(outline: np.ndarray, grid: Grid) -> tuple:
    a, b, c, d, e, f = tuple(~rasterio.Affine(*grid.transform))[:6]
    columns, rows = np.array([[a, b], [d, e]]) @ outline.T + [[c], [f]]
    return columns.min(), rows.min(), columns.max(), rows.max()
