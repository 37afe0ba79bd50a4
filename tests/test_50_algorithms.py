"""What all algorithms share, in a real QGIS: inputs are never overwritten, cancelling, errors, masks, styles beside outputs."""

import shutil

import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
import processing
from qgis.core import (
    QgsApplication,
    QgsFeature,
    QgsGeometry,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsProject,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)


@pytest.fixture(scope="module")
def scene(provider, tmp_path_factory):
    """A small simulated scene and its NDVI series."""
    folder = tmp_path_factory.mktemp("algorithms")
    processing.run(
        "phenofuse:createsamplescene", {"SIZE": 24, "PERIODS": 30, "SEED": 5, "FOLDER": str(folder / "scene")}
    )
    ndvi = processing.run(
        "phenofuse:buildtimeseries",
        {"FOLDER": str(folder / "scene"), "VARIABLE": "NDVI", "OUTPUT": str(folder / "ndvi.tif")},
    )["OUTPUT"]
    return folder / "scene", ndvi


@pytest.mark.parametrize(
    "outputs, words",
    [
        ({"OUTPUT": "ndvi.tif"}, "INPUT and OUTPUT are the same file"),
        ({"OUTPUT": "o.tif", "UNCERTAINTY": "./o.tif"}, "are the same file"),
    ],
)
def test_no_file_is_input_and_output_at_once(scene, tmp_path, outputs, words):
    """A result never takes the place of its own input, nor of another result."""
    shutil.copy(scene[1], tmp_path / "ndvi.tif")
    before = (tmp_path / "ndvi.tif").read_bytes()
    with pytest.raises(QgsProcessingException, match=words):
        processing.run(
            "phenofuse:fillharmonic",
            {
                "INPUT": str(tmp_path / "ndvi.tif"),
                "UNCERTAINTY": None,
                "QUALITY": None,
                **{key: f"{tmp_path}/{name}" for key, name in outputs.items()},
            },
        )
    assert (tmp_path / "ndvi.tif").read_bytes() == before


def test_a_cancelled_run_says_so_and_leaves_no_output(scene, tmp_path):
    """Cancelled before the engine has finished: an exception, no raster, and nothing loaded."""
    feedback = QgsProcessingFeedback()
    feedback.cancel()
    with pytest.raises(QgsProcessingException, match="Cancelled"):
        processing.run(
            "phenofuse:fillharmonic", {"INPUT": scene[1], "OUTPUT": str(tmp_path / "o.tif")}, feedback=feedback
        )
    assert not [p for p in tmp_path.iterdir() if not p.name.startswith(".")]


def test_polygons_in_another_reference_system_mask_pixels(scene, tmp_path):
    """Only pixels inside the polygon are filled, though it is given in degrees."""
    grid = QgsRasterLayer(scene[1])
    box = grid.extent()
    west = QgsRectangle(box.xMinimum(), box.yMinimum(), box.center().x(), box.yMaximum())
    polygon = QgsVectorLayer("Polygon?crs=EPSG:32749", "west", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromRect(west))
    polygon.dataProvider().addFeatures([feature])
    degrees = processing.run(
        "native:reprojectlayer", {"INPUT": polygon, "TARGET_CRS": "EPSG:4326", "OUTPUT": "TEMPORARY_OUTPUT"}
    )["OUTPUT"]
    filled = processing.run(
        "phenofuse:fillharmonic",
        {
            "INPUT": scene[1],
            "MASK": degrees,
            "OUTPUT": str(tmp_path / "o.tif"),
            "QUALITY": str(tmp_path / "q.tif"),
            "UNCERTAINTY": None,
        },
    )
    result = QgsRasterLayer(filled["OUTPUT"])  # the provider lives only as long as its layer
    inside, _ = result.dataProvider().sample(west.center(), 15)
    outside, _ = result.dataProvider().sample(
        QgsRectangle(box.center().x(), box.yMinimum(), box.xMaximum(), box.yMaximum()).center(), 15
    )
    assert inside == inside and outside != outside


def test_styles_are_written_beside_kept_outputs_on_request(scene, tmp_path):
    """With the option on, a .qml with the fixed range lies beside the file; off, it does not."""
    from processing.core.ProcessingConfig import ProcessingConfig

    for wanted in (False, True):
        ProcessingConfig.setSettingValue("PHENOFUSE_WRITE_STYLES", wanted)
        processing.run(
            "phenofuse:fillharmonic",
            {"INPUT": scene[1], "OUTPUT": str(tmp_path / f"{wanted}.tif"), "UNCERTAINTY": None, "QUALITY": None},
        )
        assert (tmp_path / f"{wanted}.qml").exists() is wanted
    ProcessingConfig.setSettingValue("PHENOFUSE_WRITE_STYLES", False)
    layer = QgsRasterLayer(str(tmp_path / "True.tif"))
    layer.loadNamedStyle(str(tmp_path / "True.qml"))
    assert layer.renderer().classificationMax() == pytest.approx(0.9)


def test_the_options_page_holds_our_settings(provider):
    """Engine Python, memory, threads, device, scheduler and styles are settings of Processing."""
    from processing.core.ProcessingConfig import ProcessingConfig

    assert {
        "PHENOFUSE_ENGINE_PYTHON",
        "PHENOFUSE_MEMORY_MB",
        "PHENOFUSE_WORKERS",
        "PHENOFUSE_DEVICE",
        "PHENOFUSE_SCHEDULER",
        "PHENOFUSE_WRITE_STYLES",
    } <= set(ProcessingConfig.settings)


def test_every_algorithm_has_what_users_look_for(algorithms):
    """Icon, one-sentence description, tags, sentence-case name; every parameter has help that ends a sentence."""
    for algorithm in algorithms:
        assert not algorithm.icon().isNull(), algorithm.id()
        assert algorithm.shortDescription().endswith("."), algorithm.id()
        assert len(algorithm.tags()) >= 4, algorithm.id()
        for definition in algorithm.parameterDefinitions():
            assert len(definition.help()) > 5 and definition.help().rstrip()[-1] in ".:)", (
                algorithm.id(),
                definition.name(),
            )


def test_nothing_is_imported_or_loaded_that_is_not_needed(provider):
    """QGIS's process holds neither rasterio, numba nor torch after our algorithms have run."""
    import sys

    assert not {"rasterio", "numba", "torch", "ee"} & set(sys.modules)
    assert QgsApplication.processingRegistry().providerById("phenofuse") and not QgsProject.instance().mapLayers()


def test_a_scheduler_elsewhere_must_be_in_the_options(scene, tmp_path, monkeypatch):
    """A model from somebody else cannot send the engine to a Dask scheduler; one in the options or on this machine is taken."""
    from phenofuse.algorithms.bridge import settings
    from processing.core.ProcessingConfig import ProcessingConfig

    own = "tcp://cluster.example:8786"
    for forged in ("tcp://evil.example:8786", "evil.example:8786", own + "0", "tcp://localhost:8786@evil.example:1",
                   "tcp://127.0.0.1.evil.example:8786", "tcp://evil.example:8786/127.0.0.1:8786", "ucx://localhost:8786"):  # fmt: skip
        parameters = {"INPUT": scene[1], "OUTPUT": str(tmp_path / "o.tif"), "SCHEDULER": forged}
        algorithm = QgsApplication.processingRegistry().algorithmById("phenofuse:fillharmonic")
        fine, message = algorithm.checkParameterValues(parameters, QgsProcessingContext())
        assert not fine and "options" in message and "scheduler" in message.lower()
        with pytest.raises(QgsProcessingException, match="not the Dask scheduler of your options"):
            settings.resources(parameters)
    for taken in ("", "tcp://127.0.0.1:8786", "localhost:8786", "tls://[::1]:1"):
        assert settings.resources({"SCHEDULER": taken})["scheduler"] == taken
    ProcessingConfig.setSettingValue("PHENOFUSE_SCHEDULER", own)
    try:
        assert settings.resources({})["scheduler"] == settings.resources({"SCHEDULER": own})["scheduler"] == own
        with pytest.raises(QgsProcessingException):
            settings.resources({"SCHEDULER": "tcp://evil.example:8786"})
    finally:
        ProcessingConfig.setSettingValue("PHENOFUSE_SCHEDULER", "")


def test_every_number_is_looked_at_by_the_engine(algorithms):
    """What the dialog takes as a number, the engine refuses as anything else; its memory and threads are no parameters there."""
    from phenofuse.core.parameters import REAL, WHOLE

    asked = {definition.name() for algorithm in algorithms for definition in algorithm.parameterDefinitions()
             if definition.type() == "number" and algorithm.name() != "setupengine"}  # fmt: skip
    assert asked - {"MEMORY_MB", "WORKERS"} == WHOLE | REAL
