"""Take the README's pictures from the running QGIS desktop: toolbox, dialog, the map after its Run button, profiles.

Runs inside QGIS, after `./dev demo` has left its files in demo/, from the checkout's folder:

    xvfb-run -a -s "-screen 0 1280x900x24" ./dev desktop --code tools/screenshots.py

With a display, leave xvfb-run out. The series, the project and the folder of the pictures may be given as SERIES, PROJECT
and PICTURES in the environment (defaults: demo/series/ndvi.tif, demo/demo.qgz, docs/images); ONLY=profiles leaves out all
but the profiles. QGIS ends by itself, with status 1 when anything failed.
"""
from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import processing
from qgis.core import (
    Qgis,
    QgsDateTimeRange,
    QgsInterval,
    QgsPointXY,
    QgsProject,
    QgsRasterBandStats,
    QgsRasterLayer,
    QgsTemporalNavigationObject,
    QgsUnitTypes,
)
from qgis.PyQt.QtCore import QPoint, QSize, Qt, QTimer
from qgis.PyQt.QtTest import QTest
from qgis.PyQt.QtWidgets import QApplication, QDockWidget, QMainWindow, QTreeView
from qgis.utils import iface

SERIES = os.environ.get("SERIES", "demo/series/ndvi.tif")
PROJECT = os.environ.get("PROJECT", "demo/demo.qgz")
PICTURES = Path(os.environ.get("PICTURES", "docs/images"))
SETTLE = 1500  # ms for windows to be drawn
PATIENCE = 120_000  # ms for the algorithm
PROVIDER, OBSERVED = "Phenofuse", "NDVI, observed"
PLACES = (QgsPointXY(462400, 9235600), QgsPointXY(461440, 9235120))  # two fields of the sample scene
FRAME = 19  # in the middle of a gap of the first of them


def after(milliseconds: int, step) -> None:
    """Run a step later, from the event loop; end QGIS with status 1 when it fails."""
    def guarded():
        try:
            step()
        except BaseException:
            traceback.print_exc()
            end(1)
    QTimer.singleShot(milliseconds, guarded)


def end(status: int) -> None:
    """Leave without QGIS asking to save the project."""
    sys.stdout.flush()
    os._exit(status)


def save(widget, name: str) -> None:
    """Save the picture of one window."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    if not widget.grab().save(str(PICTURES / f"{name}.png")):
        raise OSError(f"{PICTURES / name}.png cannot be written")


def window() -> QMainWindow:
    """The main window, in the upper left corner of the screen."""
    main = iface.mainWindow()
    main.showNormal()
    main.resize(1280, 900)
    main.move(0, 0)
    return main


def only(*names: str) -> None:
    """Show these docks and no others."""
    for dock in window().findChildren(QDockWidget):
        dock.setVisible(dock.objectName() in names)


def start() -> None:
    """Load the series and show the toolbox with our groups open."""
    layer = QgsRasterLayer(SERIES, OBSERVED)
    if not layer.isValid():
        raise SystemExit(f"{SERIES} is no raster: run ./dev demo first, or set SERIES")
    from phenofuse.algorithms.bridge import styles
    styles.apply(layer, "ndvi")
    QgsProject.instance().addMapLayer(layer)
    iface.mapCanvas().setExtent(layer.extent())
    only("Layers", "ProcessingToolbox")
    open_groups(window().findChild(QDockWidget, "ProcessingToolbox").findChild(QTreeView))
    after(SETTLE, lambda: toolbox(layer))


def open_groups(tree: QTreeView) -> None:
    """Collapse the toolbox but for our provider."""
    tree.collapseAll()
    model = tree.model()
    for row in range(model.rowCount()):
        index = model.index(row, 0)
        if model.data(index) == PROVIDER:
            tree.expandRecursively(index)
            tree.scrollTo(index, QTreeView.ScrollHint.PositionAtTop)
            return
    raise LookupError(f"the toolbox has no provider {PROVIDER}")


def toolbox(layer: QgsRasterLayer) -> None:
    """Picture of the main window with the toolbox; then the dialog."""
    save(iface.mainWindow(), "toolbox")
    dialog = processing.createAlgorithmDialog("phenofuse:fillharmonic", {"INPUT": layer})
    dialog.show()
    dialog.resize(QSize(820, 640))
    after(SETTLE, lambda: run(dialog))


def run(dialog) -> None:
    """Picture of the dialog; then its Run button."""
    save(dialog, "dialog")
    dialog.algorithmFinished.connect(lambda success, results: after(SETTLE, lambda: finished(dialog, success)))
    after(PATIENCE, lambda: end(1))
    dialog.runButton().click()


def finished(dialog, success: bool) -> None:
    """Close the dialog and turn the map to the cloudiest date."""
    if not success:
        save(dialog, "failure")
        raise RuntimeError(f"the algorithm failed: see {PICTURES / 'failure.png'}")
    dialog.close()
    iface.messageBar().clearWidgets()
    layers = list(QgsProject.instance().mapLayers().values())
    observed = next(layer for layer in layers if layer.name() == OBSERVED)
    show_date(layers, cloudiest(observed))
    after(2 * SETTLE, picture)


def cloudiest(layer: QgsRasterLayer) -> int:
    """The band with the fewest values."""
    provider = layer.dataProvider()
    counts = {band: provider.bandStatistics(band, QgsRasterBandStats.Stats.All).elementCount
              for band in range(1, layer.bandCount() + 1)}
    return min(counts, key=counts.get)


def show_date(layers: list, band: int) -> None:
    """Turn all layers to one date: by the Temporal Controller where bands have dates, else by hand."""
    if not hasattr(Qgis.RasterTemporalMode, "FixedRangePerBand"):  # before QGIS 3.38
        for layer in (layer for layer in layers if hasattr(layer.renderer(), "setBand")):
            layer.renderer().setBand(band)
            iface.layerTreeView().refreshLayerSymbology(layer.id())
            layer.triggerRepaint()
        return
    ranges = list(layers[0].temporalProperties().fixedRangePerBand().values())
    dock = iface.mainWindow().findChild(QDockWidget, "Temporal Controller")
    dock.show()
    iface.mainWindow().resizeDocks([dock], [130], Qt.Orientation.Vertical)
    time = iface.mapCanvas().temporalController()
    time.setNavigationMode(Qgis.TemporalNavigationMode.Animated)
    time.setTemporalExtents(QgsDateTimeRange(ranges[0].begin(), ranges[-1].end(), True, False))
    days = ranges[0].begin().daysTo(ranges[0].end())
    time.setFrameDuration(QgsInterval(days, QgsUnitTypes.TemporalUnit.TemporalDays))
    time.setCurrentFrameNumber(band - 1)


def picture() -> None:
    """Picture of the main window with the result."""
    QApplication.processEvents()
    save(iface.mainWindow(), "map")
    print("QGIS", Qgis.QGIS_VERSION, [layer.name() for layer in QgsProject.instance().mapLayers().values()])
    profiles()


def profiles() -> None:
    """Open the demo's project and the profile dock."""
    if not QgsProject.instance().read(PROJECT):
        raise SystemExit(f"{PROJECT} is no project: run ./dev demo first, or set PROJECT")
    only("Layers")
    dock = window().findChild(QDockWidget, "PhenofuseProfile")
    dock.toggleViewAction().trigger()
    resize(dock, 330)
    window().resizeDocks([window().findChild(QDockWidget, "Layers")], [230], Qt.Orientation.Horizontal)
    to_frame(FRAME)
    dock.session.listed.connect(lambda: leave_out(dock, "NDVI, true"))
    after(2 * SETTLE, lambda: click(dock))


def leave_out(dock, name: str) -> None:
    """Uncheck a series: at home nobody knows the truth."""
    for item in dock.list.findItems(name, Qt.MatchFlag.MatchExactly):
        item.setCheckState(Qt.CheckState.Unchecked)


def resize(dock, height: int) -> None:
    """Give a dock a height."""
    window().resizeDocks([dock], [height], Qt.Orientation.Vertical)


def to_frame(number: int) -> None:
    """Let the Temporal Controller step from the first frame to another one."""
    modes = getattr(Qgis, "TemporalNavigationMode", None) or QgsTemporalNavigationObject.NavigationMode
    time = iface.mapCanvas().temporalController()
    time.setNavigationMode(modes.Animated)
    time.setTemporalExtents(QgsProject.instance().timeSettings().temporalRange())
    time.setFrameDuration(QgsInterval(12, QgsUnitTypes.TemporalUnit.TemporalDays))
    for frame in range(number + 1):
        time.setCurrentFrameNumber(frame)


def click(dock) -> None:
    """Picture of what a click shows; then a second place beside the first."""
    iface.mapCanvas().zoomByFactor(0.5)
    iface.statusBarIface().clearMessage()
    press(PLACES[0])
    after(SETTLE, lambda: save(iface.mainWindow(), "profile"))
    after(2 * SETTLE, lambda: press(PLACES[1], Qt.KeyboardModifier.ShiftModifier))
    after(2 * SETTLE, lambda: resize(dock, 430))
    after(4 * SETTLE, lambda: save(iface.mainWindow(), "profile_compared"))
    after(5 * SETTLE, lambda: follow_time(dock))


def press(place: QgsPointXY, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    """Click the map with the mouse."""
    where = iface.mapCanvas().getCoordinateTransform().transform(place)
    QTest.mouseClick(iface.mapCanvas().viewport(), Qt.MouseButton.LeftButton, modifier, QPoint(int(where.x()), int(where.y())))


def follow_time(dock) -> None:
    """Picture of the time line some steps of the Temporal Controller later; then the end."""
    dock.session.clear()
    press(PLACES[0])
    controller = window().findChild(QDockWidget, "Temporal Controller")
    controller.show()
    resize(dock, 330)
    resize(controller, 100)
    to_frame(FRAME + 6)
    after(3 * SETTLE, lambda: save(iface.mainWindow(), "profile_time"))
    after(4 * SETTLE, lambda: end(0))


after(2 * SETTLE, profiles if os.environ.get("ONLY") == "profiles" else start)
