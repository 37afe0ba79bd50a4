"""Addresses of rasters and tables, made whole: the engine works in another folder than QGIS."""

from __future__ import annotations

import os
import re

# /vsizip/folder/file.zip/raster.tif, /vsizip/{folder/file.zip}/raster.tif, /vsitar//vsigzip/...
_VIRTUAL = re.compile(r"((?:/vsi\w+/)+)(\{?)(.+)", re.DOTALL)
_ELSEWHERE = re.compile(r"/vsi(?:curl|s3|gs|az|adls|oss|swift|hdfs|webhdfs|mem|stdin|stdout|crypt)\w*/")
# netcdf:file.nc:NDVI, GTIFF_DIR:1:file.tif, HDF4_EOS:EOS_GRID:"file.hdf":grid:band; longer than the letter of a drive
_DRIVER = re.compile(r"[A-Z][A-Z0-9_]+:(?!//)", re.IGNORECASE)
_PIECES = re.compile(r'"[^"]*"|[^:"]+')
_TABLES = (".csv", ".txt")


def absolute(address: str) -> str:
    """The address by which GDAL finds from any folder what it finds by this one from here."""
    if os.path.exists(address):
        return os.path.abspath(address)
    if address.lower().startswith("vrt://"):
        file, mark, options = address[len("vrt://") :].partition("?")
        return f"vrt://{absolute(file)}{mark}{options}"
    virtual = _VIRTUAL.fullmatch(address)
    if virtual:
        prefix, brace, rest = virtual.groups()
        stays = os.path.isabs(rest) or _ELSEWHERE.match(prefix) or prefix == "/vsisubfile/"
        return address if stays else prefix + brace + os.path.join(os.getcwd(), rest)
    driver = _DRIVER.match(address)
    if not driver:
        return address
    for piece in _PIECES.finditer(address, driver.end()):
        file = piece[0].strip('"')
        whole = absolute(file)
        if whole != file:
            return address[: piece.start()] + piece[0].replace(file, whole) + address[piece.end() :]
    return address


def table(text: str) -> str:
    """DATES, where it is the path of a table, from any folder; a list of dates as it is."""
    path = text.strip()
    return os.path.abspath(path) if path.lower().endswith(_TABLES) else text
