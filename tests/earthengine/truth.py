"""Composites and harmonic interpolations of scenes by plain numpy, straight from the stored arrays: what exports must equal.

It shares no code with the double's functions nor with the product.
"""

from __future__ import annotations

import warnings
from datetime import date

import numpy as np

INDICES = {"S2ndvi": ("B8", "B4"), "S2ndwi": ("B3", "B8"), "S2lswi": ("B8", "B11")}


def composite(scenes, start, end, threshold=0.60, direction="DESCENDING", reducer="median", index="S2ndvi") -> dict:
    """VV, VH, the index, n_s1 and n_s2 of the passes with start <= day < end; NaN where nothing was seen."""
    shape = (scenes.size, scenes.size)
    optical = [_index(one, index, threshold) for one in scenes.optical
               if start <= one.day < end and one.properties["system:index"] not in scenes.without_partner]  # fmt: skip
    radar = [one for one in scenes.radar if start <= one.day < end and one.properties["orbitProperties_pass"] == direction]
    values = {name: _stack([_radar(one, name) for one in radar], shape) for name in ("VV", "VH")}
    optical = _stack(optical, shape)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        out = {name: _reduced(stack, reducer) for name, stack in values.items()}
        out[index] = np.nanmedian(optical, 0)
    out["n_s1"] = np.isfinite(values["VV"]).sum(0)
    out["n_s2"] = np.isfinite(optical).sum(0)
    return {name: array.astype("float64") for name, array in out.items()}


def interpolated(scenes, periods, window, orders=(10, 5, 1), threshold=0.60) -> dict:
    """S2ndvi, quality, harmonics and n_s2 of each (start, end): lists of arrays.

    One `numpy.linalg.lstsq` per pixel and order on the clear passes of the half-open `window`. The service keeps NDVI of an
    image as float32.
    """
    values = _stack([], (scenes.size, scenes.size))[:0]
    passes = [one for one in scenes.optical if window[0] <= one.day < window[1]
              and one.properties["system:index"] not in scenes.without_partner]  # fmt: skip
    if passes:
        values = np.stack([_index(one, "S2ndvi", threshold).astype("float32").astype("float64") for one in passes])
    begin = date(2023, 1, 1)
    times = np.array([(one.day - begin).days + (2 + 50 / 60) / 24 for one in passes]) / 365.25
    out = {name: [] for name in ("S2ndvi", "quality", "harmonics", "n_s2")}
    for start, end in periods:
        inside = np.array([start <= one.day < end for one in passes], bool)
        middle = ((start - begin).days + (end - start).days / 2) / 365.25
        layers = {name: np.zeros((scenes.size, scenes.size)) for name in out}
        for place in np.ndindex(scenes.size, scenes.size):
            found = _at_pixel(values[(slice(None), *place)], times, inside, middle, orders)
            for name, value in zip(out, found):
                layers[name][place] = value
        for name in out:
            out[name].append(layers[name])
    return out


def _at_pixel(series, times, inside, middle, orders) -> tuple:
    """Value, reason, harmonics and count of one pixel in one period."""
    seen = np.isfinite(series)
    here = series[seen & inside]
    if here.size:
        return np.median(here), 1, -1, here.size
    for order in orders:
        if np.unique(np.floor(times[seen] * 365.25)).size > 2 + 2 * order:  # two tiles may hold one pass
            solution = np.linalg.lstsq(_columns(times[seen], order), series[seen], rcond=None)[0]
            (value,) = _columns(np.array([middle]), order) @ solution
            if -1 < value < 1:
                if np.ptp(series[seen]) == 0:
                    return value, 7, order, 0
                return value, 3 if times[seen].min() <= middle <= times[seen].max() else 5, order, 0
    return np.nan, 6 if seen.any() else 0, 0, 0


def _columns(times, order):
    waves = np.exp(2j * np.pi * np.outer(times, np.arange(1, order + 1)))
    return np.hstack([np.ones((len(times), 1)), times[:, None], waves.real, waves.imag])


def _stack(layers, shape):
    return np.stack([*layers, np.full(shape, np.nan)])  # one empty layer more: periods without any pass


def _reduced(stack, reducer):
    return np.nanmedian(stack, 0) if reducer == "median" else 10 * np.log10(np.nanmean(10 ** (stack / 10), 0))


def _index(one, name, threshold):
    first, second = (np.asarray(one.arrays[band], float) for band in INDICES[name])
    with np.errstate(all="ignore"):
        values = (first - second) / (first + second)
    bad = (first < 0) | (second < 0) | (first + second == 0) | (one.arrays["cs_cdf"] < threshold)
    return np.where(bad, np.nan, values)


def _radar(one, name):
    """Incidence limits after Hird et al. (2017); values below -30 dB in VV are border noise."""
    angle = one.arrays["angle"]
    bad = (angle < 30.63993) | (angle > 45.23993) | (one.arrays["VV"] < -30)
    return np.where(bad, np.nan, one.arrays[name])
