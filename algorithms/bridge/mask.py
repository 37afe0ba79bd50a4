"""The MASK and ZONES parameters as files that the engine reads."""
from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from qgis.core import (
    QgsCoordinateTransform,
    QgsCsException,
    QgsFeatureRequest,
    QgsProcessingException,
    QgsRasterLayer,
    QgsWkbTypes,
)

from ...core import files
from .rasters import layer_address
from .text import tr

# Decimals of a coordinate: a tenth of a millimetre in degrees, far less in metres.
DECIMALS = 9
MASKS_KEPT = 20


def mask_file(layer, target_crs, folder: str, name_field: str | None = None) -> str:
    """Path of a mask the engine reads: the raster itself, or all polygons of a layer as GeoJSON.

    Parameters
    ----------
    layer : QgsMapLayer
        Polygons in any reference system, or a raster on the grid of the series.
    target_crs : QgsCoordinateReferenceSystem
        That of the series; the file's coordinates are in it.
    folder : str
        Where the GeoJSON file is made. Its name follows its content: the same polygons give the same file, so that a
        cancelled run with them is continued.
    name_field : str, optional
        Field whose values become the property ``name`` of the polygons; '' takes the feature ids, None writes no names.

    Raises
    ------
    QgsProcessingException
        When the layer holds no polygons, or they cannot be brought into the reference system of the series.
    """
    if isinstance(layer, QgsRasterLayer):
        return layer_address(layer)
    if layer.geometryType() != QgsWkbTypes.GeometryType.PolygonGeometry:
        raise QgsProcessingException(tr("{} holds no polygons. Give a layer of polygons, or for a mask a raster.")
                                     .format(layer.name()))
    if target_crs.isValid() and not layer.crs().isValid():
        raise QgsProcessingException(tr("{} has no reference system. Set it in the layer's properties.")
                                     .format(layer.name()))
    Path(folder).mkdir(parents=True, exist_ok=True)
    handle, writing = tempfile.mkstemp(".new", "mask-", folder)
    with open(handle, "w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        separator = "\n"
        for properties, text in _polygons(layer, target_crs, name_field):
            file.write(f'{separator}{{"type": "Feature", "properties": {json.dumps(properties)}, "geometry": {text}}}')
            separator = ",\n"
        file.write("\n]}\n")
    if separator == "\n":
        os.remove(writing)
        raise QgsProcessingException(tr("{} is empty. Draw polygons, or give none.")
                                     .format(layer.name()))
    return _named_by_content(Path(writing))


def _named_by_content(writing: Path) -> str:
    digest = hashlib.sha256()
    with open(writing, "rb") as file:
        for part in iter(lambda: file.read(2**20), b""):
            digest.update(part)
    path = writing.with_name(f"mask-{digest.hexdigest()[:16]}.geojson")
    if path.exists():  # an earlier run's, whose time of change is part of what its journal is known by
        writing.unlink()
    else:
        files.replace(writing, path)
    for old in sorted(path.parent.glob("mask-*.geojson"), key=os.path.getmtime)[:-MASKS_KEPT]:
        if old != path:
            old.unlink(missing_ok=True)
    return str(path)


def _polygons(layer, target_crs, name_field: str | None):
    """Each feature's properties, and its geometry as GeoJSON text in the target's reference system, without heights."""
    transform = QgsCoordinateTransform(layer.crs(), target_crs, layer.transformContext())
    for feature in layer.getFeatures(QgsFeatureRequest() if name_field else QgsFeatureRequest().setNoAttributes()):
        geometry = feature.geometry()
        if geometry.isEmpty():
            continue
        geometry.get().dropZValue()
        try:
            geometry.transform(transform)
        except QgsCsException as problem:
            raise QgsProcessingException(
                tr("Feature {} of {} cannot be brought into {}. Check the layer's reference system.")
                .format(feature.id(), layer.name(), target_crs.authid())) from problem
        name = {} if name_field is None else {"name": str(feature[name_field] if name_field else feature.id())}
        yield name, geometry.asJson(DECIMALS)
