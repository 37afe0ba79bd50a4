"""A table by polygon as a vector layer: the polygons that the engine was given, with the table's columns."""
from __future__ import annotations

import os
from pathlib import Path

from qgis.core import (
    QgsCoordinateTransformContext,
    QgsFields,
    QgsJsonUtils,
    QgsProcessingException,
    QgsVectorFileWriter,
    QgsVectorLayer,
)
from qgis.PyQt.QtCore import QDate, Qt

from ...core import tables
from ...core.errors import OutputError
from ...core.outputs import require_replaceable
from .text import tr

# Types of columns by how their names begin, as a layer in memory calls them; the others are numbers.
TYPES = {"zone": "string", "pixels": "integer", "usual_seasons": "integer", "start_": "date", "peak_": "date", "end_": "date"}


def summed_up(values: dict, crs, run) -> dict:
    """Run a job that writes ZONAL_SUMMARY, a table by polygon of ZONES, and make ZONAL_LAYER of both where it is wanted.

    Parameters
    ----------
    values : dict
        Of the algorithm.
    crs : QgsCoordinateReferenceSystem
        Of the polygons.
    run : callable
        ``run(values)`` gives the job's outputs and numbers.
    """
    layer = values.pop("ZONAL_LAYER", None)
    if not layer:
        return run(values)
    if not values.get("ZONES"):
        raise QgsProcessingException(tr("ZONAL_LAYER needs polygons. Give them as ZONES, or leave ZONAL_LAYER empty."))
    try:
        require_replaceable(layer)
    except OutputError as problem:
        raise QgsProcessingException(str(problem)) from problem
    table = values.get("ZONAL_SUMMARY") or str(Path(layer).with_name(f".{Path(layer).name}.csv"))
    result = run({**values, "ZONAL_SUMMARY": table})
    try:
        write_layer(layer, table, values["ZONES"], crs)
    finally:  # a table that nobody asked for goes, whether or not the layer could be written
        if not values.get("ZONAL_SUMMARY"):
            os.remove(result["outputs"].pop("ZONAL_SUMMARY"))
    return result


def write_layer(path: str, table: str, polygons: str, crs) -> None:
    """Write polygons with the columns of a table.

    Parameters
    ----------
    path : str
        GeoPackage, or whatever its ending says.
    table : str
        CSV with one line per polygon, in their order.
    polygons : str
        GeoJSON.
    crs : QgsCoordinateReferenceSystem
        Of the polygons.

    Raises
    ------
    QgsProcessingException
        When the layer cannot be written.
    """
    (_, names), *rows = tables.rows_in(table, ",")
    columns = "&".join(f"field={name}:{_type(name)}" for name in names)
    layer = QgsVectorLayer(f"MultiPolygon?{columns}", Path(path).stem, "memory")
    layer.setCrs(crs)
    features = QgsJsonUtils.stringToFeatureList(Path(polygons).read_text(encoding="utf-8"), QgsFields(), None)
    for feature, (_, row) in zip(features, rows):
        geometry = feature.geometry()
        geometry.convertToMultiType()
        feature.setFields(layer.fields(), True)
        feature.setAttributes([_value(name, text) for name, text in zip(names, row)])
        feature.setGeometry(geometry)
    layer.dataProvider().addFeatures(features)
    options = QgsVectorFileWriter.SaveVectorOptions()
    options.driverName = QgsVectorFileWriter.driverForExtension(Path(path).suffix)
    error, text, *_ = QgsVectorFileWriter.writeAsVectorFormatV3(layer, path, QgsCoordinateTransformContext(), options)
    if error != QgsVectorFileWriter.WriterError.NoError:
        raise QgsProcessingException(tr("{} cannot be written: {}").format(path, text))


def _type(name: str) -> str:
    return next((kind for start, kind in TYPES.items() if name.startswith(start)), "double")


def _value(name: str, text: str):
    """A cell as its column has it; None where it is empty."""
    readers = {"string": str, "integer": int, "double": float, "date": lambda day: QDate.fromString(day, Qt.DateFormat.ISODate)}
    return readers[_type(name)](text) if text else None
