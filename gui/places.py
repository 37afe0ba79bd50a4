"""Places that were clicked: the map tool that picks them, and their numbered marks on the map."""
from __future__ import annotations

from qgis.core import QgsCoordinateReferenceSystem, QgsCoordinateTransform, QgsCsException, QgsPointXY, QgsProject
from qgis.gui import QgsMapCanvas, QgsMapCanvasItem, QgsMapTool
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


class Request:
    """A place that is to be read.

    Attributes
    ----------
    point, crs
        Where.
    cancelled : bool
        Whether nobody wants the answers any more.
    """

    def __init__(self, point: QgsPointXY, crs: QgsCoordinateReferenceSystem):
        self.point, self.crs, self.cancelled = point, crs, False


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

    def __init__(self, canvas: QgsMapCanvas, point: QgsPointXY, number: int):
        super().__init__(point, canvas.mapSettings().destinationCrs())
        self.number, self.kept = number, False
        self.samples: dict = {}
        self.waiting: set = set()
        self._mark = _Mark(canvas, self)

    @property
    def title(self) -> str:
        """Its number and coordinates."""
        digits = 5 if self.crs.isGeographic() else 0
        where = f"{self.point.x():.{digits}f}, {self.point.y():.{digits}f}"
        return f"{self.number}   {where}   {self.crs.authid()}".strip()

    def forget(self) -> None:
        """Take it off the map; answers that still come are dropped."""
        self.cancelled = True
        self._mark.remove()


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
