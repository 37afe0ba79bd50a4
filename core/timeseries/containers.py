"""Which files of a folder hold rasters, and what a file that cannot be read is.

A suffix alone does not say it: a GeoPackage may hold polygons, an archive anything, and ENVI's files need have none.
"""

from __future__ import annotations

import contextlib
import sqlite3
import zipfile
from pathlib import Path

# Of the formats that GDAL reads, those in which series of images are kept.
SUFFIXES = (".tif", ".tiff", ".gtiff", ".vrt", ".nc", ".nc4", ".cdf", ".h5", ".he5", ".hdf5", ".hdf", ".hdf4", ".img", ".jp2", ".j2k",
            ".bsq", ".bil", ".bip", ".dat", ".sdat", ".asc", ".rst", ".ers", ".pix", ".grb", ".grib", ".grb2", ".grib2",
            ".gpkg", ".zip", ".gz")  # fmt: skip
# What lies beside a raster and has its name.
DESCRIBING = (".prj", ".xml", ".ovr", ".msk", ".qml", ".qmd", ".sta", ".enp", ".clr", ".stx", ".txt", ".json", ".rdc", ".sgrd", ".tfw")
RASTERS_IN_GEOPACKAGE = "SELECT table_name FROM gpkg_contents WHERE data_type IN ('tiles', '2d-gridded-coverage')"
# By their first bytes: the driver of GDAL that reads them.
_BEGINNINGS = ((b"\x0e\x03\x13\x01", "HDF4"), (b"\x89HDF\r\n\x1a\n", "HDF5"), (b"CDF\x01", "netCDF"), (b"CDF\x02", "netCDF"),
               (b"CDF\x05", "netCDF"))  # fmt: skip


def rasters_in(path: Path) -> list[str]:
    """The addresses under which GDAL finds the rasters of a file; [] when it seems to hold none.

    Parameters
    ----------
    path : Path
        A GeoPackage without rasters and an archive without them hold none. ENVI's files are known by the header beside them.
    """
    suffix = path.suffix.lower()
    if path.name.startswith(".") or suffix == ".hdr" or not path.is_file():
        return []
    if suffix not in SUFFIXES:
        return [str(path)] if _has_header(path) else []
    if suffix == ".gpkg":
        tables = _tables_of(path)
        return [str(path)] if len(tables) == 1 else [f"GPKG:{path}:{table}" for table in tables]
    if suffix == ".zip":
        return [f"/vsizip/{path.as_posix()}/{name}" for name in _names_in(path)]
    if suffix == ".gz":
        return [f"/vsigzip/{path.as_posix()}"] if _is_image(path.stem) else []
    return [str(path)]


def driver_of(path: Path) -> str:
    """The driver of GDAL that a file needs, where its first bytes say so; else ''."""
    try:
        with open(path, "rb") as file:
            begin = file.read(8)
    except OSError:
        return ""
    return next((driver for bytes_, driver in _BEGINNINGS if begin.startswith(bytes_)), "")


def kinds_in(folder: Path) -> str:
    """What a folder holds, for messages: ``3 .xyz, 1 .txt``."""
    counts = {}
    for path in folder.iterdir():
        if not path.name.startswith("."):
            kind = "folder" if path.is_dir() else path.suffix.lower() or "without ending"
            counts[kind] = counts.get(kind, 0) + 1
    return ", ".join(f"{count} {kind}" for kind, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))) or "nothing"


def _is_image(name: str) -> bool:
    return Path(name).suffix.lower() in SUFFIXES[: SUFFIXES.index(".gpkg")]


def _has_header(path: Path) -> bool:
    """Whether a header of ENVI's belongs to the file, and not to another one that it only describes as well."""
    if path.suffix.lower() in DESCRIBING:
        return False
    for header in (path.with_suffix(".hdr"), path.with_name(f"{path.name}.hdr")):
        with contextlib.suppress(OSError), open(header, "rb") as file:
            return file.read(4) == b"ENVI"
    return False


def _tables_of(path: Path) -> list[str]:
    """The tables of a GeoPackage that are rasters."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro&immutable=1", uri=True)) as package:
            return [name for (name,) in package.execute(RASTERS_IN_GEOPACKAGE)]
    except sqlite3.Error:
        return []


def _names_in(path: Path) -> list[str]:
    """The images in an archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            return [name for name in archive.namelist() if _is_image(name) and not Path(name).name.startswith(".")]
    except (OSError, zipfile.BadZipFile):
        return []
