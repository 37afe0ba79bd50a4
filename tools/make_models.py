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
    QgsProcessing,
    QgsProcessingModelAlgorithm,
    QgsProcessingModelChildAlgorithm,
    QgsProcessingModelChildParameterSource,
    QgsProcessingModelOutput,
    QgsProcessingModelParameter,
    QgsProcessingParameterAuthConfig,
    QgsProcessingParameterDateTime,
    QgsProcessingParameterExtent,
    QgsProcessingParameterFile,
    QgsProcessingParameterMultipleLayers,
    QgsProcessingParameterNumber,
    QgsProcessingParameterRasterLayer,
    QgsProcessingParameterString,
)
from qgis.PyQt.QtCore import QPointF

ROOT = Path(__file__).resolve().parents[1]


def fill_and_assess() -> QgsProcessingModelAlgorithm:
    """Three steps: hide known values, fill, score the fill at the hidden values."""
    model = QgsProcessingModelAlgorithm("Fill gaps and assess", "Phenofuse")
    add_input(model, QgsProcessingParameterRasterLayer("series", "NDVI time series"), 0)
    add_input(
        model,
        QgsProcessingParameterNumber(
            "gap_days", "Length of the hidden gaps in days", QgsProcessingParameterNumber.Type.Double, 60.0, False, 1
        ),
        1,
    )
    add_step(
        model,
        "hide",
        "phenofuse:simulategaps",
        0,
        INPUT=of_model("series"),
        GAP_DAYS=of_model("gap_days"),
        PATTERN=fixed("block"),
        SEED=fixed(1),
    )
    add_step(
        model,
        "fill",
        "phenofuse:fillharmonic",
        1,
        {"UNCERTAINTY": "NDVI uncertainty", "OUTPUT": "Gap-free NDVI"},
        INPUT=of_step("hide", "OUTPUT"),
        MODEL=fixed("adaptive"),
    )
    add_step(
        model,
        "assess",
        "phenofuse:assessfill",
        2,
        {"REPORT": "Assessment"},
        INPUT=of_step("fill", "OUTPUT"),
        TRUTH=of_step("hide", "TRUTH"),
        OBSERVED=of_step("hide", "OUTPUT"),
        UNCERTAINTY=of_step("fill", "UNCERTAINTY"),
    )
    return model


def fill_after_last_season() -> QgsProcessingModelAlgorithm:
    """Two steps: learn how NDVI and radar go together from a whole season, and fill a later one, perhaps just begun, by it."""
    model = QgsProcessingModelAlgorithm("Fill a season with what the last one taught", "Phenofuse")
    for place, (season, title) in enumerate((("last", "last season"), ("this", "this season"))):
        radar = QgsProcessingParameterMultipleLayers(
            f"{season}_radar", f"Radar time series of {title}", QgsProcessing.SourceType.TypeRaster
        )
        add_input(model, QgsProcessingParameterRasterLayer(season, f"NDVI time series of {title}"), 2 * place)
        add_input(model, radar, 2 * place + 1)
    add_step(
        model,
        "learn",
        "phenofuse:fillmogpr",
        0,
        {"REPORT": "Report of last season"},
        INPUT=of_model("last"),
        COVARIATES=of_model("last_radar"),
    )
    add_step(
        model,
        "fill",
        "phenofuse:fillmogpr",
        1,
        {"OUTPUT": "Gap-free NDVI", "UNCERTAINTY": "NDVI uncertainty", "REPORT": "Report of this season"},
        INPUT=of_model("this"),
        COVARIATES=of_model("this_radar"),
        APPLY=of_step("learn", "FIT"),
    )
    return model


def train_and_fill() -> QgsProcessingModelAlgorithm:
    """Series of a folder; a network that learns without some known values; the gaps it fills, and its error at those values."""
    model = QgsProcessingModelAlgorithm("Train a network, fill and assess", "Phenofuse")
    add_input(model, QgsProcessingParameterFile("folder", "Folder of composites", QgsProcessingParameterFile.Behavior.Folder), 0)
    whole = QgsProcessingParameterNumber.Type.Integer
    for place, (name, title, usual) in enumerate((
        ("gap_days", "Length of the hidden gaps in days", 60), ("epochs", "Epochs of training at most", 40)
    ), 1):  # fmt: skip
        add_input(model, QgsProcessingParameterNumber(name, title, whole, usual, False, 1), place)
    for variable in ("NDVI", "VV", "VH"):
        add_step(model, variable, "phenofuse:buildtimeseries", 0, FOLDER=of_model("folder"), VARIABLE=fixed(variable))
    radar = [of_step(name, "OUTPUT") for name in ("VV", "VH")]
    add_step(
        model,
        "hide",
        "phenofuse:simulategaps",
        1,
        INPUT=of_step("NDVI", "OUTPUT"),
        GAP_DAYS=of_model("gap_days"),
        PATTERN=fixed("block"),
    )
    add_step(
        model,
        "train",
        "phenofuse:trainmodel",
        2,
        {"MODEL": "Model", "REPORT": "Report of the training"},
        INPUT=of_step("hide", "OUTPUT"),
        COVARIATES=radar,
        EPOCHS=of_model("epochs"),
    )
    fills = {"fill": ("NDVI", {"OUTPUT": "Gap-free NDVI", "UNCERTAINTY": "NDVI uncertainty"}), "try": ("hide", {})}
    for name, (source, results) in fills.items():
        add_step(
            model,
            name,
            "phenofuse:fillmodel",
            3,
            results,
            INPUT=of_step(source, "OUTPUT"),
            COVARIATES=radar,
            MODEL=of_step("train", "MODEL"),
        )
    add_step(
        model,
        "assess",
        "phenofuse:assessfill",
        4,
        {"REPORT": "Assessment"},
        INPUT=of_step("try", "OUTPUT"),
        TRUTH=of_step("hide", "TRUTH"),
        OBSERVED=of_step("hide", "OUTPUT"),
        UNCERTAINTY=of_step("try", "UNCERTAINTY"),
    )
    return model


def export_and_fill() -> QgsProcessingModelAlgorithm:
    """Two steps: composites from Earth Engine, then NDVI filled with the help of their radar."""
    model = QgsProcessingModelAlgorithm("Export composites and fill with radar", "Phenofuse")
    day = QgsProcessingParameterDateTime.Type.Date
    for place, definition in enumerate((
        QgsProcessingParameterExtent("area", "Area"),
        QgsProcessingParameterDateTime("first_day", "First day", day),
        QgsProcessingParameterDateTime("end", "End (excluded)", day),
        QgsProcessingParameterString("project", "Google Cloud project"),
        QgsProcessingParameterAuthConfig("account", "Authentication configuration", None, True),
        QgsProcessingParameterString("endpoint", "Address of the service (empty: Google's)", "", False, True),
        QgsProcessingParameterString("folder", "Folder of the export"),
    )):  # fmt: skip
        add_input(model, definition, place)
    add_step(
        model,
        "export",
        "phenofuse:exportcomposites",
        0,
        EXTENT=of_model("area"),
        START_DATE=of_model("first_day"),
        END_DATE=of_model("end"),
        PROJECT=of_model("project"),
        AUTH=of_model("account"),
        ENDPOINT=of_model("endpoint"),
        FOLDER=of_model("folder"),
        LOAD=fixed(False),
    )
    add_step(
        model,
        "fill",
        "phenofuse:fillmogpr",
        1,
        {"UNCERTAINTY": "NDVI uncertainty", "OUTPUT": "Gap-free NDVI"},
        INPUT=of_step("export", "NDVI"),
        COVARIATES=[of_step("export", name) for name in ("VV", "VH")],
    )
    return model


def add_input(model, definition, place: int) -> None:
    """Add an input of the model."""
    component = QgsProcessingModelParameter(definition.name())
    component.setPosition(QPointF(150, 80 + 100 * place))
    model.addModelParameter(definition, component)


def add_step(model, name: str, algorithm: str, place: int, results: dict | None = None, **sources) -> None:
    """Add an algorithm; `results` names those of its outputs that the model gives, `sources` says where its inputs come from."""
    child = QgsProcessingModelChildAlgorithm(algorithm)
    child.setChildId(name)
    child.setDescription(child.algorithm().displayName())
    child.setPosition(QPointF(400 + 260 * place, 160))
    defaults = {
        definition.name(): fixed(definition.defaultValue())
        for definition in child.algorithm().parameterDefinitions()
        if not definition.isDestination() and definition.defaultValue() is not None
    }
    for key, source in {**defaults, **sources}.items():
        child.addParameterSources(key, source if isinstance(source, list) else [source])
    outputs = {}
    for key, title in (results or {}).items():
        output = QgsProcessingModelOutput(title)
        output.setChildId(name)
        output.setChildOutputName(key)
        output.setPosition(QPointF(400 + 260 * place, 300 + 60 * len(outputs)))
        outputs[title] = output
    child.setModelOutputs(outputs)
    model.addChildAlgorithm(child)


def of_model(name: str):
    """An input of the model."""
    return QgsProcessingModelChildParameterSource.fromModelParameter(name)


def of_step(name: str, output: str):
    """An output of an earlier step."""
    return QgsProcessingModelChildParameterSource.fromChildOutput(name, output)


def fixed(value):
    """A value that never changes."""
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
    for make in (fill_and_assess, fill_after_last_season, train_and_fill, export_and_fill):
        path = ROOT / "resources" / "models" / f"{make.__name__}.model3"
        if not make().toFile(str(path)):
            sys.exit(f"{path} could not be written")
    plugin.unload()
    os._exit(0)  # QGIS may crash while it is taken down


if __name__ == "__main__":
    main()
