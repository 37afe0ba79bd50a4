"""What is loaded, what was clicked, and what has been read of it: the dock without its widgets.

Layers are looked at in the main thread only, for their names, paths and coordinate systems; all files are read by the
`Reader`. The last click wins: a place that gives way is cancelled, and what is still read for it is dropped.
"""
from __future__ import annotations

from typing import NamedTuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from ..algorithms.bridge.text import tr
from . import style
from .curves import Chart, Curve, Panel
from .members import Member, Profile, members, profile
from .places import Place, Request
from .profiles import Description
from .reading import Reader

ROOM = 0.015  # of the time shown, before the first date and after the last


class Layer(NamedTuple):
    """What reading needs to know of a layer."""

    name: str
    path: str
    crs: QgsCoordinateReferenceSystem


class Session(QObject):
    """Series of a project and places on a map canvas.

    Attributes
    ----------
    members : list of Member
        What can be shown, in the order of the layer tree.
    places : list of Place
        The last one gives way to the next click unless it is kept.
    hidden : set of str
        Keys of members that are neither read nor shown.
    """

    listed = pyqtSignal()  # members changed
    changed = pyqtSignal()  # anything changed that a chart shows

    def __init__(self, project: QgsProject, canvas, reader: Reader):
        super().__init__()
        self._project, self._canvas, self._reader = project, canvas, reader
        self.members: list[Member] = []
        self.places: list[Place] = []
        self.hidden: set = set()
        self._layers: dict[str, Layer] = {}
        self._descriptions: dict[str, Description] = {}
        self._problems: dict[str, Exception] = {}
        self._numbers: dict[str, tuple] = {}  # by member: its kind, its axis, and which of those it is
        self._guess = Request(QgsPointXY(), QgsCoordinateReferenceSystem())
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self.refresh)
        reader.described.connect(self._take_description)
        reader.sampled.connect(self._take_sample)
        tree = project.layerTreeRoot()
        self._links = [(signal, self._later.start) for signal in (tree.addedChildren, tree.removedChildren, tree.nameChanged)]
        self._links.append((project.cleared, self.clear))
        self._running = False

    # Layers.

    def start(self) -> None:
        """Follow the project from now on."""
        if not self._running:
            for signal, slot in self._links:
                signal.connect(slot)
        self._running = True
        self.refresh()

    def stop(self) -> None:
        """Let go of everything."""
        if self._running:
            for signal, slot in self._links:
                signal.disconnect(slot)
        self._running = False
        self._later.stop()
        self.clear()
        self._reader.stop()
        self._layers, self._descriptions, self._problems, self.members = {}, {}, {}, []

    def refresh(self) -> None:
        """Look at the project's layers anew."""
        found = self._present()
        for key, layer in self._layers.items():
            moved = key not in found or found[key].path != layer.path
            if moved:
                self._descriptions.pop(key, None)
                self._problems.pop(key, None)
            if moved or found[key].crs != layer.crs:
                for place in self.places:
                    place.samples.pop(key, None)
                    place.waiting.discard(key)
        self._layers = found
        self._reader.watch({key: layer.path for key, layer in found.items()  # all but what is known to be no series
                            if key not in self._problems and (key not in self._descriptions or self._descriptions[key].kind)})
        self._rebuild()

    def _present(self) -> dict[str, Layer]:
        """The project's rasters, in the order of the layer tree."""
        layers = (node.layer() for node in self._project.layerTreeRoot().findLayers())
        return {layer.id(): Layer(layer.name(), layer.source().split("|")[0], layer.crs()) for layer in layers
                if isinstance(layer, QgsRasterLayer) and layer.isValid() and layer.providerType() == "gdal"}

    def _take_description(self, key: str, path: str, found) -> None:
        if key in self._layers and self._layers[key].path == path:
            (self._problems if isinstance(found, Exception) else self._descriptions)[key] = found
            self._later.start()

    def _rebuild(self) -> None:
        """Find out anew which rasters belong together, and read what is missing of them."""
        self.members = members({key: self._descriptions[key] for key in self._layers if key in self._descriptions})
        if not self.places:
            self._numbers.clear()  # nothing is drawn yet: in the order of the layers, not in that of their answers
        for member in self.members:
            self._numbers.setdefault(member.key, self._free_number(member))
        self.listed.emit()
        self.anticipate(self._canvas.center())
        for place in self.places:
            self._read(place)
        self.changed.emit()

    def _free_number(self, member: Member) -> tuple:
        """The first number that no loaded series of the kind has: a series keeps its look while others come and go."""
        sort = member.kind, on_right(member)
        used = {self._numbers[key][2] for key in self._layers if self._numbers.get(key, ())[:2] == sort}
        return *sort, next(number for number in range(len(used) + 1) if number not in used)

    # Places.

    def pick(self, point: QgsPointXY, keep: bool = False) -> None:
        """Look at a place, in the map's coordinates, in the stead of the last one or beside it."""
        if self._present() != self._layers:  # no signal tells of a changed source or coordinate system
            self.refresh()
        if self.places and not keep and not self.places[-1].kept:
            self.places.pop().forget()
        elif self.places:
            self.places[-1].kept = True
        self.places.append(Place(self._canvas, point, len(self.places) + 1))
        self._read(self.places[-1])
        self.changed.emit()

    def keep(self) -> None:
        """Keep the last place when another one is clicked."""
        if self.places:
            self.places[-1].kept = True

    def clear(self) -> None:
        """Forget all places."""
        while self.places:
            self.places.pop().forget()
        self.changed.emit()

    def show(self, key: str, shown: bool) -> None:
        """Show a member, or leave it out."""
        (self.hidden.discard if shown else self.hidden.add)(key)
        for place in self.places:
            self._read(place)
        self.changed.emit()

    @property
    def waiting(self) -> bool:
        """Whether anything is still being read for the places."""
        return any(place.waiting for place in self.places)

    @property
    def shown(self) -> list[Member]:
        """The members that are not hidden."""
        return [member for member in self.members if member.key not in self.hidden]

    def anticipate(self, point: QgsPointXY) -> None:
        """Have all series read near a point that may be clicked next: the blocks around it are then at hand.

        To unpack the blocks of 62 dates takes 80 ms a file, a second pixel of them 0.1 ms.
        """
        self._guess.cancelled = True
        self._guess = Request(point, self._canvas.mapSettings().destinationCrs())
        for key in self._keys():
            self._ask(self._guess, key)

    def _keys(self) -> list[str]:
        """The layers that what is shown needs."""
        return [key for member in self.shown for key in member.keys]

    def _read(self, place: Place) -> None:
        """Ask for what is shown and not yet known."""
        self._guess.cancelled = True
        for key in self._keys():
            if key not in place.samples and key not in place.waiting:
                place.waiting.add(key)
                if not self._ask(place, key):
                    self._take_sample(place, key, self._layers[key].path, None)

    def _ask(self, request: Request, key: str) -> bool:
        """Have a layer read; False when its coordinate system does not reach there."""
        transform = QgsCoordinateTransform(request.crs, self._layers[key].crs, self._project.transformContext())
        try:
            there = transform.transform(request.point)
        except QgsCsException:
            return False
        self._reader.sample(request, key, there.x(), there.y())
        return True

    def _take_sample(self, place, key: str, path: str, found) -> None:
        if place in self.places and key in place.waiting and self._layers[key].path == path:
            place.waiting.discard(key)
            place.samples[key] = found
            self.changed.emit()

    # What a chart and an export need.

    def name(self, key: str) -> str:
        """The name of a layer."""
        return self._layers[key].name

    def style(self, member: Member) -> style.Style:
        """How a member looks."""
        kind, right, number = self._numbers[member.key]
        if kind == "season":
            return style.season(member.description.tag["metric"])
        if right:
            return style.radar(number, bool(member.deviation_key))
        return style.filled(number, bool(member.deviation_key)) if kind == "filled" else style.observed(number)

    def profiles(self, place: Place) -> list[tuple[Member, Profile]]:
        """What has been read at a place."""
        samples = {key: found for key, found in place.samples.items() if not isinstance(found, Exception)}
        found = [(member, profile(member, samples)) for member in self.shown]
        return [(member, one) for member, one in found if one is not None]

    def remark(self, place: Place) -> str:
        """What a user must be told of a place; '' when all is as expected."""
        if place.waiting:
            names = ", ".join(dict.fromkeys(self.name(member.key) for member in self.shown if place.waiting & set(member.keys)))
            return tr("reading {} …").format(names)
        failed = [found for found in place.samples.values() if isinstance(found, Exception)]
        if failed:
            return tr("cannot be read: {}").format(failed[0])
        found = self.profiles(place)
        if not found:
            return tr("outside of all series")
        return tr("no series has a value here") if all(one.empty for _, one in found) else ""

    def note(self) -> str:
        """A sentence for an empty chart: what to do."""
        if not self.members and len(self._descriptions) + len(self._problems) < len(self._layers):
            return tr("Looking for time series among the layers …")
        if not self.members:
            return tr("No time series in this project: add a raster with one date per band, such as an output of "
                      "'Build time series' or of the group 'Fill gaps'.")
        return tr("Click the map to see the series of a place. Shift+click sets another place beside it.")

    def warnings(self) -> list[str]:
        """What cannot be shown, and why."""
        found = [f"{self.name(key)}: {problem}" for key, problem in self._problems.items()]
        kinds = {one.kind for one in self._descriptions.values()}
        if "season of no year" in kinds and "season" not in kinds:
            found.append(tr("Seasons as days of the year have no place on a time line; for marks run 'Phenology metrics' "
                            "with DATES_AS = days."))
        return found

    def chart(self, moment: tuple | None) -> Chart:
        """The places, one panel each."""
        if not self.places or not self.shown:
            return Chart(moment=moment)
        panels = []
        for place in self.places:
            curves = tuple(Curve(self.name(member.key), member.kind, one, self.style(member), on_right(member))
                           for member, one in self.profiles(place))
            panels.append(Panel("   ".join(filter(None, (place.title, self.remark(place)))), curves))
        return Chart(tuple(panels), *(self._axis(right) for right in (False, True)), self._span(), moment)

    def _axis(self, right: bool) -> str:
        """Title of a value axis: what its series are."""
        of = [member.description for member in self.shown if member.kind != "season" and on_right(member) == right]
        names = ", ".join(dict.fromkeys(one.variable for one in of if one.variable))
        units = next((one.units for one in of if one.units not in ("", "1")), "")
        return f"{names} ({units})" if names and units else names or units

    def _span(self) -> tuple:
        """First and last day of the series shown, with a little room; of seasons alone, their own."""
        days = [period.middle for member in self.shown for period in member.description.periods]
        days = days or [day for place in self.places for _, one in self.profiles(place) for day in one.days if day == day]
        room = max(ROOM * (max(days) - min(days)), 1.0) if days else 0.0
        return (min(days) - room, max(days) + room) if days else (0.0, 365.0)


def on_right(member: Member) -> bool:
    """Whether a member belongs to the second axis: radar, in decibels."""
    return member.kind != "season" and (member.description.units == "dB" or member.description.variable in ("VV", "VH"))
