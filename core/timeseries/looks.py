"""A look at a series before it is filled: classes in place of values, clouds left in, a covariate that is the input again."""

from __future__ import annotations

import os

import numpy as np

from ..errors import InputError
from .identity import QUALITY_NAMES
from .series import Series
from .variables import VARIABLES

# A vegetation index that falls by DEEP and is back within so many days on both sides was under a cloud: crops do not regrow so
# fast, and cut grass needs weeks. On six public series the share of such values is 0 to 2 % where clouds are masked well, 10 %
# where a mask missed many, and 8 to 73 % where they are not masked.
DEEP, DIP_DAYS, MANY_DIPS = 0.3, 16, 0.05
FEWEST_DIPS = 30  # values with neighbours on both sides, from which a share is told
LOOKED_AT = 2000  # pixels
# Speckle and the plants' own life keep radar and other indices below this correlation with the series; its copies reach it.
COPY_CORRELATION = 0.9995
FEWEST_PAIRS, DATES_COMPARED = 30, 12


def require_fillable(series: Series) -> None:
    """Refuse what no fill can be made of.

    Raises
    ------
    InputError
        When the series holds classes or flags.
    """
    if series.variable.name in QUALITY_NAMES:
        raise InputError(
            f"{series.name} holds {series.variable.name}, classes or flags of a quality layer: between them nothing can be filled.",
            "Give the series of a variable such as NDVI; use this layer as QUALITY_LAYERS of 'Build time series' "
            "(phenofuse:buildtimeseries).",
        )


def dips(values: np.ndarray, days: np.ndarray) -> tuple[int, int]:
    """How many values lie DEEP below higher ones shortly before and after.

    Parameters
    ----------
    values : (dates, pixels)
        NaN where missing.
    days : (dates,)

    Returns
    -------
    int, int
        Dips, and values that could be one: with others within DIP_DAYS before and after.
    """
    seen = np.where(np.isfinite(values), values, -np.inf)
    count = possible = 0
    for place, day in enumerate(days):
        before = seen[(days < day) & (days >= day - DIP_DAYS)]
        after = seen[(days > day) & (days <= day + DIP_DAYS)]
        if not len(before) or not len(after):
            continue
        around = np.minimum(before.max(axis=0), after.max(axis=0))
        known = np.isfinite(around) & np.isfinite(values[place])
        possible += int(known.sum())
        count += int((around[known] - values[place][known] > DEEP).sum())
    return count, possible


def clouds_left(series: Series) -> str:
    """A sentence where a vegetation index looks as if clouds were still in it, else ''."""
    low, high = series.variable.limits
    if series.variable.is_backscatter or low < -1 or high > VARIABLES["EVI2"].limits[1]:
        return ""
    values = series.sampled()
    if values.shape[1] > LOOKED_AT:
        values = values[:, np.linspace(0, values.shape[1] - 1, LOOKED_AT).astype(int)]
    count, possible = dips(values, series.days)
    if possible < FEWEST_DIPS or count < MANY_DIPS * possible:
        return ""
    full = "" if np.isnan(values).any() else ", and no value is missing"
    return (
        f"{count / possible:.0%} of the values of {series.name} fall by more than {DEEP:g} and recover within "
        f"{DIP_DAYS} days, which no "
        f"vegetation does{full}: clouds seem to be left in. Mask them first, by QUALITY_LAYERS of 'Build time series' "
        "(phenofuse:buildtimeseries), or every fill will follow them."
    )


def require_no_copy(target: Series, other: Series) -> None:
    """Refuse a covariate that is the series to be filled again, or a copy of it: it would seem to know every gap.

    Raises
    ------
    InputError
    """
    again = {os.path.realpath(path) for path in target.paths} & {os.path.realpath(path) for path in other.paths}
    if again and target.variable == other.variable:
        raise InputError(
            f"{other.name} is given as INPUT and among COVARIATES.",
            "Give other variables, such as VV and VH, as COVARIATES.",
        )
    _, mine, theirs = np.intersect1d(target.days, other.days, return_indices=True)
    if not len(mine):
        return
    some = np.unique(np.linspace(0, len(mine) - 1, DATES_COMPARED).round().astype(int))
    first, second = target.sampled(mine[some]).ravel(), other.sampled(theirs[some]).ravel()
    both = np.isfinite(first) & np.isfinite(second)
    first, second = first[both].astype(float), second[both].astype(float)
    if len(first) < FEWEST_PAIRS or min(first.std(), second.std()) < 1e-6:
        return
    correlation = np.corrcoef(first, second)[0, 1]
    if abs(correlation) > COPY_CORRELATION:
        raise InputError(
            f"The covariate {other.name} holds the values of {target.name} (correlation {correlation:.4f}): it tells "
            "nothing of the gaps.",
            "Leave it out of COVARIATES, or give the radar that was meant; a folder without radar has none.",
        )
