"""Columns of a harmonic model at true dates: constant, trend, and cosine and sine of each harmonic."""
from __future__ import annotations

import numpy as np

from ..errors import DateError, InputError

# A trend is told from the season only when the window holds clearly more than one period of it.
PERIODS_FOR_TREND = 1.5


def harmonic_design(days, order, period_days, trend, centre):
    """Harmonic design matrix.

    Parameters
    ----------
    days : (dates,) array
        Days on any one scale.
    order : int
        Number of harmonics.
    period_days : float
        Length of the first harmonic, in days.
    trend : bool
        Whether the second column is time, in periods.
    centre : float
        Day that counts as zero; the middle of the window keeps the columns well conditioned.

    Returns
    -------
    (dates, 1 + trend + 2 order) array
        1, [time], cos 1, sin 1, cos 2, sin 2, ...
    """
    time = (np.asarray(days, np.float64) - centre) / period_days
    columns = [np.ones_like(time)]
    if trend:
        columns.append(time)
    for harmonic in range(1, order + 1):
        angle = 2 * np.pi * harmonic * time
        columns += [np.cos(angle), np.sin(angle)]
    return np.stack(columns, axis=1)


def checked_days(series, days):
    """`days` as float64, once they fit `series` (pixels, dates) and strictly increase.

    Raises
    ------
    InputError, DateError
    """
    days = np.asarray(days, np.float64)
    if np.ndim(series) != 2 or np.shape(series)[1] != len(days):
        raise InputError(f"The series have the shape {np.shape(series)}, but there are {len(days)} dates.",
                         "Give an array of pixels by dates.")
    return increasing_days(days)


def increasing_days(days):
    """`days` as float64, once they strictly increase."""
    days = np.asarray(days, np.float64)
    if len(days) == 0 or not (np.diff(days) > 0).all():
        raise DateError("The dates do not strictly increase.", "Sort the bands by date and merge repeated dates.")
    return days


def window_centre(days):
    """Middle day of the window."""
    return 0.5 * (float(days[0]) + float(days[-1]))


def trend_supported(days, period_days):
    """Whether the window is long enough to tell a trend from the season."""
    return float(days[-1]) - float(days[0]) >= PERIODS_FOR_TREND * period_days


def amplitude_and_phase(coefficients, order, trend):
    """Amplitude and phase of each harmonic.

    Parameters
    ----------
    coefficients : (pixels, 1 + trend + 2 order) array

    Returns
    -------
    amplitude, phase : (pixels, order) arrays
        Harmonic k is amplitude_k cos(2 pi k time - phase_k) with phase in [0, 2 pi): its first maximum after the
        window's middle lies at phase / (2 pi k) periods.
    """
    first = 1 + bool(trend)
    cosine = coefficients[:, first:first + 2 * order:2]
    sine = coefficients[:, first + 1:first + 2 * order:2]
    return np.hypot(cosine, sine), np.mod(np.arctan2(sine, cosine), 2 * np.pi)
