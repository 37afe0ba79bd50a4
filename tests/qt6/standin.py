"""A thin stand-in of QGIS's modules on the real PyQt6, since no QGIS 4 may be at hand: the widgets and Qt are real, QGIS is not.

Run as ``python standin.py SCRIPT ARGUMENTS``: the script may then import `qgis` and `processing`.

What the dock touches is written out below. All other classes of QGIS, those of Processing above all, are made up when they are
imported: they take anything and answer with more of the same. So this shows what Qt 6 thinks of our code, and nothing of QGIS.
"""
from __future__ import annotations

import importlib
import runpy
import sys
from enum import Enum
from types import ModuleType, SimpleNamespace

from PyQt6.QtCore import QDateTime, QObject, QPointF, pyqtSignal
from PyQt6.QtGui import QIcon, QPainter
from PyQt6.QtWidgets import QDockWidget, QGraphicsItem, QGraphicsScene, QGraphicsView


def install() -> None:
    """Let ``import qgis`` and ``import processing`` find this, in the stead of any QGIS on the path."""
    modules = {name: _module(name) for name in ("qgis", "processing")}
    modules["qgis.PyQt"] = _module("qgis.PyQt", __path__=[])
    for name in ("QtCore", "QtGui", "QtWidgets", "QtNetwork", "QtSvg", "QtTest", "QtXml", "sip"):
        modules[f"qgis.PyQt.{name}"] = importlib.import_module(f"PyQt6.{name}")
    own = {name: thing for name, thing in globals().items() if name.startswith("Qg")}
    for name in ("qgis.core", "qgis.gui", "processing.core", "processing.core.ProcessingConfig"):
        modules[name] = _module(name, **own, __getattr__=_made_up, __path__=[])
    for name, module in modules.items():
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(modules[parent], child, module)
    sys.modules.update(modules)


def _module(name: str, **content) -> ModuleType:
    module = ModuleType(name)
    module.__path__ = []
    vars(module).update(content)
    return module


# What is made up.


class _Kind(type):
    """A class any name of which is another such class."""

    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        made = _Kind(name, (_Anything,), {})
        setattr(cls, name, made)
        return made

    def __setitem__(cls, key, value):
        pass

    def __or__(cls, other):  # flags
        return cls

    __ror__ = __or__


class _Anything(metaclass=_Kind):
    """An object any method of which answers with another such object."""

    def __init__(self, *arguments, **named):
        self.name = lambda: arguments[0]  # of a parameter: its key

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return _Anything()

    def __call__(self, *arguments, **named):
        return _Anything()

    def __or__(self, other):
        return self


def _made_up(name: str):
    if name.startswith("__"):
        raise AttributeError(name)
    return _Kind(name, (_Anything,), {})


# Processing, as far as a provider registers itself and algorithms their parameters.


class QgsProcessingProvider(QObject):
    def __init__(self):
        super().__init__()
        self.found = []

    def addAlgorithm(self, algorithm):
        algorithm.initAlgorithm({})
        self.found.append(algorithm)

    def refreshAlgorithms(self):
        self.found.clear()
        self.loadAlgorithms()

    def load(self):
        self.refreshAlgorithms()
        return True


class QgsProcessingAlgorithm:
    def __init__(self):
        self.parameters_, self.outputs_ = [], []

    def addParameter(self, parameter):
        self.parameters_.append(parameter)

    def addOutput(self, output):
        self.outputs_.append(output)

    def parameterDefinitions(self):
        return self.parameters_


class QgsProcessingModelAlgorithm(QgsProcessingAlgorithm):
    def fromFile(self, path):
        return True

    def initAlgorithm(self, configuration=None):
        pass


class _Registry:
    def __init__(self):
        self.providers = {}

    def addProvider(self, provider):
        self.providers[provider.id()] = provider
        provider.load()

    def removeProvider(self, provider):
        self.providers.pop(provider.id()).unload()

    def providerById(self, identifier):
        return self.providers.get(identifier)


class QgsApplication:
    _registry = _Registry()

    @staticmethod
    def processingRegistry():
        return QgsApplication._registry

    @staticmethod
    def getThemeIcon(name):
        return QIcon()

    @staticmethod
    def platform():
        return "desktop"

    @staticmethod
    def qgisSettingsDirPath():
        return ""


# A project of rasters. Their coordinate systems are one and the same, so that nothing has to be transformed.


class QgsCsException(Exception):
    pass


class QgsPointXY(QPointF):
    pass


class QgsRectangle:
    def __init__(self, left, bottom, right, top):
        self.left, self.bottom, self.right, self.top = left, bottom, right, top


class QgsCoordinateReferenceSystem:
    def __init__(self, name="EPSG:32749"):
        self.authid = lambda: name
        self.isGeographic = lambda: name == "EPSG:4326"

    @classmethod
    def fromEpsgId(cls, code):
        return cls(f"EPSG:{code}")

    def __eq__(self, other):
        return self.authid() == other.authid()


class QgsCoordinateTransform:
    def __init__(self, source, target, context):
        assert source == target

    def transform(self, point):
        return QgsPointXY(point)


class QgsRasterLayer:
    LayerOptions = SimpleNamespace

    def __init__(self, path, name, provider="gdal", options=None):
        self.id = self.name = lambda: name
        self.source = lambda: path
        self.isValid = lambda: True
        self.providerType = lambda: provider
        self.crs = QgsCoordinateReferenceSystem


class _Tree(QObject):
    addedChildren, removedChildren, nameChanged = pyqtSignal(), pyqtSignal(), pyqtSignal()

    def __init__(self):
        super().__init__()
        self.layers = []

    def addLayer(self, layer):
        self.layers.append(layer)
        self.addedChildren.emit()

    def findLayers(self):
        return [SimpleNamespace(layer=lambda layer=layer: layer) for layer in self.layers]


class QgsProject(QObject):
    cleared = pyqtSignal()
    _only = None

    def __init__(self):
        super().__init__()
        self.tree = _Tree()

    @classmethod
    def instance(cls):
        cls._only = cls._only or cls()
        return cls._only

    def layerTreeRoot(self):
        return self.tree

    def addMapLayer(self, layer, to_tree=True):
        if to_tree:
            self.tree.addLayer(layer)

    def transformContext(self):
        return None


class QgsSettings:
    def value(self, key, default=None):
        return default

    def setValue(self, key, value):
        pass


# Time.


class Qgis:
    QGIS_VERSION_INT = 40000
    TemporalNavigationMode = Enum("TemporalNavigationMode", "NavigationOff Animated FixedRange Movie")
    RasterTemporalMode = Enum("RasterTemporalMode", "FixedRangePerBand")


class QgsDateTimeRange:
    def __init__(self, begin=None, end=None):
        self.begin, self.end = (lambda moment=moment: moment or QDateTime() for moment in (begin, end))


class QgsTemporalNavigationObject(QObject):
    """Frames of one day."""

    def __init__(self, canvas):
        super().__init__(canvas)
        self.canvas, self.mode, self.extents = canvas, Qgis.TemporalNavigationMode.NavigationOff, QgsDateTimeRange()
        self.navigationMode, self.temporalExtents = lambda: self.mode, lambda: self.extents

    def setNavigationMode(self, mode):
        self.mode = mode

    def setTemporalExtents(self, extents):
        self.extents = extents
        self.canvas.setTemporalRange(extents)

    def findBestFrameNumberForFrameStart(self, moment):
        return self.extents.begin().daysTo(moment)

    def setCurrentFrameNumber(self, number):
        start = self.extents.begin().addDays(number)
        self.canvas.setTemporalRange(QgsDateTimeRange(start, start.addDays(1)))


# The map.


class QgsDockWidget(QDockWidget):
    opened, closed = pyqtSignal(), pyqtSignal()

    def showEvent(self, event):
        super().showEvent(event)
        self.opened.emit()

    def closeEvent(self, event):
        self.closed.emit()
        super().closeEvent(event)


class QgsMapTool(QObject):
    def __init__(self, canvas):
        super().__init__(canvas)
        self._canvas, self._action = canvas, None

    def setCursor(self, shape):
        self._canvas.viewport().setCursor(shape)

    def setAction(self, action):
        self._action = action

    def action(self):
        return self._action

    def deactivate(self):
        if self._action:
            self._action.setChecked(False)


class QgsMapCanvas(QGraphicsView):
    """A map of one metre to a pixel, unless `setExtent` says otherwise."""

    temporalRangeChanged = pyqtSignal()

    def __init__(self, parent=None):
        super().__init__(parent)
        self.setScene(QGraphicsScene(self))
        self.viewport().setMouseTracking(True)
        self._tool, self._crs, self._range, self._time = None, QgsCoordinateReferenceSystem(), QgsDateTimeRange(), None
        self._extent = QgsRectangle(0, 0, self.width(), self.height())
        self.mapTool, self.temporalRange, self.temporalController = lambda: self._tool, lambda: self._range, lambda: self._time

    def setMapTool(self, tool):
        self.unsetMapTool(self._tool)
        self._tool = tool
        if tool.action():
            tool.action().setChecked(True)

    def unsetMapTool(self, tool):
        if tool is not None and tool is self._tool:
            self._tool = None
            tool.deactivate()

    def setDestinationCrs(self, crs):
        self._crs = crs

    def currentLayer(self):
        return None

    def mapSettings(self):
        return SimpleNamespace(destinationCrs=lambda: self._crs)

    def setExtent(self, extent):
        self._extent = extent
        for item in self.scene().items():
            item.updatePosition()

    def center(self):
        return QgsPointXY((self._extent.left + self._extent.right) / 2, (self._extent.top + self._extent.bottom) / 2)

    def pixel_of(self, point):
        wide, high = self._extent.right - self._extent.left, self._extent.top - self._extent.bottom
        return QPointF((point.x() - self._extent.left) / wide * self.width(), (self._extent.top - point.y()) / high * self.height())

    def point_of(self, pixel):
        wide, high = self._extent.right - self._extent.left, self._extent.top - self._extent.bottom
        return QgsPointXY(self._extent.left + pixel.x() / self.width() * wide, self._extent.top - pixel.y() / self.height() * high)

    def setTemporalController(self, controller):
        self._time = controller

    def setTemporalRange(self, extents):
        self._range = extents
        self.temporalRangeChanged.emit()

    def mousePressEvent(self, event):
        if self._tool:
            event.mapPoint = lambda: self.point_of(event.position())
            self._tool.canvasPressEvent(event)

    def mouseMoveEvent(self, event):
        if self._tool:
            event.mapPoint = lambda: self.point_of(event.position())
            self._tool.canvasMoveEvent(event)

    def keyPressEvent(self, event):
        if self._tool:
            self._tool.keyPressEvent(event)


class QgsMapCanvasItem(QGraphicsItem):
    def __init__(self, canvas):
        super().__init__()
        self._of = canvas
        canvas.scene().addItem(self)

    def toCanvasCoordinates(self, point):
        return self._of.pixel_of(point)

    def paint(self, painter: QPainter, option=None, widget=None):
        raise NotImplementedError


if __name__ == "__main__":
    install()
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
