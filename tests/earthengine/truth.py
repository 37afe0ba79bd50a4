"""Composites of scenes by plain numpy, straight from the stored arrays: what exports must equal.

It shares no code with the double's functions nor with the product.
"""

from __future__ import annotations

import warnings

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
