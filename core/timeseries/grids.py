"""Where pixels lie: the grid all bands and all rasters of one job must share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

from rasterio.crs import CRS
from rasterio.errors import CRSError
from rasterio.warp import transform_bounds

from ..errors import InputError

# Two grids whose corners differ by less than this share of a pixel hold the same pixels: some writers keep
# coordinates as text of few digits.
PIXEL_TOLERANCE = 0.01
# A sample of a grid has at most so many windows of so many pixels a side: enough to tell another variable or unit at
# once, little enough to cost nothing.
SAMPLE_WINDOWS, SAMPLE_SIDE = 9, 64
METRES_PER_DEGREE = 111_320.0  # of latitude, and of longitude on the equator, to 0.6 % everywhere


class Window(NamedTuple):
    """A rectangle of pixels: first row and column, number of rows and columns."""

    row: int
    column: int
    rows: int
    columns: int

    @property
    def slices(self) -> tuple[slice, slice]:
        """Rows and columns of an array of the whole scene."""
        return slice(self.row, self.row + self.rows), slice(self.column, self.column + self.columns)


@dataclass(frozen=True)
class Grid:
    """Coordinate reference system (WKT), affine transform (a, b, c, d, e, f) and size in pixels."""

    crs: str
    transform: tuple
    width: int
    height: int

    @classmethod
    def over(cls, box: tuple, box_crs: str, crs: str, pixel: float) -> Grid:
        """The pixels that cover a box, their edges at multiples of the pixel: two such grids always fit together.

        Parameters
        ----------
        box : (west, south, east, north)
        box_crs : str
            Its reference system, such as ``EPSG:4326``.
        crs : str
            Projected reference system in metres, such as ``EPSG:32749``; '' takes the UTM zone of the box's middle.
        pixel : float
            Side of a pixel in metres.

        Raises
        ------
        InputError
            When a reference system is unknown or not in metres, or the box is empty or cannot be brought into it.
        """
        west, south, east, north = box
        if not (west < east and south < north):
            raise InputError(f"The area is empty or turned round ({west:g} to {east:g}, {south:g} to {north:g}).",
                             "Draw it again; an area across the 180th meridian must be given in two halves.")  # fmt: skip
        try:
            source = CRS.from_user_input(box_crs)
            target = CRS.from_user_input(crs) if crs else _utm_zone(transform_bounds(source, "EPSG:4326", *box))
            if not target.is_projected or abs(target.linear_units_factor[1] - 1) > 1e-6:
                raise InputError(f"{crs} is not a projected reference system in metres.", "Choose a UTM zone as CRS.")
            west, south, east, north = transform_bounds(source, target, *box, densify_pts=21)
        except InputError:
            raise
        except (CRSError, ValueError) as problem:  # a ValueError for EPSG:x
            raise InputError(f"The reference system is not known ({problem}).", "Choose another CRS.") from problem
        if not all(map(math.isfinite, (west, south, east, north))):
            raise InputError(f"The area cannot be shown in {crs or target.to_string()}.", "Choose a UTM zone of the area as CRS.")
        # A corner that lies on an edge but for rounding errors of the projection belongs to the pixel inside.
        left, bottom = (math.floor(v / pixel + PIXEL_TOLERANCE) for v in (west, south))
        right, top = (math.ceil(v / pixel - PIXEL_TOLERANCE) for v in (east, north))
        transform = (pixel, 0.0, left * pixel, 0.0, -pixel, top * pixel)
        return cls(target.to_wkt(), transform, right - left, top - bottom)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north of a grid whose rows run from north to south."""
        a, _, c, _, e, f = self.transform
        return c, f + e * self.height, c + a * self.width, f

    @property
    def window(self) -> Window:
        """All of it."""
        return Window(0, 0, self.height, self.width)

    @property
    def pixel_size(self) -> tuple[float, float]:
        """Width and height of a pixel in the units of the reference system."""
        a, b, _, d, e, _ = self.transform
        return math.hypot(a, d), math.hypot(b, e)

    @property
    def is_geographic(self) -> bool:
        """Whether coordinates are degrees."""
        return bool(self.crs) and CRS.from_wkt(self.crs).is_geographic

    @property
    def degrees(self) -> tuple[float, float, float, float] | None:
        """West, south, east and north of the scene in degrees; None without a reference system.

        Across the date line east is smaller than west.
        """
        if not self.crs:
            return None
        xs, ys = zip(*self.corners)
        return transform_bounds(CRS.from_wkt(self.crs), CRS.from_epsg(4326), min(xs), min(ys), max(xs), max(ys))

    @property
    def pixel_metres(self) -> tuple[float, float]:
        """Width and height of a pixel in metres, in the middle of the scene; its own units without a reference system."""
        width, height = self.pixel_size
        if not self.crs:
            return width, height
        crs = CRS.from_wkt(self.crs)
        if not crs.is_geographic:
            return width * crs.linear_units_factor[1], height * crs.linear_units_factor[1]
        _, south, _, north = self.degrees
        return width * METRES_PER_DEGREE * math.cos(math.radians((south + north) / 2)), height * METRES_PER_DEGREE

    @property
    def crs_name(self) -> str:
        """A short name such as ``EPSG:32749``."""
        if not self.crs:
            return "no reference system"
        crs = CRS.from_wkt(self.crs)
        code = crs.to_epsg()
        return f"EPSG:{code}" if code else crs.to_wkt().partition('"')[2].partition('"')[0]

    @property
    def text(self) -> str:
        """The grid in one line, for people."""
        x, y = self.pixel_size
        unit = "deg" if self.is_geographic else "m"
        return f"{self.width} x {self.height} pixels of {x:g} x {y:g} {unit}, {self.crs_name}"

    def offset(self, other: Grid) -> tuple[int, int] | None:
        """Row and column of this grid at which `other` begins; None unless both are known to cut the earth into the same pixels."""
        if not self.crs or not _same_crs(self.crs, other.crs):
            return None
        a, b, c, d, e, f = self.transform
        x, y, turn = other.transform[2] - c, other.transform[5] - f, a * e - b * d
        row, column = round((a * y - d * x) / turn), round((e * x - b * y) / turn)
        moved = self.moved(row, column, other.width, other.height)
        # Not only the first corner: pixels of nearly one size drift apart along the rows.
        apart = (abs(p - q) for mine, theirs in zip(moved.corners, other.corners) for p, q in zip(mine, theirs))
        return (row, column) if max(apart) <= PIXEL_TOLERANCE * min(self.pixel_size) else None

    def moved(self, row: int, column: int, width: int, height: int) -> Grid:
        """The same pixels from another row and column on."""
        a, b, c, d, e, f = self.transform
        return Grid(self.crs, (a, b, a * column + b * row + c, d, e, d * column + e * row + f), width, height)

    def common(self, window: Window) -> tuple[Window | None, tuple[slice, slice]]:
        """The part of a window that lies inside, and where that is within an array of the window; (None, _) where there is none."""
        top, left = max(0, window.row), max(0, window.column)
        rows = min(self.height, window.row + window.rows) - top
        columns = min(self.width, window.column + window.columns) - left
        here = Window(top - window.row, left - window.column, rows, columns).slices
        return (Window(top, left, rows, columns) if rows > 0 and columns > 0 else None), here

    @property
    def corners(self) -> list[tuple[float, float]]:
        """The four corners in coordinates of the reference system."""
        a, b, c, d, e, f = self.transform
        return [(a * x + b * y + c, d * x + e * y + f) for x in (0, self.width) for y in (0, self.height)]

    def union(self, others) -> Grid | None:
        """The smallest grid of the same pixels that holds this one and others; None unless all cut the earth alike."""
        grids = [self, *(one for one in dict.fromkeys(others) if one != self)]
        places = [self.offset(one) for one in grids]
        if None in places:
            return None
        top, left = (min(place[i] for place in places) for i in (0, 1))
        bottom = max(row + one.height for (row, _), one in zip(places, grids))
        right = max(column + one.width for (_, column), one in zip(places, grids))
        return self.moved(top, left, right - left, bottom - top)

    def difference(self, other: Grid) -> str:
        """What makes `other` another grid, as half a sentence; '' when it is the same."""
        if not _same_crs(self.crs, other.crs):
            return f"its reference system is {other.crs_name}, not {self.crs_name}"
        pixel, theirs = self.pixel_size, other.pixel_size
        if any(abs(p - t) > PIXEL_TOLERANCE * p / max(self.width, self.height, 1) for p, t in zip(pixel, theirs)):
            return f"its pixels are {theirs[0]:g} x {theirs[1]:g}, not {pixel[0]:g} x {pixel[1]:g}"
        shift = [(other.transform[i] - self.transform[i]) / size for i, size in zip((2, 5), pixel)]
        if max(map(abs, shift)) > PIXEL_TOLERANCE:
            return f"it is shifted by {shift[0]:+.2f} columns and {-shift[1]:+.2f} rows"
        if (self.width, self.height) != (other.width, other.height):
            return f"it has {other.width} x {other.height} pixels, not {self.width} x {self.height}"
        if any(abs(a - b) > PIXEL_TOLERANCE * pixel[0] for a, b in zip(self.transform, other.transform)):
            return "it is rotated or flipped"
        return ""


def joined(grids: list, events) -> Grid:
    """The grid of files that lie side by side on the same pixels; the first one's where they do not, and files say what differs.

    Nothing is resampled: what a file does not reach is missing there.
    """
    first = grids[0]
    whole = first.union(grids)
    if whole is None or not first.difference(whole):
        return first
    events.info(f"The files cut the earth into the same pixels but do not cover the same part of it. The series covers all: "
                f"{whole.text}. Nothing is resampled; what a file does not reach is missing there.")  # fmt: skip
    return whole


def sample_windows(grid: Grid) -> list[Window]:
    """A few windows of one size all over a grid, its corners among them."""
    side = int(math.sqrt(SAMPLE_WINDOWS))
    rows, columns = min(SAMPLE_SIDE, grid.height), min(SAMPLE_SIDE, grid.width)
    tops, lefts = (
        dict.fromkeys(round(place * (size - part) / (side - 1)) for place in range(side))
        for size, part in ((grid.height, rows), (grid.width, columns))
    )
    return [Window(top, left, rows, columns) for top in tops for left in lefts]


def _utm_zone(degrees: tuple) -> CRS:
    west, south, east, north = degrees
    zone = min(60, int(((west + east) / 2 + 180) // 6) + 1)
    return CRS.from_epsg((32600 if south + north >= 0 else 32700) + zone)


def _same_crs(first: str, second: str) -> bool:
    if first == second or not first or not second:
        return first == second
    a, b = CRS.from_wkt(first), CRS.from_wkt(second)
    return a == b or (a.to_epsg() is not None and a.to_epsg() == b.to_epsg())
