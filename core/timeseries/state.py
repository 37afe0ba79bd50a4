"""What a result depends on: every file that is read when an input is opened, and what each says of itself."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from ..errors import InputError
from ..outputs import file_of, read_by_gdal
from .raw import RasterFile, files_of

# Up to this size a file is known by its content, larger ones by size and time of change: series of gigabytes are not read twice.
BYTES_BY_CONTENT = 2**20
# What they say of values is in what GDAL says of the raster, and QGIS writes statistics there; values are read in full resolution.
NOT_READ_BY_ITSELF = (".aux.xml", ".ovr")
STATISTICS = ("STATISTICS_", "HISTOGRAM_")  # how names of tags begin that tell of values, and change none


def state_of(value, walk=None) -> list:
    """The state of all files behind a parameter's value; [] when it names no file.

    Parameters
    ----------
    value : str
        A path; a part of a NetCDF file; something in an archive.
    walk : callable, optional
        In place of `read_with`: one that remembers.
    """
    file = file_of(value)
    if (file is None or not file.exists()) and not read_by_gdal(value):
        return []
    found, said = (walk or read_with)(str(value))
    return [said, *(_of_file(path) for path in sorted(found))]


def read_with(path: str) -> tuple[set, list]:
    """All files that GDAL reads when it opens a path, those behind virtual rasters too, and a digest of what each says of itself."""
    files, said, waiting, seen = set(), [], [str(path)], set()
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        file = file_of(one)
        if file is not None:
            files.add(os.path.realpath(file))
        try:
            raster, members = RasterFile.open(one), files_of(one)
        except InputError:  # no raster
            continue
        said.append(_statement(raster))
        waiting += [member for member in members if not member.endswith(NOT_READ_BY_ITSELF)]
    return files, sorted(said)


def _of_file(path: str) -> list:
    state = os.stat(path) if os.path.exists(path) else None
    if state is None or os.path.isdir(path):
        return [path, "none" if state is None else "folder"]
    if state.st_size > BYTES_BY_CONTENT:
        return [path, state.st_size, state.st_mtime_ns]
    return [path, hashlib.sha256(Path(path).read_bytes()).hexdigest()]


def _statement(raster: RasterFile) -> str:
    told = {**_without_statistics(raster), "bands": [_without_statistics(band) for band in raster.bands]}
    return hashlib.sha256(repr(told).encode()).hexdigest()


def _without_statistics(one) -> dict:
    return {**vars(one), "tags": {key: text for key, text in one.tags.items() if not key.startswith(STATISTICS)}}
