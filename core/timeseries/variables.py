"""The variables we know: their units, the values they can physically take, and the names they go by."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """A variable with its units and physical range (both ends included; None = any)."""

    name: str
    units: str = ""
    valid_range: tuple | None = None
    long_name: str = ""

    @property
    def limits(self) -> tuple[float, float]:
        """The physical range, infinite where any value is possible."""
        return self.valid_range or (-float("inf"), float("inf"))

    @property
    def is_backscatter(self) -> bool:
        """Whether values are radar backscatter, kept in decibels."""
        return self.units == "dB"


# Ranges follow from the definitions, reflectances and NDVI within their own: EVI2 = 2.5 (N - R) / (N + 2.4 R + 1)
# lies between -2.5 / 3.4 and 2.5 / 2, kNDVI = tanh(NDVI^2) below tanh 1; both are rounded outwards to what float32 holds.
# Backscatter: saturated targets reach some +20 dB and the noise floor of cross-polarised Sentinel-1 lies above -50 dB. The
# dual-polarisation radar vegetation index is 4 VH / (VV + VH) on linear power, hence at most 4 and in nature below 2. PPI:
# the product HR-VPP holds 0 to 3.
VARIABLES = {
    v.name: v
    for v in (
        Variable("NDVI", "1", (-1.0, 1.0), "Normalised difference vegetation index"),
        Variable("VV", "dB", (-60.0, 30.0), "Sentinel-1 backscatter VV"),
        Variable("VH", "dB", (-60.0, 30.0), "Sentinel-1 backscatter VH"),
        Variable("RVI", "1", (0.0, 4.0), "Radar vegetation index"),
        Variable("NDWI", "1", (-1.0, 1.0), "Normalised difference water index"),
        Variable("LSWI", "1", (-1.0, 1.0), "Land surface water index"),
        Variable("EVI", "1", None, "Enhanced vegetation index"),  # over bright targets its denominator nears 0
        Variable("EVI2", "1", (-0.75, 1.25), "Two-band enhanced vegetation index"),
        Variable("NIRv", "1", (-1.0, 1.0), "Near-infrared reflectance of vegetation"),
        Variable("kNDVI", "1", (0.0, 0.765625), "Kernel NDVI"),
        Variable("PPI", "1", None, "Plant phenology index"),
    )
}

# Names that other providers give them: FORCE's product types, prefixes of exports.
_ALIASES = {name.upper(): name for name in VARIABLES} | {"S1VV": "VV", "S1VH": "VH", "NDV": "NDVI", "KNV": "kNDVI"}
_ALIASES |= {f"S2{name}": name for name in ("NDVI", "NDWI", "LSWI", "EVI", "EVI2", "PPI")}
_ALIASES |= {"S2NIRV": "NIRv", "S2KNDVI": "kNDVI"}
_WORD = re.compile(r"[A-Za-z]+[0-9]*[A-Za-z]*")


def variable_named(name: str) -> Variable:
    """The variable of that name or alias (``S2ndvi``, ``vv``), or a variable of unknown range and unit.

    A name that says more than the variable (``NDVI_masked``) still means it; see `core.timeseries.identity`.
    """
    known = _ALIASES.get(re.sub(r"[^A-Za-z0-9]", "", name).upper())
    return VARIABLES[known] if known else variable_in(name) or Variable(name.strip() or "value")


def variable_in(text: str | None) -> Variable | None:
    """The known variable that a file name or band description speaks of, or None.

    ``S2A_20200109_NDVI_10`` and ``NDVI300`` hold NDVI; a text that names two of them names none, nor does
    ``NDVI_uncertainty``, which is something about NDVI.
    """
    found = words_of(text)
    names = {_ALIASES[w] for w in found if w in _ALIASES}
    return VARIABLES[names.pop()] if len(names) == 1 and not found & ABOUT else None


# What stands beside the name of a variable and makes it something else.
ABOUT = frozenset(
    "QUALITY UNCERTAINTY UNCERTAINTIES STD STDEV STDDEV SD DEVIATION VARIANCE ERROR RMSE COUNT NOBS OBSERVATIONS MASK QA QC FLAG FLAGS "
    "CLOUDMASK WEIGHT WEIGHTS ANOMALY RATIO DIFFERENCE DIFF MINUS TREND SLOPE AMPLITUDE PHASE".split()
)


LONGEST_NAME = 300  # a file system's names have 255 characters; what is longer is no name, and would take long to read


def words_of(text: str | None) -> set:
    """Words of a name in capitals: what separators part, what letters and digits part in it, and a name before a resolution."""
    parts = [part for part in re.split(r"[^A-Za-z0-9]+", (text or "")[:LONGEST_NAME]) if part]
    words = {w.upper() for part in parts for w in (part, *_WORD.findall(part))}
    # a resolution at the end: NDVI300, NDVI10m, VV10
    return words | {
        m[1]
        for m in (re.fullmatch(r"([A-Z]{2,}[0-9]?[A-Z]*?)(?:10|20|30|60|100|250|300|500|1000|1KM)M?", w) for w in words)
        if m
    }
