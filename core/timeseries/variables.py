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


# Ranges: NDVI by its definition. Backscatter: saturated targets reach some +20 dB and the noise floor of
# cross-polarised Sentinel-1 lies above -50 dB. The dual-polarisation radar vegetation index is
# 4 VH / (VV + VH) on linear power, hence at most 4 and in nature below 2.
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
    )
}

_ALIASES = {"VV": "VV", "S1VV": "VV", "VH": "VH", "S1VH": "VH", "RVI": "RVI"} | {
    prefix + name: name for name in ("NDVI", "NDWI", "LSWI", "EVI") for prefix in ("", "S2")
}
_WORD = re.compile(r"[A-Za-z]+[0-9]*[A-Za-z]*")


def variable_named(name: str) -> Variable:
    """The variable of that name or alias (``S2ndvi``, ``vv``), or a variable of unknown range and unit."""
    known = _ALIASES.get(re.sub(r"[^A-Za-z0-9]", "", name).upper())
    return VARIABLES[known] if known else Variable(name.strip() or "value")


def variable_in(text: str | None) -> Variable | None:
    """The known variable that a file name or band description speaks of, or None.

    ``S2A_20200109_NDVI_10`` holds NDVI; a text that names two of them names none.
    """
    words = [w for part in re.split(r"[^A-Za-z0-9]+", text or "") for w in {part, *_WORD.findall(part)}]
    found = {_ALIASES[w.upper()] for w in words if w.upper() in _ALIASES}
    return VARIABLES[found.pop()] if len(found) == 1 else None
