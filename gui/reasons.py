"""Why a value is as it is: reason codes of QUALITY in the words of its legend on the map, and the gap it lies in."""
from __future__ import annotations

from functools import cache
from pathlib import Path

from qgis.PyQt.QtXml import QDomDocument

from ..algorithms.bridge.text import tr
from .members import Profile
from .profiles import NAN

LEGEND = Path(__file__).resolve().parents[1] / "resources" / "styles" / "quality.qml"
# Codes of the contract that tell of a gap: filled with radar, filled in time, beyond the longest gap allowed.
IN_A_GAP, EXTRAPOLATED = (2, 3, 4), 5


@cache
def names() -> dict:
    """The words of every code."""
    style = QDomDocument()
    style.setContent(LEGEND.read_text(encoding="utf-8"))
    entries = style.elementsByTagName("paletteEntry")
    found = (entries.item(number).toElement() for number in range(entries.count()))
    return {int(entry.attribute("value")): entry.attribute("label") for entry in found}


def name(profile: Profile, place: int) -> str:
    """Why the value at a place in the series is as it is; '' where that is not known."""
    code = profile.codes[place] if profile.codes else NAN
    return names().get(code, tr("unknown reason {:g}").format(code)) if code == code else ""


def sentence(profile: Profile, place: int) -> str:
    """The same, with the days of the gap; of a polygon, how much of it has a value and was observed."""
    if profile.pixels:
        shares = profile.clear[place] if profile.clear else NAN
        told = tr("{} pixels").format(profile.pixels[place])
        return told if shares != shares else tr("{}, {:.0%} observed").format(told, shares)
    told, gap = name(profile, place), profile.gaps[place] if profile.gaps else NAN
    if gap == gap and profile.codes[place] in IN_A_GAP:
        return tr("{}, gap {:.0f} days").format(told, gap)
    if gap == gap and profile.codes[place] == EXTRAPOLATED:
        return tr("{} by {:.0f} days").format(told, gap)
    return told
