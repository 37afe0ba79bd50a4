"""Dates and half-open periods, and finding them in texts."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from ..errors import DateError

EPOCH = date(1970, 1, 1)
# Satellite series begin in 1972 (Landsat 1); numbers that read as other years are no dates.
FIRST_YEAR, LAST_YEAR = 1972, 2100


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
        try:
            first = date.fromisoformat(start.strip()[:10])
            last = date.fromisoformat(end.strip()[:10]) if end else None
        except ValueError as problem:
            raise DateError(
                f"'{text}' is not a date.", "Write dates as 2023-11-01, periods as 2023-11-01/2023-11-13."
            ) from problem
        return cls(first, None if last == first else last)


def days_of(periods) -> np.ndarray:
    """Middles of the periods in days since 1970-01-01, as float64."""
    return np.array([period.middle for period in periods], dtype=float)


def periods_between(start: date, step_days: int, count: int) -> tuple[Period, ...]:
    """`count` half-open periods of `step_days` days, one after the other."""
    starts = [start + timedelta(days=step_days * i) for i in range(count + 1)]
    return tuple(Period(a, b) for a, b in zip(starts, starts[1:]))


def require_increasing(periods, what: str) -> None:
    """Raise `DateError`, naming the first offenders, unless the periods strictly increase."""
    for number, (a, b) in enumerate(zip(periods, periods[1:]), start=1):
        if b.start == a.start:
            raise DateError(
                f"{what}: bands {number} and {number + 1} are both of {a.start}; dates must differ.",
                "Run 'Build time series' (phenofuse:buildtimeseries) on it: it averages equal dates.",
            )
        if b.start < a.start:
            raise DateError(
                f"{what}: band {number + 1} ({b}) comes after band {number} ({a}); dates must increase.",
                "Run 'Build time series' (phenofuse:buildtimeseries) on it: it sorts the dates.",
            )


# A date in a name: 2023-11-01, 2023_11_01, 20231101 or (year and day of year, as MODIS has it) 2023305.
_NAMED_DATE = re.compile(
    r"(?<!\d)(?:(?P<y>(?:19|20)\d\d)(?P<sep>[-_.]?)(?P<m>\d\d)(?P=sep)(?P<d>\d\d)|(?P<jy>(?:19|20)\d\d)(?P<j>\d{3}))"
    r"(?!\d)(?P<clock>T\d{4,6})?"
)
# What may stand between the two dates of a period's name.
_BETWEEN = re.compile(r"(?:[_\-/ ]|_?to_?|--)", re.IGNORECASE)


def period_in_name(text: str) -> Period | None:
    """The date, or the two dates of a period, that a file name or band description holds; else None.

    Two plain dates side by side, the later one second, are a period (``20231101_20231113``). Of several
    other dates the first counts: in product names it is the sensing time, the next the processing time.
    """
    found = []
    for match in _NAMED_DATE.finditer(text or ""):
        day = _as_date(match)
        if day is not None:
            found.append((day, match))
    if not found:
        return None
    (start, first), following = found[0], found[1:2]
    for end, second in following:
        between = text[first.end() : second.start()]
        if end > start and not first["clock"] and not second["clock"] and _BETWEEN.fullmatch(between):
            return Period(start, end)
    return Period(start)


def _as_date(match) -> date | None:
    try:
        if match["y"]:
            day = date(int(match["y"]), int(match["m"]), int(match["d"]))
        else:
            day = datetime.strptime(match["jy"] + match["j"], "%Y%j").date()
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


_CF_UNITS = re.compile(r"(days?|hours?|minutes?|seconds?)\s+since\s+(\d{4}-\d{1,2}-\d{1,2})", re.IGNORECASE)
_SECONDS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}


def cf_date(value: str, units: str | None) -> date | None:
    """The date of a NetCDF time value under its CF units (days since 1970 where there are none)."""
    match = _CF_UNITS.search(units or "days since 1970-01-01")
    try:
        year, month, day = (int(part) for part in match[2].split("-"))
        moment = datetime(year, month, day) + timedelta(seconds=float(value) * _SECONDS[match[1].lower().rstrip("s")])
    except (TypeError, ValueError, OverflowError):
        return None
    return moment.date() if FIRST_YEAR <= moment.year <= LAST_YEAR else None


def dates_given(text: str) -> dict | tuple[Period, ...]:
    """Dates from the DATES parameter: a list, or the path of a CSV file.

    Returns
    -------
    tuple of Period
        From a list separated by commas, semicolons or spaces, or a CSV file of one column.
    dict of str to Period
        From a CSV file with a column of file names beside the dates.

    Raises
    ------
    DateError
        When something in it is not a date.
    """
    path = Path(text.strip())
    if path.suffix.lower() in (".csv", ".txt"):
        return _dates_in_csv(path)
    return tuple(Period.parse(item) for item in re.split(r"[,;\s]+", text.strip()) if item)


def _dates_in_csv(path: Path) -> dict | tuple[Period, ...]:
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            sample = file.read(4096)
            file.seek(0)
            dialect = csv.Sniffer().sniff(sample, ",;\t") if any(c in sample for c in ",;\t") else csv.excel
            rows = [[cell.strip() for cell in row] for row in csv.reader(file, dialect) if any(row)]
    except OSError as problem:
        raise DateError(f"The file of dates cannot be read: {problem}.", "Check DATES.") from problem
    rows = [row for row in rows if any(_is_period(cell) for cell in row)]  # leaves a header line out
    if not rows:
        raise DateError(f"{path.name} holds no date.", "Give one line per file or band: a date, or name and date.")
    named = {}
    plain = []
    for row in rows:
        days = [cell for cell in row if _is_period(cell)]
        names = [cell for cell in row if cell and not _is_period(cell)]
        period = Period.parse("/".join(days[:2]))
        plain.append(period)
        if names:
            named[Path(names[0]).name] = period
    return named if len(named) == len(plain) else tuple(plain)


def _is_period(text: str) -> bool:
    try:
        Period.parse(text)
    except DateError:
        return False
    return True
