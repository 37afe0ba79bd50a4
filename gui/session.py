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
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
)
from qgis.PyQt.QtCore import QObject, QTimer, pyqtSignal

from . import style
from .members import Member, Profile, members, profile
from .places import Place, Polygon, Request, polygon_at
from .profiles import Description
from .reading import Reader


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
    layers, descriptions, problems : dict
        By key: the rasters of the project, what is known of them, why nothing is.
    """

    listed = pyqtSignal()  # members changed
    changed = pyqtSignal()  # anything changed that a chart shows

    def __init__(self, project: QgsProject, canvas, reader: Reader):
        super().__init__()
        self._project, self._canvas, self._reader = project, canvas, reader
        self.members: list[Member] = []
        self.places: list[Place] = []
        self.hidden: set = set()
        self.layers: dict[str, Layer] = {}
        self.descriptions: dict[str, Description] = {}
        self.problems: dict[str, Exception] = {}
        self._numbers: dict[str, tuple] = {}  # by member: its kind, its axis, and which of those it is
        self._guess = Request(QgsPointXY(), QgsCoordinateReferenceSystem())
        self._later = QTimer(self, singleShot=True, interval=0)
        self._later.timeout.connect(self.refresh)
        reader.described.connect(self._take_description)
        reader.sampled.connect(self._take_sample)
        tree = project.layerTreeRoot()
        self._links = [(signal, self._refresh_later) for signal in (tree.addedChildren, tree.removedChildren, tree.nameChanged)]
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
        self.layers, self.descriptions, self.problems, self.members = {}, {}, {}, []

    def refresh(self) -> None:
        """Look at the project's layers anew."""
        found = self._present()
        for key, layer in self.layers.items():
            moved = key not in found or found[key].path != layer.path
            if moved:
                self.descriptions.pop(key, None)
                self.problems.pop(key, None)
            if moved or found[key].crs != layer.crs:
                for place in self.places:
                    place.samples.pop(key, None)
                    place.waiting.discard(key)
        self.layers = found
        self._reader.watch({key: layer.path for key, layer in found.items()  # all but what is known to be no series
                            if key not in self.problems and (key not in self.descriptions or self.descriptions[key].kind)})
        self._rebuild()

    def _refresh_later(self, *_) -> None:
        """Once for many changes that come together, as when a project is read."""
        self._later.start()

    def _present(self) -> dict[str, Layer]:
        """The project's rasters, in the order of the layer tree."""
        layers = (node.layer() for node in self._project.layerTreeRoot().findLayers())
        return {layer.id(): Layer(layer.name(), layer.source().split("|")[0], layer.crs()) for layer in layers
                if isinstance(layer, QgsRasterLayer) and layer.isValid() and layer.providerType() == "gdal"}

    def _take_description(self, key: str, path: str, found) -> None:
        if key in self.layers and self.layers[key].path == path:
            (self.problems if isinstance(found, Exception) else self.descriptions)[key] = found
            self._later.start()

    def _rebuild(self) -> None:
        """Find out anew which rasters belong together, and read what is missing of them."""
        self.members = members({key: self.descriptions[key] for key in self.layers if key in self.descriptions})
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
        used = {self._numbers[key][2] for key in self.layers if self._numbers.get(key, ())[:2] == sort}
        return *sort, next(number for number in range(len(used) + 1) if number not in used)

    # Places.

    def pick(self, point: QgsPointXY, keep: bool = False, polygon: Polygon | None = None) -> None:
        """Look at a place, in the map's coordinates, or at a polygon around it, in the stead of the last one or beside it."""
        if self._present() != self.layers:  # no signal tells of a changed source or coordinate system
            self.refresh()
        if self.places and not keep and not self.places[-1].kept:
            self.places.pop().forget()
        elif self.places:
            self.places[-1].kept = True
        self.places.append(Place(self._canvas, point, self.places[-1].number + 1 if self.places else 1, polygon))
        self._read(self.places[-1])
        self.changed.emit()

    def pick_at(self, point: QgsPointXY, keep: bool, layer) -> None:
        """Look at the polygon of a layer that holds a place, where there is one; else at the place itself."""
        polygon = polygon_at(layer, point, self._canvas.mapSettings().destinationCrs(), self._project)
        last = self.places[-1].polygon if self.places else None
        dragged_within = polygon and last and polygon[::2] == last[::2] and polygon.geometry.equals(last.geometry)
        if keep or not dragged_within:
            self.pick(point, keep, polygon)

    def pick_polygon(self, polygon: Polygon) -> None:
        """Look at a polygon beside what is shown, its number within it; nothing where the map does not reach."""
        transform = QgsCoordinateTransform(polygon.crs, self._canvas.mapSettings().destinationCrs(), self._project.transformContext())
        try:
            point = transform.transform(polygon.geometry.pointOnSurface().asPoint())
        except QgsCsException:
            return
        self.pick(point, True, polygon)

    def keep(self) -> None:
        """Keep the last place when another one is clicked."""
        if self.places:
            self.places[-1].kept = True

    def remove(self, number: int) -> None:
        """Forget the place of a number, where there is one; the others keep theirs."""
        for place in [place for place in self.places if place.number == number]:
            self.places.remove(place)
            place.forget()
        self.changed.emit()

    def remove_last(self) -> None:
        """Forget the place that was clicked last."""
        if self.places:
            self.remove(self.places[-1].number)

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
        for key in self._keys(self._guess):
            self._ask(self._guess, key)

    def _keys(self, request: Request) -> list[str]:
        """The layers that what is shown of a place needs."""
        return [key for member in self.shown for key in (member.area_keys if request.polygon else member.keys)]

    def _read(self, place: Place) -> None:
        """Ask for what is shown and not yet known."""
        self._guess.cancelled = True
        for key in self._keys(place):
            if key not in place.samples and key not in place.waiting:
                place.waiting.add(key)
                if not self._ask(place, key):
                    self._take_sample(place, key, self.layers[key].path, None)

    def _ask(self, request: Request, key: str) -> bool:
        """Have a layer read; False when its coordinate system does not reach there."""
        crs = request.polygon.crs if request.polygon else request.crs
        transform = QgsCoordinateTransform(crs, self.layers[key].crs, self._project.transformContext())
        try:
            if request.polygon:
                geometry = QgsGeometry(request.polygon.geometry)  # a copy: each layer has its own coordinates
                geometry.transform(transform)
                self._reader.average(request, key, _rings(geometry))
            else:
                there = transform.transform(request.point)
                self._reader.sample(request, key, there.x(), there.y())
        except QgsCsException:
            return False
        return True

    def _take_sample(self, place, key: str, path: str, found) -> None:
        if place in self.places and key in place.waiting and self.layers[key].path == path:
            place.waiting.discard(key)
            place.samples[key] = found
            self.changed.emit()

    # What has been read.

    def name(self, key: str) -> str:
        """The name of a layer."""
        return self.layers[key].name

    def style(self, member: Member) -> style.Style:
        """How a member looks."""
        kind, right, number = self._numbers[member.key]
        if kind == "season":
            return style.season(member.description.tag["metric"])
        if right:
            return style.radar(number, bool(member.deviation_key))
        if kind == "filled":
            return style.filled(number, bool(member.deviation_key), bool(member.quality_key))
        return style.observed(number)

    def profiles(self, place: Place) -> list[tuple[Member, Profile]]:
        """What has been read at a place."""
        samples = {key: found for key, found in place.samples.items() if not isinstance(found, Exception)}
        found = [(member, profile(member, samples)) for member in self.shown]
        return [(member, one) for member, one in found if one is not None]


def _rings(geometry: QgsGeometry) -> list:
    """The rings [(x, y), ...] of each polygon, as threads may have them."""
    geometry.convertToMultiType()
    return [[[(point.x(), point.y()) for point in ring] for ring in rings] for rings in geometry.asMultiPolygon()]


def on_right(member: Member) -> bool:
    """Whether a member belongs to the second axis: radar, in decibels."""
    return member.kind != "season" and (member.description.units == "dB" or member.description.variable in ("VV", "VH"))
