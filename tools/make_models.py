"""Makes ``resources/models/*.model3`` with QGIS's own Python: ready models, to run as they are or to start from.

Run as ``/usr/bin/python3 tools/make_models.py [FOLDER]``, where QGIS is the distribution's own. A rerun gives the same bytes.
"""

from __future__ import annotations

import sys
from pathlib import Path
from xml.etree import ElementTree

from qgis.core import (
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
    QgsProcessingParameterVectorLayer,
)
from qgis.PyQt.QtCore import QPointF

sys.path.insert(0, str(Path(__file__).resolve().parent))
import qgisplugin


def fill_and_assess() -> QgsProcessingModelAlgorithm:
    """Three steps: hide known values, fill, score the fill at the hidden values."""
    model = new_model("Fill gaps and assess",
                      "Hides known values of a series in gaps, fills them by harmonics, and scores the fill there.")
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
    model = new_model("Fill a season with what the last one taught",
                      "Learns how NDVI and radar go together from a whole season, and fills a later one by it.")
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
    model = new_model("Train a network, fill and assess",
                      "Trains a network on a folder of composites, fills the gaps of NDVI with it, and scores it on hidden values.")
    add_input(model, QgsProcessingParameterFile("folder", "Folder of composites", QgsProcessingParameterFile.Behavior.Folder), 0)
    whole = QgsProcessingParameterNumber.Type.Integer
    for place, (name, title, usual) in enumerate((
        ("gap_days", "Length of the hidden gaps in days", 60), ("epochs", "Epochs of training at most", 50)
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
    model = new_model("Export composites and fill with radar",
                      "Brings composites of Sentinel-1 and Sentinel-2 from Earth Engine, and fills their NDVI with the help of radar.")
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


def periods_to_ndvi() -> QgsProcessingModelAlgorithm:
    """Five steps: check the composites of all periods, make series of NDVI, VV and VH of them, fill NDVI with both."""
    model = new_model("Sentinel periods to gap-free NDVI",
                      "Takes a folder of period composites (VV, VH, NDVI), checks them, and fills the gaps of NDVI with radar.")
    add_input(model, QgsProcessingParameterFile("folder", "Folder of composites", QgsProcessingParameterFile.Behavior.Folder), 0)
    add_step(model, "check", "phenofuse:validatecomposites", 0, {"REPORT": "Report on the composites"}, FOLDER=of_model("folder"))
    for place, name in enumerate(("NDVI", "VV", "VH")):
        add_step(model, name.lower(), "phenofuse:buildtimeseries", 1 + place, FOLDER=of_model("folder"), VARIABLE=fixed(name))
    add_step(
        model,
        "fill",
        "phenofuse:fillmogpr",
        4,
        {"OUTPUT": "Gap-free NDVI", "UNCERTAINTY": "NDVI uncertainty", "QUALITY": "NDVI quality", "REPORT": "Report of the fill"},
        INPUT=of_step("ndvi", "OUTPUT"),
        COVARIATES=[of_step(name, "OUTPUT") for name in ("vv", "vh")],
    )
    return model


def ndvi_to_phenology() -> QgsProcessingModelAlgorithm:
    """One step with few questions: the seasons of a filled series, how sure their dates are, and a table by polygon."""
    model = new_model("Gap-free NDVI to phenology",
                      "Finds the seasons of a filled series: how many, when they start, peak and end, and how sure that is in days.")
    for place, definition in enumerate((
        QgsProcessingParameterRasterLayer("ndvi", "Gap-free NDVI"),
        QgsProcessingParameterRasterLayer("uncertainty", "NDVI uncertainty"),
        QgsProcessingParameterRasterLayer("quality", "NDVI quality", None, True),
        QgsProcessingParameterVectorLayer("fields", "Fields or districts", [QgsProcessing.SourceType.TypeVectorPolygon], None, True),
    )):  # fmt: skip
        add_input(model, definition, place)
    names = {"OUTPUT": "Start of season", "PEAK": "Peak of season", "END": "End of season", "SEASONS": "Number of seasons",
             "INTENSITY": "Seasons per year", "PLANTING": "Planting date", "SEASON_TYPE": "Type of season",
             "UNCERTAINTY_DAYS": "Standard deviation in days", "QUALITY": "What became of each season",
             "ZONAL_SUMMARY": "Table by polygon", "ZONAL_LAYER": "Polygons with their seasons"}
    add_step(model, "measure", "phenofuse:phenologymetrics", 0, names, INPUT=of_model("ndvi"), UNCERTAINTY=of_model("uncertainty"),
             FILL_QUALITY=of_model("quality"), ZONES=of_model("fields"))
    return model


def compare_methods() -> QgsProcessingModelAlgorithm:
    """One step with few questions: which method fills this area's own gaps best."""
    model = new_model("Compare methods on my area",
                      "Hides the same values of your series from every method inside your area, and says which one to take.")
    for place, definition in enumerate((
        QgsProcessingParameterRasterLayer("ndvi", "NDVI time series"),
        QgsProcessingParameterMultipleLayers("radar", "Radar time series", QgsProcessing.SourceType.TypeRaster, None, True),
        QgsProcessingParameterVectorLayer("area", "My area", [QgsProcessing.SourceType.TypeVectorPolygon], None, True),
    )):  # fmt: skip
        add_input(model, definition, place)
    add_step(model, "compare", "phenofuse:comparemethods", 0, {"REPORT": "Comparison", "CSV": "Table", "WINNER": "Winner by part"},
             INPUT=of_model("ndvi"), COVARIATES=of_model("radar"), MASK=of_model("area"))
    return model


MODELS = (fill_and_assess, fill_after_last_season, train_and_fill, export_and_fill, periods_to_ndvi, ndvi_to_phenology, compare_methods)


def new_model(name: str, told: str) -> QgsProcessingModelAlgorithm:
    """An empty model that says what it does."""
    model = QgsProcessingModelAlgorithm(name, "Phenofuse")
    model.setHelpContent({"ALG_DESC": told, "SHORT_DESCRIPTION": told})
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


def write(model: QgsProcessingModelAlgorithm, path: Path) -> None:
    """Write a model in canonical XML: QGIS shuffles the attributes of its elements."""
    if not model.toFile(str(path)):
        sys.exit(f"{path} could not be written")
    text = ElementTree.canonicalize(from_file=str(path))
    path.write_text(f"<!DOCTYPE model>\n{text}\n", encoding="utf-8")


def main(provider) -> None:
    """Write every model."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else qgisplugin.ROOT / "resources" / "models")
    for make in MODELS:
        write(make(), folder / f"{make.__name__}.model3")


if __name__ == "__main__":
    qgisplugin.run(main)
