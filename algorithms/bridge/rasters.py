"""Rasters as parameters: layers of the project, files, and whatever else GDAL opens by a name of its own.

Of texts QGIS itself knows only layers and files, and takes a NetCDF file for a vector layer. What a layer says is passed on:
where it lies, whatever stands around the path, and its own "additional no data value".
"""

from __future__ import annotations

import math
import os
import sys

from qgis.core import (
    QgsDataProvider,
    QgsMapLayer,
    QgsProcessingException,
    QgsProcessingParameterMapLayer,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterRasterLayer,
    QgsProcessingUtils,
    QgsRasterLayer,
    QgsWkbTypes,
)

from ...core import outputs
from . import addresses
from .text import tr

# Files that QGIS may take for polygons or a mesh, though rasters are in them.
CONTAINERS = (".nc", ".nc4", ".cdf", ".h5", ".he5", ".hdf5", ".hdf", ".hdf4")


class Raster(QgsProcessingParameterRasterLayer):
    """One raster."""

    def checkValueIsAcceptable(self, value, context=None):
        return super().checkValueIsAcceptable(value, context) or _is_address(value)


class Rasters(QgsProcessingParameterMultipleLayers):
    """Several rasters; what a text of them means is looked at when they are read, where it can be named."""

    def checkValueIsAcceptable(self, value, context=None):
        texts = value if isinstance(value, (list, tuple)) else [value]
        named = bool(texts) and all(isinstance(one, QgsMapLayer) or isinstance(one, str) and one for one in texts)
        return named or super().checkValueIsAcceptable(value, context)


class RasterOrPolygons(QgsProcessingParameterMapLayer):
    """A layer of polygons or a raster."""

    def checkValueIsAcceptable(self, value, context=None):
        return super().checkValueIsAcceptable(value, context) or _is_address(value)


def address(value, context) -> str:
    """Where GDAL finds the raster that a layer, or a text of a parameter, means.

    Raises
    ------
    QgsProcessingException
        When it means neither a layer nor a file.
    """
    layer = _layer(value, context)
    if layer is not None:
        return layer_address(layer)
    if not _is_address(value):
        raise QgsProcessingException(tr("There is neither a layer nor a file {}. Check the name.").format(value))
    return addresses.absolute(value)


def layer_address(layer) -> str:
    """Where GDAL finds a raster layer: all that QGIS opens it by, without QGIS's own options.

    Raises
    ------
    QgsProcessingException
        When the layer is no file.
    """
    provider, source = layer.providerType(), layer.source()
    file = source if os.path.exists(source) else source.partition("|")[0]
    if provider == "gdal" or (provider in ("ogr", "mdal") and file.lower().endswith(CONTAINERS)):
        return addresses.absolute(file)
    raise QgsProcessingException(
        tr("The layer {} is no raster file (it comes from {}). Save it as GeoTIFF first.").format(layer.name(), provider)
    )


def layer_or_raster(layer, value):
    """A layer of polygons as it is; where QGIS sees no polygons in what a text names, the raster there."""
    has_none = layer is None or getattr(layer, "geometryType", lambda: None)() == QgsWkbTypes.GeometryType.NullGeometry
    raster = _opened(addresses.absolute(value)) if has_none and _is_address(value) else None
    return raster if raster is not None and raster.isValid() else layer


def crs_of(value, context):
    """The reference system of the raster that a parameter means; an invalid one where QGIS cannot see it."""
    layer = _layer(value, context)
    if layer is None:
        layer = _opened(addresses.absolute(value))
        inside = layer.dataProvider().subLayers() if layer.dataProvider() else []
        if inside:  # a file of several variables
            layer = _opened(inside[0].split(QgsDataProvider.sublayerSeparator())[0])
    return layer.crs()


def own_nodata(value, context) -> list:
    """The layer's "additional no data value" as closed ranges of stored numbers; [] where it has none."""
    layer = _layer(value, context)
    if not isinstance(layer, QgsRasterLayer) or layer.providerType() != "gdal":
        return []
    provider, found = layer.dataProvider(), []
    for band in range(1, provider.bandCount() + 1):
        for one in provider.userNoDataValues(band):  # QGIS compares them with values
            ends = [open_end if math.isnan(end) else (end - provider.bandOffset(band)) / provider.bandScale(band)
                    for end, open_end in ((one.min(), -sys.float_info.max), (one.max(), sys.float_info.max))]  # fmt: skip
            found += [] if ends in found else [ends]
    return found


def texts_of(value) -> list:
    """What a parameter holds, one by one."""
    return list(value) if isinstance(value, (list, tuple)) else [] if value in (None, "") else [value]


def _opened(source: str) -> QgsRasterLayer:
    """A layer without QGIS's own style, whose stretch would read the whole raster, and leave statistics beside it."""
    options = QgsRasterLayer.LayerOptions()
    options.loadDefaultStyle = False
    return QgsRasterLayer(source, source, "gdal", options)


def _layer(value, context):
    """The layer that a parameter holds, or that the project knows by this name or id; else None."""
    if isinstance(value, QgsMapLayer):
        return value
    return QgsProcessingUtils.mapLayerFromString(value, context, False) if isinstance(value, str) else None


def _is_address(value) -> bool:
    return isinstance(value, str) and (os.path.isfile(value) or outputs.read_by_gdal(value) or value.startswith("/vsi"))
