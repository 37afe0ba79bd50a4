"""Algorithms joined: the shipped models, numbers that chain, and batches."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
import processing
from osgeo import gdal
from qgis.core import (
    Qgis,
    QgsProcessingContext,
    QgsProcessingFeedback,
    QgsProcessingModelAlgorithm,
    QgsRasterLayer,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools"))
import make_models

MODELS = make_models.qgisplugin.ROOT / "resources" / "models"
MADE_WITH = 322  # the QGIS that wrote the shipped files: others write more or fewer attributes


@pytest.fixture(scope="module")
def scene(provider, tmp_path_factory):
    """The folder of a small simulated scene."""
    folder = tmp_path_factory.mktemp("models") / "scene"
    processing.run("phenofuse:createsamplescene", {"SIZE": 24, "PERIODS": 40, "SEED": 3, "FOLDER": str(folder)})
    return folder


@pytest.fixture(scope="module")
def variables(scene):
    """The paths of its series: NDVI, VV and VH."""
    return [processing.run("phenofuse:buildtimeseries", {"FOLDER": str(scene), "VARIABLE": name,
                                                         "OUTPUT": str(scene.parent / f"{name}.tif")})["OUTPUT"]
            for name in ("NDVI", "VV", "VH")]


@pytest.fixture(scope="module")
def series(variables):
    """Its NDVI."""
    return variables[0]


@pytest.fixture(scope="module")
def seasons(provider, tmp_path_factory):
    """Two seasons of a small simulated scene: for each the paths of NDVI, VV and VH."""
    folder = tmp_path_factory.mktemp("seasons")
    processing.run("phenofuse:createsamplescene", {"SIZE": 24, "PERIODS": 60, "SEED": 3, "FOLDER": str(folder / "scene")})
    found = [], []
    for name in ("NDVI", "VV", "VH"):
        whole = processing.run(
            "phenofuse:buildtimeseries",
            {"FOLDER": str(folder / "scene"), "VARIABLE": name, "OUTPUT": str(folder / f"{name}.tif")},
        )["OUTPUT"]
        for season, bands in enumerate((range(1, 31), range(31, 61))):
            found[season].append(str(folder / f"{name}_{season}.tif"))
            gdal.Translate(found[season][-1], whole, bandList=list(bands))
    return found


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


def test_models_are_made_anew_to_the_same_bytes(tmp_path):
    """Whatever order a process gives the attributes of its elements; and with the QGIS they were made with, they are those shipped."""
    made = []
    for seed in "12":
        folder = tmp_path / seed
        folder.mkdir()
        subprocess.run([sys.executable, make_models.__file__, str(folder)], check=True, env={**os.environ, "QT_HASH_SEED": seed})
        made.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert made[0] == made[1] and set(made[0]) == {path.name for path in MODELS.glob("*.model3")}
    if Qgis.QGIS_VERSION_INT // 100 == MADE_WITH:
        assert made[0] == {path.name: path.read_bytes() for path in MODELS.glob("*.model3")}


def test_the_provider_offers_the_models(provider):
    """Each under the id of its file, with its name, what it does, and the outputs of its steps."""
    offered = {one.name(): one for one in provider.algorithms() if one.groupId() == "models"}
    assert set(offered) == {path.stem for path in MODELS.glob("*.model3")}
    for one in offered.values():
        assert len(one.shortDescription().split()) > 5 and one.displayName() != one.name() and one.helpUrl()
        assert one.destinationParameterDefinitions() and one.create().destinationParameterDefinitions()
    names = {one.displayName() for one in offered.values()}
    assert {"Sentinel periods to gap-free NDVI", "Gap-free NDVI to phenology", "Compare methods on my area"} <= names


def run_as_a_program(name, **values):
    """Run a shipped model on the command line; give what it said."""
    program = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
    given = [f"{key}={one}" for key, several in values.items() for one in (several if isinstance(several, list) else [several])]
    done = subprocess.run([program, "run", f"phenofuse:{name}", "--", *given], check=False, capture_output=True, text=True,
                          env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def array(path):
    """All values of a raster."""
    return gdal.Open(str(path)).ReadAsArray()


def polygon(box, path):
    """A layer of one polygon, in the reference system of the simulated scene."""
    text = f"{box.xMinimum()},{box.xMaximum()},{box.yMinimum()},{box.yMaximum()} [EPSG:32749]"
    return processing.run("native:extenttolayer", {"INPUT": text, "OUTPUT": str(path)})["OUTPUT"]


def test_from_periods_to_phenology_by_two_models(provider, tmp_path):
    """Composites in, seasons and a table by field out: the files are those that the algorithms make by hand."""
    scene = tmp_path / "scene"
    processing.run("phenofuse:createsamplescene", {"SIZE": 24, "PERIODS": 40, "SEED": 3, "FOLDER": str(scene)})
    outputs = {"fill:Gap-free NDVI": "n.tif", "fill:NDVI uncertainty": "u.tif", "fill:NDVI quality": "q.tif",
               "check:Report on the composites": "check.html"}
    run_as_a_program("periods_to_ndvi", folder=scene, **{key: tmp_path / name for key, name in outputs.items()})
    assert (tmp_path / "check.html").exists()
    layer = QgsRasterLayer(str(tmp_path / "n.tif"))
    assert layer.bandCount() == 40
    series = [processing.run("phenofuse:buildtimeseries", {"FOLDER": str(scene), "VARIABLE": name, "OUTPUT": str(
        tmp_path / f"{name}.tif")})["OUTPUT"] for name in ("NDVI", "VV", "VH")]
    by_hand = filled(series, tmp_path / "hand")
    assert np.array_equal(array(tmp_path / "n.tif"), array(tmp_path / "hand" / "f.tif"))
    fields = polygon(layer.extent(), tmp_path / "fields.gpkg")
    names = {"Start of season": "start.tif", "Number of seasons": "seasons.tif", "Standard deviation in days": "days.tif",
             "Table by polygon": "table.csv", "Polygons with their seasons": "seasons.gpkg"}
    run_as_a_program("ndvi_to_phenology", ndvi=tmp_path / "n.tif", uncertainty=tmp_path / "u.tif", quality=tmp_path / "q.tif",
                     fields=fields, **{f"measure:{title}": tmp_path / name for title, name in names.items()})
    assert all((tmp_path / name).exists() for name in names.values())
    hand = processing.run("phenofuse:phenologymetrics", {
        "INPUT": by_hand["OUTPUT"], "UNCERTAINTY": by_hand["UNCERTAINTY"], "FILL_QUALITY": str(tmp_path / "q.tif"),
        "OUTPUT": str(tmp_path / "hand" / "start.tif")})["OUTPUT"]
    assert np.array_equal(array(hand), array(tmp_path / "start.tif"), equal_nan=True)
    assert len((tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()) == 2
    run_as_a_program("ndvi_to_phenology", ndvi=tmp_path / "n.tif", uncertainty=tmp_path / "u.tif",
                     **{"measure:Start of season": tmp_path / "alone.tif"})
    assert (tmp_path / "alone.tif").exists()


def test_methods_are_compared_on_an_area(seasons, tmp_path):
    """The shipped model, inside a polygon of the scene: report, table and map of winners are those of the algorithm itself."""
    ndvi = seasons[0][0]
    box = QgsRasterLayer(ndvi).extent()
    box.setXMaximum(box.center().x())
    area = polygon(box, tmp_path / "area.gpkg")
    outputs = {"compare:Comparison": "r.html", "compare:Table": "t.csv", "compare:Winner by part": "w.tif"}
    run_as_a_program("compare_methods", ndvi=ndvi, area=area, **{key: tmp_path / name for key, name in outputs.items()})
    processing.run("phenofuse:comparemethods", {"INPUT": ndvi, "MASK": area, "REPORT": str(tmp_path / "hand.html"),
                                                "WINNER": str(tmp_path / "hand.tif")})
    assert np.array_equal(*(array(tmp_path / name) for name in ("w.tif", "hand.tif")))
    told = [json.loads((tmp_path / name).read_text(encoding="utf-8"))["numbers"] for name in ("r.html.json", "hand.html.json")]
    assert told[0] == told[1] and (tmp_path / "t.csv").read_text(encoding="utf-8-sig").startswith("group,")


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


def filled(season, folder, **more):
    """Fill a season with its radar; give the results."""
    folder.mkdir()
    outputs = {"OUTPUT": str(folder / "f.tif"), "UNCERTAINTY": str(folder / "u.tif"), "REPORT": str(folder / "r.html")}
    return processing.run("phenofuse:fillmogpr", {"INPUT": season[0], "COVARIATES": season[1:], **outputs, **more})


def test_what_one_season_taught_fills_the_next_in_one_model(seasons, tmp_path):
    """The shipped model, on the command line: its files are those of the two steps run by hand, FIT handed over as APPLY."""
    last, this = seasons
    filled(last, tmp_path / "first", FIT=str(tmp_path / "fit.npz"))
    filled(this, tmp_path / "hand", APPLY=str(tmp_path / "fit.npz"))
    outputs = {"learn:Report of last season": "last.html", "fill:Gap-free NDVI": "f.tif", "fill:NDVI uncertainty": "u.tif",
               "fill:Report of this season": "r.html"}
    said = run_as_a_program("fill_after_last_season", last=last[0], last_radar=last[1:], this=this[0], this_radar=this[1:],
                            **{key: tmp_path / name for key, name in outputs.items()})
    for name in ("f.tif", "u.tif"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "hand" / name).read_bytes()
    reports = [json.loads((tmp_path / f"{name}.html.json").read_text()) for name in ("last", "r")]
    assert reports[1]["numbers"] == json.loads((tmp_path / "hand" / "r.html.json").read_text())["numbers"] != reports[0]["numbers"]
    assert "flatters" not in said


def test_the_numbers_of_a_fill_chain(seasons, tmp_path):
    """Each declared number of a fill can be the input of a model's next step: here the value of a constant raster."""
    numbers = ("RMSE", "RMSE_LINEAR", "RATIO", "COVERAGE")
    chain = QgsProcessingModelAlgorithm("numbers", "tests")
    make_models.add_step(chain, "fill", "phenofuse:fillmogpr", 0, INPUT=make_models.fixed(seasons[0][0]))
    where = {"EXTENT": "0,10,0,10 [EPSG:32749]", "TARGET_CRS": "EPSG:32749", "PIXEL_SIZE": 10, "OUTPUT_TYPE": 5}
    for number in numbers:
        make_models.add_step(chain, number, "native:createconstantrasterlayer", 1, {"OUTPUT": "raster"},
                             NUMBER=make_models.of_step("fill", number),
                             **{key: make_models.fixed(value) for key, value in where.items()})
    chain.initAlgorithm()
    assert chain.validate() == (True, [])
    feedback, outputs = QgsProcessingFeedback(), {f"{number}:raster": str(tmp_path / f"{number}.tif") for number in numbers}
    results, fine = chain.run(outputs, QgsProcessingContext(), feedback)
    assert fine, feedback.textLog()
    for number in numbers:
        value = gdal.Open(str(tmp_path / f"{number}.tif")).ReadAsArray()[0, 0]
        assert value == pytest.approx(results["CHILD_RESULTS"]["fill"][number], rel=1e-6) and 0 < value < 2


def test_a_batch_of_two_scenes_fills_each_by_itself(seasons, tmp_path, project):
    """Two runs in one context, as the batch dialog does them: each with its own numbers, as when run alone, and both styled."""
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(project)
    numbers = []
    for number, season in enumerate(seasons):
        outputs = {"OUTPUT": str(tmp_path / f"f{number}.tif"), "UNCERTAINTY": str(tmp_path / f"u{number}.tif")}
        numbers.append(processing.runAndLoadResults(
            "phenofuse:fillmogpr", {"INPUT": season[0], "COVARIATES": season[1:], **outputs}, feedback, context)["RMSE"])
    assert numbers[1] == filled(seasons[1], tmp_path / "alone")["RMSE"] != numbers[0]
    assert (tmp_path / "f1.tif").read_bytes() == (tmp_path / "alone" / "f.tif").read_bytes()
    found = sorted(round(layer.renderer().classificationMax(), 3) for layer in project.mapLayers().values())
    assert found == [0.2, 0.2, 0.9, 0.9]


@pytest.fixture(scope="module")
def learning(provider):
    """An engine that can learn."""
    if subprocess.run([os.environ["PHENOFUSE_ENGINE_PYTHON"], "-c", "import torch, safetensors"], check=False,
                      capture_output=True).returncode:
        pytest.skip("the engine lacks the extra learning")


def values_of(path):
    """Values (bands, rows, columns) of a raster."""
    return gdal.Open(str(path)).ReadAsArray()


def test_a_network_is_trained_fills_and_is_assessed_in_one_model(learning, scene, variables, tmp_path):
    """The shipped model, on the command line: what it filled is what its model file fills by hand; reports tell of both scores."""
    outputs = {"train:Model": "m.phenofuse", "train:Report of the training": "t.html", "fill:Gap-free NDVI": "f.tif",
               "fill:NDVI uncertainty": "u.tif", "assess:Assessment": "a.html"}
    run_as_a_program("train_and_fill", folder=scene, gap_days=60, epochs=1, **{key: tmp_path / name for key, name in outputs.items()})
    by_hand = processing.run("phenofuse:fillmodel", {"INPUT": variables[0], "COVARIATES": variables[1:], "UNCERTAINTY": None,
                                                     "MODEL": str(tmp_path / "m.phenofuse"), "OUTPUT": str(tmp_path / "hand.tif")})
    assert values_of(tmp_path / "f.tif").tobytes() == values_of(by_hand["OUTPUT"]).tobytes()
    training, assessment = (json.loads((tmp_path / f"{name}.html.json").read_text())["numbers"] for name in "ta")
    assert 0 < training["RMSE"] < 0.3 and 0 < assessment["RMSE"] < 0.3 and assessment["COUNT"] > 50


def test_a_batch_of_two_areas_is_filled_by_one_model(learning, variables, tmp_path):
    """Two runs in one context, as the batch dialog does them: on the training's prior, each gets what it gets as a part of the whole.

    By default each area teaches the prior, and differs a little.
    """
    trained = processing.run("phenofuse:trainmodel", {
        "INPUT": variables[0], "COVARIATES": variables[1:], "ARCHITECTURE": "bigru", "PRIOR": "linear", "EPOCHS": 1,
        "MODEL": str(tmp_path / "m.phenofuse")})["MODEL"]
    areas = {"whole": None, "west": [0, 0, 11, 24], "east": [11, 0, 13, 24]}
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    for area, window in areas.items():
        paths = [str(tmp_path / f"{area}_{Path(path).name}") for path in variables]
        for own, path in zip(paths, variables):
            gdal.Translate(own, path, srcWin=window)
        for taught in (True, False):
            processing.run("phenofuse:fillmodel", {"INPUT": paths[0], "COVARIATES": paths[1:], "MODEL": trained, "LEARN_PRIOR": taught,
                                                   "OUTPUT": str(tmp_path / f"{area}{taught}.tif")}, context=context, feedback=feedback)
    whole, west, east = (values_of(tmp_path / f"{area}False.tif") for area in areas)
    assert west.tobytes() == whole[:, :, :11].tobytes() and east.tobytes() == whole[:, :, 11:].tobytes()
    whole, west, east = (values_of(tmp_path / f"{area}True.tif") for area in areas)
    for own, part in ((west, whole[:, :, :11]), (east, whole[:, :, 11:])):
        assert 0 < np.abs(own - part).max() and np.sqrt(np.mean((own - part) ** 2)) < 0.02
