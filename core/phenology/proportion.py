"""Whether a least amplitude suits the variable: its default is for NDVI, and other indices rise by less."""

from __future__ import annotations

import numpy as np

from ..timeseries import Series

USUAL_SHARE = 0.25  # of the rise of a season: what 0.15 is of NDVI's, which rises by some 0.6
LARGEST_SHARE = 0.5  # above it the seasons that most pixels have would not be found


def caution(series: Series, least_amplitude: float) -> str:
    """A sentence where the least amplitude would hide the usual season of a variable that is not NDVI, else ''."""
    if series.variable.name == "NDVI":
        return ""
    values = series.sampled()
    values = values[:, np.isfinite(values).any(axis=0)]
    if not values.size:
        return ""
    low, high = np.nanpercentile(values, (5, 95), axis=0)
    rise = float(np.median(high - low))
    if least_amplitude <= LARGEST_SHARE * rise:
        return ""
    return (f"MIN_AMPLITUDE is {least_amplitude:g}, but {series.variable.name} of most places looked at changes by {rise:.2g} only: "
            f"their seasons are not found. Give {USUAL_SHARE * rise:.1g}, a quarter of it, as 0.15 is for NDVI.")  # fmt: skip
