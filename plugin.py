"""The plugin as QGIS sees it: it brings a Processing provider, and nothing else."""
from __future__ import annotations

from qgis.core import QgsApplication


class PhenofusePlugin:
    """Registers the provider, in the desktop and in qgis_process (where `iface` is None)."""

    def __init__(self, iface):
        self.iface = iface
        self.provider = None

    def initProcessing(self):
        """Called by qgis_process, and by `initGui`."""
        from .algorithms.provider import PhenofuseProvider

        self.provider = PhenofuseProvider()
        QgsApplication.processingRegistry().addProvider(self.provider)

    def initGui(self):
        """Called by the desktop."""
        self.initProcessing()

    def unload(self):
        """Take the provider away again."""
        if self.provider is not None:
            QgsApplication.processingRegistry().removeProvider(self.provider)
            self.provider = None
