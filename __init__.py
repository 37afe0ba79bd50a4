"""Phenofuse: gap-free NDVI time series from Sentinel-2 and Sentinel-1, with an uncertainty for every filled value."""


def classFactory(iface):
    """Hand QGIS the plugin. `iface` is None under qgis_process."""
    from .plugin import PhenofusePlugin

    return PhenofusePlugin(iface)
