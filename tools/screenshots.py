"""Take the README's pictures from the running QGIS desktop: the toolbox, a dialog, and the map after its Run button.

Runs inside QGIS, after `./dev demo` has left its files in demo/, from the checkout's folder:

    xvfb-run -a -s "-screen 0 1280x900x24" ./dev desktop --code tools/screenshots.py

With a display, leave xvfb-run out. The series and the folder of the pictures may be given as SERIES and PICTURES in the
environment (defaults: demo/series/ndvi.tif, docs/images). QGIS ends by itself, with status 1 when anything failed.
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
    QgsProject,
    QgsRasterBandStats,
    QgsRasterLayer,
    QgsUnitTypes,
)
from qgis.PyQt.QtCore import QSize, Qt, QTimer
from qgis.PyQt.QtWidgets import QApplication, QDockWidget, QTreeView
from qgis.utils import iface

SERIES = os.environ.get("SERIES", "demo/series/ndvi.tif")
PICTURES = Path(os.environ.get("PICTURES", "docs/images"))
SETTLE = 1500  # ms for windows to be drawn
PATIENCE = 120_000  # ms for the algorithm
PROVIDER, OBSERVED = "Phenofuse", "NDVI, observed"


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


def start() -> None:
    """Load the series and show the toolbox with our groups open."""
    window = iface.mainWindow()
    window.showNormal()
    window.resize(1280, 900)
    window.move(0, 0)
    layer = QgsRasterLayer(SERIES, OBSERVED)
    if not layer.isValid():
        raise SystemExit(f"{SERIES} is no raster: run ./dev demo first, or set SERIES")
    from phenofuse.algorithms.bridge import styles
    styles.apply(layer, "ndvi")
    QgsProject.instance().addMapLayer(layer)
    iface.mapCanvas().setExtent(layer.extent())
    for dock in window.findChildren(QDockWidget):
        dock.setVisible(dock.objectName() in ("Layers", "ProcessingToolbox"))
    open_groups(window.findChild(QDockWidget, "ProcessingToolbox").findChild(QTreeView))
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
    end(0)


after(2 * SETTLE, start)
