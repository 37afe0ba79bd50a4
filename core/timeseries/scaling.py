"""The factor that makes an index of stored whole numbers: guessed from their range, and what a guess rests on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .variables import Variable

# Factors in use: 10000 (MODIS, HLS, sits, FORCE), 1000 (Sentinel-2 Agriculture), 100 (old exports in bytes), and
# 250 with 0.08 added before (Copernicus Global Land and PROBA-V, bytes).
FACTORS = (100, 1000, 10000)
FACTORS_OF_DECIBELS = (10, 100, 1000, 10000)
BYTE_SCALE, BYTE_OFFSET, LARGEST_BYTE = 0.004, -0.08, 250
BEYOND = 1.05  # a little of an index lies beyond its range by rounding and noise
OFF = 5.0  # a factor that is wrong is so by at least 10, or by 2.5 and an offset
SMALL = 0.1  # an index whose largest values are smaller: bare soil and water at most


@dataclass(frozen=True)
class Guess:
    """Scale and offset that stored numbers suggest, and in words what they rest on."""

    scale: float
    offset: float
    text: str


def is_index(variable: Variable) -> bool:
    """Whether a variable runs from -1 to 1, so that its range tells a factor."""
    return variable.valid_range == (-1.0, 1.0)


def guess(variable: Variable, low: float, high: float, dtype: str) -> Guess | None:
    """The factor of an index or of backscatter that is stored as whole numbers; None where their range suggests none.

    Parameters
    ----------
    variable : Variable
    low, high : float
        The smallest and largest stored number, fill values left out.
    dtype : str
        They are stored as.
    """
    name, top = variable.name, max(abs(low), abs(high))
    if variable.is_backscatter:
        least, most = variable.limits
        factor = next((f for f in FACTORS_OF_DECIBELS if least * f <= low and high <= most * f), None)
        return _guessed(name, low, high, [(1 / factor, 0.0, f"{name} x {factor}")]) if factor and low < least else None
    if not is_index(variable) or top <= 1:
        return None
    factor = next((f for f in FACTORS if top <= f * BEYOND), None)
    bytes_ = low >= 0 and high <= LARGEST_BYTE and (dtype == "uint8" or 100 * BEYOND < high)
    found = [(1 / factor, 0.0, f"{name} x {factor}")] if factor else []
    if bytes_:
        found.insert(0 if dtype == "uint8" and high > 100 * BEYOND else 1, (BYTE_SCALE, BYTE_OFFSET, f"({name} + 0.08) x 250"))
    elif dtype == "int8" or (low >= -LARGEST_BYTE and 100 * BEYOND < top <= LARGEST_BYTE):
        found.append((1 / LARGEST_BYTE, 0.0, f"{name} x 250"))
    if factor and 10 * factor in FACTORS:
        found.append((0.1 / factor, 0.0, f"{name} x {10 * factor}"))
    found = [one for one in found if max(abs(v * one[0] + one[1]) for v in (low, high)) <= BEYOND]
    return _guessed(name, low, high, found) if found else None


def _guessed(name: str, low: float, high: float, found: list) -> Guess:
    words = [f"{_call(s, o)} ({what}) makes {name} of {low * s + o:.3g} to {high * s + o:.3g} of them" for s, o, what in found[:3]]
    text = f"The stored numbers reach from {low:.4g} to {high:.4g}: it looks like {found[0][2]}. {words[0]}"
    return Guess(*found[0][:2], text + "".join(f"; {word}" for word in words[1:]) + ".")


def _call(scale: float, offset: float) -> str:
    return f"SCALE = {scale:g}" + (f" and OFFSET = {offset:g}" if offset else "")


def stored_range(values: np.ndarray, scale: float, offset: float) -> tuple[float, float]:
    """The smallest and the largest number that values were stored as, but for a few outliers."""
    low, high = np.percentile(values, (0.5, 99.5))
    return tuple(float(np.round((v - offset) / scale, 6)) for v in sorted((low, high), reverse=scale < 0))


def doubt(variable: Variable, values: np.ndarray, dtype: str, scale: float, offset: float) -> str:
    """A sentence where an index stays so small that its factor is likely another one; else ''."""
    low, high = stored_range(values, scale, offset)
    if dtype.startswith("float") and scale < SMALL and max(abs(low), abs(high)) <= 1:
        return f"the stored numbers reach from {low:.3g} to {high:.3g}, which is {variable.name} already: leave SCALE empty."
    reach = float(np.abs(np.percentile(values, (0.5, 99.5))).max())
    found = guess(variable, low, high, dtype) if scale != 1 and reach < SMALL and not dtype.startswith("float") else None
    if not found or found.scale < OFF * scale:
        return ""
    return f"{variable.name} reaches only {reach:.2g} with the factor {scale:g}: the factor is likely {found.scale:g}. {found.text}"
