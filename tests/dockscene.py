"""A small scene for the profile dock's tests, written with GDAL alone and tagged as the contract says.

Works with QGIS and with the stand-in in `qt6`.
"""
from __future__ import annotations

import json
import threading
import time
from datetime import date, timedelta

import numpy as np
from osgeo import gdal, osr
from phenofuse.gui.dock import ProfileDock
from qgis.core import QgsCoordinateReferenceSystem, QgsProject, QgsRasterLayer, QgsRectangle
from qgis.gui import QgsMapCanvas
from qgis.PyQt import sip
from qgis.PyQt.QtCore import QEventLoop, QSize, QTimer
from qgis.PyQt.QtWidgets import QMainWindow, QMenu, QToolBar

DATES, ROWS, COLUMNS = 62, 12, 16
LEFT, TOP, PIXEL = 500000.0, 9000000.0, 50.0
NORTH_UP = (LEFT, PIXEL, 0, TOP, 0, -PIXEL)
ROTATED = (LEFT, 40.0, 15.0, TOP, 12.0, -45.0)
STARTS = [date(2023, 11, 1) + timedelta(days=12 * number) for number in range(DATES + 1)]
PERIODS = [f"{a}/{b}" for a, b in zip(STARTS, STARTS[1:])]


def tag(variable, units="1", method="", parents=(), **more) -> dict:
    """The content of the PHENOFUSE tag."""
    return {"variable": variable, "units": units, "scale": 1, "method": method, "parents": list(parents), **more}


def write(path, values, names=PERIODS, header=None, transform=NORTH_UP, epsg=32749, nodata=float("nan")) -> str:
    """Write (bands, rows, columns); integers as bytes."""
    values = np.asarray(values)
    kind = gdal.GDT_Byte if values.dtype.kind in "iu" else gdal.GDT_Float32
    options = ["TILED=YES", "INTERLEAVE=BAND", "COMPRESS=DEFLATE"] + (["PREDICTOR=3"] if kind == gdal.GDT_Float32 else [])
    file = gdal.GetDriverByName("GTiff").Create(str(path), values.shape[2], values.shape[1], values.shape[0], kind, options)
    file.SetGeoTransform(transform)
    crs = osr.SpatialReference()
    crs.ImportFromEPSG(epsg)
    file.SetProjection(crs.ExportToWkt())
    if header:
        file.SetMetadataItem("PHENOFUSE", json.dumps(header))
    for number, layer in enumerate(values, start=1):
        band = file.GetRasterBand(number)
        band.WriteArray(layer)
        band.SetDescription(names[number - 1] if names else "")
        if kind == gdal.GDT_Float32 and nodata is not None:
            band.SetNoDataValue(nodata)
    return str(path)


def values(seed: int, low=0.0, high=0.9, gaps=0.0, shape=(DATES, ROWS, COLUMNS)) -> np.ndarray:
    """Random values, some of them missing."""
    random = np.random.default_rng(seed)
    found = random.uniform(low, high, shape).astype("float32")
    found[random.random(shape) < gaps] = np.nan
    return found


def scene(folder) -> dict:
    """Observed NDVI and radar, two fills with their deviations and codes, seasons with theirs: {name: path}."""
    folder.mkdir(exist_ok=True)
    observed = values(1, gaps=0.5)
    seasons = np.full((2, ROWS, COLUMNS), np.nan, "float32")
    seasons[0] = 19750.5
    paths = {"ndvi": write(folder / "ndvi.tif", observed, header=tag("NDVI", method="buildtimeseries"))}
    for number, name in enumerate(("VV", "VH")):
        paths[name] = write(folder / f"{name}.tif", values(2 + number, -25, -5), header=tag(name, "dB", "buildtimeseries"))
    for number, method in enumerate(("fillmogpr", "fillwhittaker")):
        about = {"method": method, "parents": ["ndvi.tif"], "parameters": {"SEED": 1}}
        paths[method] = write(folder / f"a{number}.tif", values(10 + number), header=tag("NDVI", **about))
        paths[method + " sd"] = write(folder / f"b{number}.tif", values(20 + number, 0.02, 0.1),
                                      header=tag("standard deviation", **about))
        codes = np.where(np.isfinite(observed), 1, 2 + number).astype("uint8")
        paths[method + " codes"] = write(folder / f"c{number}.tif", codes, header=tag("quality", "", **about))
    about = {"method": "phenologymetrics", "parents": ["a0.tif"], "parameters": {"SEED": 1}}
    for number, metric in enumerate(("start", "peak", "end")):
        header = tag("date", "days since 1970-01-01", metric=metric, **about)
        paths[metric] = write(folder / f"{metric}.tif", seasons + 60 * number, ["season 1", "season 2"], header)
    names = [f"{metric} of season {number}" for metric in ("start", "peak", "end") for number in (1, 2)]
    paths["days"] = write(folder / "days.tif", np.arange(6.0)[:, None, None] * np.ones((6, ROWS, COLUMNS)) + 2, names,
                          tag("standard deviation", "days", **about))
    return paths


class Interface:
    """What of QGIS's interface the plugin uses, on real widgets."""

    def __init__(self):
        self.window, self.menu, self.bar = QMainWindow(), QMenu(), QToolBar()
        self.canvas = QgsMapCanvas(self.window)
        self.mainWindow, self.mapCanvas = lambda: self.window, lambda: self.canvas
        self.addDockWidget, self.removeDockWidget = self.window.addDockWidget, self.window.removeDockWidget
        self.addToolBarIcon, self.removeToolBarIcon = self.bar.addAction, self.bar.removeAction

    def addPluginToRasterMenu(self, name, action):
        self.menu.addAction(action)

    def removePluginRasterMenu(self, name, action):
        self.menu.removeAction(action)


def project_of(paths: dict) -> QgsProject:
    """A project with a layer for every path, in this order in the layer tree."""
    project, options = QgsProject(), QgsRasterLayer.LayerOptions()
    options.loadDefaultStyle = False  # it would read all pixels, and the seasons of these tests have no range
    for name, path in paths.items():
        layer = QgsRasterLayer(path, name, "gdal", options)
        assert layer.isValid(), path
        project.addMapLayer(layer, False)
        project.layerTreeRoot().addLayer(layer)
    return project


def dock_of(project, reader=None, epsg=32749) -> ProfileDock:
    """An open dock beside a canvas that shows the scene."""
    canvas = QgsMapCanvas()
    canvas.resize(QSize(400, 300))
    canvas.setDestinationCrs(QgsCoordinateReferenceSystem.fromEpsgId(epsg))
    if epsg == 32749:
        canvas.setExtent(QgsRectangle(LEFT, TOP - ROWS * PIXEL, LEFT + COLUMNS * PIXEL, TOP))
    dock = ProfileDock(canvas, project, reader)
    dock.resize(900, 320)
    dock.kept_canvas = canvas  # else Python lets go of it
    dock.show()
    return dock


def reading() -> set:
    """The files that have a thread."""
    return {thread.name.removeprefix("profile of ") for thread in threading.enumerate() if thread.name.startswith("profile of ")}


def close(dock) -> None:
    """Let go of a dock, its canvas and its project while QGIS still lives: what outlives it crashes at exit."""
    project = dock.session._project
    dock.release()
    project.clear()
    sip.delete(dock.kept_canvas)
    sip.delete(dock)
    sip.delete(project)
    wait(lambda: not reading())


def wait(condition, seconds: float = 20.0) -> None:
    """Run the event loop until a condition holds; fail when it never does."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        loop = QEventLoop()
        QTimer.singleShot(5, loop.quit)
        loop.exec()


def wait_described(dock, count: int) -> None:
    """Wait until all of so many layers are described and what belongs together has been found."""
    session = dock.session
    wait(lambda: len(session.descriptions) == count and not session._later.isActive())


def by_name(dock, place=-1) -> dict:
    """What a place shows: {layer name: Profile}."""
    session = dock.session
    return {session.name(member.key): profile for member, profile in session.profiles(session.places[place])}
