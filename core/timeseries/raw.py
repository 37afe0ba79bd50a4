"""Raster files as they are: their bands, tags and values before anything is believed of them."""

from __future__ import annotations

import fnmatch
import os
import re
import warnings
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

from . import remote

# The block cache is part of the engine's stated base memory; GDAL's own default is 5 % of the machine.
os.environ.setdefault("GDAL_CACHEMAX", "64")
os.environ.update(remote.HOLD)
# QGIS has NetCDF files open for writing that it takes for vector layers, though it writes nothing. Locked out, GDAL would read them
# by another driver that knows no dates.
os.environ["HDF5_USE_FILE_LOCKING"] = "FALSE"

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from ..errors import InputError
from ..foreign import tag_in
from ..outputs import PART_OF_FILE, file_of
from . import nothing
from .aligning import align
from .containers import SUFFIXES, driver_of, kinds_in, rasters_in
from .grids import Grid, Window, sample_windows
from .products import FORCE, product_of
from .variables import variable_in, variable_named

TAG = "PHENOFUSE"
BOUNDS = "NETCDF_BOUNDS_"
BANDS_AT_ONCE = 32  # each reading asks all bands of a file what they are: one by one, ten years of days take five times as long


@dataclass(frozen=True)
class Band:
    """What a file says about one of its bands (`index` counts from 1).

    Parameters
    ----------
    alpha : int, optional
        The band that is 0 where this one has no value.
    nothing, valid
        Stored numbers that are no measurements: closed ranges, and the range that holds all others (see `nothing`).
    product : str
        The product whose numbers these are known to be, with what else there is to know of it.
    """

    index: int
    description: str
    tags: dict
    dtype: str
    scale: float
    offset: float
    nodata: float | None
    units: str
    alpha: int | None = None
    nothing: tuple = ()
    valid: tuple | None = None
    product: str = ""


@dataclass(frozen=True)
class RasterFile:
    """A raster file's own statements, and its values."""

    path: str
    grid: Grid
    bands: tuple
    tags: dict
    driver: str
    parts: tuple = field(default=())

    @classmethod
    def open(cls, path: str | Path) -> RasterFile:
        """Read what the file says; no pixel is read.

        Raises
        ------
        InputError
            When there is no such file, GDAL has no driver for it, or its values lie on a machine that the user did not name.
        """
        remote.require_here(str(path))
        with _dataset(str(path)) as src:
            alpha = _alpha(src)
            tags = src.tags()
            name = PART_OF_FILE.match(str(path))
            name = Path(name["file"] if name else path).stem
            told = list(zip(src.indexes, src.descriptions, src.dtypes, src.scales, src.offsets, src.nodatavals, src.units))
            bands = tuple(_band(src, one, alpha, tags, name) for one in told if one[0] != alpha)
            bands = _bounded(bands, src, str(path))
            parts = tuple(remote.followed(str(path), src.subdatasets))
            return cls(str(path), _grid(src), bands, tags, src.driver, parts)

    @property
    def name(self) -> str:
        """The file's name without folder and suffix (of a NetCDF part: the variable's name)."""
        part = PART_OF_FILE.match(self.path)
        return part["name"] if part else Path(self.path).stem

    @property
    def full_name(self) -> str:
        """The name by which the file may be dated: of a part of a file, that of the file and its own."""
        part = PART_OF_FILE.match(self.path)
        return f"{Path(part['file']).stem}_{part['name']}" if part else self.name

    @property
    def header(self) -> dict:
        """The JSON object of the ``PHENOFUSE`` tag, or {}; what is not of the type that it should be is left out."""
        return tag_in(self.tags.get(TAG) or self.tags.get(f"NC_GLOBAL#{TAG}"))

    def without(self, ranges) -> RasterFile:
        """The same with closed ranges of stored numbers that stand for nothing, beside what it declares itself."""
        if not ranges:
            return self
        more = tuple((float(low), float(high)) for low, high in ranges)
        return replace(self, bands=tuple(replace(band, nothing=band.nothing + more) for band in self.bands))

    def part(self, name: str) -> RasterFile:
        """The NetCDF variable of that name.

        Raises
        ------
        InputError
            When there is none; the message lists what there is.
        """
        names = {PART_OF_FILE.match(p)["name"]: p for p in self.parts if PART_OF_FILE.match(p)}
        exact = [path for key, path in names.items() if key.lower() == name.lower()]
        wanted = variable_named(name)
        meant = exact or [path for key, path in names.items() if variable_in(key) == wanted]  # 250m 16 days NDVI
        if len(meant) == 1:
            return RasterFile.open(meant[0])
        raise InputError(
            f"{Path(self.path).name} has no variable '{name}'; it has {', '.join(names) or 'none'}.",
            "Give one of these as VARIABLE.",
        )

    def values(
        self, index: int, window: Window | None = None, scale: float | None = None, offset: float | None = None
    ) -> np.ndarray:
        """Values of one band: declared nodata is NaN, scale and offset are applied, all else is untouched.

        Parameters
        ----------
        index : int
            Band, from 1.
        window : Window, optional
            Part to read; default all.
        scale, offset : float, optional
            Used in place of what the file declares.

        Returns
        -------
        ndarray, (rows, columns)
            float32 (float64 where the file holds float64); infinite and impossible values stay as they are.
        """
        band = next(band for band in self.bands if band.index == index)
        window = window or self.grid.window
        with _dataset(self.path) as src:
            mask = _mask(src, band, window, _has_mask(src))
            return decoded(src.read(index, window=_as_rasterio(window)), band, scale, offset, mask)


def read_bands(
    path: str, bands, window: Window, out: np.ndarray, aligned_to: Grid | None = None, resampling: str = "bilinear"
) -> None:
    """Read several bands of a file into `out` (bands, rows, columns) float32, decoded as by `RasterFile.values`.

    Parameters
    ----------
    bands : list of Band
        With the scale, offset and nodata to use.
    aligned_to : Grid, optional
        Grid that `window` speaks of, when it is not the file's own. Where both have the same pixels these are read as they
        are, and are missing where the file does not reach; else values are resampled onto it.
    """
    with _dataset(path) as src:
        masked = _has_mask(src)  # once: rasterio asks all bands
        if aligned_to is None:
            _read(src, bands, window, out, masked)
            return

        def read(part: Window, position: int) -> np.ndarray:
            band = bands[position]
            values = src.read(band.index, window=_as_rasterio(part))
            return decoded(values, band, mask=_mask(src, band, part, masked)).astype("float32")

        own = _grid(src)
        place = aligned_to.offset(own)
        if place is None:
            align(own, aligned_to, resampling, window, read, out)
            return
        out[...] = np.nan
        there, here = own.common(Window(window.row - place[0], window.column - place[1], window.rows, window.columns))
        if there is not None:
            for position in range(len(bands)):
                out[(position, *here)] = read(there, position)


def _read(src, bands, window: Window, out: np.ndarray, masked: bool) -> None:
    where = _as_rasterio(window)
    plain = all(b.scale == 1 and b.offset == 0 and b.dtype == "float32" and b.alpha is None for b in bands)
    if plain and not masked and out.flags.c_contiguous:
        src.read([b.index for b in bands], window=where, out=out)
        for band, values in zip(bands, out):
            _blank(values, values, band)
        return
    position = 0
    while position < len(bands):
        _, alike = next(groupby(bands[position : position + BANDS_AT_ONCE], key=lambda band: band.dtype))
        some = list(alike)
        for band, raw in zip(some, src.read([band.index for band in some], window=where)):
            out[position] = decoded(raw, band, mask=_mask(src, band, window, masked))
            position += 1


def read_stored(path: str, bands) -> tuple[Grid, list[tuple]]:
    """Stored numbers of several bands in a few windows all over a file, and which of them are not declared to be nothing.

    Returns
    -------
    Grid
        Of the file; its `sample_windows` are read.
    list of (ndarray, ndarray)
        Of each band (windows, rows, columns): the numbers, and True where they may be measurements.
    """
    found = []
    with _dataset(path) as src:
        own = _grid(src)
        windows, masked = sample_windows(own), _has_mask(src)
        for band in bands:
            raw = np.stack([src.read(band.index, window=_as_rasterio(window)) for window in windows])
            seen = ~nothing.where(raw, band.nothing, band.valid) & np.isfinite(raw)
            if band.nodata is not None:
                seen &= raw != (np.float32(band.nodata) if raw.dtype == np.float32 else band.nodata)
            masks = [_mask(src, band, window, masked) for window in windows]
            found.append((raw, seen if masks[0] is None else seen & np.stack(masks)))
    return own, found


def decoded(raw: np.ndarray, band: Band, scale=None, offset=None, mask=None) -> np.ndarray:
    """Raw numbers of a band as floats: nodata and masked pixels NaN, scale and offset applied."""
    scale = band.scale if scale is None else scale
    offset = band.offset if offset is None else offset
    if raw.dtype.kind == "c":
        raise InputError("The raster holds complex numbers.", "Give backscatter, not single-look complex data.")
    values = raw.astype("float64" if raw.dtype.itemsize > 2 and raw.dtype != np.float32 else "float32")
    if scale != 1 or offset != 0:
        values = (values.astype("float64") * scale + offset).astype("float32")
    _blank(values, raw, band)
    if mask is not None:
        values[~mask] = np.nan
    return values


def files_of(path: str) -> list[str]:
    """The files that GDAL names as those of a raster: its own, what lies beside it, the sources of a virtual one.

    Raises
    ------
    InputError
        When it cannot be opened.
    """
    with _dataset(path) as src:
        return remote.followed(path, src.files)


def list_rasters(folder: str | Path, pattern: str = "*", subfolders: bool = False) -> list[str]:
    """Raster files of a folder whose names match, in the natural order of the names (``_2`` before ``_10``).

    Parameters
    ----------
    folder, pattern : path and str
    subfolders : bool
        Look in the folders below as well; hidden ones are left out.

    Raises
    ------
    InputError
        When it is no folder or holds no raster.
    """
    folder = Path(folder)
    if not str(folder).strip(". ") or not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", "Give the folder which holds the rasters.")
    found = _rasters_below(folder, pattern, subfolders)
    if not found:
        below = [] if subfolders else _rasters_below(folder, pattern, True)
        if below:
            raise InputError(
                f"The folder {folder} itself holds no raster named like '{pattern}', but its subfolders hold {len(below)} "
                f"(the first is {_below(below[0], folder)}).",
                "Say that subfolders are to be searched (SUBFOLDERS), or choose one of them.",
            )
        raise InputError(
            f"The folder {folder} holds no raster named like '{pattern}': {kinds_in(folder)}.",
            f"Choose another folder or pattern; rasters are known by the endings {', '.join(SUFFIXES)}, or a .hdr beside them.",
        )
    return found


def _rasters_below(folder: Path, pattern: str, subfolders: bool) -> list[str]:
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if subfolders and not name.startswith(".")]
        for name in names:
            inside = rasters_in(Path(parent, name))
            # The pattern may speak of an archive, or of what is in it.
            found += inside if fnmatch.fnmatch(name, pattern) else [one for one in inside if fnmatch.fnmatch(Path(one).name, pattern)]
    return sorted(found, key=lambda address: natural_key(_below(address, folder)))


def _below(address: str, folder: Path) -> str:
    """The end of an address after a folder, whatever stands before that (``/vsizip/``)."""
    return address.rpartition(f"{folder.as_posix()}/" if address.startswith("/vsi") else f"{folder}{os.sep}")[2]


def natural_key(name: str) -> list:
    """Sort key under which numbers in names count as numbers."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in re.split(r"(\d+)", name) if part
    ]


@contextmanager
def _dataset(path: str):
    file = file_of(path) or Path(path)
    is_remote = remote.leads_away(path)
    if is_remote:
        remote.allow()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            src = rasterio.open(path)
    except (RasterioError, OSError) as problem:
        if not file.exists() and not is_remote and not path.startswith("/vsi"):
            raise InputError(f"There is no file {file}.", "Check the path.") from problem
        if file.is_dir():
            raise InputError(f"{file} is a folder.", "Give a raster file, or use FOLDER.") from problem
        driver = driver_of(file)
        if driver and driver not in _drivers():
            raise InputError(
                f"{file.name} cannot be read: it is {driver}, and this engine's GDAL has no reader for {driver}.",
                "QGIS has one: bring it to GeoTIFF with 'Translate (convert format)' (gdal:translate), one file per variable and date.",
            ) from problem
        if zipfile.is_zipfile(file) and not path.startswith("/vsi"):
            raise InputError(
                f"{file.name} is an archive.",
                f"Give what is in it, as /vsizip/{file.as_posix()}/NAME, or the folder that holds it as FOLDER.",
            ) from problem
        raise InputError(f"{file.name} cannot be read as a raster ({problem}).", "Check the file.") from problem
    with src:
        try:
            yield src
        except RasterioError as problem:
            raise InputError(
                f"{file.name} is damaged or incomplete ({problem}).", "Fetch or make the file again."
            ) from problem


def _drivers() -> dict:
    with rasterio.Env() as env:
        return env.drivers()


def _grid(src) -> Grid:
    return Grid(src.crs.to_wkt() if src.crs else "", tuple(src.transform)[:6], src.width, src.height)


def _band(src, told: tuple, alpha: int | None, file_tags: dict, name: str) -> Band:
    """A band of its index, description, dtype, scale, offset, nodata and units (rasterio makes each for all bands at once)."""
    index, description, dtype, scale, offset, nodata, units = told
    description = description or ""
    force = src.tags(index, ns="FORCE")
    tags = {**force, **src.tags(index)}
    variable = tags.get("NETCDF_VARNAME")
    own = {key.partition("#")[2]: value for key, value in file_tags.items() if variable and key.startswith(f"{variable}#")}
    said = {**file_tags, **own, **tags}
    integer = dtype.startswith(("int", "uint"))
    product = FORCE if force.get("Domain") and dtype == FORCE.dtype else product_of(name, description, dtype)
    if integer and (scale, offset) == (1, 0):
        scale, offset = _factor(force, said, product)
    numbers, valid = nothing.declared(said, dtype, scale, offset)
    if product:
        numbers += tuple(one for one in product.nothing if one not in numbers)
        valid = valid or product.valid
    return Band(
        index,
        description,
        tags,
        dtype,
        scale,
        offset,
        nodata,
        units or tags.get("units", ""),
        alpha,
        tuple(dict.fromkeys(numbers)),
        valid,
        " (".join(filter(None, (product.title, product.note))) + (")" if product.note else "") if product else "",
    )


def _bounded(bands: tuple, src, path: str) -> tuple:
    """The bands of a NetCDF variable with the ends of their periods, `BOUNDS` and the axis's name, as one more tag.

    CF keeps them in a variable of its own, which GDAL leaves aside.
    """
    said, part = src.tags(), PART_OF_FILE.match(path)
    named = {key[: -len("#bounds")]: name for key, name in said.items() if key.endswith("#bounds")}
    for axis, variable in named.items() if src.driver == "netCDF" else ():
        times = [band.tags.get(f"NETCDF_DIM_{axis}") for band in bands]
        if not times or None in times:
            continue
        try:
            with _dataset(f'netcdf:"{part["file"] if part else path}":{variable}') as table:
                ends = table.read(1).astype("float64")
        except InputError:  # the times themselves are there
            continue
        if len(ends) != len(set(times)) or ends.shape[1] != 2:
            continue
        inside = [np.all((rows[:, 0] <= when) & (when <= rows[:, 1]))  # GDAL turns round what has no place on the earth
                  for when in [np.array(list(dict.fromkeys(times)), float)] for rows in (ends, ends[::-1])]  # fmt: skip
        if any(inside):
            rows = dict(zip(dict.fromkeys(times), ends if inside[0] else ends[::-1]))
            bands = tuple(replace(band, tags={**band.tags, f"{BOUNDS}{axis}": ",".join(map(repr, rows[time].tolist()))})
                          for band, time in zip(bands, times))  # fmt: skip
    return bands


def _factor(force: dict, tags: dict, product) -> tuple[float, float]:
    """Scale and offset of stored integers whose file declares none where GDAL looks: FORCE's, those of attributes, the product's."""
    try:
        return 1 / float(force["Scale"]), 0.0
    except (KeyError, ValueError, ZeroDivisionError):
        pass
    said = nothing.factor_in(tags)
    return said if said != (1, 0) or not product else (product.scale, product.offset)


def _alpha(src) -> int | None:
    """The band that says where the others have values; None without one.

    GDAL takes the fourth of four unnamed bands of bytes for one, whatever it holds: there its numbers decide.
    """
    if src.count < 2 or ColorInterp.alpha not in src.colorinterp:
        return None
    index = src.colorinterp.index(ColorInterp.alpha) + 1
    if src.descriptions[index - 1] or any(key.startswith(("start_time", "NETCDF_DIM")) for key in src.tags(index)):
        return None
    if src.count == 4 and src.dtypes[0] == "uint8" and not any(src.descriptions):
        sample = src.read(index, out_shape=(min(src.height, 256), min(src.width, 256)))
        if not set(np.unique(sample).tolist()) <= {0, 255}:
            return None
    return index


def _as_rasterio(window: Window):
    return rasterio.windows.Window(window.column, window.row, window.columns, window.rows)


def _blank(values: np.ndarray, raw: np.ndarray, band: Band) -> None:
    if band.nothing or band.valid:
        values[nothing.where(raw, band.nothing, band.valid)] = np.nan
    if band.nodata is not None and not np.isnan(band.nodata):
        values[raw == (np.float32(band.nodata) if raw.dtype == np.float32 else band.nodata)] = np.nan


def _has_mask(src) -> bool:
    """Whether a mask lies beside the values, of the file or of its bands (of those, GDAL names no kind)."""
    flags = src.mask_flag_enums[0]
    return not flags or (MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags)


def _mask(src, band: Band, window: Window, masked: bool):
    """Where alpha band and mask let a band have values; None without them."""
    where = _as_rasterio(window)
    mask = src.read_masks(band.index, window=where) > 0 if masked else None
    if band.alpha is None:
        return mask
    alpha = src.read(band.alpha, window=where) > 0
    return alpha if mask is None else alpha & mask
