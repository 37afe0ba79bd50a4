"""What a session has to say: its places as a chart, and in words what users must know or do."""
from __future__ import annotations

from ..algorithms.bridge.text import tr
from .curves import Chart, Curve, Panel
from .places import Place
from .session import Session, on_right

ROOM = 0.015  # of the time shown, before the first date and after the last


def remark(session: Session, place: Place) -> str:
    """What a user must be told of a place; '' when all is as expected."""
    if place.waiting:
        names = ", ".join(dict.fromkeys(session.name(member.key) for member in session.shown if place.waiting & set(member.keys)))
        return tr("reading {} …").format(names)
    failed = [found for found in place.samples.values() if isinstance(found, Exception)]
    if failed:
        return tr("cannot be read: {}").format(failed[0])
    found = session.profiles(place)
    if not found:
        return tr("outside of all series")
    if all(one.empty for _, one in found):
        return tr("no series has a value here")
    if not place.polygon:
        return ""
    step = max(one.step for _, one in found)
    return tr("mean and spread of its pixels") + (tr(" (of each {}th row and column)").format(step) if step > 1 else "")


def note(session: Session) -> str:
    """A sentence for an empty chart: what to do."""
    if not session.members and len(session.descriptions) + len(session.problems) < len(session.layers):
        return tr("Looking for time series among the layers …")
    if not session.members:
        return tr("No time series in this project: add a raster with one date per band, such as an output of "
                  "'Build time series' or of the group 'Fill gaps'.")
    if not session.shown:
        return tr("All series are unchecked in the list.")
    return tr("Click the map to see the series of a place, or of a polygon where a layer of polygons is active. Shift+click sets "
              "another place beside it.")


def warnings(session: Session) -> list[str]:
    """What cannot be shown, and why."""
    found = [f"{session.name(key)}: {problem}" for key, problem in session.problems.items()]
    kinds = {one.kind for one in session.descriptions.values()}
    if "season of no year" in kinds and "season" not in kinds:
        found.append(tr("Seasons as days of the year have no place on a time line; for marks run 'Phenology metrics' "
                        "with DATES_AS = days."))
    return found


def chart(session: Session, moment: tuple | None) -> Chart:
    """The places, one panel each."""
    if not session.places or not session.shown:
        return Chart(moment=moment)
    panels = []
    for place in session.places:
        curves = tuple(Curve(session.name(member.key), member.kind, one, session.style(member), on_right(member))
                       for member, one in session.profiles(place))
        panels.append(Panel("   ".join(filter(None, (place.title, remark(session, place)))), curves, place.number))
    return Chart(tuple(panels), *(_axis(session, right) for right in (False, True)), _span(session), moment)


def _axis(session: Session, right: bool) -> str:
    """Title of a value axis: what its series are."""
    of = [member.description for member in session.shown if member.kind != "season" and on_right(member) == right]
    names = ", ".join(dict.fromkeys(one.variable for one in of if one.variable))
    units = next((one.units for one in of if one.units not in ("", "1")), "")
    return f"{names} ({units})" if names and units else names or units


def _span(session: Session) -> tuple:
    """First and last day of the series shown, with a little room; of seasons alone, their own."""
    days = [period.middle for member in session.shown for period in member.description.periods]
    days = days or [day for place in session.places for _, one in session.profiles(place) for day in one.days if day == day]
    room = max(ROOM * (max(days) - min(days)), 1.0) if days else 0.0
    return (min(days) - room, max(days) + room) if days else (0.0, 365.0)
