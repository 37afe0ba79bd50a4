"""Whether a model suits the series it is asked to fill: refused where it cannot work, warned where it was never tried.

Inputs are matched by name and unit, never by position. Season, place, pixel size and values outside those of the training
make a network guess about what it never saw; it is allowed, and said.
"""
from __future__ import annotations

import math
from datetime import date

import numpy as np

from ..errors import InputError
from ..timeseries import Series
from ..timeseries.dates import iso_date
from ..timeseries.series import distinct_names
from .card import Card, Input

# Two weeks beyond its season a crop still looks like itself; and the margin closes a year that lacks a few dates.
SEASON_MARGIN_DAYS = 15.0
DAYS_PER_YEAR = 365.25
# Outside are 1 % of the training's own values, by the definition of `Input`; a share this large is another landscape.
MOST_OUTSIDE = 0.05
# Linear factors beyond which a pixel mixes other fields, or dates lie in another rhythm, than the network has seen.
PIXEL_FACTOR, STEP_FACTOR = 1.5, 2.0
LEAST_INSIDE = 0.5  # share of the scene's area within the training's
NO_SHARE = 0.005  # what degrees of one reference system against another's may overlap by themselves
KM_PER_DEGREE = 111.32
_EPOCH = date(1970, 1, 1).toordinal()


def setting(series: list[Series]) -> dict:
    """Time and place of a training on these series (target first), as fields of a `Card`."""
    target, grid = series[0], series[0].grid
    days = target.days
    orbits = {orbit for one in series[1:] if (orbit := (one.header or {}).get("orbit", ""))}
    return {"first_date": _day_text(days[0]), "last_date": _day_text(days[-1]), "dates": len(days),
            "median_step": _step(days), "orbit": ", ".join(sorted(orbits)), "crs": grid.crs_name if grid.crs else "",
            "pixel_size": grid.pixel_metres, "bounds": _within_earth(grid.degrees)}


def arranged(card: Card, series: list[Series]) -> list[Series]:
    """The series that the model reads, in its own order.

    Parameters
    ----------
    card : Card
    series : list of Series
        The target first, then covariates in any order; others than the model knows are left out.

    Raises
    ------
    InputError
        When one is missing or has another unit; names it and what was found.
    """
    own = distinct_names(series)
    given = dict(zip(own[1:], series[1:]))
    if own[0] != card.target.name:
        raise InputError(f"The model fills {card.target.name}, but INPUT ({series[0].name}) holds {own[0]}.",
                         f"Give a series of {card.target.name}, or a model for {own[0]}.")
    missing = [one.name for one in card.covariates if one.name not in given]
    if missing:
        needs, found = ", ".join(one.name for one in card.covariates), ", ".join(given) or "none"
        lack = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        raise InputError(f"The model needs the covariates {needs}; {lack} (given: {found}).",
                         "Add what is missing to COVARIATES, on the grid of INPUT.")
    chosen = [series[0], *(given[one.name] for one in card.covariates)]
    for wanted, one in zip(card.inputs, chosen):
        if one.units != wanted.units:
            raise InputError(f"The model reads {wanted.name} in {_unit(wanted.units)}, but {one.name} holds it in "
                             f"{_unit(one.units)}.", "Build the series again with the right unit (phenofuse:buildtimeseries).")
    return chosen


def warnings(card: Card, series: list[Series], values: list | None = None) -> list[str]:
    """What the model was never tried on, each in one sentence.

    Parameters
    ----------
    card : Card
    series : list of Series
        As `arranged` gives them.
    values : list of ndarray, optional
        A sample of each series' values, of any shape, NaN where missing.
    """
    found = [_season(card, series[0].days), _rhythm(card, series[0].days), _orbit(card, series),
             _pixel(card, series[0].grid.pixel_metres), _region(card, _within_earth(series[0].grid.degrees))]
    found += [_range(one, sample) for one, sample in zip(card.inputs, values or ())]
    return [sentence for sentence in found if sentence]


def taught_here(card: Card, series: list[Series]) -> bool:
    """Whether the training shares time and place with these series (target first): then it saw what is hidden from others.

    Where neither has a reference system, time alone decides.
    """
    days, bounds = series[0].days, _within_earth(series[0].grid.degrees)
    if _day_number(card.last_date) < math.floor(days[0]) or _day_number(card.first_date) > days[-1]:
        return False
    if bounds is None or card.bounds is None:
        return bounds is card.bounds
    return min(_common_sides(bounds, card.bounds)) > 0


def _season(card: Card, days: np.ndarray) -> str:
    first, last = (_day_number(text) for text in (card.first_date, card.last_date))
    reach = last - first + 2 * SEASON_MARGIN_DAYS
    outside = (days - first + SEASON_MARGIN_DAYS) % DAYS_PER_YEAR > reach
    if not outside.any():
        return ""
    return (f"{outside.sum()} of {len(days)} dates lie outside the season the model was trained in "
            f"({_in_year(card.first_date)} to {_in_year(card.last_date)}).")


def _rhythm(card: Card, days: np.ndarray) -> str:
    step = _step(days)
    if not step or not card.median_step or not _apart(step, card.median_step, STEP_FACTOR):
        return ""
    return f"The dates are {step:g} days apart; the model was trained on dates {card.median_step:g} days apart."


def _orbit(card: Card, series: list[Series]) -> str:
    own = setting(series)["orbit"]
    if not own or not card.orbit or own == card.orbit:
        return ""
    return f"The radar is from the orbit {own}; the model was trained on {card.orbit}."


def _pixel(card: Card, size: tuple) -> str:
    if not any(_apart(own, theirs, PIXEL_FACTOR) for own, theirs in zip(size, card.pixel_size)):
        return ""
    return f"The pixels are {_metres(size)}; the model was trained on pixels of {_metres(card.pixel_size)}."


def _region(card: Card, bounds) -> str:
    if bounds is None or card.bounds is None:
        return ""
    wide, high = _common_sides(bounds, card.bounds)
    area = _length(bounds[0::2], 360.0) * (bounds[3] - bounds[1])
    share = max(wide, 0.0) * max(high, 0.0) / area
    if share >= LEAST_INSIDE:
        return ""
    if share > NO_SHARE:
        return f"Only {share:.0%} of the scene lies within the area the model was trained in."
    narrowing = math.cos(math.radians((bounds[1] + bounds[3]) / 2))
    distance = math.hypot(min(wide, 0.0) * narrowing, min(high, 0.0)) * KM_PER_DEGREE
    where = "just beside" if distance < 1 else f"{distance:.0f} km from"
    return f"The scene lies {where} the area the model was trained in."


def _range(one: Input, sample: np.ndarray) -> str:
    seen = sample[np.isfinite(sample)]
    outside = float(np.mean((seen < one.low) | (seen > one.high))) if len(seen) else 0.0
    if outside <= MOST_OUTSIDE:
        return ""
    unit = "" if one.units == "1" else f" {one.units}"
    return f"{outside:.0%} of the values of {one.name} lie outside those of the training ({one.low:.3g} to {one.high:.3g}{unit})."


def _common_sides(own: tuple, other: tuple) -> tuple:
    """Degrees of longitude and latitude that two areas share, or minus their distance."""
    return tuple(_overlap(own[place::2], other[place::2], turn) for place, turn in ((0, 360.0), (1, 0.0)))


def _overlap(own: tuple, other: tuple, turn: float) -> float:
    """Length that two ranges share, or minus the distance between them; around the globe where `turn` is 360."""
    length, theirs = _length(own, turn), _length(other, turn)
    shifts = (0.0, turn, -turn) if turn else (0.0,)
    return max(min(own[0] + shift + length, other[0] + theirs) - max(own[0] + shift, other[0]) for shift in shifts)


def _length(range_: tuple, turn: float) -> float:
    return (range_[1] - range_[0]) % turn or turn if turn else range_[1] - range_[0]


def _within_earth(bounds):
    """None for what no reference system can mean, such as a plan in metres of its own."""
    return tuple(float(one) for one in bounds) if bounds and np.isfinite(bounds).all() else None


def _step(days: np.ndarray) -> float:
    return round(float(np.median(np.diff(days))), 2) if len(days) > 1 else 0.0


def _apart(first: float, second: float, factor: float) -> bool:
    return max(first, second) > factor * min(first, second)


def _day_number(text: str) -> int:
    return iso_date(text).toordinal() - _EPOCH


def _day_text(days: float) -> str:
    return date.fromordinal(_EPOCH + math.floor(days)).isoformat()


def _in_year(text: str) -> str:
    day = iso_date(text)
    return f"{day.day} {day:%B}"


def _unit(units: str) -> str:
    return {"1": "numbers without unit", "": "an unknown unit"}.get(units, units)


def _metres(size: tuple) -> str:
    return " x ".join(f"{one:.3g}" for one in size) + " m"

