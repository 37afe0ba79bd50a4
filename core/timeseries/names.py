"""Dates in names: of files, folders and bands.

Products whose ids hold several dates come first, then dates that are written (2020-01-04, 4 Jan 2020), then runs of digits
(20200104, 2020004, with a clock behind them or not). What could be read in two ways is no date; `hint` says how to tell.
"""

from __future__ import annotations

import os
import re
from datetime import date, datetime, timedelta
from itertools import accumulate
from pathlib import Path

import numpy as np

from ..errors import DateError
from ..outputs import PART_OF_FILE
from .dates import FIRST_YEAR, LAST_YEAR, Period

_YEAR = r"(?:19[7-9]\d|20\d\d|2100)"
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (r"jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
          r"|nov(?:ember)?|dec(?:ember)?")  # fmt: skip

# Ids that hold more than the day of acquisition. Only what is named here counts.
_PRODUCTS = [
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        # Landsat Collections 1 and 2, scenes and tiles: acquisition, processing. USGS LSDS-1619, 1388, 1873.
        r"(?<![A-Z0-9])L[COTEM]\d\d_[A-Z0-9]{2,4}_\d{6}_(?P<Y>\d{4})(?P<m>\d\d)(?P<d>\d\d)_\d{8}(?!\d)",
        # the same as ESPA delivers it: LC081980302020010401T1-SC20200824123456
        r"(?<![A-Z0-9])L[COTEM]\d\d\d{6}(?P<Y>\d{4})(?P<m>\d\d)(?P<d>\d\d)\d\d(?:T1|T2|RT)(?![A-Z0-9])",
        # before the Collections: LC81980302020004LGN00
        r"(?<![A-Z0-9])L[COTEM]\d\d{6}(?P<Y>\d{4})(?P<j>\d{3})[A-Z]{3}\d\d(?![A-Z0-9])",
        # Sentinel-2 before December 2016: the first date is of production, V stands before the sensing time
        r"(?<![A-Z0-9])S2[A-C]_(?:OPER|USER)_\w*?_V(?P<Y>\d{4})(?P<m>\d\d)(?P<d>\d\d)T\d{6}",
        # Sen2-Agri and Sen4CAP: A stands before an acquisition, V before the period of a composite
        r"(?<![A-Z0-9])A(?P<Y>\d{4})(?P<m>\d\d)(?P<d>\d\d)T\d{4,6}(?!\d)",
        r"(?<![A-Z0-9])S2AGRI_\w*?_V(?P<Y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?!\d)",
        # MODIS and VIIRS: A stands before the acquisition, year and day of year; the last number is of production
        r"(?<![A-Z0-9])A(?P<Y>\d{4})(?P<j>\d{3})(?!\d)",
    )
]
_WRITTEN = [
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        rf"(?<!\d)(?P<Y>{_YEAR})(?P<sep>[-_./ ])(?P<m>\d\d)(?P=sep)(?P<d>\d\d)(?!\d)(?P<clock>T\d{{2,6}}|T?\d\d:\d\d)?",
        rf"(?<!\d)(?P<Y>{_YEAR})(?P<sep>[-/])(?P<m>\d\d?)(?P=sep)(?P<d>\d\d?)(?!\d)",
        rf"(?<!\d)(?P<d>\d\d?)(?:st|nd|rd|th)?[-_. ]?(?P<b>{_MONTH})[-_., ]{{0,2}}(?P<Y>{_YEAR})(?!\d)",
        rf"(?<!\d)(?P<Y>{_YEAR})[-_. ]?(?P<b>{_MONTH})[-_. ]?(?P<d>\d\d?)(?!\d)",
        rf"(?<![A-Z])(?P<b>{_MONTH})[-_. ]?(?P<d>\d\d?)(?:st|nd|rd|th)?[-_., ]{{1,2}}(?P<Y>{_YEAR})(?!\d)",
    )
]
_YEAR_LAST = re.compile(rf"(?<!\d)(?P<a>\d\d?)(?P<sep>[-. ])(?P<b>\d\d?)(?P=sep)(?P<Y>{_YEAR})(?!\d)"
                        rf"|(?<!\d)(?P<a_>\d\d)_(?P<b_>\d\d)_(?P<Y_>{_YEAR})(?!\d)", re.ASCII)  # fmt: skip
_CLOCK = r"(?P<clock>(?:[01]\d|2[0-3])[0-5]\d(?:[0-5]\d)?(?!\d)|T\d{2,6}|[-_](?:[01]\d|2[0-3])[0-5]\d[0-5]\d(?!\d))?"
_DIGITS = [
    re.compile(pattern, re.ASCII)
    for pattern in (
        rf"(?<!\d)(?P<Y>{_YEAR})(?P<m>\d\d)(?P<d>\d\d){_CLOCK}(?!\d)",
        rf"(?<!\d)(?P<Y>{_YEAR})(?P<j>\d{{3}})(?!\d)(?P<clock>T\d{{2,6}})?",
    )
]
# What may stand between the two dates of a period's name.
_BETWEEN = re.compile(r"(?:[_\-/ ]|_?to_?|--)", re.IGNORECASE)
# Styles that are no date for certain, and the DATE_PATTERN under which they are one.
_HINTS = [
    (re.compile(pattern, re.ASCII), wanted)
    for pattern, wanted in (
        (rf"(?<!\d)\d\d?([-_. ])\d\d?\1{_YEAR}(?!\d)", "%d{0}%m{0}%Y"),
        (rf"(?<!\d){_YEAR}([_. ])\d\d?\1\d\d?(?!\d)", "%Y{0}%m{0}%d"),
        (rf"(?<![\d-]){_YEAR}([-_. ])[0-3]\d\d(?!\d)", "%Y{0}%j"),
        (rf"(?<!\d)[0-3]\d[01]\d{_YEAR}(?!\d)", "%d%m%Y"),
        (r"(?<!\d)[0-3]\d[01]\d[0-3]\d(?!\d)", "%y%m%d"),
        (rf"(?<![\d-]){_YEAR}([-_. ]?)[01]\d(?!\d)", "%Y{0}%m"),
        (rf"(?<![\d-]){_YEAR}([-_. ])[1-9](?!\d)", "%Y{0}%m"),
        (rf"(?i)(?<![A-Z])(?:{_MONTH})([-_. ]?){_YEAR}(?!\d)", "%b{0}%Y"),
    )
]


def period_in_name(text: str, day_first: bool | None = None) -> Period | None:
    """The date, or the two dates of a period, that a name holds; else None.

    Two plain dates side by side, the later one second, are a period (``20231101_20231113``). Of several other dates the
    first counts: in product names it is the sensing time, the next the processing time.

    Parameters
    ----------
    text : str
        Name of a file without its suffix, of a folder, or of a band.
    day_first : bool, optional
        Which comes first in dates whose year is last, as `day_comes_first` tells of a set of names.
    """
    for pattern in _PRODUCTS:
        match = pattern.search(text or "")
        day = match and _day(match)
        if day:
            return Period(day)
    for patterns in (_WRITTEN, _DIGITS):
        found = _dates(text or "", patterns)
        if patterns is _WRITTEN:
            last = _with_year_last(text or "", day_first)
            if any(a < end and start < b for _, (a, b), _ in found for _, (start, end) in last):
                return None  # 04-01-2020-10-15: two ways to read it
            if not found and last:
                found = [(day, span, False) for day, span in last]
                if any(day is None for day, _, _ in found):
                    return None
        if found:
            return _period(found, text)
    return None


def _period(found: list, text: str) -> Period:
    (start, (_, before), clock), following = found[0], found[1:2]
    for end, (after, _), other_clock in following:
        if end > start and not clock and not other_clock and _BETWEEN.fullmatch(text[before:after]):
            return Period(start, end)
    return Period(start)


def _dates(text: str, patterns) -> list:
    """(day, span, whether a clock follows) of all dates, in order; of two that overlap the first pattern's."""
    found = []
    for pattern in patterns:
        for match in pattern.finditer(text):
            day, (start, end) = _day(match), match.span()
            if day and not any(a < end and start < b for _, (a, b), _ in found):
                found.append((day, (start, end), bool(match.groupdict().get("clock"))))
    return sorted(found, key=lambda one: one[1])


def _day(match) -> date | None:
    return _day_of(match.groupdict())


def _day_of(parts: dict) -> date | None:
    try:
        if parts.get("j"):
            day = date(int(parts["Y"]), 1, 1) + timedelta(days=int(parts["j"]) - 1)
            if not 0 < int(parts["j"]) or day.year != int(parts["Y"]):
                return None
        else:
            month = _MONTHS.index(parts["b"][:3].lower()) + 1 if parts.get("b") else int(parts["m"])
            day = date(int(parts["Y"]), month, int(parts["d"]))
    except ValueError:
        return None
    return day if FIRST_YEAR <= day.year <= LAST_YEAR else None


def _with_year_last(text: str, day_first: bool | None) -> list:
    """(day, span) of dates such as 16-01-2020, whose year is last; the day is None where it could be read in two ways."""
    found = []
    for match in _YEAR_LAST.finditer(text):
        first, second, year = (int(match[key] or match[f"{key}_"]) for key in ("a", "b", "Y"))
        readings = [_made(year, second, first), _made(year, first, second)]  # day first, month first
        if day_first is not None:
            readings = [readings[not day_first]]
        days = {day for day in readings if day}
        if days:
            found.append((days.pop() if len(days) == 1 else None, match.span()))
    return found


def _made(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day) if FIRST_YEAR <= year <= LAST_YEAR else None
    except ValueError:
        return None


def day_comes_first(names) -> bool | None:
    """Whether the day comes first in dates whose year is last, as the numbers above 12 of a set of names tell; None where none does."""
    told = set()
    for name in names:
        for match in _YEAR_LAST.finditer(name):
            first, second, year = (int(match[key] or match[f"{key}_"]) for key in ("a", "b", "Y"))
            day, month = _made(year, second, first), _made(year, first, second)
            if bool(day) != bool(month):
                told.add(bool(day))
    return told.pop() if len(told) == 1 else None


def hint(name: str) -> str:
    """What in a name could be a date, and the DATE_PATTERN that says so; '' where nothing could."""
    found = {}
    for pattern, wanted in _HINTS:
        match = pattern.search(name)
        if match and (not found or match[0] in found):
            found.setdefault(match[0], []).append(wanted.format(*match.groups()))
    for text, patterns in found.items():
        return f"'{text}' in {name} is a date for certain only with DATE_PATTERN = {' or '.join(dict.fromkeys(patterns))}"
    return ""


# Directives of strptime that DATE_PATTERN may hold.
_DIRECTIVES = {
    "Y": rf"(?P<Y>{_YEAR})", "y": r"(?P<y>\d\d)", "m": r"(?P<m>1[0-2]|0?[1-9])", "d": r"(?P<d>3[01]|[12]\d|0?[1-9])",
    "j": r"(?P<j>36[0-6]|3[0-5]\d|[12]\d\d|\d\d?\d?)", "b": rf"(?P<b>{_MONTH})", "H": r"(?:[01]\d|2[0-3])", "M": r"[0-5]\d",
    "S": r"[0-5]\d", "%": "%",
}  # fmt: skip
_DIRECTIVES["B"] = _DIRECTIVES["b"]
_WHOLE = {"m": r"(?P<m>\d\d)", "d": r"(?P<d>\d\d)", "j": r"(?P<j>\d{3})"}  # where another number follows or goes before


class DatePattern:
    """How dates are written in names, as strptime writes it: ``%d%m%Y``, ``%Y_%j``, ``%d%b%y``.

    Without a day it means the whole month, without a month the whole year.

    Raises
    ------
    DateError
        When it is no such pattern.
    """

    def __init__(self, text: str):
        self.text = text.strip()
        parts = re.findall(r"%.|[^%]+|%$", self.text)
        codes = [part[1:] if part[0] == "%" else "" for part in parts]
        unknown = [part for part, code in zip(parts, codes) if part[0] == "%" and code not in _DIRECTIVES]
        dated = [{"y": "Y", "B": "b"}.get(code, code) for code in codes if code in ("Y", "y", "m", "b", "B", "d", "j")]
        repeated = len(set(dated)) < len(dated) or {"m", "b"} <= set(dated)
        sets = ({"Y"}, {"Y", "m"}, {"Y", "b"}, {"Y", "m", "d"}, {"Y", "b", "d"}, {"Y", "j"})
        if unknown or repeated or set(dated) not in sets:
            what = f"{unknown[0]} is not known" if unknown else "it is to hold a year, with month and day or day of the year, each once"
            raise DateError(f"DATE_PATTERN '{self.text}': {what}.",
                            "Write it of %Y (2020) or %y (20), %m (01), %b (Jan), %d (04), %j (004), %H, %M, %S and what stands "
                            "between: %d%m%Y, %Y_%j, %Y_%m.")  # fmt: skip
        numbers = [code in "YymdjHMS" and bool(code) for code in codes]
        found = ""
        for place, (part, code) in enumerate(zip(parts, codes)):
            touched = any(numbers[i] for i in (place - 1, place + 1) if 0 <= i < len(numbers))
            found += re.escape(part) if not code else _WHOLE[code] if touched and code in _WHOLE else _DIRECTIVES[code]
        before, after = (r"(?<!\d)" if numbers[0] else ""), (r"(?!\d)" if numbers[-1] else "")
        self._pattern = re.compile(f"{before}{found}{after}", re.ASCII | re.IGNORECASE)

    def period_in(self, name: str) -> Period | None:
        """The day, month or year that a name holds; None where it holds none.

        Raises
        ------
        DateError
            When it holds several.
        """
        found = {}
        for match in self._pattern.finditer(name):
            period = self._read(match)
            if period:
                found.setdefault(period, match[0])
        if len(found) > 1:
            raise DateError(f"{name} holds several dates written as {self.text}: {', '.join(found.values())}.",
                            "Write more of the names into DATE_PATTERN, such as S2A_%Y%m%d.")  # fmt: skip
        return next(iter(found), None)

    def _read(self, match) -> Period | None:
        parts = match.groupdict()
        year = int(parts["Y"]) if parts.get("Y") else datetime.strptime(parts["y"], "%y").year
        if parts.get("j") or parts.get("d"):
            day = _day_of({**parts, "Y": year})
            return day and Period(day)
        month = _MONTHS.index(parts["b"][:3].lower()) + 1 if parts.get("b") else int(parts.get("m") or 0)
        start = _made(year, month or 1, 1)
        if not start:
            return None
        return Period(start, date(year + (month in (0, 12)), 1 if month in (0, 12) else month + 1, 1))


# Periods that are so many median steps long, and overlap, are no periods: the second date is when the product was made.
MOST_STEPS = 3


def settled(periods: list, events=None) -> list:
    """Periods that the names of one set hold, judged together.

    Periods that overlap and are longer than a few median steps of their starts, or of which each overlaps every other, are
    no periods: acquisition stands beside processing, and the start is the day. Where each ends on the day before the next
    one starts, the ends are last days, and the end of a half-open period is a day later. Both is said aloud.

    Parameters
    ----------
    periods : list of (Period or None)
    events : Events, optional

    Raises
    ------
    DateError
        When one period is far longer than the others, which follow one another.
    """
    members = sorted({p for p in periods if p is not None}, key=lambda p: (p.start, _end(p)))
    starts, stretches = sorted({p.start for p in members}), [p for p in members if p.end]
    if len(starts) < 2 or not stretches:
        return periods
    latest = list(accumulate(map(_end, members), max))
    if all(end <= following.start for end, following in zip(latest, members[1:])):
        gaps = {(b.start - a.end).days for a, b in zip(stretches, stretches[1:])}
        if 1 not in gaps or 0 in gaps:
            return periods
        _say(events, f"The names hold the first and last days of periods (from {stretches[0].start} to {stretches[0].end}, then "
                     f"from {stretches[1].start}); the last day belongs to its period.")  # fmt: skip
        return [p if p is None or not p.end else Period(p.start, _after(p.end)) for p in periods]
    step = float(np.median(np.diff([start.toordinal() for start in starts])))
    long = [p for p in stretches if (p.end - p.start).days > MOST_STEPS * step]
    each_other = len(stretches) > 1 and max(p.start for p in stretches) < min(p.end for p in stretches)
    if not long and not each_other:
        return periods
    others = [p for p in stretches if (p.end - p.start).days <= MOST_STEPS * step]
    if not each_other and sum(a.end == b.start for a, b in zip(others, others[1:])) > len(others) / 2:
        raise DateError(f"The names hold the period {long[0]}, which overlaps others, among periods of about {step:g} days.",
                        "Correct or leave out that file, or give DATES.")  # fmt: skip
    _say(events, f"The names hold two dates each, such as {stretches[0].start} and {stretches[0].end}; as periods they would overlap "
                 "one another, so the first date counts as the day, and the second one not at all.")  # fmt: skip
    return [p if p is None or not p.end else Period(p.start) for p in periods]


def _end(period: Period) -> date:
    return period.end or _after(period.start)


def _after(day: date) -> date:
    return day + timedelta(days=1)


def dates_in_names(names: list, folders: list, events=None) -> list:
    """Dates that a set of files has by its names; where no name holds any, by the names of the folders.

    Parameters
    ----------
    names : list of (str or None)
        Without suffix; None for a file whose name is not to be read.
    folders : list of str
        As `folders_of` gives them.
    events : Events, optional
        Told what was recognised.

    Returns
    -------
    list of (Period or None)
    """
    for texts in (names, [name and folder for name, folder in zip(names, folders)]):
        day_first = day_comes_first(filter(None, texts))
        read = [period_in_name(text, day_first) if text else None for text in texts]
        if any(read):
            break
    if any(read) and texts is not names:
        _say(events, "The names of the files hold no dates; those of their folders are taken.")
    return settled(read, events)


_ON_DISK = re.compile(r"^(/vsi\w+/)+")


def folders_of(paths, root: str | None = None) -> list[str]:
    """Of each file the folders from a root down to it, as one text in which dates can be found (``2020/01/04``).

    Parameters
    ----------
    paths : list of str
    root : str, optional
        Default, and where not all lie below it: the folder that all share.
    """
    parents = [Path(_ON_DISK.sub("", part["file"] if (part := PART_OF_FILE.match(path)) else path)).parent for path in map(str, paths)]
    try:
        if not root or not all(Path(root) in (parent, *parent.parents) for parent in parents):
            root = os.path.commonpath(parents)
        return ["" if parent == Path(root) else parent.relative_to(root).as_posix() for parent in parents]
    except ValueError:  # on several drives, or no paths
        return [""] * len(parents)


def _say(events, text: str) -> None:
    if events is not None:
        events.warning(text)
