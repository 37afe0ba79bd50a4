"""The map of the scheme: blocks along canals, fields inside the blocks, ponds near the coast, villages and trees.

Water enters in the south and flows north to the coast. Blocks near the intake grow three crops a year, those at the
tail one, as the dry season leaves no water for them; below them lie fish ponds. Blocks are watered in turns half a
month apart (the *golongan* of Javanese irrigation), so that neighbouring blocks plant at different dates.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .chance import fractal_field, smooth_field, stream

# The code of a crop class is its number of crops in a year.
SINGLE, DOUBLE, TRIPLE, POND, TREES, VILLAGE = 1, 2, 3, 4, 5, 6
CLASS_NAMES = {
    SINGLE: "one crop a year",
    DOUBLE: "two crops a year",
    TRIPLE: "three crops a year",
    POND: "pond",
    TREES: "trees",
    VILLAGE: "village",
}

BEARING_DEGREES = 17.0  # the lattice of canals lies askew to the pixels, as real ones do
BLOCK = (15.0, 11.0)  # pixels of 50 m: 750 m x 550 m or 41 ha, within the 20-150 ha of a tertiary unit
STRIP_WIDTH = (1.8, 3.2)  # pixels between field paths
FIELD_LENGTH = (3.0, 7.0)  # pixels
TURNS = 4  # groups that get water one after the other
TURN_DAYS = 15.0  # half a month, the customary step between groups
SHARE_UP_TO = ((POND, 0.08), (SINGLE, 0.30), (DOUBLE, 0.72), (TRIPLE, 1.0))  # of the blocks, from the coast up
VILLAGE_SHARE, TREES_SHARE = 0.07, 0.06


@dataclass(frozen=True)
class Layout:
    """Where everything is.

    Attributes
    ----------
    classes : (rows, columns) uint8, codes of `CLASS_NAMES`
    field : (rows, columns) int32, number of the field a pixel belongs to, also under villages and trees
    crops : (fields,) int, crops a year; 0 for ponds
    delay : (fields,) days by which the field's group gets its water after the first group
    """

    classes: np.ndarray
    field: np.ndarray
    crops: np.ndarray
    delay: np.ndarray


def lay_out(rows: int, columns: int, seed: int) -> Layout:
    """Draw the map of a scheme of rows x columns pixels."""
    draws = stream(seed, "fields")
    along, across = _canal_coordinates(rows, columns, draws)
    block = _number(np.floor(along / BLOCK[0]), np.floor(across / BLOCK[1]))
    field = _divide_into_fields(along, across, block, draws)
    block_class, block_turn = _supply(block, draws)
    classes = block_class[block].astype(np.uint8)
    _settle(classes, along, across, draws)

    block_of_field = np.zeros(field.max() + 1, dtype=int)
    block_of_field[field] = block
    field_class = block_class[block_of_field]
    return Layout(
        classes=classes,
        field=field.astype(np.int32),
        crops=np.where(field_class == POND, 0, field_class),
        delay=TURN_DAYS * block_turn[block_of_field],
    )


def _canal_coordinates(rows: int, columns: int, draws: np.random.RandomState) -> tuple:
    """Return each pixel's place along and across the canals, in pixels; bent a little, since no canal is straight."""
    row, column = np.mgrid[0:rows, 0:columns].astype(float)
    bearing = np.deg2rad(BEARING_DEGREES)
    bend = [1.5 * smooth_field(draws, (rows, columns), 40.0) for _ in range(2)]
    shift = draws.uniform(0, BLOCK[0], size=2)
    along = column * np.cos(bearing) + row * np.sin(bearing) + bend[0] + shift[0]
    across = row * np.cos(bearing) - column * np.sin(bearing) + bend[1] + shift[1]
    return along, across


def _divide_into_fields(along, across, block, draws) -> np.ndarray:
    """Cut every block into strips and every strip into fields, each with its own widths."""
    blocks = block.max() + 1
    strip_width = draws.uniform(*STRIP_WIDTH, size=blocks)[block]
    strip = np.floor((across % BLOCK[1]) / strip_width)
    strip_number = _number(block, strip)
    strips = strip_number.max() + 1
    length = draws.uniform(*FIELD_LENGTH, size=strips)[strip_number]
    offset = draws.uniform(0, FIELD_LENGTH[1], size=strips)[strip_number]
    return _number(strip_number, np.floor(((along % BLOCK[0]) + offset) / length))


def _supply(block: np.ndarray, draws: np.random.RandomState) -> tuple:
    """Return class and turn of every block from its rank between the coast (north) and the intake (south)."""
    blocks = block.max() + 1
    row = np.broadcast_to(np.arange(block.shape[0])[:, None], block.shape)
    middle = np.bincount(block.ravel(), weights=row.ravel()) / np.bincount(block.ravel())
    # Some blocks lie lower or are managed worse than their distance from the intake says.
    reach = middle / max(block.shape[0] - 1, 1) + 0.12 * draws.standard_normal(blocks)
    share = (np.argsort(np.argsort(reach, kind="stable"), kind="stable") + 0.5) / blocks
    limits = [limit for _, limit in SHARE_UP_TO]
    codes = np.array([code for code, _ in SHARE_UP_TO])
    return codes[np.searchsorted(limits, share)], draws.randint(0, TURNS, size=blocks)


def _settle(classes: np.ndarray, along: np.ndarray, across: np.ndarray, draws: np.random.RandomState) -> None:
    """Put villages along the roads between blocks and trees around them, on dry ground."""
    from_road = np.minimum(_from_edge(along, BLOCK[0]), _from_edge(across, BLOCK[1]))
    attraction = fractal_field(draws, classes.shape, (14.0, 6.0, 2.5)) - 0.25 * from_road
    dry = classes != POND
    share = np.where(dry, _rank(np.where(dry, attraction, -np.inf)), 0.0)
    classes[share > 1 - VILLAGE_SHARE] = VILLAGE
    classes[(share > 1 - VILLAGE_SHARE - TREES_SHARE) & (share <= 1 - VILLAGE_SHARE)] = TREES


def _from_edge(place: np.ndarray, spacing: float) -> np.ndarray:
    within = place % spacing
    return np.minimum(within, spacing - within)


def _rank(values: np.ndarray) -> np.ndarray:
    """Return the share of pixels that are lower, in (0, 1)."""
    order = np.argsort(np.argsort(values, axis=None, kind="stable"), kind="stable")
    return ((order + 0.5) / values.size).reshape(values.shape)


def _number(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Number the distinct pairs of whole numbers 0, 1, 2 ... and return each pixel's number."""
    first, second = (np.asarray(key, dtype=np.int64) for key in (first, second))
    second = second - second.min()
    _, number = np.unique(first * (second.max() + 1) + second, return_inverse=True)
    return number.reshape(first.shape)
