"""Bringing a raster onto another grid: stored numbers become values first, then these are resampled.

So nothing that is missing (nodata, flags, masked pixels, what lies outside) is ever mixed into a neighbour, whatever type
the numbers are stored in.
"""

from __future__ import annotations

import math

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.warp import calculate_default_transform, reproject, transform

from .grids import PIXEL_TOLERANCE, Grid, Window

# Values are resampled in squares of at most this side that start at the grid's corner, whatever window is asked for, so
# that no result depends on the tiling; smaller ones where pixels are much larger than the source's.
SQUARE = 256
SOURCE_SIDE = 2048  # pixels of the source that a square needs at most: 32 MB as float64
# Pixels that a kernel reaches to each side, times the ratio of pixel sizes where pixels grow.
REACH = {"nearest": 1, "bilinear": 1, "cubic": 2, "average": 1}
POINTS = 9  # a side, to find which part of the source a square needs


def align(own: Grid, grid: Grid, resampling: str, window: Window, read, out: np.ndarray) -> None:
    """Resample a raster onto a window of another grid.

    Parameters
    ----------
    own : Grid
        Of the raster.
    grid : Grid
        That `window` speaks of.
    resampling : str
    read : callable
        Gives the values (rows, columns) float32 of a `Window` of the raster, in the band of a position; NaN where missing.
    out : ndarray, (bands, rows, columns)
        Filled; NaN where the raster has nothing.
    """
    out[...] = np.nan
    shift = _whole_shift(own, grid)
    if shift is not None:
        _copy(own, window, shift, read, out)
        return
    side, pad, native = _plan(own, grid, resampling)
    for top in range(window.row // side * side, window.row + window.rows, side):
        for left in range(window.column // side * side, window.column + window.columns, side):
            square = Window(top, left, min(side, grid.height - top), min(side, grid.width - left))
            needed = _needed(own, grid, square, pad)
            if needed is None:
                continue
            rows = slice(max(top, window.row), min(top + square.rows, window.row + window.rows))
            columns = slice(max(left, window.column), min(left + square.columns, window.column + window.columns))
            inside = slice(rows.start - top, rows.stop - top), slice(columns.start - left, columns.stop - left)
            place = (
                slice(rows.start - window.row, rows.stop - window.row),
                slice(columns.start - window.column, columns.stop - window.column),
            )
            for position, target in enumerate(out):  # one by one: a file may hold thousands of dates
                target[place] = _resampled(read(needed, position), own, needed, grid, square, resampling, native)[inside]


def _resampled(values, own: Grid, needed: Window, grid: Grid, square: Window, resampling: str, native) -> np.ndarray:
    found = np.full((square.rows, square.columns), np.nan, "float32")
    x, y = grid.pixel_size
    reproject(
        np.ascontiguousarray(values),
        found,
        src_transform=_at(own, needed),
        src_crs=own.crs,
        src_nodata=np.nan,
        dst_transform=_at(grid, square),
        dst_crs=grid.crs,
        dst_nodata=np.nan,
        resampling=Resampling[resampling],
        # GDAL would choose kernel width and approximate coordinates per square.
        tolerance=1e-6,
        XSCALE=native.a / x,
        YSCALE=-native.e / y,
    )
    return found


def _whole_shift(own: Grid, grid: Grid) -> tuple[int, int] | None:
    """Rows and columns by which a raster on the same lattice of pixels is shifted; None on another."""
    moved = Grid(own.crs, (*own.transform[:2], grid.transform[2], *own.transform[3:5], grid.transform[5]), grid.width, grid.height)
    if grid.difference(moved):
        return None
    columns, rows = ~rasterio.Affine(*grid.transform) * (own.transform[2], own.transform[5])
    if max(abs(columns - round(columns)), abs(rows - round(rows))) > PIXEL_TOLERANCE:
        return None
    return round(rows), round(columns)


def _copy(own: Grid, window: Window, shift: tuple, read, out: np.ndarray) -> None:
    top, left = max(window.row, shift[0]), max(window.column, shift[1])
    bottom = min(window.row + window.rows, shift[0] + own.height)
    right = min(window.column + window.columns, shift[1] + own.width)
    if top < bottom and left < right:
        part = Window(top - shift[0], left - shift[1], bottom - top, right - left)
        place = slice(top - window.row, bottom - window.row), slice(left - window.column, right - window.column)
        for position, target in enumerate(out):
            target[place] = read(part, position)


def _plan(own: Grid, grid: Grid, resampling: str) -> tuple:
    """Side of the squares, pixels of the source beyond their edges, and the transform of the source's own pixels there."""
    a, _, c, _, e, f = own.transform
    west, east = sorted((c, c + a * own.width))
    south, north = sorted((f, f + e * own.height))
    native, _, _ = calculate_default_transform(own.crs, grid.crs, own.width, own.height, west, south, east, north)
    x, y = grid.pixel_size
    ratio = max(1.0, x / native.a, -y / native.e)
    side = SQUARE
    while side > 1 and side * ratio > SOURCE_SIDE:
        side //= 2
    return side, math.ceil((REACH[resampling] + 1) * ratio) + 1, native


def _needed(own: Grid, grid: Grid, square: Window, pad: int) -> Window | None:
    """The part of the source that a square is made of; None where it lies beside it."""
    rows = np.linspace(square.row, square.row + square.rows, POINTS)
    columns = np.linspace(square.column, square.column + square.columns, POINTS)
    columns, rows = (part.ravel() for part in np.meshgrid(columns, rows))
    x, y = rasterio.Affine(*grid.transform) * (columns, rows)
    x, y = (np.array(part, float) for part in transform(grid.crs, own.crs, x, y))
    seen = np.isfinite(x) & np.isfinite(y)
    if not seen.any():
        return None
    columns, rows = ~rasterio.Affine(*own.transform) * (x[seen], y[seen])
    if not seen.all():  # beyond what the projection knows: all of it may be needed, up to the padding
        pad = max(pad, int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1)
    left, right = max(0, math.floor(columns.min()) - pad), min(own.width, math.ceil(columns.max()) + pad)
    top, bottom = max(0, math.floor(rows.min()) - pad), min(own.height, math.ceil(rows.max()) + pad)
    return Window(top, left, bottom - top, right - left) if left < right and top < bottom else None


def _at(grid: Grid, window: Window):
    return rasterio.Affine(*grid.transform) * rasterio.Affine.translation(window.column, window.row)
