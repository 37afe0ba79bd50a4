"""Which rasters belong together, and what they say of one place.

A fill and its standard deviations are two files, told apart from those of other runs by their tags: one method, the same
parameters, the same parents, the same dates. Names decide only between runs that are alike in all of this.
"""
from __future__ import annotations

import os
from dataclasses import dataclass
from difflib import SequenceMatcher

from .profiles import NAN, Description

INTERVAL = 1.959964  # standard deviations of a Gaussian's 95 % interval


@dataclass(frozen=True)
class Member:
    """A raster that the plot shows, with the raster of its standard deviations where there is one.

    Parameters
    ----------
    key, deviation_key : str
        Of the layers; '' where there is no deviation.
    description, deviation : Description
        Of their rasters.
    """

    key: str
    description: Description
    deviation_key: str = ""
    deviation: Description | None = None

    @property
    def kind(self) -> str:
        """``observed``, ``filled`` or ``season``."""
        return self.description.kind

    @property
    def keys(self) -> tuple:
        """The layers to be read."""
        return (self.key, self.deviation_key) if self.deviation_key else (self.key,)


@dataclass(frozen=True)
class Profile:
    """What a member says of one place; NaN where it says nothing.

    Parameters
    ----------
    days : tuple of float
        Days since 1970-01-01, middles of the periods; of seasons, their dates.
    values : tuple of float
        Of seasons, NaN.
    deviations : tuple of float
        One standard deviation, in units of the values; of seasons, in days.
    """

    days: tuple
    values: tuple
    deviations: tuple

    @property
    def empty(self) -> bool:
        """Whether nothing is known."""
        return not any(day == day and value == value for day, value in zip(self.days, self.values))


def members(descriptions: dict) -> list[Member]:
    """The rasters that the plot can show, of all `Description` by key."""
    found = []
    for key, one in descriptions.items():
        if one.kind not in ("observed", "filled", "season"):
            continue
        mates = [(other, of) for other, of in descriptions.items() if of.kind == "deviation" and _fits(of, one)]
        mate = max(mates, key=lambda pair: _nearness(pair[1].path, one.path), default=("", None))
        found.append(Member(key, one, *mate))
    return found


def profile(member: Member, samples: dict) -> Profile | None:
    """What a member says, from the values of its layers by key; None when it was not read, or the place lies outside."""
    values = samples.get(member.key)
    if values is None:
        return None
    deviations = samples.get(member.deviation_key)
    if member.kind == "season":
        spreads = tuple(deviations[place] if deviations and place is not None else NAN for place in _season_places(member))
        return Profile(values, (0.0,) * len(values), spreads)
    return Profile(tuple(period.middle for period in member.description.periods), values, deviations or (NAN,) * len(values))


def _fits(deviation: Description, one: Description) -> bool:
    """Whether standard deviations are those of a raster."""
    if deviation.origin != one.origin or not one.tag.get("method"):
        return False
    if one.kind == "season":
        return deviation.units == "days"
    return deviation.units == one.units and deviation.periods == one.periods


def _nearness(path: str, other: str) -> tuple:
    return (os.path.dirname(path) == os.path.dirname(other),
            SequenceMatcher(None, os.path.basename(path), os.path.basename(other)).ratio())


def _season_places(member: Member) -> list:
    """The band of each season's standard deviation: 'start of season 1' belongs to the start's band 'season 1'."""
    names = member.deviation.bands if member.deviation else ()
    wanted = [f"{member.description.tag['metric']} of {band}" for band in member.description.bands]
    return [names.index(name) if name in names else None for name in wanted]
