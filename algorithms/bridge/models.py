"""The shipped models as algorithms of the provider: each has the id of its file."""
from __future__ import annotations

from pathlib import Path

from qgis.core import QgsProcessingModelAlgorithm
from qgis.PyQt.QtGui import QIcon

from .algorithm import ICONS, help_url
from .text import tr

MODELS = Path(__file__).resolve().parents[2] / "resources" / "models"


class ShippedModel(QgsProcessingModelAlgorithm):
    """A model read from its file.

    Parameters
    ----------
    path : Path
    """

    GROUP = "models"

    def __init__(self, path: Path):
        super().__init__()
        self._path = path
        self.fromFile(str(path))

    def createInstance(self):
        return type(self)(self._path)

    def name(self):
        return self._path.stem

    def group(self):
        return tr("Models")

    def groupId(self):
        return self.GROUP

    def icon(self):
        return QIcon(self.svgIconPath())

    def svgIconPath(self):
        return str(ICONS / f"{self.GROUP}.svg")

    def helpUrl(self):
        return help_url(self.name())

    def tags(self):
        return [tr("model"), "phenofuse"]


def shipped() -> list[ShippedModel]:
    """All of them, by id."""
    return [ShippedModel(path) for path in sorted(MODELS.glob("*.model3"))]
