"""Where an image is clear: rules that quality layers are read by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

import numpy as np

from ..errors import InputError

HOW = (
    "Write for example 'values 3,8-11', 'clear 4,5', 'bits 1,3', 'bits 0-1 = 2,3', 'below 0.6' or 'above 40'; "
    "several are parted by ';'."
)


@dataclass(frozen=True)
class Test:
    """One part of a rule: what it takes away.

    Parameters
    ----------
    kind : str
        ``values``, ``clear`` (all others go), ``bits`` (any of them set), ``field`` (bits that together are one of `numbers`),
        ``below``, ``above``.
    numbers : tuple
    field : (int, int)
        First and last bit of a field.
    text : str
        For people.
    """

    kind: str
    numbers: tuple
    text: str
    field: tuple = (0, 0)

    def takes(self, layer: np.ndarray) -> np.ndarray:
        """Where the layer (float64, NaN missing) tells of cloud; the missing are not asked here."""
        if self.kind in ("values", "clear"):
            return np.isin(layer, self.numbers) == (self.kind == "values")
        if self.kind == "below":
            return layer < self.numbers[0]
        if self.kind == "above":
            return layer > self.numbers[0]
        whole = np.nan_to_num(layer).astype(np.int64)
        if self.kind == "bits":
            return (whole & sum(1 << bit for bit in self.numbers)) != 0
        first, last = self.field
        return np.isin((whole >> first) & ((1 << (last - first + 1)) - 1), self.numbers)


@dataclass(frozen=True)
class Rule:
    """How a kind of quality layer is read.

    Parameters
    ----------
    layer : str
        The name that such layers go by (`identity.QUALITY_NAMES`, or any other).
    tests : tuple of Test
        A value goes when one of them takes it.
    """

    layer: str
    tests: tuple

    @property
    def text(self) -> str:
        """The rule, for people."""
        return f"{self.layer}: " + "; ".join(test.text for test in self.tests)

    def unclear(self, layer: np.ndarray, buffer: int = 0) -> np.ndarray:
        """Where a layer (rows, columns) tells of cloud, grown by `buffer` pixels, or has no value."""
        missing = ~np.isfinite(layer)
        taken = np.zeros(layer.shape, bool)
        for test in self.tests:
            taken |= test.takes(layer)
        taken &= ~missing
        if buffer and taken.any():
            from scipy.ndimage import binary_dilation  # a second to load, for those who need it

            taken = binary_dilation(taken, disk(buffer))
        return taken | missing


def disk(radius: int) -> np.ndarray:
    """Pixels within a radius of the middle one."""
    across = np.arange(-radius, radius + 1)
    return across[:, None] ** 2 + across**2 <= radius**2


def rule_of(layer: str, text: str) -> Rule:
    """Read a rule.

    Raises
    ------
    InputError
        When it is none.
    """
    tests = [_test(part.strip()) for part in text.split(";") if part.strip()]
    if not tests:
        raise InputError("The rule for quality layers is empty.", HOW)
    return Rule(layer, tuple(tests))


_PART = re.compile(r"(values|clear|bits|below|above)?\s*([-\d.,\s]+?)(?:\s*=\s*([\d,\s-]+))?", re.IGNORECASE)
_RANGE = re.compile(r"(-?\d+)(?:-(\d+))?")


def _test(text: str) -> Test:
    match = _PART.fullmatch(text)
    kind = (match and (match[1] or "values").lower()) or ""
    try:
        if kind in ("below", "above") and not match[3]:
            return Test(kind, (float(match[2]),), text)
        numbers = _numbers(match[2])
        if kind == "bits" and (min(numbers) < 0 or max(numbers) > 31):
            raise ValueError
        if kind == "bits" and match[3]:
            return Test("field", _numbers(match[3]), text, (min(numbers), max(numbers)))
        if kind and not match[3]:
            return Test(kind, numbers, text)
    except (TypeError, ValueError):
        pass
    raise InputError(f"'{text}' is no rule for a quality layer.", HOW)


def _numbers(text: str) -> tuple:
    found = []
    for part in filter(None, re.split(r"[,\s]+", text.strip())):
        match = _RANGE.fullmatch(part)
        if not match:
            raise ValueError(part)
        first = int(match[1])
        found += range(first, int(match[2] or first) + 1)
    if not found:
        raise ValueError(text)
    return tuple(found)


# Ready rules. SCL: classes of Sen2Cor; no data, saturated, shadow, cloud, cirrus and snow go, as WorldCereal takes them.
# QA60: ESA's cloud mask (opaque 10, cirrus 11). CLM, CLP: s2cloudless; its own threshold of 40 %. FMASK: HLS v2.0, bits
# cloud, beside cloud, shadow, snow; 255 is nothing; the same bits are set in the classes shadow 2, snow 3 and cloud 4 of the
# Fmask program. QA_PIXEL: Landsat collection 2, bits fill, dilated cloud, cirrus, cloud,
# shadow, snow. MODIS_VI: MOD13, not produced or cloudy; mixed clouds, snow, shadow. RELIABILITY: its summary, snow or cloud.
# CLOUD_SCORE: Google's Cloud Score+, its documentation's 0.6.
READY = {
    "SCL": "values 0,1,3,8-11",
    "QA60": "bits 10,11",
    "CLM": "values 1,255",
    "CLP": "above 40",
    "FMASK": "bits 1-4; values 255",
    "QA_PIXEL": "bits 0-5",
    "MODIS_VI": "bits 0-1 = 2,3; bits 10,14,15",
    "RELIABILITY": "values -1,2,3,255",
    "CLOUD_SCORE": "below 0.6",
}
# Sentinel-2's QA60 was written empty between processing baselines 04.00 and 05.10: nothing is masked by it there.
QA60_EMPTY = (date(2022, 1, 25), date(2024, 2, 28))
