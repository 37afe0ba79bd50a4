"""Makes ``resources/models/*.model3`` with QGIS's own Python: ready models, to run as they are or to start from.

Run as ``/usr/bin/python3 tools/make_models.py``, where QGIS is the distribution's own.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

from qgis.core import (
    QgsApplication,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
)
from qgis.PyQt.QtCore import QPointF

ROOT = Path(__file__).resolve().parents[1]


def fill_and_assess() -> QgsProcessingModelAlgorithm:
    """Three steps: hide known values, fill, score the fill at the hidden values."""
    model = QgsProcessingModelAlgorithm("Fill gaps and assess", "Phenofuse")
    _input(model, QgsProcessingParameterRasterLayer("series", "NDVI time series"), 0)
    _input(
        model,
        QgsProcessingParameterNumber(
            "gap_days", "Length of the hidden gaps in days", QgsProcessingParameterNumber.Type.Double, 60.0, False, 1
        ),
        1,
    )
    _child(
        model,
        "hide",
        "phenofuse:simulategaps",
        0,
        INPUT=_of_model("series"),
        GAP_DAYS=_of_model("gap_days"),
        PATTERN=_fixed("block"),
        SEED=_fixed(1),
    )
    _child(
        model,
        "fill",
        "phenofuse:fillharmonic",
        1,
        {"UNCERTAINTY": "NDVI uncertainty", "OUTPUT": "Gap-free NDVI"},
        INPUT=_of_child("hide", "OUTPUT"),
        MODEL=_fixed("adaptive"),
    )
    _child(
        model,
        "assess",
        "phenofuse:assessfill",
        2,
        {"REPORT": "Assessment"},
        INPUT=_of_child("fill", "OUTPUT"),
        TRUTH=_of_child("hide", "TRUTH"),
        OBSERVED=_of_child("hide", "OUTPUT"),
        UNCERTAINTY=_of_child("fill", "UNCERTAINTY"),
    )
    return model


def _input(model, definition, place: int) -> None:
    component = QgsProcessingModelParameter(definition.name())
    component.setPosition(QPointF(150, 80 + 100 * place))
    model.addModelParameter(definition, component)


def _child(model, name: str, algorithm: str, place: int, results: dict | None = None, **sources) -> None:
    child = QgsProcessingModelChildAlgorithm(algorithm)
    child.setChildId(name)
    child.setDescription(child.algorithm().displayName())
    child.setPosition(QPointF(400 + 260 * place, 160))
    defaults = {
        definition.name(): _fixed(definition.defaultValue())
        for definition in child.algorithm().parameterDefinitions()
        if not definition.isDestination() and definition.defaultValue() is not None
    }
    for key, source in {**defaults, **sources}.items():
        child.addParameterSources(key, [source])
    outputs = {}
    for key, title in (results or {}).items():
        output = QgsProcessingModelOutput(title)
        output.setChildId(name)
        output.setChildOutputName(key)
        output.setPosition(QPointF(400 + 260 * place, 300 + 60 * len(outputs)))
        outputs[title] = output
    child.setModelOutputs(outputs)
    model.addChildAlgorithm(child)


def _of_model(name: str):
    return QgsProcessingModelChildParameterSource.fromModelParameter(name)


def _of_child(name: str, output: str):
    return QgsProcessingModelChildParameterSource.fromChildOutput(name, output)


def _fixed(value):
    return QgsProcessingModelChildParameterSource.fromStaticValue(value)


def main() -> None:
    """Write every model."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    application = QgsApplication([], False)
    application.initQgis()
    sys.path.append(str(Path(QgsApplication.pkgDataPath(), "python", "plugins")))
    from processing.core.Processing import Processing

    Processing.initialize()
    spec = importlib.util.spec_from_file_location(
        "phenofuse", ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    sys.modules["phenofuse"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules["phenofuse"])
    plugin = sys.modules["phenofuse"].classFactory(None)
    plugin.initProcessing()
    for make in (fill_and_assess,):
        path = ROOT / "resources" / "models" / f"{make.__name__}.model3"
        if not make().toFile(str(path)):
            sys.exit(f"{path} could not be written")
    plugin.unload()
    os._exit(0)  # QGIS may crash while it is taken down


if __name__ == "__main__":
    main()
