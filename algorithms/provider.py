"""The provider: the plugin's algorithms in the Processing toolbox."""
from __future__ import annotations

import importlib
from pathlib import Path

from qgis.core import QgsApplication, QgsProcessingProvider
from qgis.PyQt.QtGui import QIcon

from ..core.formats import GEOTIFF, NETCDF
from .bridge import settings
from .bridge.algorithm import GROUPS, ICONS, PhenofuseAlgorithm
from .bridge.models import shipped

EXTENSIONS = [suffix[1:] for suffix in (*GEOTIFF, *NETCDF)]  # the first is that of temporary outputs


class PhenofuseProvider(QgsProcessingProvider):
    """Provider ``phenofuse``: every file of a group's folder holds the algorithm of its name, and the shipped models."""

    def id(self):
        return "phenofuse"

    def name(self):
        return "Phenofuse"

    def longName(self):
        return self.name()

    def icon(self):
        return QIcon(self.svgIconPath())

    def svgIconPath(self):
        return str(ICONS / "phenofuse.svg")

    def supportedOutputRasterLayerExtensions(self):
        return EXTENSIONS

    def load(self):
        settings.register(self.icon())
        return super().load()

    def unload(self):
        settings.unregister()

    def loadAlgorithms(self):
        for algorithm in algorithm_classes():
            self.addAlgorithm(algorithm())
        if QgsApplication.processingRegistry().providerById(self.id()):  # models find their steps in the registry
            for model in shipped():
                self.addAlgorithm(model)


def algorithm_classes() -> list:
    """All algorithm classes, by group and name."""
    found = []
    for group in GROUPS:
        for file in sorted((Path(__file__).parent / group).glob("[a-z]*.py")):
            module = importlib.import_module(f".{group}.{file.stem}", __package__)
            found += [thing for thing in vars(module).values() if isinstance(thing, type)
                      and issubclass(thing, PhenofuseAlgorithm) and thing.ID == file.stem]
    return found
