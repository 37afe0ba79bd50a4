"""Where and when: the area, the grid, the periods and the project that a job's parameters ask for."""

from __future__ import annotations

import re
from datetime import date, timedelta

from ..errors import InputError
from ..parameters import given
from ..timeseries import Grid, Period, periods_between
from ..timeseries.dates import day_in

MOST_PERIODS = 3000  # the queue of a project holds as many tasks
MOST_PIXELS = 2_000_000_000
PROJECT = re.compile(r"^(?:[a-z0-9.-]+:)?[a-z][a-z0-9-]{4,28}[a-z0-9]$")


def grid_of(parameters: dict) -> Grid:
    """The grid over EXTENT."""
    box, box_crs = _box(parameters.get("EXTENT"))
    pixel = float(given(parameters, "RESOLUTION", 10))
    if pixel <= 0:
        raise InputError(f"RESOLUTION is {pixel:g}; a pixel has a side above 0 m.", "Give 10 for Sentinel data.")
    grid = Grid.over(box, box_crs, parameters.get("CRS") or "", pixel)
    if not grid.crs_name.startswith("EPSG:"):
        raise InputError(f"{grid.crs_name} has no EPSG code; the service needs one.", "Choose a UTM zone as CRS.")
    if grid.width * grid.height > MOST_PIXELS:
        raise InputError(f"The area has {grid.width} x {grid.height} pixels; one export holds at most "
                         f"{MOST_PIXELS / 1e9:g} thousand million.", "Cut the area into parts, or take larger pixels.")  # fmt: skip
    return grid


def project_of(parameters: dict) -> str:
    """PROJECT, or '' where none was given."""
    name = (parameters.get("PROJECT") or "").strip()
    if name and not PROJECT.match(name):
        raise InputError(f"'{name}' is no id of a Google Cloud project.",
                         "Give the project's id (6 to 30 small letters, digits and hyphens), not its title.")  # fmt: skip
    return name


def _box(extent) -> tuple:
    """The numbers and the reference system of ``west,east,south,north [EPSG:4326]``."""
    match = re.fullmatch(r"\s*([^\[\]]+?)\s*(?:\[([^\]]+)\])?\s*", extent or "")
    try:
        west, east, south, north = (float(part) for part in match[1].split(","))
    except (TypeError, ValueError) as problem:
        raise InputError(f"EXTENT is '{extent or ''}'.",
                         "Give it as west,east,south,north [EPSG:4326].") from problem  # fmt: skip
    return (west, south, east, north), match[2] or "EPSG:4326"


def periods_of(parameters: dict) -> tuple:
    """The half-open periods from START_DATE to END_DATE."""
    start, end = (day_in(str(parameters.get(key) or ""), key) for key in ("START_DATE", "END_DATE"))
    days = int(given(parameters, "PERIOD_DAYS", 12))
    if days < 0:
        raise InputError(f"PERIOD_DAYS is {days}.", "Give days, or 0 for calendar months.")
    found = periods_between(start, days, max(0, (end - start).days) // days) if days else _months(start, end)
    if not found:
        raise InputError(f"No whole period lies between {start} and {end} (excluded).",
                         "END_DATE is the first day that is no longer exported: give a later one.")  # fmt: skip
    if len(found) > MOST_PERIODS:
        raise InputError(f"There are {len(found)} periods; one export holds at most {MOST_PERIODS}.", "Cut the dates into parts.")
    return found


def _months(start: date, end: date) -> tuple:
    """Whole calendar months from the month of `start`, which must be its first day, to before `end`."""
    if start.day != 1:
        raise InputError(f"START_DATE is {start}, but months begin with their first day.", f"Give {start.replace(day=1)}.")
    found = []
    while True:
        following = (start + timedelta(days=31)).replace(day=1)
        if following > end:
            return tuple(found)
        found.append(Period(start, following))
        start = following
