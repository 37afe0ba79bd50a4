"""Times as NetCDF files hold them: numbers under units and a calendar of the CF conventions (1.11, section 4.4).

A time is exact: whole numbers are never rounded, so that nanoseconds of 64 bits keep their day; decimal numbers are
rounded to the millisecond, since "midnight" as a float of days may lie some nanoseconds before it. The date is the one of
the moment in UTC. Of a calendar that is not the real one the date is taken as it is written there; a date that the real
calendar lacks (30 February) is an error.

A month is a calendar month and a year a calendar year, a part of one the same part of that month's or year's days. UDUNITS
would count months of 30.44 days and years of 365.2425 days, which nobody means who numbers monthly images.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from datetime import date
from fractions import Fraction

from ..errors import DateError
from .dates import FIRST_YEAR, LAST_YEAR

DAY = 86_400 * 10**9  # nanoseconds
_MILLISECOND = 10**6
_NAMES = {  # the names of UDUNITS and CF, and what numpy and pandas write
    1: "nanosecond nanoseconds nanosec nanosecs nsec nsecs ns",
    10**3: "microsecond microseconds microsec microsecs us µs",
    10**6: "millisecond milliseconds millisec millisecs msec msecs ms",
    10**9: "second seconds sec secs s",
    60 * 10**9: "minute minutes min mins",
    3600 * 10**9: "hour hours hr hrs h",
    DAY: "day days d",
    7 * DAY: "week weeks",
}
_NANOSECONDS = {name: length for length, names in _NAMES.items() for name in names.split()}
_MONTHS = {"month": 1, "months": 1, "mon": 1, "mons": 1, "year": 12, "years": 12, "yr": 12, "yrs": 12}
# Without units numbers count days, as openEO's GeoTIFFs do; those of numpy's datetime64 are too large to be days of any
# year in question, and no number fits two of these.
_UNTOLD = ("days", "seconds", "milliseconds", "microseconds", "nanoseconds")

_UNITS = re.compile(r"\s*([a-zµ]+)\s+since\s+(.+?)\s*", re.IGNORECASE)
_ORIGIN = re.compile(
    r"(?:(?P<packed>\d{8})|(?P<y>\d{1,4})(?:-(?P<m>\d\d?)(?:-(?P<d>\d\d?))?)?)"
    r"(?:(?:\s+|T)(?P<h>\d\d?)(?::?(?P<min>\d\d?)(?::?(?P<s>\d\d?(?:\.\d*)?))?)?)?"
    r"\s*(?:Z|UTC|GMT|(?:UTC|GMT)?(?P<sign>[+-])(?P<zh>\d\d?)(?::?(?P<zm>\d\d))?|0?0:00)?",
    re.IGNORECASE | re.ASCII,
)
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}\.?\d{0,40}|\.\d{1,40})(?:e[+-]?\d{1,3})?", re.ASCII | re.IGNORECASE)  # as every Python has it
# The absolute time axis of the Climate Data Operators: 20200104.5 is noon of 4 January 2020.
_AS_WRITTEN = re.compile(r"\s*days?\s+as\s+%Y%m%d\.%f\s*")


def is_time(name: str, units: str | None) -> bool:
    """Whether a NetCDF dimension of that name and those units is time."""
    return name.lower() in ("t", "time") or bool(re.search(r"\bsince\b|\bas %Y", units or "", re.IGNORECASE))


def cf_date(value: str, units: str | None = None, calendar: str | None = None, axis: str = "time") -> date:
    """The date, in UTC, of a time as a NetCDF file holds it.

    Parameters
    ----------
    value : str
        The number as text, so that no digit is lost; where there are no units it may be a date.
    units : str, optional
        Such as ``seconds since 2020-01-04 10:54:41 +07:00``. None: days since 1970, or what numpy's datetime64 counts.
    calendar : str, optional
        By its CF name; None: ``standard``.
    axis : str
        Its name, for messages.

    Raises
    ------
    DateError
        When it cannot be understood or is no possible date; units and calendar are quoted.
    """
    try:
        found = _date(value.strip(), units, calendar)
        if not FIRST_YEAR <= found.year <= LAST_YEAR:
            raise ValueError(f"{value} is of the year {found.year}; satellite series lie between {FIRST_YEAR} and {LAST_YEAR}")
    except (ValueError, OverflowError, ZeroDivisionError) as problem:
        told = f"units '{units}'" if units else "no units"
        told += f", calendar '{calendar}'" if calendar else ", no calendar"
        raise DateError(f"The time axis '{axis}' ({told}) gives no date: {problem}.",
                        "Correct its units and calendar, or give the dates (DATES, with DATE_SOURCE given).") from None  # fmt: skip
    return found


def how_counted(value: str, units: str | None, calendar: str | None = None) -> str:
    """What a user should know of how the times of an axis were read; '' where nothing is to be said."""
    match = _UNITS.fullmatch(units or "")
    if not units and (unit := _untold(value)) not in (None, "days"):
        return f"it has no units, and its numbers are read as {unit} since 1970-01-01"
    if match and match[1].lower() in _MONTHS:
        return f"'{units}' is read as calendar {'months' if _MONTHS[match[1].lower()] == 1 else 'years'}"
    if (calendar or "").strip().lower() not in ("", "standard", "gregorian", "proleptic_gregorian"):
        return f"its calendar is '{calendar}', and dates are taken as written in it"
    return ""


def _date(value: str, units: str | None, calendar: str | None) -> date:
    days = _CALENDARS.get((calendar or "standard").strip().lower())
    if days is None:
        raise ValueError(f"the calendar is none of {', '.join(_CALENDARS)}")
    if not (units or "").strip():
        unit = _untold(value)
        if unit is None:
            return _written(value)
        units = f"{unit} since 1970-01-01"
    if _AS_WRITTEN.fullmatch(units):
        return _written(value.partition(".")[0])
    match = _UNITS.fullmatch(units)
    if not match:
        raise ValueError("units are to be such as 'days since 1970-01-01'")
    name = match[1].lower()
    if name not in _NANOSECONDS and name not in _MONTHS:
        raise ValueError(f"'{match[1]}' is no unit of time known here")
    origin, clock = _origin(match[2])
    count = _number(value)
    if name in _MONTHS:
        first, clock = _months_later(days, origin, clock, count * _MONTHS[name], _MONTHS[name])
    else:
        first, clock = days.number(*origin), clock + count * _NANOSECONDS[name]
    if clock.denominator != 1 or "." in value or "e" in value.lower():
        clock = Fraction(round(clock / _MILLISECOND) * _MILLISECOND)
    year, month, day = days.date(first + clock // DAY)
    try:
        return date(year, month, day)
    except ValueError:
        raise ValueError(f"{value} is {year}-{month:02d}-{day:02d}, which is no date") from None


def _number(value: str) -> Fraction:
    if not _NUMBER.fullmatch(value):
        raise ValueError(f"'{value[:40]}' is no number")
    return Fraction(value)


def _untold(value: str) -> str | None:
    """What a number without units counts since 1970; None where it is none of a possible date."""
    if not _NUMBER.fullmatch(value):
        return None
    count = Fraction(value)
    for unit in _UNTOLD:
        if 365 * 2 <= count * _NANOSECONDS[unit] / DAY < 365.25 * (LAST_YEAR + 1 - 1970):
            return unit
    return None if re.fullmatch(r"\d{8}", value) else "days"


def _written(value: str) -> date:
    """A date that is written out: 20200104, 2020-01-04 or with a clock behind."""
    match = re.fullmatch(r"(\d{4})(-?)(\d\d)\2(\d\d)(?:[T ].*)?", value, re.ASCII)
    if not match:
        raise ValueError(f"'{value[:40]}' is no number and no date")
    return date(int(match[1]), int(match[3]), int(match[4]))


def _origin(text: str) -> tuple:
    """(year, month, day) of an origin, and the nanoseconds from its midnight to its moment in UTC."""
    match = _ORIGIN.fullmatch(text)
    if not match:
        raise ValueError(f"the origin '{text[:40]}' is not understood")
    if match["packed"]:
        parts = (match["packed"][:4], match["packed"][4:6], match["packed"][6:])
    else:
        parts = (match["y"], match["m"] or 1, match["d"] or 1)
    hour, minute, second = int(match["h"] or 0), int(match["min"] or 0), Fraction(match["s"] or 0)
    if hour > 24 or minute > 59 or second >= 61:
        raise ValueError(f"the origin '{text[:40]}' has an impossible clock")
    seconds = hour * 3600 + minute * 60 + second
    if match["sign"]:
        zone = int(match["zh"]) * 3600 + int(match["zm"] or 0) * 60
        seconds += zone if match["sign"] == "-" else -zone
    return tuple(map(int, parts)), seconds * 10**9


def _months_later(days, origin: tuple, clock, months: Fraction, step: int) -> tuple:
    """Day number and nanoseconds of so many calendar months later; a part of a month (year) is a part of that one's days."""
    whole = months // step * step
    part = (months - whole) / step
    first = _month_later(days, origin, int(whole))
    return first, clock + (part * (_month_later(days, origin, int(whole) + step) - first) * DAY if part else 0)


def _month_later(days, origin: tuple, months: int) -> int:
    days.number(*origin)  # the origin itself must be a date
    year, month = divmod(origin[0] * 12 + origin[1] - 1 + months, 12)
    try:
        return days.number(year, month + 1, origin[2])
    except ValueError:
        raise ValueError(f"the month {year}-{month + 1:02d} has no day {origin[2]}") from None


class _Regular:
    """A calendar whose years are all alike: months of so many days."""

    def __init__(self, *lengths: int):
        self._before = [sum(lengths[:i]) for i in range(len(lengths) + 1)]

    def number(self, year: int, month: int, day: int) -> int:
        """Days from the first day of year 0.

        Raises
        ------
        ValueError
            When this calendar lacks the date.
        """
        if not (1 <= month <= 12 and 1 <= day <= self._before[month] - self._before[month - 1]):
            raise ValueError(f"{year}-{month:02d}-{day:02d} is no date of this calendar")
        return year * self._before[-1] + self._before[month - 1] + day - 1

    def date(self, number: int) -> tuple:
        """(year, month, day) of a day."""
        year, rest = divmod(int(number), self._before[-1])
        month = bisect_right(self._before, rest)
        return year, month, rest - self._before[month - 1] + 1


class _Leaping:
    """The Julian calendar, or the Gregorian one, counted back before its invention; days are Julian day numbers.

    E. G. Richards, Calendars, in: Explanatory Supplement to the Astronomical Almanac, 3rd edition (2013), 15.11.
    """

    def __init__(self, gregorian: bool):
        self._gregorian = gregorian

    def number(self, year: int, month: int, day: int) -> int:
        if self._gregorian is False and year == 0:
            raise ValueError("the Julian calendar has no year 0")
        count = self._count(year, month, day)
        if self.date(count) != (year, month, day):
            raise ValueError(f"{year}-{month:02d}-{day:02d} is no date of this calendar")
        return count

    def _count(self, year: int, month: int, day: int) -> int:
        before = (14 - month) // 12  # January and February belong to the year before
        years = year + 4800 - before
        found = day + (153 * (month + 12 * before - 3) + 2) // 5 + 365 * years + years // 4
        return found - (years // 100 - years // 400 + 32045 if self._gregorian else 32083)

    def date(self, number: int) -> tuple:
        rest = int(number) + (32044 if self._gregorian else 32082)
        centuries = 0
        if self._gregorian:
            centuries = (4 * rest + 3) // 146097
            rest -= centuries * 146097 // 4
        years = (4 * rest + 3) // 1461
        rest -= 1461 * years // 4
        month = (5 * rest + 2) // 153
        return 100 * centuries + years - 4800 + month // 10, month + 3 - 12 * (month // 10), rest - (153 * month + 2) // 5 + 1


class _Mixed:
    """The real calendar: Julian to 1582-10-04, Gregorian from 1582-10-15, the next day."""

    _JULIAN, _GREGORIAN = _Leaping(False), _Leaping(True)
    _REFORM = (1582, 10, 15)

    def number(self, year: int, month: int, day: int) -> int:
        if (1582, 10, 4) < (year, month, day) < self._REFORM:
            raise ValueError(f"{year}-{month:02d}-{day:02d} is no date: the Gregorian reform left it out")
        return (self._GREGORIAN if (year, month, day) >= self._REFORM else self._JULIAN).number(year, month, day)

    def date(self, number: int) -> tuple:
        since = number >= self._GREGORIAN.number(*self._REFORM)
        return (self._GREGORIAN if since else self._JULIAN).date(number)


_MONTH_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_REAL, _NO_LEAP = _Mixed(), _Regular(*_MONTH_LENGTHS)
_ALL_LEAP = _Regular(*(29 if length == 28 else length for length in _MONTH_LENGTHS))
_CALENDARS = {
    "standard": _REAL,
    "gregorian": _REAL,
    "proleptic_gregorian": _Leaping(True),
    "julian": _Leaping(False),
    "noleap": _NO_LEAP,
    "365_day": _NO_LEAP,
    "all_leap": _ALL_LEAP,
    "366_day": _ALL_LEAP,
    "360_day": _Regular(*(30,) * 12),
}
