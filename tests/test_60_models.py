"""Algorithms joined: the shipped model, and a batch of three."""

from pathlib import Path

import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
import processing
from qgis.core import (
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsProject,
    QgsRasterLayer,
)

MODELS = Path(__file__).resolve().parents[1] / "resources" / "models"


@pytest.fixture(scope="module")
def series(provider, tmp_path_factory):
    """A small simulated NDVI series."""
    folder = tmp_path_factory.mktemp("models")
    processing.run(
        "phenofuse:createsamplescene", {"SIZE": 24, "PERIODS": 40, "SEED": 3, "FOLDER": str(folder / "scene")}
    )
    return processing.run(
        "phenofuse:buildtimeseries",
        {"FOLDER": str(folder / "scene"), "VARIABLE": "NDVI", "OUTPUT": str(folder / "ndvi.tif")},
    )["OUTPUT"]


@pytest.fixture
def project():
    """An empty project, and an empty one again afterwards."""
    QgsProject.instance().clear()
    yield QgsProject.instance()
    QgsProject.instance().clear()


def model(name):
    """A shipped model, loaded from its file."""
    loaded = QgsProcessingModelAlgorithm()
    assert loaded.fromFile(str(MODELS / f"{name}.model3"))
    loaded.initAlgorithm()
    return loaded


def test_every_shipped_model_is_valid(provider):
    """Every model file loads and QGIS finds nothing wrong with it."""
    found = sorted(p.stem for p in MODELS.glob("*.model3"))
    assert found
    for name in found:
        fine, problems = model(name).validate()
        assert fine, problems


def test_the_model_hides_fills_and_assesses(series, tmp_path):
    """Three steps chain: the numbers of the last step come from the raster of the second and the truth of the first."""
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    outputs = {
        "fill:Gap-free NDVI": str(tmp_path / "f.tif"),
        "fill:NDVI uncertainty": str(tmp_path / "u.tif"),
        "assess:Assessment": str(tmp_path / "r.html"),
    }
    results, fine = model("fill_and_assess").run({"series": series, "gap_days": 60, **outputs}, context, feedback)
    assert fine, feedback.textLog()
    scores = results["CHILD_RESULTS"]["assess"]
    assert 0 < scores["RMSE"] < 0.5 and scores["COUNT"] > 50
    assert (tmp_path / "r.html").exists()
    assert QgsRasterLayer(outputs["fill:Gap-free NDVI"]).bandCount() == 40


def test_results_of_a_model_open_styled(series, tmp_path, project):
    """Layers a model loads carry the style of their kind, set after the whole model."""
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(project)
    results = processing.runAndLoadResults(
        model("fill_and_assess"),
        {
            "series": series,
            "gap_days": 60,
            "fill:Gap-free NDVI": "TEMPORARY_OUTPUT",
            "fill:NDVI uncertainty": "TEMPORARY_OUTPUT",
            "assess:Assessment": str(tmp_path / "r.html"),
        },
        feedback,
        context,
    )
    layers = {layer.name(): layer for layer in project.mapLayers().values()}
    assert results and {"Gap-free NDVI", "NDVI uncertainty"} <= set(layers)
    assert layers["Gap-free NDVI"].renderer().classificationMax() == pytest.approx(0.9)
    assert layers["NDVI uncertainty"].renderer().classificationMax() == pytest.approx(0.2)


def test_a_batch_of_three_styles_each_result(series, tmp_path, project):
    """Three runs in one context, as the batch dialog does them: three layers to load, each with a styler of its own."""
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(project)
    for order in (1, 2, 3):
        processing.runAndLoadResults(
            "phenofuse:fillharmonic",
            {
                "INPUT": series,
                "ORDER": order,
                "UNCERTAINTY": None,
                "QUALITY": None,
                "OUTPUT": str(tmp_path / f"f{order}.tif"),
            },
            feedback,
            context,
        )
    layers = list(project.mapLayers().values())
    assert len(layers) == 3
    assert {round(layer.renderer().classificationMax(), 3) for layer in layers} == {0.9}
