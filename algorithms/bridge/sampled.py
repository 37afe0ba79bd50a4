"""The table of a sampling as a layer without geometry, wherever QGIS can make one: its CSV, row by row."""
from __future__ import annotations

import csv

from qgis.core import (
    QgsCoordinateReferenceSystem,
    QgsFeature,
    QgsFeatureSink,
    QgsProcessingException,
    QgsProcessingOutputLayerDefinition,
    QgsVectorLayer,
    QgsWkbTypes,
)
from qgis.PyQt.QtCore import QDate, Qt

from ...core import tables
from .text import tr

ID = "id"
# Types of columns as a layer in memory calls them; the others are texts.
TYPES = {"date": "date", "period_end": "date", "value": "double", "sd": "double", "spread": "double", "clear_share": "double",
         "pixels": "integer"}
READERS = {"date": lambda text: QDate.fromString(text, Qt.DateFormat.ISODate), "double": float, "integer": int, "int8": int}
ROWS_AT_ONCE = 10_000


def id_type(source, field: str | None) -> str:
    """Type of the ids in the table: that of their field, so that the table can be joined; a feature's own id is a whole number."""
    if not field:
        return "int8"
    found = source.fields().field(field)
    if not found.isNumeric():
        return "string"
    return "double" if found.typeName().lower() in ("double", "real", "float", "numeric") else "int8"


def sink_file(value) -> str:
    """The file that a sink's value names; '' where it names none: a layer in memory, a table of a database, nothing."""
    text = value.sink.staticValue() if isinstance(value, QgsProcessingOutputLayerDefinition) else value
    text = text if isinstance(text, str) else ""
    return "" if not text or text.startswith(("TEMPORARY_OUTPUT", "memory:", "ogr:", "postgis:")) else text


def write_table(algorithm, given: dict, key: str, context, path: str, kind_of_id) -> str:
    """Write a table of ours as a layer.

    Parameters
    ----------
    algorithm : QgsProcessingAlgorithm
    given : dict
        Its parameters as QGIS gives them.
    key : str
        The sink's.
    path : str
        CSV.
    kind_of_id : str
        See `id_type`.

    Returns
    -------
    str
        The layer's id or address.

    Raises
    ------
    QgsProcessingException
        When it cannot be written.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        rows = csv.reader(file)
        names = next(rows)
        types = [kind_of_id if name == ID else TYPES.get(name, "string") for name in names]
        columns = "&".join(f"field={name}:{kind}" for name, kind in zip(names, types))
        fields = QgsVectorLayer(f"NoGeometry?{columns}", "", "memory").fields()
        sink, layer = algorithm.parameterAsSink(given, key, context, fields, QgsWkbTypes.Type.NoGeometry,
                                                QgsCoordinateReferenceSystem())
        if sink is None:
            raise QgsProcessingException(algorithm.invalidSinkError(given, key))
        waiting: list = []
        for row in rows:
            feature = QgsFeature(fields)
            feature.setAttributes([_value(text, kind) for text, kind in zip(row, types)])
            waiting.append(feature)
            if len(waiting) == ROWS_AT_ONCE:
                _add(sink, waiting)
                waiting = []
        _add(sink, waiting)
    return layer


def _add(sink, features: list) -> None:
    if features and not sink.addFeatures(features, QgsFeatureSink.Flag.FastInsert):
        raise QgsProcessingException(tr("The table cannot be written: {}").format(sink.lastError()))


def _value(text: str, kind):
    return READERS.get(kind, tables.bare)(text) if text else None
