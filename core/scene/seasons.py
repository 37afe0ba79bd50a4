"""The life of a rice crop as NDVI, and its true dates.

A season is a double logistic (Beck et al. 2006, Remote Sensing of Environment 100, 321-334) between what lies under
the crop and its peak. What lies under it is water around transplanting and stubble or bare soil otherwise, so NDVI
falls to about 0.1 before it rises to about 0.85. All times are days since 1970-01-01.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from .chance import stream
from .fields import Layout

# Transplanting as days after 1 October, first group of the scheme. Central Java plants the main crop with the rains
# (October to December), the second from February to April and, where canals carry water, a third in June or July.
CALENDAR = {1: (80.0,), 2: (55.0, 182.0), 3: (19.0, 134.0, 249.0)}
YEAR_DEVIATION = 5.0  # days: the rains come earlier or later
FIELD_DEVIATION = 4.0  # days: a farmer plants before or after the neighbour
DURATION = (97.0, 3.0)  # days from transplanting to harvest, mean and deviation: 90-105 for Ciherang, IR64
GREEN_UP, SENESCENCE = 0.30, 0.90  # middle of rise and of fall, as shares of the duration
GREEN_UP_RATE, SENESCENCE_RATE = 0.14, 0.16  # 1/day: 10 to 90 % of the rise takes 31 days
FLOOD_BEFORE, DRAIN_BEFORE = 12.0, 20.0  # days: flooded before transplanting, drained before harvest
FLOOD_RATE, DRAIN_RATE = 0.5, 0.3  # 1/day
NDVI_FLOODED, NDVI_FALLOW = (0.09, 0.012), (0.17, 0.015)  # mean and deviation between fields
NDVI_PEAK = (0.85, 0.02)
THRESHOLD = 0.20  # of the amplitude; the customary choice (Jonsson & Eklundh 2004, TIMESAT)
SEARCH_DAYS = 120.0  # how far from a peak its minima are looked for
STEP_DAYS = 2.0  # of the curve on which dates are read; interpolated, it errs by less than 0.1 day


@dataclass(frozen=True)
class Crops:
    """Every season of every field; NaN where a field has fewer seasons than the others.

    Attributes
    ----------
    transplanting, duration, peak : (fields, seasons) day, days, NDVI
    flooded, fallow : (fields,) NDVI of the field under water and without a crop
    """

    transplanting: np.ndarray
    duration: np.ndarray
    peak: np.ndarray
    flooded: np.ndarray
    fallow: np.ndarray

    @property
    def harvest(self) -> np.ndarray:
        """Day of harvest of every season, (fields, seasons)."""
        return self.transplanting + self.duration

    def of(self, fields: slice) -> Crops:
        """Return the crops of some of the fields."""
        return Crops(
            self.transplanting[fields],
            self.duration[fields],
            self.peak[fields],
            self.flooded[fields],
            self.fallow[fields],
        )


def plant(layout: Layout, first_day: float, last_day: float, seed: int) -> Crops:
    """Give every field its seasons, from a year before the first day to a year after the last."""
    draws = stream(seed, "seasons")
    years = np.arange(
        date.fromordinal(int(first_day) + _EPOCH).year - 1, date.fromordinal(int(last_day) + _EPOCH).year + 1
    )
    new_year = np.array([date(year, 10, 1).toordinal() - _EPOCH for year in years], dtype=float)
    new_year += YEAR_DEVIATION * draws.standard_normal(years.size)
    most = max(CALENDAR)
    calendar = np.full((most + 1, most), np.nan)
    for crops, days in CALENDAR.items():
        calendar[crops, :crops] = days
    fields = layout.crops.size
    transplanting = (new_year[None, :, None] + calendar[layout.crops][:, None, :]).reshape(fields, -1)
    shape = transplanting.shape
    transplanting = transplanting + layout.delay[:, None] + FIELD_DEVIATION * draws.standard_normal(shape)
    return Crops(
        transplanting=transplanting,
        duration=_draw(draws, DURATION, shape),
        peak=_draw(draws, NDVI_PEAK, shape),
        flooded=_draw(draws, NDVI_FLOODED, fields),
        fallow=_draw(draws, NDVI_FALLOW, fields),
    )


def flooding(crops: Crops, days: np.ndarray) -> np.ndarray:
    """Return the share of water under the crop, 0 dry to 1 flooded; (fields, days)."""
    return over_seasons(
        crops,
        days,
        lambda age, duration: (
            logistic(FLOOD_RATE * (age + FLOOD_BEFORE)) * logistic(DRAIN_RATE * (duration - DRAIN_BEFORE - age))
        ),
    )


def ndvi(crops: Crops, days: np.ndarray) -> np.ndarray:
    """Return the noise-free NDVI of every field, (fields, days)."""
    base = crops.fallow[:, None] + (crops.flooded - crops.fallow)[:, None] * flooding(crops, days)
    cover = over_seasons(crops, days, _green_cover)
    peak_cover = over_seasons(crops, days, _green_cover, weight=crops.peak)
    return base * (1 - cover) + peak_cover


def season_dates(crops: Crops, first_day: float, last_day: float, threshold: float = THRESHOLD) -> np.ndarray:
    """Return start, peak and end of every season that peaks within the days given, (fields, seasons, 3).

    Start: where the rising noise-free NDVI passes `threshold` of the way from the lowest value since the peak before
    to this peak; end: the same on the falling side. A start or an end outside the days is NaN, as is all of a season
    that peaks outside. Seasons come in order of time, those absent last.
    """
    parts = [
        _dates_of_part(crops.of(slice(first, first + 1000)), first_day, last_day, threshold)
        for first in range(0, crops.flooded.size, 1000)
    ]
    dates = np.concatenate(parts)
    order = np.argsort(dates[:, :, 1], axis=1, kind="stable")  # NaN sorts last
    dates = np.take_along_axis(dates, order[:, :, None], axis=1)
    most = int(np.isfinite(dates[:, :, 1]).sum(axis=1).max())
    return dates[:, :most]


def _dates_of_part(crops: Crops, first_day: float, last_day: float, threshold: float) -> np.ndarray:
    margin = SEARCH_DAYS + 2 * DURATION[0]
    days = np.arange(first_day - margin, last_day + margin, STEP_DAYS)
    curve = ndvi(crops, days)
    peaks = np.stack(
        [
            _peak_day(curve, days, crops.transplanting[:, season], crops.duration[:, season])
            for season in range(crops.duration.shape[1])
        ],
        axis=1,
    )
    dates = np.full(peaks.shape + (3,), np.nan)
    for field in range(peaks.shape[0]):
        within = (peaks[field] >= first_day) & (peaks[field] <= last_day)
        for season in np.flatnonzero(within):
            peak = peaks[field, season]
            before = max([peak - SEARCH_DAYS, *peaks[field][peaks[field] < peak]])
            after = min([peak + SEARCH_DAYS, *peaks[field][peaks[field] > peak]])
            start = _crossing(curve[field], days, peak, before, threshold)
            end = _crossing(curve[field], days, peak, after, threshold)
            dates[field, season] = (start if start >= first_day else np.nan, peak, end if end <= last_day else np.nan)
    return dates


def _peak_day(curve: np.ndarray, days: np.ndarray, transplanting: np.ndarray, duration: np.ndarray) -> np.ndarray:
    """Return the day of the highest value between transplanting and harvest, refined by a parabola; (fields,)."""
    growing = (days >= transplanting[:, None]) & (days <= (transplanting + duration)[:, None])
    highest = np.argmax(np.where(growing, curve, -np.inf), axis=1).clip(1, days.size - 2)
    left, middle, right = (np.take_along_axis(curve, (highest + step)[:, None], axis=1)[:, 0] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    shift = 0.5 * (left - right) / np.where(bend < 0, bend, -1.0)
    return np.where(growing.any(axis=1), days[highest] + STEP_DAYS * shift.clip(-1, 1), np.nan)


def _crossing(curve: np.ndarray, days: np.ndarray, peak: float, limit: float, threshold: float) -> float:
    """Walk from the peak towards the limit and return the day on which the curve falls through the threshold."""
    first, last = np.searchsorted(days, (min(peak, limit), max(peak, limit)))
    place = np.arange(first, last)[:: -1 if limit < peak else 1]
    values = curve[place]
    level = values.min() + threshold * (np.interp(peak, days, curve) - values.min())
    first = int(np.argmax(values < level))
    above, below = place[first - 1], place[first]
    share = (curve[above] - level) / (curve[above] - curve[below])
    return float(days[above] + share * (days[below] - days[above]))


def _green_cover(age: np.ndarray, duration: np.ndarray) -> np.ndarray:
    """Return the double logistic of a season, 0 without a crop to nearly 1 at its peak."""
    return (
        logistic(GREEN_UP_RATE * (age - GREEN_UP * duration))
        + logistic(SENESCENCE_RATE * (SENESCENCE * duration - age))
        - 1
    ).clip(0, 1)


def over_seasons(crops: Crops, days: np.ndarray, shape, weight: np.ndarray = None) -> np.ndarray:
    """Add a function of age and duration over all seasons of every field; (fields, days), at most 1."""
    total = np.zeros((crops.flooded.size, days.size))
    for season in range(crops.duration.shape[1]):
        has = np.flatnonzero(np.isfinite(crops.transplanting[:, season]))
        age = days[None, :] - crops.transplanting[has, season][:, None]
        part = shape(age, crops.duration[has, season][:, None])
        total[has] += part if weight is None else part * weight[has, season][:, None]
    return total.clip(None, 1)


def logistic(x: np.ndarray) -> np.ndarray:
    """Return the logistic function, 0 to 1."""
    return 0.5 * (1 + np.tanh(0.5 * x))  # the same function as 1 / (1 + exp(-x)), without overflow


def _draw(draws: np.random.RandomState, mean_and_deviation: tuple, shape) -> np.ndarray:
    mean, deviation = mean_and_deviation
    return mean + deviation * draws.standard_normal(shape)


_EPOCH = date(1970, 1, 1).toordinal()
