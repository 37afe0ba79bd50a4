"""What a chart holds, and the arithmetic of its curves; no pixels yet. Days are days since 1970-01-01."""
from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from . import reasons
from .members import Profile
from .style import Style

PADDING = 0.04  # of the range, above and below
WIDENING = 0.3  # of the range of values


@dataclass(frozen=True)
class Curve:
    """One member at one place.

    Parameters
    ----------
    right : bool
        Whether it belongs to the second axis.
    """

    label: str
    kind: str
    profile: Profile
    style: Style
    right: bool = False

    @property
    def bounds(self) -> list:
        """The 95 % interval, of a polygon the spread: (low, high) for each value; NaN where no deviation is known."""
        return [(value - half, value + half) for value, half in zip(self.profile.values, self.profile.intervals)]


@dataclass(frozen=True)
class Panel:
    """One place; `number` is that on the map."""

    title: str
    curves: tuple
    number: int = 0


@dataclass(frozen=True)
class Chart:
    """All that is drawn.

    Parameters
    ----------
    panels : tuple of Panel
    left, right : str
        Titles of the value axes.
    span : (first, last)
        Days that are shown.
    moment : (first, last) or None
        Days of the Temporal Controller's frame.
    """

    panels: tuple = ()
    left: str = ""
    right: str = ""
    span: tuple = (0.0, 1.0)
    moment: tuple | None = None
    curves: tuple = field(init=False)

    def __post_init__(self):
        object.__setattr__(self, "curves", tuple(curve for panel in self.panels for curve in panel.curves))


def value_range(curves, span, least: tuple | None = None) -> tuple:
    """Lowest and highest value within a span; `least` is shown in any case.

    Intervals widen the range by `WIDENING` of it at most: of a very uncertain value more need not be seen.
    """
    seen, bounds = list(least or ()), []
    for curve in curves:
        if curve.kind == "season":
            continue
        for day, value, interval in zip(curve.profile.days, curve.profile.values, curve.bounds):
            if span[0] <= day <= span[1]:
                seen += [value] if value == value else []
                bounds += [one for one in interval if one == one]
    low, high = (min(seen), max(seen)) if seen else (0.0, 1.0)
    room = WIDENING * (high - low)
    low, high = max(min([low, *bounds]), low - room), min(max([high, *bounds]), high + room)
    pad = PADDING * (high - low) or 1.0
    return low - pad, high + pad


def pieces(days, rows, span) -> list:
    """Stretches [(day, *row), ...] without a missing number, cut at the edges of the span.

    Parameters
    ----------
    days : sequence of float
    rows : sequence of tuple
        Numbers at each day.
    """
    points = [(day, *row) for day, row in zip(days, rows)]
    known = [point if all(number == number for number in point) else None for point in points]
    found, before = [], None
    for point in known:
        if point and before:
            ends = _clipped(before, point, *span)
            if ends and found and found[-1][-1] == ends[0]:
                found[-1].append(ends[1])
            elif ends:
                found.append(list(ends))
        before = point
    alone = [b for a, b, c in zip([None, *known], known, [*known[1:], None]) if b and not a and not c]
    return found + [[point] for point in alone if span[0] <= point[0] <= span[1]]


def readings(panel: Panel, day: float) -> list:
    """A line of text for every curve that has a value next to a day, or a reason to have none."""
    found = []
    for curve in panel.curves:
        days = curve.profile.days
        if curve.kind == "season" or not days:
            continue
        place = min(range(len(days)), key=lambda number: abs(days[number] - day))
        step = median(b - a for a, b in zip(days, days[1:])) if len(days) > 1 else 1
        value, half = curve.profile.values[place], curve.profile.intervals[place]
        if abs(days[place] - day) <= step / 2:
            spread = f" ± {half:.2f}" if half == half else ""
            number = f"{value:.{1 if curve.right else 2}f}{spread}" if value == value else ""
            told = ", ".join(filter(None, (number, reasons.sentence(curve.profile, place))))
            found += [f"{curve.label}: {told}"] if told else []
    return found


def _clipped(a: tuple, b: tuple, low: float, high: float) -> tuple | None:
    """The part of a segment between two days; None when nothing of it lies there."""
    if b[0] < low or a[0] > high:
        return None
    return (_between(a, b, low) if a[0] < low else a), (_between(a, b, high) if b[0] > high else b)


def _between(a: tuple, b: tuple, day: float) -> tuple:
    share = (day - a[0]) / (b[0] - a[0])
    return day, *(one + share * (other - one) for one, other in zip(a[1:], b[1:]))
