"""A time series as NetCDF by the CF conventions (1.8), for those who go on in xarray.

Classic format with 64-bit offsets: every NetCDF library reads it, it needs none to be written, its bytes follow from its
content alone, and a tile's values have their places in it before any value is known. It holds no compression.
Format: https://docs.unidata.ucar.edu/netcdf-c/current/file_format_specifications.html
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from datetime import date
from math import prod

import numpy as np
from rasterio.crs import CRS

from ..version import version
from . import quality
from .dates import EPOCH
from .grids import Grid, Window
from .raw import TAG
from .writing import RasterSpec, RasterWriter, _write_errors

DIMENSIONS, VARIABLES, ATTRIBUTES = 0x0A, 0x0B, 0x0C
_TYPES = {"int8": 1, "uint8": 1, "S1": 2, "int16": 3, "int32": 4, "float32": 5, "float64": 6}
LARGEST_SIZE = 2**32 - 4  # what is larger says so by 2**32 - 1; only the last variable may be
# CF's names of the parameters of PROJ's methods (appendix F of the conventions); of others only the text of the system is given.
_ORIGIN = {"Latitude of natural origin": "latitude_of_projection_origin",
           "Longitude of natural origin": "longitude_of_projection_origin"}  # fmt: skip
_CONES = {"Latitude of false origin": "latitude_of_projection_origin",
          "Longitude of false origin": "longitude_of_central_meridian",
          "Latitude of 1st standard parallel": "standard_parallel",
          "Latitude of 2nd standard parallel": "standard_parallel"}  # fmt: skip
_SHIFTS = {"False easting": "false_easting", "False northing": "false_northing",
           "Easting at false origin": "false_easting", "Northing at false origin": "false_northing"}  # fmt: skip
_METHODS = {
    "Transverse Mercator": ("transverse_mercator", {
        **_ORIGIN, "Longitude of natural origin": "longitude_of_central_meridian",
        "Scale factor at natural origin": "scale_factor_at_central_meridian"}),
    "Lambert Azimuthal Equal Area": ("lambert_azimuthal_equal_area", _ORIGIN),
    "Albers Equal Area": ("albers_conical_equal_area", _CONES),
    "Lambert Conic Conformal (2SP)": ("lambert_conformal_conic", _CONES),
    "Sinusoidal": ("sinusoidal", {"Longitude of natural origin": "longitude_of_projection_origin"}),
}  # fmt: skip


class NetcdfWriter(RasterWriter):
    """As `RasterWriter`: one variable with the dimensions time, y and x."""

    def _opened(self):
        spec, grid = self.spec, self.spec.grid
        small, data = _coordinates(spec), _data(spec)
        header, begins = _header(spec, [*small, data])
        self._begin, self._type = begins[-1], np.dtype(data.dtype).newbyteorder(">")
        file = open(self.temporary, "wb", buffering=0)  # closed by `close`
        file.write(header)
        for variable, begin in zip(small, begins):
            file.seek(begin)
            file.write(np.asarray(variable.values, np.dtype(variable.dtype).newbyteorder(">")).tobytes())
        self._size = self._begin + _padded(prod((len(spec.bands), grid.height, grid.width)) * self._type.itemsize)
        file.truncate(self._size)
        return file

    def write(self, values: np.ndarray, window: Window | None = None, band: int | list | None = None) -> None:
        """As `RasterWriter.write`."""
        grid = self.spec.grid
        top, left, rows, columns = window or grid.window
        bands = range(1, len(self.spec.bands) + 1) if band is None else [band] if isinstance(band, int) else band
        stored = self.spec.encoded(values).astype(self._type).reshape(len(bands), rows, columns)
        with _write_errors(self.path):
            for index, layer in zip(bands, stored):
                first = (index - 1) * grid.height + top
                if columns == grid.width:
                    self._put(first * grid.width, layer)
                    continue
                for row, line in enumerate(layer):
                    self._put((first + row) * grid.width + left, line)

    def _put(self, position: int, values: np.ndarray) -> None:
        self._file.seek(self._begin + position * self._type.itemsize)
        waiting = memoryview(values.tobytes())
        while waiting:  # a write may take less than it is given
            waiting = waiting[self._file.write(waiting) :]

    def close(self) -> None:
        """Complete the temporary file."""
        with _write_errors(self.path):
            self._file.close()


@dataclass(frozen=True)
class _Variable:
    """A variable; without `values` its place is left free."""

    name: str
    dtype: str
    dimensions: tuple
    attributes: dict = field(default_factory=dict)
    values: np.ndarray | None = None


def _sizes(spec: RasterSpec) -> dict:
    """Length of every dimension."""
    y, x = _axes(spec.grid)
    found = {"time": len(spec.bands), y: spec.grid.height, x: spec.grid.width}
    return {**found, "bounds": 2} if _has_ends(spec) else found


def _axes(grid: Grid) -> tuple[str, str]:
    return ("lat", "lon") if grid.is_geographic else ("y", "x")


def _days(spec: RasterSpec) -> np.ndarray:
    """First day and end of every band (bands, 2), days since 1970-01-01; a single day ends where it begins."""
    return np.array([[(date.fromisoformat(tags[key][:10]) - EPOCH).days for key in ("start_time", "end_time")]
                     for tags in spec.band_tags], "float64")  # fmt: skip


def _has_ends(spec: RasterSpec) -> bool:
    return bool(np.ptp(_days(spec), axis=1).any())


def _coordinates(spec: RasterSpec) -> list[_Variable]:
    """Times, with the ends of periods where there are any, places, and the reference system."""
    grid, days = spec.grid, _days(spec)
    time = {"standard_name": "time", "axis": "T", "units": f"days since {EPOCH}", "calendar": "standard"}
    found = [_Variable("time", "float64", ("time",), time, days[:, 0])]
    if _has_ends(spec):
        time["bounds"] = "time_bounds"
        found.append(_Variable("time_bounds", "float64", ("time", "bounds"), {}, days))
    a, _, c, _, e, f = grid.transform
    (y, x), geographic = _axes(grid), grid.is_geographic
    for name, axis, first, step, count in ((y, "Y", f, e, grid.height), (x, "X", c, a, grid.width)):
        if geographic:
            told = {"units": "degrees_north", "standard_name": "latitude"} if axis == "Y" else {
                    "units": "degrees_east", "standard_name": "longitude"}  # fmt: skip
        else:
            told = {"standard_name": f"projection_{axis.lower()}_coordinate"} if grid.crs else {}
            told["units"] = _unit(grid)
        found.append(_Variable(name, "float64", (name,), {**told, "axis": axis}, first + step * (np.arange(count) + 0.5)))
    if grid.crs:
        found.append(_Variable("spatial_ref", "int32", (), _mapping(grid), np.zeros(())))
    return found


def _unit(grid: Grid) -> str:
    if not grid.crs:
        return "1"
    unit, factor = CRS.from_wkt(grid.crs).linear_units_factor
    return "m" if abs(factor - 1) < 1e-9 else unit.replace(" ", "_")


def _mapping(grid: Grid) -> dict:
    """CF's description of the reference system, and the one that GDAL and rioxarray read."""
    crs = CRS.from_wkt(grid.crs)
    found = {"crs_wkt": grid.crs, "spatial_ref": grid.crs}
    a, b, c, d, e, f = grid.transform
    found["GeoTransform"] = " ".join(map(repr, map(float, (c, a, b, f, d, e))))
    if crs.is_geographic:
        return {"grid_mapping_name": "latitude_longitude", **found}
    conversion = (crs.to_dict(projjson=True) or {}).get("conversion") or {}
    name, known = _METHODS.get(conversion.get("method", {}).get("name"), ("", {}))
    if not name:
        return found
    told = {}
    for one in conversion["parameters"]:
        key = {**known, **_SHIFTS}.get(one["name"])
        if key:
            told.setdefault(key, []).append(float(one["value"]))
    return {"grid_mapping_name": name, **{key: np.array(values) for key, values in told.items()}, **found}


def _data(spec: RasterSpec) -> _Variable:
    """The variable that all is about, its values still to come."""
    dtype, nodata = spec.stored
    header, told = spec.header, {}
    if nodata is not None:
        told["_FillValue"] = np.array([nodata], dtype)
    if spec.step is not None:
        told |= {"scale_factor": np.array([spec.step]), "add_offset": np.array([0.0])}
    if dtype == "uint8":  # the format knows no bytes without sign
        told["_Unsigned"] = "true"
    if header.variable == "quality":
        told |= {"flag_values": np.array(list(quality.NAMES), dtype),
                 "flag_meanings": " ".join(re.sub(r"\W+", "_", text).strip("_") for text in quality.NAMES.values())}  # fmt: skip
    told["long_name"] = header.variable or "value"
    if header.units:
        told["units"] = header.units
    if spec.grid.crs:
        told["grid_mapping"] = "spatial_ref"
    name = re.sub(r"\W+", "_", header.variable, flags=re.ASCII).strip("_") or "value"
    return _Variable(name if name[0].isalpha() else f"v_{name}", dtype, ("time", *_axes(spec.grid)), told)


def _header(spec: RasterSpec, variables: list) -> tuple[bytes, list[int]]:
    """The beginning of the file, and where each variable begins."""
    sizes = _sizes(spec)
    lengths = [_padded(prod(sizes[name] for name in one.dimensions) * np.dtype(one.dtype).itemsize) for one in variables]
    told = {"Conventions": "CF-1.8", "source": f"Phenofuse {version()}, {spec.header.method}".rstrip(", "), TAG: spec.header.text}
    start = b"CDF\x02" + struct.pack(">i", 0) + struct.pack(">ii", DIMENSIONS, len(sizes))
    start += b"".join(_name(name) + struct.pack(">i", size) for name, size in sizes.items())
    start += _attributes(told) + struct.pack(">ii", VARIABLES, len(variables))
    places = list(sizes)
    heads = [_name(one.name) + struct.pack(f">i{len(one.dimensions)}i", len(one.dimensions), *map(places.index, one.dimensions))
             + _attributes(one.attributes) + struct.pack(">i", _TYPES[np.dtype(one.dtype).name]) for one in variables]  # fmt: skip
    begin = len(start) + sum(len(head) + 12 for head in heads)
    begins = [begin + sum(lengths[:place]) for place in range(len(variables))]
    ends = [struct.pack(">Iq", length if length <= LARGEST_SIZE else 2**32 - 1, first) for length, first in zip(lengths, begins)]
    return start + b"".join(head + end for head, end in zip(heads, ends)), begins


def _attributes(told: dict) -> bytes:
    found = struct.pack(">ii", ATTRIBUTES, len(told)) if told else struct.pack(">ii", 0, 0)
    for name, value in told.items():
        if isinstance(value, str):
            content = value.encode()
            kind, count = _TYPES["S1"], len(content)
        else:
            kind, count, content = _TYPES[value.dtype.name], value.size, value.astype(value.dtype.newbyteorder(">")).tobytes()
        found += _name(name) + struct.pack(">ii", kind, count) + content.ljust(_padded(len(content)), b"\0")
    return found


def _name(text: str) -> bytes:
    content = text.encode()
    return struct.pack(">i", len(content)) + content.ljust(_padded(len(content)), b"\0")


def _padded(size: int) -> int:
    return -(-size // 4) * 4
