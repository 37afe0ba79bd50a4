"""Dates and half-open periods, and finding them in texts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np

from .. import tables
from ..errors import DateError

EPOCH = date(1970, 1, 1)
# Satellite series begin in 1972 (Landsat 1); numbers that read as other years are no dates.
FIRST_YEAR, LAST_YEAR = 1972, 2100
HOW = "Write dates as 2023-11-01, periods as 2023-11-01/2023-11-13."

_CLOCK = r"(?:[T ]\d\d?:?\d\d(?::?\d\d(?:\.\d+)?)?(?: ?[AP]M)?(?:Z|[+-]\d\d:?\d\d)?)?"
_ZONED = re.compile(r"[\d-]+[T ](\d\d?):?(\d\d).*([+-])(\d\d):?(\d\d)", re.ASCII | re.IGNORECASE)
_DAY = re.compile(rf"(\d{{4}})(-?)(\d\d)\2(\d\d){_CLOCK}", re.ASCII | re.IGNORECASE)

_ISO = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)


@dataclass(frozen=True, order=True)
class Period:
    """A day, or a half-open period: `end` is the first day no longer in it."""

    start: date
    end: date | None = None

    def __post_init__(self):
        if self.end is not None and self.end <= self.start:
            raise DateError(
                f"The period {self.start}/{self.end} ends before it begins.",
                "Give the start first; the end is the first day after the period.",
            )

    def __str__(self) -> str:
        return f"{self.start}" if self.end is None else f"{self.start}/{self.end}"

    @property
    def text(self) -> str:
        """``2023-11-01`` or ``2023-11-01/2023-11-13``."""
        return str(self)

    @property
    def middle(self) -> float:
        """Days since 1970-01-01 of the day, or of the middle of the period."""
        first = (self.start - EPOCH).days
        return float(first) if self.end is None else first + (self.end - self.start).days / 2

    def agrees(self, other: Period) -> bool:
        """Whether both begin on one day, and end on one where both say when they end."""
        return self.start == other.start and (self.end is None or other.end is None or self.end == other.end)

    @property
    def tags(self) -> dict:
        """``start_time`` and ``end_time`` (the end of a single day is the day itself)."""
        return {"start_time": f"{self.start}T00:00:00", "end_time": f"{self.end or self.start}T00:00:00"}

    @classmethod
    def parse(cls, text: str) -> Period:
        """Read ``2023-11-01``, ``2023-11-01T10:20:30Z`` or two of them joined by ``/``.

        Raises
        ------
        DateError
            When the text is neither.
        """
        start, _, end = text.strip().partition("/")
        first = day_in(start)
        last = day_in(end) if end else None
        return cls(first, None if last == first else last)

    @classmethod
    def tagged(cls, tags: dict) -> Period | None:
        """What ``start_time`` and ``end_time`` say; None where they say nothing that is a date."""
        start, end = tags.get("start_time"), tags.get("end_time")
        for length in (None, 10):  # whatever stands behind the date
            try:
                return cls.parse(f"{start[:length]}/{(end or start)[:length]}") if start else None
            except DateError:
                continue
        return None


def day_in(text: str, key: str = "") -> date:
    """Read ``2023-11-01``, ``20231101`` or either with a time of day; `key` names the parameter in the message.

    Where a time has a zone, the day is that of the moment in UTC.

    Raises
    ------
    DateError
        When it is no date, or of a year in which no satellite observed.
    """
    match = _DAY.fullmatch(text.strip())
    try:
        day = date(int(match[1]), int(match[3]), int(match[4]))
        zoned = _ZONED.fullmatch(text.strip())
        if zoned:
            hour, minute, zone, hours, minutes = (int(part + "1") if part in "+-" else int(part) for part in zoned.groups())
            day += timedelta(minutes=hour * 60 + minute - zone * (hours * 60 + minutes))
    except (TypeError, ValueError, OverflowError):
        raise DateError(f"{key and key + ': '}'{text[:60]}' is not a date.", HOW) from None
    return _possible(day, text)


def iso_date(text: str) -> date:
    """Read ``2023-11-01`` and nothing else; `date.fromisoformat` reads more of it on newer Pythons.

    Raises
    ------
    ValueError
        When it is none.
    """
    match = _ISO.fullmatch(text)
    if not match:
        raise ValueError(f"'{text[:40]}' is no date")
    return date(*map(int, match.groups()))


def later(day: date, days: int) -> date:
    """The day so many days later (earlier where negative).

    Raises
    ------
    DateError
        When it lies in a year in which no satellite observed.
    """
    try:
        return _possible(day + timedelta(days=days), f"{days} days after {day}")
    except OverflowError:
        raise DateError(f"{days} days after {day} is no date.", "Give fewer days.") from None


def _possible(day: date, text: str) -> date:
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise DateError(f"'{text[:60]}' lies in the year {day.year}; satellite series lie between {FIRST_YEAR} and {LAST_YEAR}.",
                        "Correct the date.")  # fmt: skip
    return day


def days_of(periods) -> np.ndarray:
    """Middles of the periods in days since 1970-01-01, as float64."""
    return np.array([period.middle for period in periods], dtype=float)


def periods_between(start: date, step_days: int, count: int) -> tuple[Period, ...]:
    """`count` half-open periods of `step_days` days, one after the other."""
    starts = [later(start, step_days * i) for i in range(count + 1)]
    return tuple(Period(a, b) for a, b in zip(starts, starts[1:]))


def require_increasing(periods, what: str) -> None:
    """Raise `DateError`, naming the first offenders, unless the days that the mathematics uses strictly increase.

    These days are the middles of the periods: of two periods that overlap the one may begin and the other lie first.
    """
    for number, (a, b) in enumerate(zip(periods, periods[1:]), start=1):
        if b.middle > a.middle:
            continue
        if b == a:
            raise DateError(
                f"{what}: bands {number} and {number + 1} are both of {a}; dates must differ.",
                "Run 'Build time series' (phenofuse:buildtimeseries) on it: it averages equal dates.",
            )
        if b.middle == a.middle:
            raise DateError(f"{what}: band {number} ({a}) and band {number + 1} ({b}) have the same middle day.",
                            "Correct or leave out the longer period.")  # fmt: skip
        if a.end is None and b.end is None or b.start < a.start:
            raise DateError(
                f"{what}: band {number + 1} ({b}) comes after band {number} ({a}); dates must increase.",
                "Run 'Build time series' (phenofuse:buildtimeseries) on it: it sorts the dates.",
            )
        raise DateError(f"{what}: the middle of band {number + 1} ({b}) does not lie after that of band {number} ({a}).",
                        "Run 'Build time series' (phenofuse:buildtimeseries) on it: it sorts by the middles, "
                        "or correct or leave out the longer period.")  # fmt: skip


def dates_given(text: str) -> dict | tuple[Period, ...]:
    """Dates from the DATES parameter: a list, or the path of a CSV file as people and spreadsheets write it.

    Returns
    -------
    tuple of Period
        From a list separated by commas, semicolons or spaces, or a CSV file without names.
    dict of str to Period
        From a CSV file with a column of file names beside the dates.

    Raises
    ------
    DateError
        When the file cannot be read, a row holds no date, or a date could be read in two ways; the row is named.
    """
    path = Path(text.strip())
    if path.suffix.lower() not in (".csv", ".txt"):
        cells = [item for item in re.split(r"[,;\s]+", text.strip()) if item]
        return tuple(_row_of_dates([cell], _order(cells, "DATES"), "DATES")[1] for cell in cells)
    try:
        rows = tables.rows_in(path)
    except (OSError, ValueError) as problem:
        raise DateError(f"The file of dates {path.name} cannot be read: {problem}.", "Check DATES.") from problem
    order = _order([cell.strip() for _, row in rows for cell in row], path.name)
    if rows and not any(map(_LIKE_A_DATE.match, rows[0][1])):
        rows = rows[1:]  # the names of the columns
    if not rows:
        raise DateError(f"{path.name} holds no date.", "Give one line per file or band: a date, or name and date.")
    found = [_row_of_dates(row, order, f"{path.name}, row {number}") for number, row in rows]
    if not any(map(str.isalpha, "".join(name for name, _ in found))):  # no names: values, or nothing, beside the dates
        return tuple(period for _, period in found)
    named = {}
    for (number, _), (name, period) in zip(rows, found):
        if not name or name in named:
            wrong = f"names {name} again" if name else "names no file, as others do"
            raise DateError(f"{path.name}, row {number} {wrong}.",
                            "Give each file one row, or give dates alone, in the order of the files.")  # fmt: skip
        named[name] = period
    return named


# As spreadsheets show dates. With the year first there is but one order.
_YEAR_FIRST = re.compile(rf"(\d{{4}})([/.-])(\d\d?)\2(\d\d?){_CLOCK}", re.ASCII | re.IGNORECASE)
_YEAR_LAST = re.compile(rf"(\d\d?)([/.-])(\d\d?)\2(\d{{4}}){_CLOCK}", re.ASCII | re.IGNORECASE)
# A row in which nothing begins with a number or holds a year may be names of columns; any other must hold a date.
_LIKE_A_DATE = re.compile(r"\s*\d|.*\d{4}", re.DOTALL)
IN_A_SPREADSHEET = HOW + " In a spreadsheet, give the cells the format yyyy-mm-dd before you save."


def _order(cells, what: str) -> str:
    """``day`` or ``month``, whichever comes first where the year comes last; all dates of a list are written alike.

    A number above 12 tells the day, and with dots the day always comes first.
    """
    matches = [match for match in map(_YEAR_LAST.fullmatch, cells) if match]
    day = [match[0] for match in matches if match[2] == "." or int(match[1]) > 12]
    month = [match[0] for match in matches if int(match[3]) > 12]
    if day and month:
        raise DateError(f"{what}: in {day[0]} the day comes first, in {month[0]} the month.", IN_A_SPREADSHEET)
    if matches and not day and not month:
        first = matches[0]
        raise DateError(f"{what}: {first[0]} could be day {first[1]} of month {first[3]} or day {first[3]} of month {first[1]}.",
                        IN_A_SPREADSHEET)  # fmt: skip
    return "month" if month else "day"


def _row_of_dates(row: list, order: str, what: str) -> tuple:
    """Name and period of one row, the name '' where it has none."""
    names, days = [], []
    for cell in filter(None, map(str.strip, row)):
        first, last = _YEAR_FIRST.fullmatch(cell), _YEAR_LAST.fullmatch(cell)
        if first:
            days.append(f"{first[1]}-{first[3]:0>2}-{first[4]:0>2}")
        elif last:
            month, day = (last[3], last[1]) if order == "day" else (last[1], last[3])
            days.append(f"{last[4]}-{month:0>2}-{day:0>2}")
        elif all(_DAY.fullmatch(part.strip()) for part in cell.split("/")):
            days.append(cell)
        else:
            names.append(cell)
    shown = " ".join(filter(None, row))[:60]
    if not days:
        raise DateError(f"{what}: '{shown}' is not a date.", IN_A_SPREADSHEET)
    if len(days) > 2:
        raise DateError(f"{what} holds {len(days)} dates ('{shown}').", "Give one line per file or band: a date, or first and last.")
    try:
        period = Period.parse("/".join(days))
    except DateError as problem:
        raise DateError(f"{what}: {problem.text}", IN_A_SPREADSHEET if problem.remedy == HOW else problem.remedy) from problem
    return Path(names[0]).name if names else "", period
