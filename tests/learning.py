"""Small simulated samples to learn from, made without the code under test."""
from __future__ import annotations

import numpy as np
from phenofuse.core.learning.samples import Sample

NAMES, UNITS = ("NDVI", "VV", "VH"), ("1", "dB", "dB")
SIDE = 8  # of chips


def series(pixels: int = 96, dates: int = 30, seed: int = 0):
    """Seasonal NDVI (pixels, dates) with half of it missing, radar that follows it, and their days."""
    rng = np.random.default_rng(seed)
    days = 19000.0 + 12 * np.arange(dates)
    wave = 2 * np.pi * days / 365.25 - rng.choice([0.0, 1.5, 3.0], (pixels, 1))
    green = 0.45 + 0.25 * np.cos(wave) + 0.1 * np.cos(2 * wave)
    ndvi = green + rng.normal(0, 0.02, green.shape)
    ndvi[rng.random(green.shape) < 0.5] = np.nan
    vv, vh = (a + b * green + rng.normal(0, 1, green.shape) for a, b in ((-11, 3), (-19, 8)))
    return [one.astype(np.float32) for one in (ndvi, vv, vh)], (days, days, days + 3)


def sample(pixels: int = 96, dates: int = 30, seed: int = 0) -> Sample:
    """The same as a sample of 8 x 2 blocks of pixels."""
    values, days = series(pixels, dates, seed)
    row, column = np.divmod(np.arange(pixels), 8)
    return Sample(tuple(values), days, NAMES, UNITS, row, column, column + 8 * (row % 2))


def chip_sample(count: int = 8, dates: int = 13, seed: int = 0) -> Sample:
    """Chips of a simulated scene, each a block of its own."""
    values, days = series(count * SIDE**2, dates, seed)
    chip, own = np.divmod(np.arange(count * SIDE**2), SIDE**2)
    return Sample(tuple(values), days, NAMES, UNITS, chip * SIDE + own // SIDE, own % SIDE, chip, SIDE)
