"""The MASK and ZONES parameters as files that the engine reads."""
from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from qgis.core import (
    NULL,
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
    transform = QgsCoordinateTransform(layer.crs(), target_crs, layer.transformContext())
    return _written(layer, layer.name(), transform, folder, name_field)


def places_file(source, target_crs, context, folder: str, name_field: str) -> str:
    """As `mask_file`, of the points or polygons of a feature source, with names; features without geometry are in it too.

    Parameters
    ----------
    source : QgsProcessingFeatureSource
    target_crs : QgsCoordinateReferenceSystem
        That of the series.
    context : QgsProcessingContext
    folder, name_field : str

    Raises
    ------
    QgsProcessingException
        When there are none, or they cannot be brought into the reference system of the series.
    """
    kinds = (QgsWkbTypes.GeometryType.PointGeometry, QgsWkbTypes.GeometryType.PolygonGeometry)
    if QgsWkbTypes.geometryType(source.wkbType()) not in kinds:
        raise QgsProcessingException(tr("{} holds neither points nor polygons. Give a layer of points or of polygons.")
                                     .format(source.sourceName()))
    transform = QgsCoordinateTransform(source.sourceCrs(), target_crs, context.transformContext())
    return _written(source, source.sourceName(), transform, folder, name_field, empty=True)


def _written(source, title: str, transform, folder: str, name_field: str | None, empty: bool = False) -> str:
    """The features as a GeoJSON file; those without geometry too where `empty`."""
    if transform.destinationCrs().isValid() and not transform.sourceCrs().isValid():
        raise QgsProcessingException(tr("{} has no reference system. Set it in the layer's properties.").format(title))
    Path(folder).mkdir(parents=True, exist_ok=True)
    handle, writing = tempfile.mkstemp(".new", "mask-", folder)
    some, separator = False, "\n"
    with open(handle, "w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for properties, text in _features(source, title, transform, name_field):
            some = some or bool(text)
            if text or empty:
                file.write(f'{separator}{{"type": "Feature", "properties": {json.dumps(properties)}, "geometry": {text or "null"}}}')
                separator = ",\n"
        file.write("\n]}\n")
    if not some:
        os.remove(writing)
        raise QgsProcessingException(tr("{} is empty. Draw polygons, or give none.").format(title) if not empty
                                     else tr("{} is empty. Give a layer that holds points or polygons.").format(title))
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


def _features(source, title: str, transform, name_field: str | None):
    """Each feature's properties, and its geometry as GeoJSON text in the target's reference system, without heights; '' for none."""
    for feature in source.getFeatures(QgsFeatureRequest() if name_field else QgsFeatureRequest().setNoAttributes()):
        geometry, text = feature.geometry(), ""
        if not geometry.isEmpty():
            geometry.get().dropZValue()
            try:
                geometry.transform(transform)
                if not geometry.boundingBox().isFinite():  # metres taken for degrees, say: some projections only give infinity
                    raise QgsCsException("infinite")
            except QgsCsException as problem:
                raise QgsProcessingException(
                    tr("Feature {} of {} cannot be brought into {}. Check the layer's reference system.")
                    .format(feature.id(), title, transform.destinationCrs().authid())) from problem
            text = geometry.asJson(DECIMALS)
        value = feature[name_field] if name_field else feature.id()
        yield {} if name_field is None else {"name": "" if value == NULL else str(value)}, text
