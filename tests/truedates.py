"""Dates of seasons beside the true ones of a simulated scene."""
from __future__ import annotations

import numpy as np

ORDINAL = 719163  # proleptic ordinal of 1970-01-01
WITHIN_90 = 1.645


def of_pixels(bands):
    """(bands, rows, columns) as (pixels, bands)."""
    return bands.reshape(len(bands), -1).T.astype(float)


def matched(found, peaks, true_peaks, most=40.0):
    """Values (pixels, found seasons) at the season whose peak is nearest to each true one, no further than `most` days."""
    off = np.abs(np.where(np.isfinite(peaks), peaks, np.inf)[:, None] - np.nan_to_num(true_peaks, nan=1e9)[:, :, None])
    nearest = off.argmin(axis=2)
    near = np.take_along_axis(off, nearest[:, :, None], 2)[:, :, 0] <= most
    return np.where(near, np.take_along_axis(found, nearest, 1), np.nan)


def off_planting(told, transplanting):
    """Days between each planting date told, (pixels, seasons), and the nearest true one of its pixel."""
    true = np.nan_to_num(transplanting, nan=1e9)
    return np.abs(told[:, :, None] - true[:, None, :]).min(axis=2)[np.isfinite(told)]
