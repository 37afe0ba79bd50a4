"""What a band says that it is, and whether two bands of one date are parts of one picture or different things.

A band says it by its header, tags, name, the coordinates of a NetCDF dimension, FORCE's ``Domain``, or the name of its file;
the first of these that says anything counts. What says nothing is silent, which is not the same as being what was asked for.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from ..outputs import PART_OF_FILE
from .cf import is_time
from .raw import Band, RasterFile
from .variables import _ALIASES, ABOUT, LONGEST_NAME, VARIABLES, variable_named, words_of

# Spectral bands by the numbers of Sentinel-2 (Landsat's and MODIS's differ: `spectral` knows what each means) and by colours.
_SPECTRAL = re.compile(r"(?:SR_?|SUR_?REFL_?)?B(\d\d?A?)")
_COLOURS = {
    spelling: name
    for name, spellings in {
        "blue": "BLUE BLU", "green": "GREEN GRN", "red": "RED", "nir": "NIR NEARINFRARED", "nir broad": "BROADNIR NIRBROAD BNIR",
        "nir narrow": "NIR08 NIRNARROW NARROWNIR",
        "swir1": "SWIR1 SWIR16 SW1", "swir2": "SWIR2 SWIR22 SW2",
        "coastal": "COASTAL COASTALBLUE", "rededge": "REDEDGE", "rededge1": "REDEDGE1", "rededge2": "REDEDGE2", "rededge3": "REDEDGE3",
    }.items()
    for spelling in spellings.split()
}  # fmt: skip
# In the name of a file a colour is only believed at its end: 'red_river_2020.tif' is no red band; what may follow it is a
# date, a resolution, or a word for any band.
_ONLY_LAST = frozenset(("RED", "BLUE", "GREEN", "CS", "CLD"))
_AFTER_A_COLOUR = frozenset("REFLECTANCE REFL BAND MASKED SR SURF TOC".split())
# Layers that say how good others are: as they are written once separators are gone.
QUALITY_NAMES = {
    "SCL": ("SCL", "SCENECLASSIFICATION", "SCLQUALITY"),
    "QA60": ("QA60",),
    "CLM": ("CLM", "CLOUDMASK"),
    "CLP": ("CLP", "CLOUDPROBABILITY", "MSKCLDPRB", "CLDPRB", "CLDPROB", "CLD"),
    "FMASK": ("FMASK",),
    "QA_PIXEL": ("QAPIXEL", "PIXELQA"),
    "MODIS_VI": ("VIQUALITY", "VIQA", "DETAILEDQA", "VIQUALITYQA"),
    "RELIABILITY": ("SUMMARYQA", "PIXELRELIABILITY", "RELIABILITY"),
    "CLOUD_SCORE": ("CS", "CSCDF", "CLOUDSCORE", "CLOUDSCOREPLUS"),
    "QAI": ("QAI",),
}
_QUALITY = {spelling: name for name, spellings in QUALITY_NAMES.items() for spelling in spellings}
# Other things that files are named by, of which no more is known than that they are none of the above.
_OTHERS = frozenset("LAI FAPAR FCOVER SAVI MSAVI OSAVI GNDVI NDRE NBR NDMI MNDWI NDSI NDBI CIRE TCW TCG TCB GPP NPP LST HH HV "
                    "AOT WVP TCI RGB DEM BOA TOA".split())  # fmt: skip


@dataclass(frozen=True)
class Said:
    """What a band says of itself.

    Parameters
    ----------
    names : frozenset of str
        Known names it speaks of (``NDVI``, ``B04``, ``red``, ``SCL``, ``NDVI uncertainty``); empty where it says nothing.
    dimensions : str
        Where it lies along the dimensions of a NetCDF file beside time: ``band 4``.
    words : tuple of str
        All words of its name, dimensions and file, in capitals and in order, without dates, tiles, orbits and hours: bands
        of one date whose words differ are different things.
    """

    names: frozenset = frozenset()
    words: tuple = ()
    dimensions: str = ""

    @property
    def text(self) -> str:
        """Its name for a list of what there is."""
        return " and ".join(sorted(self.names)) or "not said"


def said_by(file: RasterFile, band: Band, folder: str = "") -> Said:
    """What a band of a file says that it is.

    Parameters
    ----------
    file, band : RasterFile and Band
    folder : str
        The folders between the file and the place where the search began (``B04``, ``T31TCJ/2020``): they speak where the file
        is silent, the innermost first.
    """
    tags = band.tags
    beside_time = {
        key[len(_DIMENSION) :]: value
        for key, value in tags.items()
        if key.startswith(_DIMENSION) and not is_time(name := key[len(_DIMENSION) :], file.tags.get(f"{name}#units"))
    }
    dimensions = " ".join(f"{name} {value}" for name, value in beside_time.items())
    names = set()
    header = file.header.get("variable")
    if header:
        names = {canonical(header)}
    for text in (tags.get("Domain"), band.description, tags.get("variable"), file.tags.get("variable"),
                 tags.get("NETCDF_VARNAME"), tags.get("long_name")):  # fmt: skip
        names = names or names_in(text)
    own, whole = _named(file.path)
    told = (names_in(text, is_file=True) for text in dict.fromkeys((own, whole, *reversed(folder.split("/")))))
    by_file = next(filter(None, told), set())
    if not names or (not header and _is_numbered(names) and by_file & VARIABLES.keys() and not any(map(_speaks, file.bands))):
        names = by_file  # 'b1' of a file that is called NDVI is the number of a band
    part = f" {own}" if own != whole else ""
    words = (*_ordered(f"{band.description}{part}"), *_words(dimensions), *_ordered(folder), *_ordered(whole))
    return Said(frozenset(names), words, dimensions)


def _is_numbered(names: set) -> bool:
    return all(_SPECTRAL.fullmatch(name) for name in names)


def _speaks(band: Band) -> bool:
    """Whether the name of a band says more than a number."""
    names = names_in(band.description)
    return bool(names) and not _is_numbered(names)


def canonical(name: str) -> str:
    """The one spelling of a name: ``S2ndvi`` is ``NDVI``, ``B4`` is ``B04``, ``fmask`` is ``FMASK``; of others their own."""
    found = names_in(name)
    return found.pop() if len(found) == 1 else variable_named(name).name


def names_in(text: str | None, is_file: bool = False) -> set:
    """Known names in a text; empty where there is none.

    A name with a word such as ``uncertainty`` beside it is one of its own: ``NDVI uncertainty``.
    """
    return set(_names_in((text or "")[:LONGEST_NAME], is_file))


@lru_cache(maxsize=4096)
def _names_in(text: str, is_file: bool) -> frozenset:
    joined = re.sub(r"[^A-Z0-9]", "", text.upper())
    ordered = _words(text)
    last = next((w for w in reversed(ordered) if not _PLACE.fullmatch(w) and w not in _AFTER_A_COLOUR), "")
    pairs = {a + b for a, b in zip(ordered, ordered[1:])} | {joined}
    words = words_of(text)
    if is_file:
        words = {w for w in words if w not in _ONLY_LAST or w == last}
        pairs -= set(_COLOURS)
    quality = {_QUALITY[w] for w in words | pairs if w in _QUALITY}
    if quality:  # 'NDVI_SCL_masked' is not SCL, but 'cloud probability' of anything is itself
        return frozenset(quality if not words & set(_ALIASES) else {_ALIASES[w] for w in words & set(_ALIASES)})
    names = {_ALIASES[w] for w in words if w in _ALIASES}
    if not names:
        bands = {
            _numbered(m[1])
            for m in map(_SPECTRAL.fullmatch, words | (pairs if not is_file else set()))
            if m
        }
        longest = {_COLOURS[p] for p in pairs - words if p in _COLOURS}  # 'red edge' is not red
        names = bands or longest or {_COLOURS[w] for w in words if w in _COLOURS} or (words & _OTHERS)
    about = sorted(words & ABOUT)
    return frozenset(f"{name} {about[0].lower()}" for name in names) if about else frozenset(names)


def _numbered(number: str) -> str:
    """``B04`` of 4 or 04, ``B8A`` of 8A or 08A."""
    return f"B{number.lstrip('0') or '0'}" if number.endswith("A") else f"B{int(number):02d}"


def matches(said: Said, wanted: str) -> bool:
    """Whether a band says that it is what is wanted: by its known names, or by all words of the text in their order."""
    words, known = _words(wanted), names_in(wanted)
    if {wanted.strip().lower()} == set(map(str.lower, said.names)):
        return True
    if known and (len(words) == 1 or "".join(words) in _QUALITY):
        return known == said.names
    size = len(words)
    return bool(words) and any(said.words[i : i + size] == tuple(words) for i in range(len(said.words) - size + 1))


_DIMENSION = "NETCDF_DIM_"
# What may differ between parts of one picture of a day: the tile, the orbit, the hour, the satellite of a pair.
_WHERE_OR_WHEN = (
    r"T?\d{1,2}[C-HJ-NP-X][A-HJ-NP-Z]{2}|T\d{1,3}",  # MGRS tile
    r"[A-Z]",  # pieces a, b, c
    r"H\d\dV\d\d",  # MODIS and VIIRS
    r"X\d{4}|Y\d{4}",  # FORCE
    r"R\d{3}|N\d{4}",  # relative orbit, baseline
    r"R\d0M",  # resolution, a folder of SAFE
    r"(?=[A-F]*\d)[0-9A-F]{4}|(?=[A-F]*\d)[0-9A-F]{6}",  # data take and checksum of Sentinel-1's ids
    r"ASC|DESC?|ASCENDING|DESCENDING|(?:RO|REL|RELATIVE|RELORB|RELORBIT|ORB|ORBIT|TRACK)\d{0,3}",
    r"T\d{4,6}Z?|\d+",  # hours, resolutions, pieces, numbers
    r"\d*M(?:IN)?|\d+KM",
    r"(?:JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC)[A-Z]*",
    r"(?:A|DOY)?\d{4}\d*T?\d*Z?|\d{1,2}[A-Z]{3}\d{4}",
    r"MST|SLV\d*",  # SNAP's stacks
    r"AID\d+",  # areas of AppEEARS
)
_PLACE = re.compile("|".join(f"(?:{pattern})" for pattern in _WHERE_OR_WHEN))
_SATELLITE = re.compile(r"(S[123]|SEN2|SENTINEL2|SENTINEL1)[ABCL](\d[AC])?")
_LANDSAT = re.compile(r"L[COTE]0?[4-9]")


@lru_cache(maxsize=4096)
def _ordered(text: str | None) -> tuple:
    kept = []
    for word in _words(text):
        if _PLACE.fullmatch(word):
            continue
        satellite = _SATELLITE.fullmatch(word)
        kept.append(satellite[1][:2] + (satellite[2] or "") if satellite else "L" if _LANDSAT.fullmatch(word) else word)
    return tuple(kept)


def _words(text: str | None) -> list:
    return [part.upper() for part in re.split(r"[^A-Za-z0-9]+", (text or "")[:LONGEST_NAME]) if part]


def stem(file: RasterFile) -> str:
    """The name of the file without folder and suffix, whatever part of it this is."""
    return _named(file.path)[1]


@lru_cache(maxsize=4096)
def _named(path: str) -> tuple[str, str]:
    """The name of a file or of its part, as `RasterFile.name`, and the `stem` of the whole."""
    part = PART_OF_FILE.match(path)
    whole = Path(part["file"] if part else path).stem
    return (part["name"] if part else whole), whole
