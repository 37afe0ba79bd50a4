"""The plugin and its dock used from the first to the last step on Qt 6, beside a stand-in of QGIS.

Run as ``python standin.py dock.py FOLDER`` in a Python that has PyQt6 and GDAL, with the package `phenofuse` and the tests on its
path. Prints a line per step; ends with status 1 after the first one that fails, or that an exception escapes from, be it in a slot,
an event or a thread.
"""
from __future__ import annotations

import os
import sys
import threading
import traceback
from pathlib import Path

import dockscene
import phenofuse
from dockscene import COLUMNS, LEFT, PIXEL, ROWS, TOP, by_name, wait
from osgeo import gdal
from phenofuse.gui.dock import MODES
from qgis.core import (
    QgsApplication,
    QgsDateTimeRange,
    QgsPointXY,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsTemporalNavigationObject,
)
from qgis.PyQt.QtCore import QDateTime, QEvent, QPoint, QPointF, Qt, qVersion
from qgis.PyQt.QtGui import QColor, QContextMenuEvent, QHelpEvent, QImage, QMouseEvent, QPalette, QWheelEvent
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QFileDialog, QMenu

LEFT_BUTTON, NO_BUTTON = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
NO_KEY, SHIFT = Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier


class Use:
    """What a user does, in order; every method without underscore is a step."""

    def __init__(self, folder: Path):
        self._folder = folder
        self._paths = dockscene.scene(folder / "scene")
        self._iface = dockscene.Interface()

    # The plugin.

    def load(self):
        """initGui: the provider's algorithms and their parameters, the dock, the button."""
        for name, path in self._paths.items():
            QgsProject.instance().addMapLayer(QgsRasterLayer(path, name))
        self._plugin = phenofuse.classFactory(self._iface)
        self._plugin.initGui()
        found = QgsApplication.processingRegistry().providerById("phenofuse").found
        assert all(one.icon().availableSizes() or one.svgIconPath() for one in found)
        assert len([one for one in found if one.parameterDefinitions()]) > 20
        assert self._iface.bar.actions() == [self._plugin.dock.toggleViewAction()]

    def open(self):
        """The button: the dock is shown, its tool takes the map, all series are listed."""
        self._iface.window.resize(1000, 600)
        self._iface.window.setCentralWidget(self._iface.canvas)
        self._iface.window.show()
        self._dock = self._plugin.dock
        self._dock.toggleViewAction().trigger()
        wait(lambda: len(self._dock.session.members) == 8)
        self._iface.canvas.setExtent(QgsRectangle(LEFT, TOP - ROWS * PIXEL, LEFT + COLUMNS * PIXEL, TOP))
        assert self._dock.list.count() == 8 and self._iface.canvas.mapTool() is self._dock.tool
        assert "95 %" in "".join(self._dock.list.item(number).toolTip() for number in range(8))
        self._shown()

    # Places.

    def click(self):
        """Two places, the second one beside the first; each shows what its files hold."""
        self._press(5, 9, NO_KEY)
        self._press(2, 3, SHIFT)
        for place, (row, column) in enumerate([(5, 9), (2, 3)]):
            for name in ("ndvi", "VV", "fillmogpr"):
                held = gdal.Open(self._paths[name]).ReadAsArray()[:, row, column]
                shown = by_name(self._dock, place)[name].values
                assert all(a == b or (a != a and b != b) for a, b in zip(held, shown)), (name, row, column)
        self._shown()

    def drag_on_the_map(self):
        """Where the mouse comes to rest a click is made ready; with the button down the last place follows it."""
        rested = []
        self._dock.tool.rested.connect(rested.append)
        self._mouse(self._iface.canvas.viewport(), QEvent.Type.MouseMove, self._at(4, 4), NO_BUTTON)
        wait(lambda: rested == [self._centre(4, 4)])
        self._mouse(self._iface.canvas.viewport(), QEvent.Type.MouseMove, self._at(6, 6), LEFT_BUTTON)
        wait(lambda: not self._dock.session.waiting)
        assert len(self._dock.session.places) == 2 and self._dock.session.places[-1].point == self._centre(6, 6)

    def check(self):
        """A series unchecked in the list goes from the drawing, and stays unchecked when the list is made anew."""
        for state, count in ((Qt.CheckState.Unchecked, 7), (Qt.CheckState.Checked, 8)):
            self._dock.list.item(0).setCheckState(state)
            self._dock.session.refresh()
            assert self._dock.list.item(0).checkState() == state
            wait(lambda count=count: len(self._dock.plot.chart.panels[0].curves) == count)

    def move_the_map(self):
        """The marks go with it."""
        marks = [place._mark for place in self._dock.session.places]
        before = [mark.pos() for mark in marks]
        self._iface.canvas.setExtent(QgsRectangle(LEFT - 100, TOP - ROWS * PIXEL, LEFT + COLUMNS * PIXEL, TOP + 100))
        assert all(mark.pos() != old for mark, old in zip(marks, before))

    # The plot.

    def hover(self):
        """Hair line and values under the mouse, in the box that is painted with them."""
        before = self._dock.plot.grab().toImage()
        self._mouse(self._dock.plot, QEvent.Type.MouseMove, self._middle(), NO_BUTTON)
        assert self._dock.plot.grab().toImage() != before
        QApplication.sendEvent(self._dock.plot, QEvent(QEvent.Type.Leave))
        assert self._dock.plot.grab().toImage() == before

    def zoom(self):
        """The wheel zooms, dragging moves, a double click shows all."""
        plot, whole = self._dock.plot, self._dock.plot.chart.span
        at = QPointF(self._middle())
        for _ in range(6):
            QApplication.sendEvent(plot, QWheelEvent(at, QPointF(plot.mapToGlobal(self._middle())), QPoint(), QPoint(0, 120), NO_BUTTON,
                                                     NO_KEY, Qt.ScrollPhase.NoScrollPhase, False))
        near = plot.chart.span
        assert near[1] - near[0] < (whole[1] - whole[0]) / 2
        self._mouse(plot, QEvent.Type.MouseButtonPress, self._middle(), LEFT_BUTTON)
        for aside in (20, 60):
            self._mouse(plot, QEvent.Type.MouseMove, self._middle() + QPoint(aside, 0), LEFT_BUTTON)
        self._mouse(plot, QEvent.Type.MouseButtonRelease, self._middle() + QPoint(60, 0), LEFT_BUTTON)
        assert plot.chart.span[0] < near[0]
        QTest.mouseDClick(plot, LEFT_BUTTON, NO_KEY, self._middle())
        assert plot.chart.span == whole

    def turn_time(self):
        """A click sets the Temporal Controller in either of its modes; off, it says so."""
        self._press_plot()
        assert "switch the Temporal Controller on" in self._dock._status.text()
        canvas = self._iface.canvas
        controller = QgsTemporalNavigationObject(canvas)
        canvas.setTemporalController(controller)
        first = QDateTime.fromString("2023-11-01T00:00:00Z", Qt.DateFormat.ISODate)
        for mode in (MODES.Animated, MODES.FixedRange):
            controller.setNavigationMode(mode)
            controller.setTemporalExtents(QgsDateTimeRange(first, first.addDays(30)))
            before = self._dock.plot.chart.moment
            self._press_plot()
            assert self._dock.plot.chart.moment != before and self._dock.plot.chart.moment is not None
        self._shown()

    # Files.

    def save(self):
        """As PNG, SVG and CSV, by the button and its file dialog."""
        save = next(one for one in self._dock.findChildren(type(self._dock.tool.action())) if one.text().startswith("Save as"))
        for ending in ("png", "svg", "csv"):
            path = str(self._folder / f"profile.{ending}")
            QFileDialog.getSaveFileName = staticmethod(lambda *given, path=path: (path, ""))
            save.trigger()
            assert self._dock._status.text().strip() == f"saved as {path}", self._dock._status.text()
        assert QImage(str(self._folder / "profile.png")).width() == 2 * self._dock.plot.width()
        assert ">fillmogpr</text>" in (self._folder / "profile.svg").read_text(encoding="utf-8").replace("\n", "")
        assert len((self._folder / "profile.csv").read_text(encoding="utf-8").splitlines()) > 600

    # The window.

    def darken(self):
        """A dark palette makes plot and swatches dark."""
        swatch = self._dock.list.item(3).icon().pixmap(26, 14).toImage()
        palette = QPalette()
        palette.setColor(QPalette.ColorRole.Base, QColor("#202326"))
        palette.setColor(QPalette.ColorRole.Text, QColor("#e8e8e8"))
        QApplication.setPalette(palette)
        wait(lambda: self._dock.plot.theme().dark)
        assert self._dock.plot.grab().toImage().pixelColor(1, 1).name() == "#202326"
        wait(lambda: self._dock.list.item(3).icon().pixmap(26, 14).toImage() != swatch)

    def resize(self):
        """Smaller and larger."""
        for width, height in ((500, 400), (1400, 900)):
            self._iface.window.resize(width, height)
            self._shown()

    def ask(self):
        """Tool tips, and the menu that removes a place; Delete over plot and map removes the others."""
        here = self._dock.list.visualItemRect(self._dock.list.item(0)).center()
        QApplication.sendEvent(self._dock.list.viewport(),
                               QHelpEvent(QEvent.Type.ToolTip, here, self._dock.list.viewport().mapToGlobal(here)))
        where = self._dock.plot.drawing().areas[0].topLeft().toPoint()
        QApplication.sendEvent(self._dock.plot, QContextMenuEvent(QContextMenuEvent.Reason.Mouse, where,
                                                                 self._dock.plot.mapToGlobal(where)))
        menu, = self._dock.plot.findChildren(QMenu)
        menu.actions()[0].trigger()
        menu.close()
        assert len(self._dock.session.places) == 1
        self._press(1, 1, SHIFT)
        QTest.keyClick(self._dock.plot, Qt.Key.Key_Delete)
        QTest.keyClick(self._iface.canvas, Qt.Key.Key_Backspace)
        assert not self._dock.session.places
        self._shown()

    def hide_and_show(self):
        """Closed it rests, opened again it works."""
        self._dock.close()
        wait(lambda: not dockscene.reading())
        self._dock.toggleViewAction().trigger()
        wait(lambda: len(self._dock.session.members) == 8)
        self._press(3, 3, NO_KEY)
        assert len(self._dock.plot.chart.panels[0].curves) == 8

    def unload(self):
        """Nothing is left."""
        self._plugin.unload()
        wait(lambda: not dockscene.reading())
        assert not self._iface.bar.actions() and not self._iface.menu.actions()
        assert self._iface.canvas.mapTool() is None and not self._iface.canvas.scene().items()
        assert not QgsApplication.processingRegistry().providers

    # Hands and eyes.

    def _centre(self, row: int, column: int):
        return QgsPointXY(LEFT + (column + 0.5) * PIXEL, TOP - (row + 0.5) * PIXEL)

    def _at(self, row: int, column: int) -> QPointF:
        """Where a pixel's centre lies on the map."""
        return self._iface.canvas.pixel_of(self._centre(row, column))

    def _press(self, row: int, column: int, modifiers) -> None:
        self._mouse(self._iface.canvas.viewport(), QEvent.Type.MouseButtonPress, self._at(row, column), LEFT_BUTTON, modifiers)
        wait(lambda: not self._dock.session.waiting)

    def _press_plot(self) -> None:
        QTest.mouseClick(self._dock.plot, LEFT_BUTTON, NO_KEY, self._middle())

    def _middle(self) -> QPoint:
        return self._dock.plot.drawing().areas[0].center().toPoint()

    def _mouse(self, widget, kind, where, buttons, modifiers=NO_KEY) -> None:
        button = NO_BUTTON if kind == QEvent.Type.MouseMove else LEFT_BUTTON
        where = QPointF(where)
        QApplication.sendEvent(widget, QMouseEvent(kind, where, widget.mapToGlobal(where), button, buttons, modifiers))

    def _shown(self) -> None:
        """Have everything painted."""
        QApplication.processEvents()
        assert not self._iface.window.grab().isNull()


def main() -> int:
    """Do all steps, until one fails."""
    escaped = []

    def tell(kind, problem, trace):  # at once, since Qt may crash after it
        escaped.append(problem)
        traceback.print_exception(kind, problem, trace, file=sys.stdout)
        sys.stdout.flush()

    sys.excepthook = tell  # PyQt hands it the exceptions of slots and event handlers, and goes on
    threading.excepthook = lambda given: tell(*given[:3])
    application = QApplication([])
    use = Use(Path(sys.argv[1]))
    for name in [name for name in vars(Use) if not name.startswith("_")]:
        try:
            getattr(use, name)()
            application.processEvents()
        except Exception:
            tell(*sys.exc_info())
        print(f"{name}: {'failed' if escaped else 'ok'}", flush=True)
        if escaped:
            return 1
    print(f"Qt {qVersion()}: {len(escaped)} exceptions")
    return 0


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    os._exit(status)  # what Qt does when Python takes it down is not asked here
