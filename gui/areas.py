"""The pixels of polygons, and what a raster says of them; without numpy and Qt, as `profiles`.

The same pixels as 'Sample series' takes: those whose middle lies inside, and where these are few all that are touched, by the
share covered, here told from a finer grid.
"""
from __future__ import annotations

import math
from collections import Counter
from itertools import compress
from typing import NamedTuple

MOST_PIXELS = 10_000  # of larger polygons a lattice is read: a tenth of a second, and a mean that differs by less than a line's width
FEW_PIXELS = 10  # as in core/timeseries/places.py
FINER = 8  # sides of a pixel's parts by which the share of it that is covered is told
OBSERVED = 1  # the reason code, by the contract
NAN = float("nan")


class Area(NamedTuple):
    """What a raster says of a polygon, for each band.

    Parameters
    ----------
    means, spreads : tuple of float
        Mean and standard deviation among the pixels; of codes the commonest, and NaN.
    counts : tuple of int
        Pixels with a value.
    clear : tuple of float
        Of codes, the share of the pixels that was observed; ().
    step : int
        Every so manieth row and column was read.
    """

    means: tuple
    spreads: tuple
    counts: tuple
    clear: tuple
    step: int


class Lattice(NamedTuple):
    """What is to be read: a window (left, top, width, height), at so many columns and rows, and the weight of each of these pixels."""

    window: tuple
    columns: int
    rows: int
    weights: list

    @property
    def step(self) -> int:
        """Every so manieth column is read."""
        return round(self.window[2] / self.columns)


def lattice(polygons: list, width: int, height: int) -> Lattice | None:
    """Which pixels of a raster to read; None where polygons lie outside.

    Parameters
    ----------
    polygons : list of lists of rings [(column, row), ...]
    width, height : int
        Of the raster.
    """
    points = [point for rings in polygons for ring in rings for point in ring]
    if not points:
        return None
    left, right = (min(max(math.floor(edge(x for x, _ in points)), 0), width) for edge in (min, lambda found: max(found) + 1))
    top, bottom = (min(max(math.floor(edge(y for _, y in points)), 0), height) for edge in (min, lambda found: max(found) + 1))
    wide, high = right - left, bottom - top
    if wide < 1 or high < 1:
        return None
    step = max(1, math.ceil(math.sqrt(wide * high / MOST_PIXELS)))
    columns, rows = math.ceil(wide / step), math.ceil(high / step)
    weights = _weights(polygons, (left, top, wide, high), columns, rows)
    if step == 1 and sum(weights) < FEW_PIXELS:
        fine = _weights(polygons, (left, top, wide, high), FINER * columns, FINER * rows)
        weights = [0.0] * (columns * rows)
        for place in compress(range(len(fine)), fine):
            row, column = divmod(place, FINER * columns)
            weights[row // FINER * columns + column // FINER] += FINER**-2
    return Lattice((left, top, wide, high), columns, rows, weights) if any(weights) else None


def area(bands: list, weights: list, step: int, are_codes: bool) -> Area:
    """Sum bands up.

    Parameters
    ----------
    bands : list of sequences of float
        Values of the lattice, NaN where missing.
    """
    chosen = [weight for weight in weights if weight]
    means, spreads, counts, clear = [], [], [], []
    for band in bands:
        found = [(value, weight) for value, weight in zip(compress(band, weights), chosen) if value == value]
        total = math.fsum(weight for _, weight in found)
        counts.append(len(found))
        if are_codes:
            shares: Counter = Counter()
            for value, weight in found:
                shares[value] += weight
            means.append(max(shares, key=lambda code: (shares[code], -code)) if shares else NAN)
            spreads.append(NAN)
            clear.append(shares[OBSERVED] / total if total else NAN)
            continue
        mean = math.fsum(weight * value for value, weight in found) / total if total else NAN
        variance = math.fsum(weight * (value - mean) ** 2 for value, weight in found) / total if total else NAN
        means.append(mean)
        spreads.append(math.sqrt(variance) if len(found) > 1 else NAN)
    return Area(tuple(means), tuple(spreads), tuple(counts), tuple(clear), step)


def _weights(polygons: list, window: tuple, columns: int, rows: int) -> list:
    """1.0 for each pixel of a lattice over a window whose middle lies inside a polygon, else 0.0, row by row."""
    left, top, wide, high = window
    weights = [0.0] * (columns * rows)
    for rings in polygons:
        crossings: dict = {}
        for ring in rings:
            points = [((x - left) * columns / wide, (y - top) * rows / high) for x, y in ring]
            for (x1, y1), (x2, y2) in zip(points, points[1:] + points[:1]):
                first, last = (min(max(math.ceil(edge(y1, y2) - 0.5), 0), rows) for edge in (min, max))
                for row in range(first, last):
                    crossings.setdefault(row, []).append(x1 + (row + 0.5 - y1) * (x2 - x1) / (y2 - y1))
        for row, found in crossings.items():
            edges = [min(max(math.floor(x + 0.5), 0), columns) for x in sorted(found)]
            for start, end in zip(edges[::2], edges[1::2]):
                weights[row * columns + start:row * columns + end] = [1.0] * (end - start)
    return weights
