"""Orbits of radar: a scene looks different from the east and from the west, and from near and far range."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np

from ..errors import InputError
from .choosing import Candidate
from .identity import stem
from .series import Series

REPEAT_DAYS = 12  # of each Sentinel-1 satellite: dates that lie a multiple of it (or of half of it, with two) apart are of one orbit
# Between orbits of flat land lie some tenths of a decibel, between directions over slopes and rows several (measured on the
# series of six public scenes: 0.1 to 1.6 dB); from one decibel on a series of both is a saw.
TOLD_DB = 1.0
_ASCENDING, _DESCENDING = re.compile(r"A|ASC|ASCENDING"), re.compile(r"D|DESC?|DESCENDING")
_RELATIVE = re.compile(r"(?<![A-Z0-9])(?:R|RO|REL(?:ATIVE)?_?ORB(?:IT)?_?|ORB(?:IT)?_?|TRACK_?)(\d{1,3})(?![0-9])")


def orbit_of(one: Candidate) -> tuple[str, str]:
    """Direction (``ascending``, ``descending`` or '') and number of the relative orbit ('' where not said) of a band."""
    tags = {**one.file.tags, **one.band.tags}
    said = [
        one.file.header.get("orbit"),
        tags.get("orbitProperties_pass"),
        tags.get("orbit_direction"),
        tags.get("PASS"),
        tags.get("pass"),
    ]
    words = re.split(r"[^A-Z0-9]+", f"{stem(one.file)} {one.band.description}".upper())
    direction = ""
    for text in [*filter(None, said), *words]:
        word = str(text).upper().strip()
        direction = direction or (
            "ascending" if _ASCENDING.fullmatch(word) else "descending" if _DESCENDING.fullmatch(word) else ""
        )
    number = tags.get("relativeOrbitNumber_start") or tags.get("relative_orbit") or ""
    found = _RELATIVE.search(f"{stem(one.file)} {one.band.description}".upper())
    return direction, str(number).lstrip("0") or (found[1].lstrip("0") if found else "")


def _asked(wanted: str) -> str:
    """ORBIT as a direction, or as a number without zeros."""
    text = wanted.strip().upper()
    number = text.lstrip("RO").lstrip("0")
    if _ASCENDING.fullmatch(text) or _DESCENDING.fullmatch(text):
        return "ascending" if _ASCENDING.fullmatch(text) else "descending"
    return number if number.isdigit() else ""


def of_orbit(found: list[Candidate], wanted: str) -> list[Candidate]:
    """The bands of one direction or relative orbit.

    Raises
    ------
    InputError
        When none is, or names and tags do not say.
    """
    key = _asked(wanted)
    if not key:
        raise InputError(
            f"ORBIT is '{wanted}'.", "Give ascending, descending, or the number of a relative orbit such as 76."
        )
    is_direction = not key.isdigit()
    orbits = [orbit_of(one) for one in found]
    taken = [one for one, (direction, orbit) in zip(found, orbits) if key == (direction if is_direction else orbit)]
    if not taken:
        there = sorted({(direction if is_direction else orbit) or "not said" for direction, orbit in orbits})
        raise InputError(f"No raster is of the orbit {wanted}; by names and tags there is: {', '.join(there)}.",
                         "Give another ORBIT, or choose the files by PATTERN or LAYERS.")  # fmt: skip
    return taken


def tell(series: Series, by_path: dict, events) -> None:
    """Warn of a radar series that holds several orbits, by names or by a step in the values.

    Parameters
    ----------
    by_path : dict
        ``(path, band index)`` to what `orbit_of` says.
    """
    said = [
        {by_path.get((s.path, s.band.index), ("", "")) for part in group for s in part.sources}
        for group in series.sources
    ]
    for place, kind in ((0, "directions"), (1, "relative orbits")):
        groups, mixed = {}, False
        for position, orbits in enumerate(said):
            names = {orbit[place] for orbit in orbits}
            mixed |= len(names) > 1
            groups.setdefault(" and ".join(sorted(names)) if all(names) else "", []).append(position)
        if (len(groups) > 1 or mixed) and "" not in groups:
            step = _step(series, list(groups.values()))
            listed = ", ".join(f"{name} ({len(positions)} dates)" for name, positions in groups.items())
            far = f"; between them lie {step:.1f} dB in the median" if step >= TOLD_DB else ""
            count = len({orbit[place] for orbits in said for orbit in orbits})
            events.warning(
                f"{series.name} holds {count} {kind} of the radar: {listed}{far}. Keep them apart by ORBIT."
            )
            return
    groups = _rhythms(series)
    if len(groups) > 1:
        step = _step(series, groups)
        if step >= TOLD_DB and _is_told_apart(series, groups):
            counts = " and ".join(str(len(group)) for group in groups)
            events.warning(
                f"{series.name} seems to hold {len(groups)} orbits of the radar ({counts} dates, each every {REPEAT_DAYS} days or a "
                f"multiple of it): their medians lie {step:.1f} dB apart. Build one series of each, by LAYERS or PATTERN."
            )


def with_orbit(series: Series, wanted: str) -> Series:
    """The series, with the orbit in its header."""
    return replace(series, header={**(series.header or {}), "orbit": _asked(wanted)})


def _rhythms(series: Series) -> list[list[int]]:
    """Positions of dates by their place in the satellite's repeat cycle; satellites of a pair share an orbit half a cycle apart."""
    if any(period.end for period in series.periods):
        return []
    groups = {}
    for position, day in enumerate(series.days.astype(int)):
        groups.setdefault(day % (REPEAT_DAYS // 2), []).append(position)
    return [group for group in groups.values() if len(group) > 2] if len(groups) <= 4 else []


def _medians(series: Series) -> np.ndarray:
    return np.array([np.nanmedian(layer) if np.isfinite(layer).any() else np.nan for layer in series.sampled()])


def _step(series: Series, groups: list) -> float:
    medians = _medians(series)
    levels = [np.nanmedian(medians[group]) for group in groups if np.isfinite(medians[group]).any()]
    return float(max(levels) - min(levels)) if len(levels) > 1 else 0.0


def _is_told_apart(series: Series, groups: list) -> bool:
    """Whether the groups differ by more than dates within a group do from their neighbours."""
    medians = _medians(series)
    within = np.concatenate([np.abs(np.diff(medians[group])) for group in groups])
    levels = [np.nanmedian(medians[group]) for group in groups]
    return bool(max(levels) - min(levels) > 3 * np.nanmedian(within))
