"""The parts of a date's picture: which bands belong to one image, and which images of a day are one picture."""

from __future__ import annotations

import re
from pathlib import Path

from ..errors import InputError
from .choosing import Candidate
from .identity import names_in, stem
from .names import period_in_name
from .orbits import orbit_of

# Words that only tell a band or its resolution: without them the names of the bands of one image are alike.
_OF_A_BAND = re.compile(
    r"SR|ST|QA|QC|PIXEL|VI|CDF|\d*M|10|20|30|60|RADSAT|MSK|[A-Z]*QUALITY|SUR|REFL|DB|LINEAR|MASKED|UNMASKED|R\d0M"
)
_TILE = re.compile(r"(?<![A-Z0-9])(?:T?\d{1,2}[C-HJ-NP-X][A-HJ-NP-Z]{2}|H\d\dV\d\d|X\d{4}_Y\d{4})(?![A-Z0-9])")
_CLOCK = re.compile(r"(?:19|20)\d{6}T([01]\d|2[0-3])([0-5]\d)")
MOST_HOURS = 1.0  # between the names of bands of one overpass: of its pieces they differ by minutes


def image_key(one: Candidate) -> tuple:
    """What the names of the bands of one image have in common."""
    words = [word for word in re.split(r"[^A-Za-z0-9]+", _text(one)) if word]
    return tuple(sorted({w.upper() for w in words if not _OF_A_BAND.fullmatch(w.upper()) and not names_in(w)}))


def _text(one: Candidate) -> str:
    return f"{one.folder} {stem(one.file)} {one.band.description}"


def _contradict(one: Candidate, other: Candidate) -> bool:
    """Whether names tell that two bands are of different overpasses or places, and so of no image together."""
    return any(a and b and a != b for a, b in zip(_overpass(one), _overpass(other))) or _hours_apart(one, other)


def _overpass(one: Candidate) -> tuple:
    """Tile, direction and relative orbit; '' where not said."""
    tile = _TILE.search(_text(one).upper())
    return (tile[0].lstrip("T0") if tile else "", *orbit_of(one))


def _hours_apart(one: Candidate, other: Candidate) -> bool:
    clocks = [_CLOCK.search(_text(each).upper()) for each in (one, other)]
    hours = [int(clock[1]) + int(clock[2]) / 60 for clock in clocks if clock]
    return len(hours) == 2 and abs(hours[0] - hours[1]) > MOST_HOURS


class Partners:
    """Dated bands of one role, to be found by the image that they belong to."""

    def __init__(self, found: list, periods: list):
        self._by_key, self._by_period = {}, {}
        for one, period in zip(found, periods):
            self._by_key.setdefault((period, image_key(one)), []).append(one)
            self._by_period.setdefault(period, []).append(one)

    @property
    def periods(self) -> set:
        """Those that there is a band of."""
        return set(self._by_period)

    def of(self, one: Candidate, period) -> Candidate | None:
        """The partner of a band: of the same image, or the only one of its date; None where there is none.

        Of one band at several resolutions it is the finest.

        Raises
        ------
        InputError
            When there are several.
        """
        found = self._by_key.get((period, image_key(one))) or self._by_period.get(period) or []
        found = [other for other in found if not _contradict(one, other)]
        found = [other for other in found if other.file.path == one.file.path] or found
        if len(found) > 1:
            found, _ = finest(found)
        if len(found) > 1:
            names = ", ".join(other.label for other in found[:4])
            raise InputError(f"Of {period} there are {len(found)} layers that could belong to {one.label}: {names}.",
                             "Leave only one of them in, by PATTERN or LAYERS.")  # fmt: skip
        return found[0] if found else None


def finest(found: list) -> tuple[list, list]:
    """Bands without those that are there at a finer resolution as well, and those that were left out.

    The same band of the same image at 10, 20 and 60 m, as products deliver it, is one band.
    """
    groups = {}
    for one in found:
        groups.setdefault((image_key(one), one.said.names, one.said.words), []).append(one)
    out = set()
    for group in groups.values():
        ordered = sorted(group, key=lambda one: one.file.grid.pixel_size)
        for one in ordered[1:]:
            fine, coarse = ordered[0].file.grid, one.file.grid
            if coarse.pixel_size[0] > 1.5 * fine.pixel_size[0] and same_ground(fine, coarse):
                out.add(id(one))
    return [one for one in found if id(one) not in out], [one for one in found if id(one) in out]


def same_ground(a, b) -> bool:
    """Whether two grids cover the same ground, to half a pixel of the larger one."""
    if a.crs != b.crs:
        return False
    slack = max(*a.pixel_size, *b.pixel_size) / 2
    return all(abs(p - q) <= slack for p, q in zip(a.bounds, b.bounds))


def require_one_picture(dated: list) -> list:
    """Refuse bands of one date that are different things rather than parts of one picture.

    Parameters
    ----------
    dated : list of (Period, Candidate)

    Returns
    -------
    list of tuple
        The kinds of names there are, one for most sets.

    Raises
    ------
    InputError
        The message lists the bands of the first such date.
    """
    groups = {}
    for period, one in dated:
        groups.setdefault(period.middle, []).append((period, one))
    for group in groups.values():
        ones = [one for _, one in group]
        if len(ones) > 1 and not _are_parts(ones):
            raise InputError(
                f"{len(ones)} bands are of {group[0][0]} and not told apart by tile, orbit or hour alone: "
                f"{', '.join(one.label for one in ones[:4])}{' ...' if len(ones) > 4 else ''}.",
                "Choose one kind: by VARIABLE (a part of the name will do, such as NDVI_masked), PATTERN, BAND or LAYERS.",
            )
    return list(dict.fromkeys(one.said.words for _, one in dated))


def _are_parts(ones: list) -> bool:
    """Whether bands of one date are parts of one picture: of several files that differ by place or hour, or of a dated stack."""
    paths = [one.file.path for one in ones]
    if len(set(paths)) < len(paths) and not all(period_in_name(one.band.description) for one in ones):
        return False
    return len({one.said.words for one in ones}) == 1 or _lie_apart(ones)


def _lie_apart(ones: list) -> bool:
    """Whether no two files share ground: then they are tiles, whatever their names."""
    boxes = [one.file.grid.bounds for one in ones]
    if len({one.file.grid.crs for one in ones}) > 1 or len({one.file.path for one in ones}) < len(ones):
        return False
    slack = min(min(one.file.grid.pixel_size) for one in ones) / 2
    return all(
        a[2] <= b[0] + slack or b[2] <= a[0] + slack or a[3] <= b[1] + slack or b[3] <= a[1] + slack
        for i, a in enumerate(boxes) for b in boxes[i + 1 :]
    )  # fmt: skip


def kinds_text(kinds: list) -> str:
    """Kinds of names, for a sentence."""
    return "; ".join(" ".join(kind) or "(nothing but the date)" for kind in kinds[:4]) + (
        " ..." if len(kinds) > 4 else ""
    )


def names_of(ones) -> str:
    """Names of files for a sentence."""
    names = list(dict.fromkeys(Path(one.file.path).name for one in ones))
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
