"""Scales, and ticks that people would choose. Days are days since 1970-01-01."""
from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

from .profiles import day_number, day_of

MONTH_STEPS = (1, 2, 3, 4, 6)
DAY_STEPS = (1, 2, 5, 10)  # within a month, from its first day on


@dataclass(frozen=True)
class Scale:
    """A straight line from values to positions on paper."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """Position of a value."""
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def value(self, position: float) -> float:
        """Value at a position."""
        return self.low + (position - self.start) / (self.end - self.start) * (self.high - self.low)


def value_ticks(low: float, high: float, most: int) -> list[float]:
    """Round values from low to high, at most `most` steps of 1, 2 or 5 times a power of ten apart."""
    least = (high - low) / max(most, 1)
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]


def date_ticks(low: float, high: float, most: int) -> list[date]:
    """Up to `most` days from low to high: first days of years or months, in a short span days of the month."""
    first, last = day_of(math.ceil(low)), day_of(high)
    for step in DAY_STEPS:
        if high - low > step * (most + 1):
            continue
        days = (first + timedelta(days=number) for number in range(day_number(last) - day_number(first) + 1))
        ticks = [day for day in days if step == 1 or ((day.day - 1) % step == 0 and day.day <= 31 - step)]
        if len(ticks) <= most:
            return ticks
    months = [date(year, month, 1) for year in range(first.year, last.year + 1) for month in range(1, 13)]
    months = [day for day in months if first <= day <= last]
    for step in MONTH_STEPS:
        ticks = [day for day in months if (day.month - 1) % step == 0]
        if len(ticks) <= most:
            return ticks
    years = [day for day in months if day.month == 1]
    step = next(step for power in range(5) for step in (10 ** power, 2 * 10 ** power, 5 * 10 ** power)
                if len([day for day in years if day.year % step == 0]) <= max(most, 1))
    return [day for day in years if day.year % step == 0]

