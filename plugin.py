"""The plugin as QGIS sees it: a Processing provider, and in the desktop a dock with the profiles of series."""
from __future__ import annotations

from pathlib import Path

from qgis.core import QgsApplication

MENU = "Phenofuse"
PROFILE_ICON = Path(__file__).resolve().parent / "resources" / "icons" / "profile.svg"


class PhenofusePlugin:
    """Registers the provider, in the desktop and in qgis_process (where `iface` is None), and in the desktop the dock."""

    def __init__(self, iface):
        self.iface = iface
        self.provider = self.dock = None

    def initProcessing(self):
        """Called by qgis_process, and by `initGui`."""
        from .algorithms.provider import PhenofuseProvider

        self.provider = PhenofuseProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)
        self.provider.refreshAlgorithms()  # now that it is registered, the models find their steps

    def initGui(self):
        """Called by the desktop."""
        from qgis.PyQt.QtCore import Qt
        from qgis.PyQt.QtGui import QIcon

        from .gui.dock import ProfileDock

        self.initProcessing()
        self.dock = ProfileDock(self.iface.mapCanvas(), parent=self.iface.mainWindow())
        action = self.dock.toggleViewAction()
        action.setIcon(QIcon(str(PROFILE_ICON)))
        self.iface.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.dock)
        self.dock.hide()  # QGIS shows it again by itself where it was open
        self.iface.addToolBarIcon(action)
        self.iface.addPluginToRasterMenu(MENU, action)

    def unload(self):
        """Take all of it away again."""
        if self.dock is not None:
            self.iface.removePluginRasterMenu(MENU, self.dock.toggleViewAction())
            self.iface.removeToolBarIcon(self.dock.toggleViewAction())
            self.dock.release()
            self.iface.removeDockWidget(self.dock)
            self.dock.deleteLater()
            self.dock = None
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
