"""Seasons by the time of year in which they start: rice calendars and the like.

A calendar is a list of windows of the year, each with a name; they may cross New Year and may not overlap.
"""
from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..errors import InputError

# Java's three plantings of rice: with the rains from October; a first dry season from March, when the Indonesian cropping
# calendar (KATAM, Ministry of Agriculture; II/2013 puts it in the first two thirds of March on Java) opens it; a second one
# from July to September. The windows hold the start of growth, so they leave no day out.
PRESETS = {"java": "wet season 10-01/02-29, first dry season 03-01/06-30, second dry season 07-01/09-30"}
OUTSIDE = 0
# Days from transplanting rice to the start of its season: half of its greening is reached within 40 days (Xiao et al. 2006,
# Remote Sensing of Environment 100, 95-113), a fifth of it after about half of that.
PLANTING_LAG = 20.0

_WINDOW = re.compile(r"^(.*?)\s*(\d\d)-(\d\d)\s*/\s*(\d\d)-(\d\d)$")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
# Day of a leap year before the first of each month: so a date has one number in every year.
_BEFORE = np.concatenate([[0], np.cumsum(_DAYS)])[:12]


@dataclass(frozen=True)
class Calendar:
    """Names of the windows, and for each of 366 days of a leap year the number of its window, or OUTSIDE."""

    names: tuple
    window_of_day: np.ndarray

    def types(self, days: np.ndarray) -> np.ndarray:
        """Number of the window that holds each day since 1970-01-01, from 1; OUTSIDE for none; NaN for NaN. As float32."""
        days = np.asarray(days, float)
        known = np.isfinite(days)
        dates = np.floor(days[known]).astype("datetime64[D]")
        months = dates.astype("datetime64[M]")
        out = np.full(days.shape, np.nan, np.float32)
        out[known] = self.window_of_day[_BEFORE[months.astype(int) % 12] + (dates - months).astype(int)]
        return out


def parse(text: str) -> Calendar:
    """Read a calendar.

    Parameters
    ----------
    text : str
        The name of a preset, or windows such as ``winter crop 10-01/03-31, summer crop 04-01/09-30`` (month-day).

    Raises
    ------
    InputError
        When a window is no window, or two overlap.
    """
    names, of_day = [], np.zeros(366, np.uint8)
    for part in re.split(r"[,;\n]", PRESETS.get(text.strip().lower(), text)):
        match = _WINDOW.match(part.strip())
        if not match:
            raise InputError(f"'{part.strip()}' is no window of a calendar.",
                             f"Write windows as 'name 10-01/02-28' with commas between, or one of: {', '.join(PRESETS)}.")
        first, last = _day(match[2], match[3], part), _day(match[4], match[5], part)
        inside = np.arange(first, last + 1) if first <= last else np.r_[first:366, :last + 1]
        if of_day[inside].any():
            raise InputError(f"The window '{part.strip()}' overlaps another one.", "Let windows follow one another.")
        names.append(match[1] or f"window {len(names) + 1}")
        of_day[inside] = len(names)
    return Calendar(tuple(names), of_day)


def _day(month: str, day: str, part: str) -> int:
    """Position of a month and day in a leap year, from 0."""
    if not (1 <= int(month) <= 12 and 1 <= int(day) <= _DAYS[int(month) - 1]):
        raise InputError(f"'{part.strip()}' holds a day that does not exist.", "Write month and day, as in 02-28.")
    return int(_BEFORE[int(month) - 1]) + int(day) - 1


def day_of_year(days: np.ndarray) -> np.ndarray:
    """Day of the year, 1 to 366 with its fraction, of days since 1970-01-01; NaN for NaN."""
    days = np.asarray(days, float)
    known = np.isfinite(days)
    out = np.full(days.shape, np.nan, np.float32)
    years = np.floor(days[known]).astype("datetime64[D]").astype("datetime64[Y]").astype("datetime64[D]").astype(float)
    out[known] = days[known] - years + 1
    return out
