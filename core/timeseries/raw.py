"""Raster files as they are: their bands, tags and values before anything is believed of them."""

from __future__ import annotations

import fnmatch
import os
import re
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from . import remote

# The block cache is part of the engine's stated base memory; GDAL's own default is 5 % of the machine.
os.environ.setdefault("GDAL_CACHEMAX", "64")
os.environ.update(remote.HOLD)

import numpy as np
import rasterio
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from ..errors import InputError
from ..foreign import tag_in
from ..outputs import PART_OF_FILE
from . import nothing
from .aligning import align
from .grids import Grid, Window, sample_windows
from .products import FORCE, product_of

TAG = "PHENOFUSE"
SUFFIXES = (".tif", ".tiff", ".vrt", ".nc", ".img", ".jp2", ".bsq", ".dat")
_NETCDF_DRIVERS = ("netCDF", "HDF5")


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
            bands = tuple(_band(src, i, alpha, tags, name) for i in src.indexes if i != alpha)
            parts = tuple(remote.followed(str(path), src.subdatasets))
            return cls(str(path), _grid(src), bands, tags, src.driver, parts)

    @property
    def name(self) -> str:
        """The file's name without folder and suffix (of a NetCDF part: the variable's name)."""
        part = PART_OF_FILE.match(self.path)
        return part["name"] if part else Path(self.path).stem

    @property
    def header(self) -> dict:
        """The JSON object of the ``PHENOFUSE`` tag, or {}; what is not of the type that it should be is left out."""
        return tag_in(self.tags.get(TAG))

    def part(self, name: str) -> RasterFile:
        """The NetCDF variable of that name.

        Raises
        ------
        InputError
            When there is none; the message lists what there is.
        """
        names = {PART_OF_FILE.match(p)["name"]: p for p in self.parts if PART_OF_FILE.match(p)}
        for key, path in names.items():
            if key.lower() == name.lower():
                return RasterFile.open(path)
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
            return decoded(src.read(index, window=_as_rasterio(window)), band, scale, offset, _mask(src, band, window))


def read_bands(
    path: str, bands, window: Window, out: np.ndarray, aligned_to: Grid | None = None, resampling: str = "bilinear"
) -> None:
    """Read several bands of a file into `out` (bands, rows, columns) float32, decoded as by `RasterFile.values`.

    Parameters
    ----------
    bands : list of Band
        With the scale, offset and nodata to use.
    aligned_to : Grid, optional
        Grid that `window` speaks of, when it is not the file's own; values are resampled onto it.
    """
    with _dataset(path) as src:
        if aligned_to is None:
            _read(src, bands, window, out)
            return

        def read(part: Window, position: int) -> np.ndarray:
            band = bands[position]
            return decoded(src.read(band.index, window=_as_rasterio(part)), band, mask=_mask(src, band, part)).astype("float32")

        align(_grid(src), aligned_to, resampling, window, read, out)


def _read(src, bands, window: Window, out: np.ndarray) -> None:
    where = _as_rasterio(window)
    plain = all(b.scale == 1 and b.offset == 0 and b.dtype == "float32" and b.alpha is None for b in bands)
    if plain and not _has_mask(src) and out.flags.c_contiguous:
        src.read([b.index for b in bands], window=where, out=out)
        for band, values in zip(bands, out):
            _blank(values, values, band)
        return
    for position, band in enumerate(bands):
        out[position] = decoded(src.read(band.index, window=where), band, mask=_mask(src, band, window))


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
        windows = sample_windows(own)
        for band in bands:
            raw = np.stack([src.read(band.index, window=_as_rasterio(window)) for window in windows])
            seen = ~nothing.where(raw, band.nothing, band.valid) & np.isfinite(raw)
            if band.nodata is not None:
                seen &= raw != (np.float32(band.nodata) if raw.dtype == np.float32 else band.nodata)
            masks = [_mask(src, band, window) for window in windows]
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


def list_rasters(folder: str | Path, pattern: str = "*") -> list[str]:
    """Raster files of a folder whose names match, in the natural order of the names (``_2`` before ``_10``).

    Raises
    ------
    InputError
        When it is no folder or holds no raster.
    """
    folder = Path(folder)
    if not str(folder).strip(". ") or not folder.is_dir():
        raise InputError(f"{folder} is not a folder.", "Give the folder which holds the rasters.")
    found = [
        p
        for p in folder.iterdir()
        if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and fnmatch.fnmatch(p.name, pattern)
    ]
    if not found:
        raise InputError(
            f"The folder {folder} holds no raster named like '{pattern}' ({', '.join(SUFFIXES)}).",
            "Choose another folder or pattern.",
        )
    return [str(p) for p in sorted(found, key=lambda p: natural_key(p.name))]


def natural_key(name: str) -> list:
    """Sort key under which numbers in names count as numbers."""
    return [
        (0, int(part), "") if part.isdigit() else (1, 0, part.lower()) for part in re.split(r"(\d+)", name) if part
    ]


@contextmanager
def _dataset(path: str):
    part = PART_OF_FILE.match(path)
    file = Path(part["file"] if part else path)
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
        if file.suffix.lower() in (".nc", ".nc4", ".h5"):
            raise InputError(
                f"{file.name} cannot be read: this engine's GDAL has no NetCDF reader for it ({problem}).",
                "Convert it to GeoTIFF, for example with gdal_translate, one file per variable.",
            ) from problem
        raise InputError(f"{file.name} cannot be read as a raster ({problem}).", "Check the file.") from problem
    with src:
        try:
            yield src
        except RasterioError as problem:
            raise InputError(
                f"{file.name} is damaged or incomplete ({problem}).", "Fetch or make the file again."
            ) from problem


def _grid(src) -> Grid:
    return Grid(src.crs.to_wkt() if src.crs else "", tuple(src.transform)[:6], src.width, src.height)


def _band(src, index: int, alpha: int | None, file_tags: dict, name: str) -> Band:
    force = src.tags(index, ns="FORCE")
    tags = {**force, **src.tags(index)}
    dtype, scale, offset = src.dtypes[index - 1], src.scales[index - 1], src.offsets[index - 1]
    description = src.descriptions[index - 1] or ""
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
        src.nodatavals[index - 1],
        src.units[index - 1] or tags.get("units", ""),
        alpha,
        tuple(dict.fromkeys(numbers)),
        valid,
        " (".join(filter(None, (product.title, product.note))) + (")" if product.note else "") if product else "",
    )


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


def _mask(src, band: Band, window: Window):
    """Where alpha band and mask let a band have values; None without them."""
    where = _as_rasterio(window)
    mask = src.read_masks(band.index, window=where) > 0 if _has_mask(src) else None
    if band.alpha is None:
        return mask
    alpha = src.read(band.alpha, window=where) > 0
    return alpha if mask is None else alpha & mask
