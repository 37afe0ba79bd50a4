"""Places that were clicked, points or polygons: the map tool that picks them, and their numbered marks on the map."""
from __future__ import annotations

from typing import NamedTuple

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeatureRequest,
    QgsGeometry,
    QgsPointXY,
    QgsProject,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem, QgsMapTool, QgsRubberBand
from qgis.PyQt.QtCore import QPointF, QRectF, Qt, QTimer, pyqtSignal
from qgis.PyQt.QtGui import QColor, QPainter

from .style import pen

RADIUS = 9.0  # px
COLOUR = "#D55E00"
REST = 60  # ms without a move
DELETE_KEYS = (Qt.Key.Key_Delete, Qt.Key.Key_Backspace)  # keyboards of a Mac have only the latter


class PickTool(QgsMapTool):
    """Picks a place by a click, or one after the other while the mouse is dragged; Shift keeps the one before, Delete removes."""

    picked = pyqtSignal(QgsPointXY, bool)  # in the map's coordinates; whether to keep the place before
    deleted = pyqtSignal()  # the Delete key was pressed over the map
    rested = pyqtSignal(QgsPointXY)  # where the mouse came to rest: the next click may come here

    def __init__(self, canvas: QgsMapCanvas):
        super().__init__(canvas)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self._here = QgsPointXY()
        self._rest = QTimer(self, singleShot=True, interval=REST)
        self._rest.timeout.connect(lambda: self.rested.emit(self._here))

    def canvasPressEvent(self, event):
        if event.button() == Qt.MouseButton.LeftButton:
            self._rest.stop()
            self.picked.emit(event.mapPoint(), bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier))

    def canvasMoveEvent(self, event):
        if event.buttons() & Qt.MouseButton.LeftButton:
            self.picked.emit(event.mapPoint(), False)
        elif event.buttons() == Qt.MouseButton.NoButton:
            self._here = event.mapPoint()
            self._rest.start()

    def keyPressEvent(self, event):
        if event.key() in DELETE_KEYS:
            event.ignore()  # QGIS's way to say that the tool took it: else it would delete the features selected on the map
            self.deleted.emit()

    def deactivate(self):
        self._rest.stop()
        super().deactivate()


class Polygon(NamedTuple):
    """A feature of a layer of polygons; `crs` is that of its geometry."""

    name: str
    geometry: QgsGeometry
    crs: QgsCoordinateReferenceSystem


def polygon_at(layer, point: QgsPointXY, crs, project: QgsProject) -> Polygon | None:
    """The polygon of a layer that holds a point in `crs`, the last of several; None where there is none, or no layer of polygons."""
    if not has_polygons(layer):
        return None
    try:
        there = QgsCoordinateTransform(crs, layer.crs(), project.transformContext()).transform(point)
    except QgsCsException:
        return None
    near = QgsGeometry.fromPointXY(there)
    found = [feature for feature in layer.getFeatures(QgsFeatureRequest().setFilterRect(near.boundingBox()))
             if feature.geometry().contains(near)]
    return _polygon(layer, found[-1]) if found else None


def selected_polygons(layer) -> list[Polygon]:
    """The polygons that are selected in a layer; [] where it holds none."""
    features = sorted(layer.selectedFeatures(), key=lambda one: one.id()) if has_polygons(layer) else []
    return [_polygon(layer, feature) for feature in features if not feature.geometry().isEmpty()]


def has_polygons(layer) -> bool:
    """Whether a layer holds polygons."""
    return isinstance(layer, QgsVectorLayer) and layer.geometryType() == QgsWkbTypes.GeometryType.PolygonGeometry


def _polygon(layer, feature) -> Polygon:
    return Polygon(f"{layer.name()} {feature.id()}", QgsGeometry(feature.geometry()), layer.crs())


class Request:
    """A place that is to be read.

    Attributes
    ----------
    point, crs
        Where.
    polygon : Polygon or None
        Whose pixels are meant; None where it is the one pixel at the point.
    cancelled : bool
        Whether nobody wants the answers any more.
    """

    def __init__(self, point: QgsPointXY, crs: QgsCoordinateReferenceSystem, polygon: Polygon | None = None):
        self.point, self.crs, self.polygon, self.cancelled = point, crs, polygon, False


class Place(Request):
    """A place that was clicked, what was read there, and its mark on the map.

    Attributes
    ----------
    samples : dict
        By layer: values, None (outside), or the exception the read ended in.
    waiting : set
        Layers whose answers are awaited.
    kept : bool
        Whether it stays when another place is clicked.
    """

    def __init__(self, canvas: QgsMapCanvas, point: QgsPointXY, number: int, polygon: Polygon | None = None):
        super().__init__(point, canvas.mapSettings().destinationCrs(), polygon)
        self.number, self.kept = number, False
        self.samples: dict = {}
        self.waiting: set = set()
        self._mark = _Mark(canvas, self)
        self._outline = _outline(canvas, polygon) if polygon else None

    @property
    def title(self) -> str:
        """Its number, and its coordinates or its polygon's name."""
        if self.polygon:
            return f"{self.number}   {self.polygon.name}"
        digits = 5 if self.crs.isGeographic() else 0
        where = f"{self.point.x():.{digits}f}, {self.point.y():.{digits}f}"
        return f"{self.number}   {where}   {self.crs.authid()}".strip()

    def forget(self) -> None:
        """Take it off the map; answers that still come are dropped."""
        self.cancelled = True
        self._mark.remove()
        if self._outline:
            self._outline.scene().removeItem(self._outline)
            self._outline = None


def _outline(canvas: QgsMapCanvas, polygon: Polygon) -> QgsRubberBand:
    """The polygon drawn on the map, which follows the map's coordinate system."""
    band = QgsRubberBand(canvas, QgsWkbTypes.GeometryType.PolygonGeometry)
    band.setStrokeColor(QColor(COLOUR))
    band.setFillColor(QColor(0, 0, 0, 0))
    band.setWidth(2)
    band.setToGeometry(polygon.geometry, polygon.crs)
    return band


class _Mark(QgsMapCanvasItem):
    """A number in a circle."""

    def __init__(self, canvas: QgsMapCanvas, place: Place):
        super().__init__(canvas)
        self._canvas, self._place = canvas, place
        self.setZValue(100)
        self.updatePosition()

    def remove(self) -> None:
        self._canvas.scene().removeItem(self)

    def updatePosition(self):
        """Follow the map, whatever its coordinate system has become."""
        transform = QgsCoordinateTransform(self._place.crs, self._canvas.mapSettings().destinationCrs(), QgsProject.instance())
        try:
            self.setPos(self.toCanvasCoordinates(transform.transform(self._place.point)))
        except QgsCsException:
            self.hide()
        else:
            self.show()

    def boundingRect(self):
        return QRectF(-RADIUS - 2, -RADIUS - 2, 2 * RADIUS + 4, 2 * RADIUS + 4)

    def paint(self, painter, option=None, widget=None):
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen(QColor("white"), 2))
        painter.setBrush(QColor(COLOUR))
        painter.drawEllipse(QPointF(0, 0), RADIUS, RADIUS)
        font = painter.font()
        font.setPixelSize(11)
        font.setBold(True)
        painter.setFont(font)
        text = str(self._place.number)
        painter.drawText(QPointF(-painter.fontMetrics().horizontalAdvance(text) / 2, painter.fontMetrics().ascent() / 2 - 1), text)
