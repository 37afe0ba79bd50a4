"""What the statistics of a series mean for filling its gaps, in words, figures and tables."""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ..report import Report, figures
from ..timeseries.classes import LEVEL_LABELS, MONTH_LABELS
from ..version import version
from .statistics import MOST_OFFSET_DAYS, Statistics

# Beyond 60 days a crop can emerge, peak and be cut unseen; linear interpolation is then at its worst, and methods
# that learn the season or use radar are what is left.
LONG_GAP_DAYS = 60
WEAK_MONTH = 0.20  # share of values below which a month is hardly known
FEWEST_OBSERVATIONS = 6  # an annual wave with a trend has four unknowns; two more values tell its spread
# |r| below 0.3 explains less than a tenth of the variance: filling gains next to nothing from such a covariate.
WEAK_CORRELATION = 0.3
MANY = 0.10  # share of the pixels from which a weakness is worth a warning
MOST = 0.50  # ... and from which it concerns the scene as a whole


class Weakness(NamedTuple):
    """A sentence on where methods will be weak, and whether it concerns the scene as a whole."""

    text: str
    grave: bool


def weaknesses(statistics: Statistics, offsets: dict, cautions=()) -> list[Weakness]:
    """Where any method will be weak, the worst first.

    Parameters
    ----------
    cautions : sequence of str
        What a look at the values found, such as clouds left in.
    offsets : dict of str to (dates,) float
        Days from each date to the nearest one of each covariate.
    """
    if not statistics.seen_pixels:
        return [Weakness("The series holds no value at all.", True)]
    told = [Weakness(text, True) for text in cautions]
    found = [*told, *_of_gaps(statistics), *_of_months(statistics), *_of_radar(statistics, offsets)]
    return sorted(found, key=lambda weakness: not weakness.grave)


def report(statistics: Statistics, name: str, offsets: dict, facts: dict, has_range: bool, cautions=()) -> Report:
    """The report of a series of the variable `name`; see `weaknesses` for `cautions`."""
    first, last = (np.datetime64(int(statistics.days[at]), "D") for at in (0, -1))
    page = Report(f"What the {name} series holds", f"{len(statistics.days)} dates from {first} to {last}, "
                  f"{statistics.columns} x {statistics.rows} pixels")
    found = weaknesses(statistics, offsets, cautions)
    page.verdict(*_verdict(statistics, found))
    _keys(page, statistics)
    if found:
        page.section("Where any method will be weak").text(*(weakness.text for weakness in found))
    _coverage(page, statistics)
    _gaps(page, statistics)
    if has_range:
        _values(page, statistics, name)
    if statistics.covariates:
        _radar(page, statistics, name, offsets)
    return page.facts(**facts, Phenofuse=version())


def best_relation(statistics: Statistics) -> tuple[str, float]:
    """The covariate that goes best with the series over all pairs, and its correlation; NaN where none does."""
    found = {name: statistics.relation(name).overall for name in statistics.covariates}
    found = {name: r for name, r in found.items() if not math.isnan(r)}
    best = max(found, key=lambda name: abs(found[name]), default="")
    return best, found.get(best, math.nan)


def _of_gaps(statistics: Statistics) -> list[Weakness]:
    found = []
    long, few = statistics.share_with_gap_over(LONG_GAP_DAYS), statistics.share_with_fewer_than(FEWEST_OBSERVATIONS)
    if long >= MANY:
        found.append(Weakness(f"{long:.0%} of the pixels have a gap of more than {LONG_GAP_DAYS} days. There linear "
                              "interpolation misses whole changes; only a method that knows the season or uses radar "
                              "can do better, and its uncertainty should be looked at.", long >= MOST))
    if few >= MANY:
        found.append(Weakness(f"{few:.0%} of the pixels have fewer than {FEWEST_OBSERVATIONS} observations: too few to "
                              "fit even one annual wave to a pixel of its own.", few >= MOST))
    empty = int((statistics.valid == 0).sum())
    if empty:
        found.append(Weakness(f"On {empty} of the {len(statistics.days)} dates no pixel has a value: nothing can be "
                              "learnt there from neighbours in space.", empty >= MOST * len(statistics.days)))
    return found


def _of_months(statistics: Statistics) -> list[Weakness]:
    months = statistics.by_calendar_month()
    weak = [month for month, share in months.items() if share < WEAK_MONTH]
    if not weak:
        return []
    text = (f"In {len(weak)} of {len(months)} months less than {WEAK_MONTH:.0%} of the values are there "
            f"({_list(weak)}). What grows or is cut in them is mostly guessed.")
    return [Weakness(text, len(weak) >= MOST * len(months))]


def _of_radar(statistics: Statistics, offsets: dict) -> list[Weakness]:
    if not statistics.covariates:
        return []
    found = []
    within = {name: abs(statistics.relation(name).within) for name in statistics.covariates}
    strongest = max((r for r in within.values() if not math.isnan(r)), default=math.nan)
    if math.isnan(strongest):
        found.append(Weakness("No covariate has a value within "
                              f"{MOST_OFFSET_DAYS:g} days of an observation: its relation cannot be told.", True))
    elif strongest < WEAK_CORRELATION:
        found.append(Weakness("Within pixels the covariates hardly follow the series in time (at best |r| = "
                              f"{strongest:.2f}, below {WEAK_CORRELATION:g}): radar will help little in long gaps.",
                              False))
    for name, days in offsets.items():
        far = np.abs(days) > MOST_OFFSET_DAYS
        if far.mean() >= MANY:
            found.append(Weakness(f"{far.sum()} of {len(days)} dates have no {name} within {MOST_OFFSET_DAYS:g} days.",
                                  far.mean() >= MOST))
    return found


def _verdict(statistics: Statistics, found: list[Weakness]) -> tuple[str, str]:
    told = f"{statistics.valid_share:.0%} of the values are there"
    if not found:
        return "good", f"{told}, and no long gaps or thin months: any method should do."
    if not any(weakness.grave for weakness in found):
        return "warning", f"{told}. {found[0].text}"
    return ("bad" if not statistics.seen_pixels else "warning"), f"{told}. {found[0].text}"


def _keys(page: Report, statistics: Statistics) -> None:
    page.key("VALID_PERCENT", 100 * statistics.valid_share, "of the values are there", ".1f", "%")
    page.key("DATE_COUNT", len(statistics.days), "dates", "d")
    page.key("GAP_OVER_60_PERCENT", 100 * statistics.share_with_gap_over(LONG_GAP_DAYS),
             f"of the pixels have a gap over {LONG_GAP_DAYS} days", ".1f", "%")
    if statistics.covariates:
        best, correlation = best_relation(statistics)
        page.key("CORRELATION", correlation, f"correlation with {best or 'covariates'}", "+.2f")
    page.number("PIXELS", statistics.pixels).number("SEEN_PIXELS", statistics.seen_pixels)


def _coverage(page: Report, statistics: Statistics) -> None:
    percent = 100 * statistics.valid / statistics.pixels
    page.section("Dates")
    page.figure(figures.coverage_bars(statistics.days, percent, "Pixels", threshold=100 * WEAK_MONTH),
                "Share of the pixels that hold a value, by date.")
    months = statistics.by_calendar_month()
    years = range(int(min(months)[:4]), int(max(months)[:4]) + 1)
    table = [[100 * months.get(f"{year}-{month:02d}", np.nan) for month in range(1, 13)] for year in years]
    page.figure(figures.heat_map(table, years, MONTH_LABELS, "Values there (%)", (0, 100), "viridis", ".0f"),
                "Share of the values that are there, by month, in percent.")
    page.number("months", months)
    dates = [str(np.datetime64(int(day), "D")) for day in statistics.days]
    page.number("coverage", [{"date": date, "percent": share} for date, share in zip(dates, percent)])


def _gaps(page: Report, statistics: Statistics) -> None:
    page.section("Gaps")
    if statistics.seen_pixels:
        rows = [(f"more than {days} days", statistics.share_with_gap_over(days)) for days in (20, 40, 60, 80, 120)
                if days < len(statistics.gaps)]
        page.table("gaps", [("Longest gap", ""), ("Pixels", ".1%")], rows,
                   "Of the pixels with any observation; the time before the first and after the last counts too.")
        weeks = np.add.reduceat(statistics.gaps, np.arange(0, np.flatnonzero(statistics.gaps)[-1] + 1, 7))
        page.figure(figures.histogram(7.0 * np.arange(len(weeks) + 1), weeks, "Longest gap (days)", "Share of pixels"),
                    "How long the longest gap is.")
    if statistics.pixels > 1:
        for name, label, colours in (("observations", "Number of observations", "viridis"),
                                     ("longest gap", "Longest gap (days)", "YlOrBr")):
            small = statistics.thumbnails[name]
            limits = (0, float(np.nanmax(small))) if np.isfinite(small).any() else None
            page.figure(figures.maps([small], [""], label, limits, colours),
                        f"{label} of each pixel; grey: never observed.")


def _values(page: Report, statistics: Statistics, name: str) -> None:
    low, middle, high = statistics.quantiles((0.1, 0.5, 0.9))
    known = np.isfinite(middle)
    page.section("Values")
    if known.any():
        line = figures.Line("median", statistics.days[known], middle[known], low[known], high[known])
        page.figure(figures.lines([line], name),
                    "Median over the pixels, and the band that holds the middle 80% of them.")
    counts = statistics.histograms.sum(axis=0)
    used = np.flatnonzero(counts)
    if len(used):
        inside = slice(used[0], used[-1] + 1)
        page.figure(figures.histogram(statistics.edges[used[0]:used[-1] + 2], counts[inside], name), "All values.")


def _radar(page: Report, statistics: Statistics, name: str, offsets: dict) -> None:
    relations = {covariate: statistics.relation(covariate) for covariate in statistics.covariates}
    page.section(f"What radar tells of {name}")
    page.text(f"Each date is paired with the nearest one of a covariate, at most {MOST_OFFSET_DAYS:g} days away. "
              "'All pairs' mixes differences between places with changes in time; 'in time' takes every pixel's own "
              "means out, and is what filling a gap can use.")
    page.table("correlation", [("Covariate", ""), ("Pairs", ",d"), ("All pairs", "+.2f"), ("In time", "+.2f")],
               [(covariate, r.count, r.overall, r.within) for covariate, r in relations.items()])
    limits = {"limits": (-1, 1), "colours": "RdBu", "spec": "+.2f"}
    for title, labels, values in (("month", MONTH_LABELS, [r.by_month for r in relations.values()]),
                                  (f"level of {name}", LEVEL_LABELS, [r.by_level for r in relations.values()])):
        if title == "month" or name == "NDVI":
            page.figure(figures.heat_map(values, list(relations), labels, "Correlation", **limits),
                        f"Correlation of all pairs by {title}.")
            page.number(f"correlation by {title}", {covariate: dict(zip(labels, row)) for covariate, row in
                                                    zip(relations, values)})
    rows = [(covariate, float(np.median(np.abs(days))), float(np.abs(days).max()),
             float(np.mean(np.abs(days) <= MOST_OFFSET_DAYS))) for covariate, days in offsets.items()]
    page.table("offsets", [("Covariate", ""), ("Median offset (days)", ".1f"), ("Largest", ".1f"),
                           (f"Within {MOST_OFFSET_DAYS:g} days", ".0%")], rows,
               f"Days between each date of {name} and the nearest date of the covariate.")


def _list(words: list[str], most: int = 6) -> str:
    shown = ", ".join(words[:most])
    return f"{shown} and {len(words) - most} more" if len(words) > most else shown
