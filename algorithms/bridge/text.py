"""Translation: every text the user sees goes through `tr`."""
from qgis.PyQt.QtCore import QCoreApplication


def tr(text: str) -> str:
    """The text in the language of QGIS."""
    return QCoreApplication.translate("Phenofuse", text)
