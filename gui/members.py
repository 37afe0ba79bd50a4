"""Which rasters belong together, and what they say of one place.

A fill, its standard deviations and its reason codes are three files, told apart from those of other runs by their tags: one
method, the same parameters, the same parents, the same dates. Names decide only between runs that are alike in all of this.
"""
from __future__ import annotations

import os
from bisect import bisect
from dataclasses import dataclass
from difflib import SequenceMatcher

from .areas import Area
from .profiles import NAN, Description

INTERVAL = 1.959964  # standard deviations of a Gaussian's 95 % interval
OBSERVED = 1  # the reason code, by the contract


@dataclass(frozen=True)
class Member:
    """A raster that the plot shows, with the rasters of its standard deviations and reason codes where there are any.

    Parameters
    ----------
    key, deviation_key, quality_key : str
        Of the layers; '' where there is none.
    description, deviation : Description
        Of their rasters.
    own_dates : bool
        Whether its dates are known to be those of observations. Filled on other dates a series has observations between
        those that its codes know of.
    """

    key: str
    description: Description
    deviation_key: str = ""
    deviation: Description | None = None
    quality_key: str = ""
    own_dates: bool = False

    @property
    def kind(self) -> str:
        """``observed``, ``filled`` or ``season``."""
        return self.description.kind

    @property
    def keys(self) -> tuple:
        """The layers to be read."""
        return tuple(filter(None, (self.key, self.deviation_key, self.quality_key)))

    @property
    def area_keys(self) -> tuple:
        """The layers to be read of a polygon: its pixels' own spread is shown; of seasons none, as their numbers differ by pixel."""
        return () if self.kind == "season" else tuple(filter(None, (self.key, self.quality_key)))


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
    codes : tuple of float
        Reason codes; () where none are known.
    gaps : tuple of float
        Days between the observations around each date, beyond them to the nearest one; () where that is not known.
    pixels : tuple of int
        Of a polygon, how many each value is the mean of; its deviations are those among them, its codes the commonest. () at a point.
    clear : tuple of float
        Of a polygon, the share of its pixels that was observed; () where that is not known.
    step : int
        Of a large polygon, every so manieth row and column was read.
    """

    days: tuple
    values: tuple
    deviations: tuple
    codes: tuple = ()
    gaps: tuple = ()
    pixels: tuple = ()
    clear: tuple = ()
    step: int = 1

    @property
    def intervals(self) -> tuple:
        """Half of what is drawn around each value: of a point its 95 % interval, of a polygon the spread among its pixels."""
        return self.deviations if self.pixels else tuple(INTERVAL * deviation for deviation in self.deviations)

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
        own_dates = any(of.kind == "observed" and (of.variable, of.periods) == (one.variable, one.periods)
                        for of in descriptions.values())
        quality_key, _ = _companion("quality", one, descriptions)
        found.append(Member(key, one, *_companion("deviation", one, descriptions), quality_key, own_dates))
    return found


def profile(member: Member, samples: dict) -> Profile | None:
    """What a member says, from the values of its layers by key; None when it was not read, or the place lies outside."""
    values = samples.get(member.key)
    if values is None:
        return None
    if isinstance(values, Area):
        days = tuple(period.middle for period in member.description.periods)
        codes = samples.get(member.quality_key) or Area((), (), (), (), 1)
        return Profile(days, values.means, values.spreads, codes.means, (), values.counts, codes.clear, values.step)
    deviations = samples.get(member.deviation_key)
    if member.kind == "season":
        spreads = tuple(deviations[place] if deviations and place is not None else NAN for place in _season_places(member))
        return Profile(values, (0.0,) * len(values), spreads)
    days = tuple(period.middle for period in member.description.periods)
    codes = samples.get(member.quality_key) or ()
    return Profile(days, values, deviations or (NAN,) * len(values), codes, _gaps(days, codes) if member.own_dates else ())


def _gaps(days: tuple, codes: tuple) -> tuple:
    """Days between the observations around each date, beyond them to the nearest one; NaN where nothing was observed."""
    observed = [day for day, code in zip(days, codes) if code == OBSERVED]
    found = []
    for day in days[:len(codes)]:
        place = bisect(observed, day)
        around = observed[max(place - 1, 0):place + 1]
        found.append(around[1] - around[0] if len(around) == 2 else abs(day - around[0]) if around else NAN)
    return tuple(found)


def _companion(kind: str, one: Description, descriptions: dict) -> tuple:
    """Key and description of the raster that tells more of another one's values; ('', None) when there is none."""
    found = [(key, of) for key, of in descriptions.items() if of.kind == kind and _fits(of, one)]
    return max(found, key=lambda pair: _nearness(pair[1].path, one.path), default=("", None))


def _fits(companion: Description, one: Description) -> bool:
    """Whether standard deviations or reason codes are those of a raster."""
    if companion.origin != one.origin or not one.tag.get("method"):
        return False
    if one.kind == "season":
        return companion.units == "days"
    return companion.periods == one.periods and (companion.kind == "quality" or companion.units == one.units)


def _nearness(path: str, other: str) -> tuple:
    return (os.path.dirname(path) == os.path.dirname(other),
            SequenceMatcher(None, os.path.basename(path), os.path.basename(other)).ratio())


def _season_places(member: Member) -> list:
    """The band of each season's standard deviation: 'start of season 1' belongs to the start's band 'season 1'."""
    names = member.deviation.bands if member.deviation else ()
    wanted = [f"{member.description.tag['metric']} of {band}" for band in member.description.bands]
    return [names.index(name) if name in names else None for name in wanted]
