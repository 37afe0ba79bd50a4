"""What is nothing: the stored numbers of a band that are no measurements, as its file declares them or a user says.

Everything here speaks of numbers as they are stored, before scale and offset. A band carries the numbers that stand for
nothing (`nothing`, closed ranges) and the range outside of which there are none (`valid`).
"""

from __future__ import annotations

import math
import re

import numpy as np

from ..errors import InputError

_NUMBER = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?"
_NUMBERS = re.compile(rf"(?<![\w.]){_NUMBER}")
_ONE_OR_RANGE = re.compile(rf"({_NUMBER})(?:\s*\.\.\s*({_NUMBER}))?")
NONE = "none"
OUTSIDES = ("refuse", "missing", "clip")
# A range of an index as it is after scale; the smallest range of stored integers is far wider.
LARGEST_UNPACKED = 2.0


def nodata_in(text: str | None) -> tuple:
    """The stored numbers of NODATA, as closed ranges.

    Parameters
    ----------
    text : str
        Numbers and ranges, such as ``0``, ``0,-9999`` or ``251..255``; ``none`` and '' hold none.

    Raises
    ------
    InputError
        When something else is in it.
    """
    found = []
    for part in filter(None, (piece.strip() for piece in re.split(r"[,;]|(?<![.\s])\s+(?![.\s])", str("" if text is None else text)))):
        match = _ONE_OR_RANGE.fullmatch(part)
        if part.lower() in (NONE, "nan"):
            continue
        low, high = (float(match[1]), float(match[2] or match[1])) if match else (1, 0)
        if low > high:
            raise InputError(f"NODATA holds '{part}'.", "Give stored numbers or ranges of them: 0, or 0,-9999, or 251..255; or none.")
        found.append((low, high))
    return tuple(found)


def says_none(text: str | None) -> bool:
    """Whether NODATA says that nothing but what the files declare is to be missing."""
    return (text or "").strip().lower() == NONE


def range_in(text: str | None) -> tuple | None:
    """Low and high of VALID_RANGE; None of ''.

    Raises
    ------
    InputError
        When it is not two numbers, the low one first.
    """
    if not (text or "").strip():
        return None
    numbers = re.fullmatch(rf"\s*({_NUMBER})\s*(?:[,;]|\.\.|\s)\s*({_NUMBER})\s*", text)
    if not numbers or not float(numbers[1]) < float(numbers[2]):
        raise InputError(f"VALID_RANGE is '{text}'.", "Give the lowest and the highest value after scale: -1,1.")
    return float(numbers[1]), float(numbers[2])


def where(raw: np.ndarray, nothing: tuple, valid: tuple | None = None) -> np.ndarray:
    """Which stored numbers are nothing.

    Parameters
    ----------
    raw : ndarray
        As stored.
    nothing : tuple of (low, high)
        Closed ranges.
    valid : (low, high), optional
        Closed range; what lies outside is nothing.
    """
    as_stored = np.float32 if raw.dtype == np.float32 else float  # -0.3 of a text is the -0.3 of the file
    found = np.zeros(raw.shape, bool)
    with np.errstate(over="ignore"):
        for low, high in nothing:
            low, high = as_stored(low), as_stored(high)
            found |= raw == low if low == high else (raw >= low) & (raw <= high)
        if valid:
            found |= (raw < as_stored(valid[0])) | (raw > as_stored(valid[1]))
    return found


def declared(tags: dict, dtype: str, scale: float, offset: float) -> tuple[tuple, tuple | None]:
    """Numbers that attributes of the CF conventions declare to be nothing, and the valid range.

    Parameters
    ----------
    tags : dict
        Of the band; those of its file where it has none of its own.
    dtype, scale, offset
        Of the band.

    Returns
    -------
    nothing : tuple of (low, high)
    valid : (low, high) or None

    Notes
    -----
    The conventions (section 2.5.1) want the range in stored numbers, and many files give it in units: one with fractions,
    or no wider than an index can be, is brought back by scale and offset. Where these are not known it says nothing.
    Values of flags are missing in measurements only: a raster of classes is made of them.
    """
    integer = not dtype.startswith("float")
    fills = [n for key in ("_FillValue", "missing_value") for n in _numbers(tags.get(key))]
    pair = _numbers(tags.get("valid_range"))
    lows, highs = _numbers(tags.get("valid_min")), _numbers(tags.get("valid_max"))
    valid = tuple(pair) if len(pair) == 2 else (lows[0] if lows else -math.inf, highs[0] if highs else math.inf)
    bounds = [n for n in valid if math.isfinite(n)]
    unpacked = integer and (any(n % 1 for n in bounds) or max(map(abs, bounds), default=0) <= LARGEST_UNPACKED)
    if not bounds or (unpacked and scale == 1) or not valid[0] < valid[1]:
        valid = None
    elif unpacked:
        valid = tuple((n - offset) / scale for n in valid)
        margin = 1e-6 * max(abs(n) for n in valid if math.isfinite(n))  # of rounding
        valid = valid[0] - margin, valid[1] + margin
    flags = _numbers(tags.get("flag_values")) if integer and (valid or scale != 1) else []
    return tuple((n, n) for n in dict.fromkeys(fills + flags)), valid


def factor_in(tags: dict) -> tuple[float, float]:
    """Scale and offset that attributes declare for stored integers; 1 and 0 where they declare none.

    Notes
    -----
    The conventions multiply by ``scale_factor``. Files of MODIS divide by it (10000), and keep it when they are converted.
    """
    scale, offset = _numbers(tags.get("scale_factor")), _numbers(tags.get("add_offset"))
    scale = scale[0] if scale and scale[0] > 0 else 1.0
    return 1 / scale if scale >= 10 else scale, offset[0] if offset else 0.0


def _numbers(text) -> list[float]:
    return [float(n) for n in _NUMBERS.findall(str(text))] if text else []
