"""What the dock reads: what a raster says of itself, and one pixel of it.

A raster speaks for itself through its bands' dates and its ``PHENOFUSE`` tag (section 3 of ARCHITECTURE.md); names of
layers and files mean nothing here. GDAL and the standard library only, without Qt, so that any thread may use it;
`ReadRaster` hands out bytes, which spares the clash of numpy versions that GDAL's arrays suffer from.
"""
from __future__ import annotations

import json
import math
import os
import re
import struct
from array import array
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from osgeo import gdal

from ..core.foreign import tag_in
from .areas import Area, area, lattice

TAG = "PHENOFUSE"
NAN = float("nan")

# Outside of what a variable can physically be, a value is missing: the contract's ranges, those of core/timeseries/variables.py,
# which this Python cannot import (a test compares them).
RANGES = {"NDVI": (-1.0, 1.0), "VV": (-60.0, 30.0), "VH": (-60.0, 30.0), "RVI": (0.0, 4.0), "NDWI": (-1.0, 1.0), "LSWI": (-1.0, 1.0),
          "EVI2": (-0.75, 1.25), "NIRv": (-1.0, 1.0), "kNDVI": (0.0, 0.765625)}  # fmt: skip
# Series without gaps by nature, drawn as lines; so are those of all methods called fill-something.
WITHOUT_GAPS = ("createsamplescene", "exportharmonic")
KIND_OF_COMPANIONS = {"standard deviation": "deviation", "quality": "quality"}  # by variable

_PERIOD = re.compile(r"(\d{4}-\d\d-\d\d)(?:/(\d{4}-\d\d-\d\d))?", re.ASCII)
_EPOCH = date(1970, 1, 1).toordinal()


class ReadError(Exception):
    """A file that cannot be read; its text says why."""


class Period(NamedTuple):
    """A day, or a half-open period."""

    start: date
    end: date | None = None

    @property
    def middle(self) -> float:
        """Days since 1970-01-01 of the day, or of the middle of the period."""
        first = day_number(self.start)
        return float(first) if self.end is None else (first + day_number(self.end)) / 2


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return day.toordinal() - _EPOCH


def day_of(number: float) -> date:
    """The calendar day of days since 1970-01-01."""
    return date.fromordinal(math.floor(number) + _EPOCH)


@dataclass(frozen=True)
class Description:
    """What a raster says of itself.

    Parameters
    ----------
    bands : tuple of str
        Band names.
    periods : tuple of Period
        One per band and increasing; () when a band has none.
    tag : dict
        The content of ``PHENOFUSE``; {} when the raster is not from here.
    real : bool
        Whether values are floating-point numbers; integers are codes.
    """

    path: str
    bands: tuple
    periods: tuple
    tag: dict
    real: bool

    @property
    def variable(self) -> str:
        """What the values are; of a foreign raster, the radar channel that its name speaks of, or ''."""
        words = re.split(r"[^A-Z0-9]+", os.path.basename(self.path).upper())
        return self.tag.get("variable", "") or next((word for word in ("VV", "VH") if word in words), "")

    @property
    def units(self) -> str:
        """Units of the values; '' when it does not say."""
        return self.tag.get("units", "")

    @property
    def origin(self) -> str:
        """What is the same for all rasters of one run: its method, its parameters, what it was made from."""
        return json.dumps([self.tag.get(key) for key in ("method", "parameters", "parents")], sort_keys=True)

    @property
    def kind(self) -> str:
        """``observed``, ``filled``, ``deviation`` (of either), ``quality``, ``season`` (dates), ``season of no year``, or ''."""
        method, variable = self.tag.get("method", ""), self.variable
        if method == "phenologymetrics":
            if variable == "standard deviation":
                return "deviation"
            if not self.tag.get("metric"):
                return ""
            return "season" if variable == "date" else "season of no year"
        if len(self.periods) < 2:
            return ""
        if variable in KIND_OF_COMPANIONS:
            return KIND_OF_COMPANIONS[variable]
        if not self.real:
            return ""
        return "filled" if method.startswith("fill") or method in WITHOUT_GAPS else "observed"


class RasterFile:
    """A raster that stays open, for use by one thread; opened anew when the file was replaced.

    Open, a second pixel of the same block costs 0.1 ms; a file opened for each click costs 80 ms (62 bands).
    """

    def __init__(self, path: str):
        self.path = path
        self._dataset = self._written = None

    def describe(self) -> Description:
        """What the raster says of itself; no pixel is read."""
        self._open()
        bands = [self._dataset.GetRasterBand(number) for number in range(1, self._dataset.RasterCount + 1)]
        periods = _netcdf_periods(self.path, self._dataset) or tuple(map(_period, bands))
        increase = all(periods) and all(a.middle < b.middle for a, b in zip(periods, periods[1:]))
        return Description(self.path, tuple(band.GetDescription() for band in bands), periods if increase else (),
                           self._tag(),
                           all(map(_is_real, bands)))

    def sample(self, x: float, y: float) -> tuple | None:
        """Values of all bands at a place in the raster's own coordinates, NaN where missing; None outside."""
        self._open()
        found = self._dataset
        # Without a georeference QGIS counts pixels from the upper left corner, downwards negative.
        inverse = gdal.InvGeoTransform(found.GetGeoTransform(can_return_null=True) or (0, 1, 0, 0, 0, -1))
        column, row = (math.floor(value) for value in gdal.ApplyGeoTransform(inverse, x, y))
        if not (0 <= column < found.RasterXSize and 0 <= row < found.RasterYSize):
            return None
        with _gdal_errors(self.path):
            raw = found.ReadRaster(column, row, 1, 1, buf_type=gdal.GDT_Float64)
        if raw is None:
            raise ReadError(f"{self.path}: {gdal.GetLastErrorMsg() or 'the pixel cannot be read'}")
        limits = self._limits()
        return tuple(_decoder(found.GetRasterBand(number), limits)(value)
                     for number, value in enumerate(struct.unpack(f"{found.RasterCount}d", raw), start=1))

    def average(self, polygons: list) -> Area | None:
        """What all bands say of polygons [[outline, hole, ...], ...] in the raster's own coordinates; None outside."""
        self._open()
        found = self._dataset
        inverse = gdal.InvGeoTransform(found.GetGeoTransform(can_return_null=True) or (0, 1, 0, 0, 0, -1))
        own = [[[gdal.ApplyGeoTransform(inverse, x, y) for x, y in ring] for ring in rings] for rings in polygons]
        cut = lattice(own, found.RasterXSize, found.RasterYSize)
        if cut is None:
            return None
        bands = []
        limits = self._limits()
        for number in range(1, found.RasterCount + 1):
            with _gdal_errors(self.path):
                raw = found.GetRasterBand(number).ReadRaster(*cut.window, cut.columns, cut.rows, gdal.GDT_Float64)
            if raw is None:
                raise ReadError(f"{self.path}: {gdal.GetLastErrorMsg() or 'the pixels cannot be read'}")
            told = _decoder(found.GetRasterBand(number), limits)
            bands.append([told(value) if weight else NAN for value, weight in zip(array("d", bytes(raw)), cut.weights)])
        return area(bands, cut.weights, cut.step, not _is_real(found.GetRasterBand(1)))

    def _tag(self) -> dict:
        return tag_in(self._dataset.GetMetadataItem(TAG) or self._dataset.GetMetadataItem(f"NC_GLOBAL#{TAG}"))

    def close(self) -> None:
        """Let go of the file."""
        self._dataset = self._written = None

    def _limits(self) -> tuple:
        return RANGES.get(self._tag().get("variable"), (-math.inf, math.inf))

    def _open(self) -> None:
        state = gdal.VSIStatL(self.path)
        written = (state.mtime, state.size) if state else None
        if self._dataset is None or written != self._written:
            self.close()
            with _gdal_errors(self.path):
                self._dataset = gdal.Open(self.path)
            if self._dataset is None:
                raise ReadError(f"{self.path}: {gdal.GetLastErrorMsg() or 'no such raster'}")
            self._written = written


class _gdal_errors:
    """GDAL raises or returns None, as whoever loaded it last has chosen: here it raises `ReadError`, and is silent."""

    def __init__(self, path: str):
        self.path = path

    def __enter__(self):
        gdal.PushErrorHandler("CPLQuietErrorHandler")

    def __exit__(self, kind, problem, trace):
        gdal.PopErrorHandler()
        if isinstance(problem, RuntimeError):
            raise ReadError(f"{self.path}: {problem}") from problem


def _netcdf_periods(path: str, dataset) -> tuple:
    """The dates of a NetCDF file of ours, which counts days since 1970 and keeps the ends in a variable of its own; () of any other."""
    if dataset.GetMetadataItem("time#units") != "days since 1970-01-01":
        return ()
    times = [dataset.GetRasterBand(number).GetMetadataItem("NETCDF_DIM_time") for number in range(1, dataset.RasterCount + 1)]
    if None in times:
        return ()
    first = [float(time) for time in times]
    last, bounds = first, dataset.GetMetadataItem("time#bounds")
    with _gdal_errors(path):
        table = gdal.Open(f'NETCDF:"{path}":{bounds}') if bounds else None
    if table is not None and (table.RasterXSize, table.RasterYSize) == (2, len(first)):
        numbers = struct.unpack(f"{2 * len(first)}d", table.ReadRaster(buf_type=gdal.GDT_Float64))
        rows = list(zip(numbers[::2], numbers[1::2]))
        rows = rows if rows[0][0] == first[0] else rows[::-1]  # GDAL turns round what has no place on the earth
        last = [end for _, end in rows]
    return tuple(Period(day_of(start), day_of(end) if end - start > 1 else None) for start, end in zip(first, last))


def _period(band) -> Period | None:
    """The date that a band states: by its tags, else by its name."""
    start, end = band.GetMetadataItem("start_time"), band.GetMetadataItem("end_time")
    match = _PERIOD.fullmatch(f"{start[:10]}/{(end or start)[:10]}" if start else band.GetDescription().strip())
    if not match:
        return None
    try:
        first, last = (date.fromisoformat(text) if text else None for text in match.groups())
    except ValueError:  # the 30th of February
        return None
    return Period(first, last if last and last > first else None)


def _is_real(band) -> bool:
    """Whether a band holds measurements rather than classes: fractions, as they are or stored as integers with a scale."""
    return band.DataType in (gdal.GDT_Float32, gdal.GDT_Float64) or band.GetScale() not in (None, 1.0)


def _decoder(band, limits: tuple):
    """A function that makes a value of a raw number of a band: scaled, NaN where it is nothing or cannot be."""
    nodata, scale, offset, (low, high) = band.GetNoDataValue(), band.GetScale(), band.GetOffset(), limits
    scale, offset = 1.0 if scale is None else scale, offset or 0.0

    def decoded(raw: float) -> float:
        value = NAN if nodata is not None and raw == nodata else raw * scale + offset
        return value if low <= value <= high and math.isfinite(value) else NAN

    return decoded
