"""Reason codes of harmonic fills: the rule of all methods, and of values that are missing what the method knows better."""
from __future__ import annotations

import numpy as np

from ..timeseries import quality
from ..timeseries.filling import reasons


def codes(series, days, output_days, mean, own, options) -> np.ndarray:
    """Codes (pixels, output dates).

    Parameters
    ----------
    series : (pixels, dates)
    days, output_days : (dates,)
    mean : (pixels, output dates)
        NaN where there is no value.
    own : (pixels, output dates) uint8
        The method's own codes: of a pixel without a valid value invalid or no data; of a value that it does not have, why.
    options : adaptive.Options or cascade.Options
    """
    low, high = options.valid_range
    with np.errstate(invalid="ignore"):
        valid = np.where((series >= low) & (series <= high), series, np.nan)
    found = reasons([valid], (days,), output_days, np.isfinite(mean), options.max_gap_days, options.keep_observed)
    return np.where((found == quality.NOT_CONVERGED) | (found == quality.NO_DATA), own, found)
