"""The widget that shows a chart: hair line with values under the mouse, zoom by the wheel, a click for the time line,
the right button or the Delete key to remove a place."""
from __future__ import annotations

from dataclasses import replace

from qgis.PyQt.QtCore import QEvent, QRectF, QSize, Qt, pyqtSignal
from qgis.PyQt.QtGui import QPainter, QPalette, QPixmap, QTextOption
from qgis.PyQt.QtWidgets import QApplication, QMenu, QSizePolicy, QWidget

from ..algorithms.bridge.text import tr
from .chart import Drawing
from .curves import Chart
from .places import DELETE_KEYS
from .style import Theme

ZOOM = 1.25  # per step of the wheel
LEAST_DAYS = 20.0  # that can be zoomed to
PANEL_HEIGHT = 110  # px, at least
STEP_OF_WHEEL = 120  # Qt counts eighths of a degree


class Plot(QWidget):
    """Shows a chart, or a sentence where there is none."""

    picked = pyqtSignal(float)  # a day that was clicked, in days since 1970-01-01
    removed = pyqtSignal(int)  # the number of a place that is to go
    themed = pyqtSignal()  # paper and ink are others now; a parent is told before its children have them

    def __init__(self, parent=None):
        super().__init__(parent)
        self._whole, self._view, self._note = Chart(), None, ""
        self._hover = self._pressed = self._dragged = None  # of the mouse: where it is, was pressed, was dragged to last
        self._last: tuple = None, None  # state, and what was painted for it
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)  # for the Delete key
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    @property
    def chart(self) -> Chart:
        """The chart as it is shown: with the days zoomed to."""
        return replace(self._whole, span=self._view or self._whole.span)

    @property
    def note(self) -> str:
        """The sentence shown."""
        return self._note

    def show_chart(self, chart: Chart, note: str = "") -> None:
        """Show another chart; `note` is shown in its place when it has no panel, else above it."""
        self._whole, self._note = chart, note
        self.setMinimumHeight(PANEL_HEIGHT * len(chart.panels))
        self.update()

    def show_moment(self, moment: tuple | None) -> None:
        """Move the line of the Temporal Controller."""
        self._whole = replace(self._whole, moment=moment)
        self.update()

    def theme(self) -> Theme:
        """The colours of this QGIS."""
        palette = self.palette()
        return Theme(palette.color(QPalette.ColorRole.Base), palette.color(QPalette.ColorRole.Text))

    def drawing(self) -> Drawing:
        """The chart laid out on this widget."""
        return self._painted()[0]

    def _painted(self) -> tuple[Drawing, QPixmap]:
        """The chart laid out and painted, once for many moves of the mouse."""
        state = self.chart, self.size(), self.theme()
        if self._last[0] != state:
            drawing, ratio = Drawing(self.chart, self.width(), self.height(), self.theme()), self.devicePixelRatioF()
            picture = QPixmap(self.size() * ratio)
            picture.setDevicePixelRatio(ratio)
            painter = QPainter(picture)
            drawing.draw(painter)
            painter.end()
            self._last = state, (drawing, picture)
        return self._last[1]

    def sizeHint(self):
        return QSize(640, 240)

    def changeEvent(self, event):
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self.themed.emit()

    def paintEvent(self, event):
        painter = QPainter(self)
        if self._whole.panels:
            drawing, picture = self._painted()
            painter.drawPixmap(0, 0, picture)
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            if self._hover is not None and self._dragged is None:
                drawing.draw_reading(painter, self._hover.x(), self._hover.y())
        else:
            painter.fillRect(self.rect(), self.theme().paper)
            painter.setPen(self.theme().faint(0.7))
            option = QTextOption(Qt.AlignmentFlag.AlignCenter)
            option.setWrapMode(QTextOption.WrapMode.WordWrap)
            painter.drawText(QRectF(self.rect()).adjusted(20, 10, -20, -10), self._note, option)
        painter.end()

    # The mouse.

    def wheelEvent(self, event):
        low, high = self.chart.span
        factor = ZOOM ** (-event.angleDelta().y() / STEP_OF_WHEEL)
        here = self.drawing().time.value(event.position().x())
        self._look(here - (here - low) * factor, here + (high - here) * factor)
        event.accept()

    def mousePressEvent(self, event):
        if event.button() == Qt.MouseButton.LeftButton and self._whole.panels:
            self._pressed = event.pos()

    def mouseMoveEvent(self, event):
        self._hover = event.pos()
        if self._pressed is not None and event.buttons() & Qt.MouseButton.LeftButton:
            far = (event.pos() - self._pressed).manhattanLength() >= QApplication.startDragDistance()
            if self._dragged is not None or far:
                self._drag((self._dragged or self._pressed).x(), event.pos().x())
                self._dragged = event.pos()
        self.update()

    def mouseReleaseEvent(self, event):
        if self._pressed is not None and self._dragged is None:
            self.picked.emit(self.drawing().time.value(event.pos().x()))
        self._pressed = self._dragged = None

    def mouseDoubleClickEvent(self, event):
        self._view = None
        self.update()

    def contextMenuEvent(self, event):
        if self._whole.panels:
            number = self._place_at(event.pos().y())
            menu = QMenu(self)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.addAction(tr("Remove place {}").format(number)).triggered.connect(lambda checked: self.removed.emit(number))
            menu.popup(event.globalPos())

    def keyPressEvent(self, event):
        if event.key() in DELETE_KEYS and self._whole.panels:
            self.removed.emit(self._place_at(self.height() if self._hover is None else self._hover.y()))
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event):
        self._hover = None
        self.update()

    def _place_at(self, y: float) -> int:
        """The number of the place whose panel, with its title, is at a height."""
        return self._whole.panels[sum(area.bottom() < y for area in self.drawing().areas[:-1])].number

    def _drag(self, before: float, now: float) -> None:
        """Move the days along with the mouse."""
        time, (low, high) = self.drawing().time, self.chart.span
        days = time.value(before) - time.value(now)
        self._look(low + days, high + days)

    def _look(self, low: float, high: float) -> None:
        """Show these days, as far as there are any."""
        first, last = self._whole.span
        days = min(max(high - low, min(LEAST_DAYS, last - first)), last - first)
        low = min(max(low, first), last - days)
        self._view = None if days >= last - first else (low, low + days)
        self.update()
