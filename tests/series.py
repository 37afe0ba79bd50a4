"""Series for tests and benchmarks: dates, real data as pixels, gaps hidden in them, and the line every method must beat."""
from __future__ import annotations

import numpy as np
import rasterio


def dates(count, step=12, start="2023-01-01"):
    """Give descriptions of `count` periods of `step` days."""
    first = np.datetime64(start)
    return [f"{first + i * step}/{first + (i + 1) * step}" for i in range(count)]


def load(path):
    """Cube (dates, rows, columns) of a raster with ISO dates as band names, and days; equal dates are averaged."""
    with rasterio.open(path) as src:
        values, names = src.read().astype(float), [text[:10] for text in src.descriptions]
    days = np.array(names, "datetime64[D]").astype(float)
    unique = np.unique(days)
    with np.errstate(all="ignore"):
        merged = [np.nanmean(values[days == day], axis=0) if (days == day).sum() > 1 else values[days == day][0] for day in unique]
    return np.stack(merged), unique


def pixels(cube):
    """A cube (dates, rows, columns) as series (pixels, dates)."""
    return cube.reshape(len(cube), -1).T


def hide(series, days, gap, seed):
    """Per pixel, hide all observations within half a gap of one of them that lies 60 days from both ends; (pixels, dates)."""
    rng = np.random.default_rng(seed)
    hidden = np.zeros(series.shape, bool)
    for pixel, values in enumerate(series):
        seen = np.isfinite(values)
        inside = np.flatnonzero(seen & (days > days[0] + 60) & (days < days[-1] - 60))
        if len(inside) and seen.sum() >= 6:
            hidden[pixel] = seen & (np.abs(days - days[rng.choice(inside)]) <= gap / 2)
    return hidden


def linear(series, days):
    """Interpolate linearly per pixel, (pixels, dates)."""
    out = np.full(series.shape, np.nan)
    for pixel, values in enumerate(series):
        seen = np.isfinite(values)
        if seen.any():
            out[pixel] = np.interp(days, days[seen], values[seen])
    return out
