"""Composites of a series before it is filled: dekads, months, or stretches of so many days."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ..errors import DateError, InputError
from .dates import EPOCH, Period
from .grids import Window
from .reducers import REDUCERS, reduced
from .series import Series
from .variables import Variable

STRETCHES = ("none", "dekads", "months", "days")
WAYS = tuple(how for how in REDUCERS if how not in ("first", "last"))  # of a period, neither is better than the others
MOST_IN_A_PERIOD = 32767  # what int16 holds
COUNT = Variable("observations", "1", (0.0, float(MOST_IN_A_PERIOD)), "Number of observations")


@dataclass(frozen=True)
class Composites:
    """A series made of another, read as `Series` is: a period's dates are read only when the period is.

    Parameters
    ----------
    series : Series
    groups : tuple of (Period, tuple of int)
        Half-open periods that follow one another, and the dates of the series in each; none in some.
    how : str
        One of `WAYS`.
    """

    series: Series
    groups: tuple
    how: str

    @property
    def variable(self) -> Variable:
        """That of the series; counts are a variable of their own."""
        return COUNT if self.how == "count" else self.series.variable

    @property
    def units(self) -> str:
        """Units of what `read` returns."""
        return self.variable.units

    @property
    def periods(self) -> tuple[Period, ...]:
        """All of them, those without a date too."""
        return tuple(period for period, _ in self.groups)

    @property
    def count(self) -> int:
        """Number of periods."""
        return len(self.groups)

    @property
    def bytes_per_pixel(self) -> int:
        """What one pixel needs while it is read and written: its periods, and the dates of the fullest one as read and in float64."""
        return 3 * 4 * self.count + (3 * 4 + 2 * 8) * max(len(dates) for _, dates in self.groups)

    def read(self, window: Window | None = None) -> np.ndarray:
        """Values of a window, (periods, rows, columns) float32; NaN where no date of the period has seen the pixel."""
        window = window or self.series.grid.window
        nothing = np.float32(0 if self.how == "count" else np.nan)
        out = np.full((self.count, window.rows, window.columns), nothing)
        for place, (_, dates) in enumerate(self.groups):
            if dates:
                out[place] = reduced(self.series.read(window, dates), self.how, self.series.variable.is_backscatter)
        return out


def aggregated(series: Series, stretch: str, how: str, days: int | None, start: date | None, events) -> Series | Composites:
    """Composites of a series, or the series itself for ``none``; what became of its dates is said aloud.

    Parameters
    ----------
    stretch : str
        One of `STRETCHES`. A date belongs to the period that holds its middle.
    how : str
        One of `WAYS`; means and medians of backscatter are those of its power.
    days : int, optional
        Length of a period, for ``days``.
    start : date, optional
        First day of the first period, for ``days``; by default the first date. Earlier dates are left out.

    Raises
    ------
    InputError
        When there is no such stretch or way, or `days` is missing.
    DateError
        When `start` lies after all dates.
    """
    for key, value, choices in (("AGGREGATE", stretch, STRETCHES), ("AGGREGATE_BY", how, WAYS)):
        if value not in choices:
            raise InputError(f"There is no {key} '{value}'.", f"Choose one of {', '.join(choices)}.")
    if stretch == "none":
        return series
    if stretch == "days" and not (days and days > 0):
        raise InputError("AGGREGATE is days, but AGGREGATE_DAYS does not say how many.", "Give AGGREGATE_DAYS, such as 16.")
    groups, left = _grouped(series.periods, stretch, days, start)
    if not groups:
        raise DateError(f"All dates of {series.name} lie before START_DATE {start}; the last is {series.periods[-1]}.",
                        "Give an earlier START_DATE, or leave it empty.")  # fmt: skip
    if left:
        events.warning(f"{left} dates before START_DATE {start} are left out.")
    empty = sum(not dates for _, dates in groups)
    name = f"stretches of {days} days" if stretch == "days" else stretch
    without = f"; {empty} of them hold no date" if empty else ""
    events.info(f"{series.count - left} dates become {len(groups)} {name} ({how}){without}.")
    return Composites(series, groups, how)


def _grouped(periods, stretch: str, days: int | None, start: date | None) -> tuple[tuple, int]:
    """Periods from the first to the last that holds a date, with the positions of their dates; and how many dates lie before."""
    middles = [EPOCH + timedelta(math.floor(period.middle)) for period in periods]
    first = (start or periods[0].start) if stretch == "days" else _begin(middles[0], stretch)
    left = sum(day < first for day in middles)
    groups, begin = [], first
    while begin <= middles[-1]:
        end = begin + timedelta(days) if stretch == "days" else _next(begin, stretch)
        groups.append((Period(begin, end), tuple(i for i, day in enumerate(middles) if begin <= day < end)))
        begin = end
    return tuple(groups), left


def _begin(day: date, stretch: str) -> date:
    """First day of the dekad or month that holds a day: dekads begin on the 1st, the 11th and the 21st."""
    return day.replace(day=1 if stretch == "months" else min(21, (day.day - 1) // 10 * 10 + 1))


def _next(begin: date, stretch: str) -> date:
    """First day of the next one."""
    if stretch == "dekads" and begin.day < 21:
        return begin.replace(day=begin.day + 10)
    return (begin.replace(day=1) + timedelta(31)).replace(day=1)
