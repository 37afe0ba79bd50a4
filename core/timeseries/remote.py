"""Other machines: nothing is fetched from one that a file names by itself, only from one that the user named.

GDAL follows what a virtual raster names, wherever that lies. Such a file is read before it is opened and refused with a
sentence; what hides deeper (in an archive, for instance) GDAL itself is kept from fetching.
"""

from __future__ import annotations

import html
import os
import re
import secrets
from pathlib import Path

from ..errors import InputError
from ..foreign import decoded

_ADDRESS = r"(?<![a-z0-9])(?:https?|ftps?|sftp|ssh|dods|s3a?|gs|az|abfss?|adls|oss|swift|(?:web)?hdfs|smb|ecwps?|jpip)://"
_NETWORK = re.compile(rf"/vsi(?:curl|s3|gs|az|adls|oss|swift|hdfs|webhdfs)[a-z_]*[/?]|{_ADDRESS}", re.IGNORECASE)
_SHARE = re.compile(r"(?:\\\\|//)(?![?.])[^\\/]+")  # of Windows
_HOST = re.compile(rf"{_ADDRESS}(?:[^/@\s\"']*@)?([^/:?\s\"'<]+)", re.IGNORECASE)
# The kinds of files that name others, told as GDAL tells them: by a word near the beginning.
_NAMING = re.compile(rb"<\s*(?:VRTDataset|GDALTileIndexDataset|GDAL_WMS|WCS_GDAL|MRF_META|WMS_Capabilities)")
_HEAD = 4096
_ELEMENT = re.compile(r"<([A-Za-z]\w*)[^>]*>([^<]*)")
_FETCHED = "CPL_VSIL_CURL_ALLOWED_EXTENSIONS"
# GDAL's settings that keep it from fetching, to be made before it is loaded: no file's name ends so, and the drivers that are
# there to speak with servers are left out.
HOLD = {
    _FETCHED: f".{secrets.token_hex(8)}",
    "GDAL_SKIP": "HTTP WMS WCS WMTS OGCAPI EEDA EEDAI PLMOSAIC PLSCENES DAAS NGW RASDAMAN PostGISRaster STACIT STACTA",
}


def leads_away(path: str) -> bool:
    """Whether a path leads to another machine."""
    return bool(_NETWORK.search(path))


def followed(path: str, names) -> list[str]:
    """Of the files that a raster names, those that may be opened: on another machine only where the raster is there as well."""
    return [name for name in names if leads_away(path) or not leads_away(name)]


def allow() -> None:
    """Let GDAL fetch: the user named an address himself."""
    os.environ.pop(_FETCHED, None)


def require_here(path: str) -> None:
    """Refuse a file that takes its values from another machine, itself or through files that it names.

    Raises
    ------
    InputError
        The message names the machine.
    """
    waiting, seen = [] if leads_away(path) else [Path(path)], set()
    while waiting:
        file = waiting.pop()
        seen.add(file)
        for text in _named_in(file):
            share, own = _SHARE.match(text), _SHARE.match(str(file))
            if leads_away(text) or (share and not (own and own[0] == share[0])):
                host = _HOST.search(text)
                raise InputError(f"{file.name} takes its values from another machine ({host[1] if host else text[:60]}).",
                                 "Fetch the raster and give that, or if you trust the machine, the address itself (/vsicurl/https://...).")
            waiting += {file.parent / re.sub(r"^vrt://|\?.*$", "", text)} - seen


def _named_in(file: Path) -> list[str]:
    """Every text in a file of a kind that names others, but for plain metadata; [] of any other file."""
    try:
        if not file.is_file():
            return []
        with open(file, "rb") as stream:
            if not _NAMING.search(stream.read(_HEAD)):
                return []
            stream.seek(0)
            text = decoded(stream.read())
    except (OSError, ValueError):  # opening it will say what is wrong
        return []
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"<!\[CDATA\[(.*?)\]\]>", lambda match: html.escape(match[1]), text, flags=re.DOTALL)
    found = (html.unescape(content).strip() for name, content in _ELEMENT.findall(text) if name != "MDI")
    return list(dict.fromkeys(filter(None, found)))
