"""The whole chain through qgis_process, as `./dev demo` runs it, and what it leaves behind."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

pytest.importorskip("qgis.core")

from qgis.core import Qgis, QgsProject, QgsSingleBandPseudoColorRenderer
from qgis.PyQt.QtGui import QImage

DATES = 62  # of the sample scene


@pytest.fixture(scope="module")
def demo(root, tmp_path_factory) -> Path:
    """Run the demo into a folder of its own."""
    if "PHENOFUSE_DEV_HOME" not in os.environ:
        pytest.skip("the demo runs under ./dev test, which prepares its profile and engine")
    folder = tmp_path_factory.mktemp("demo")
    (folder / "reports").mkdir()
    (folder / "demo.qgz").touch()
    (folder / "reports" / "of_an_older_run.html").touch()
    done = subprocess.run([str(root / "dev"), "demo", str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (folder / "told.txt").write_text(done.stdout, encoding="utf-8")
    return folder


@pytest.fixture
def project(demo, qgis_app):
    """Open the project that the demo left."""
    opened = QgsProject.instance()
    assert opened.read(str(demo / "demo.qgz"))
    yield opened
    opened.clear()


def test_every_layer_opens_styled_and_dated(project):
    """All layers are valid; series are drawn in pseudo-colour and know their dates."""
    layers = list(project.mapLayers().values())
    assert all(layer.isValid() for layer in layers)
    series = [layer for layer in layers if layer.bandCount() == DATES]
    assert len(series) >= 6
    for layer in series:
        assert layer.temporalProperties().isActive(), layer.name()
        if "NDVI" in layer.name():
            assert isinstance(layer.renderer(), QgsSingleBandPseudoColorRenderer), layer.name()


def test_the_temporal_controller_can_step_through_the_dates(project):
    """Every date has its own range: in the bands from QGIS 3.38 on, before that in one layer per date."""
    if Qgis.QGIS_VERSION_INT >= 33800:
        filled = project.mapLayersByName("NDVI, gaps filled")[0].temporalProperties()
        starts = {span.begin().date() for span in filled.fixedRangePerBand().values()}
    else:
        branch = project.layerTreeRoot().findGroup("Gap-free NDVI by date")
        layers = [entry.layer() for entry in branch.findLayers()]
        starts = {layer.temporalProperties().fixedTemporalRange().begin().date() for layer in layers}
    assert len(starts) == DATES
    whole = project.timeSettings().temporalRange()
    assert whole.begin().date() == min(starts) and whole.end().date() > max(starts)


def test_the_maps_show_something(demo):
    """Every picture holds many colours; a blank or failed map holds a few greys."""
    pictures = [QImage(str(path)) for path in sorted((demo / "maps").glob("*.png"))]
    assert len(pictures) == 4
    for picture in pictures:
        colours = {picture.pixel(x, y) for x in range(0, picture.width(), 5) for y in range(0, picture.height(), 5)}
        assert len(colours) > 50


def test_the_list_names_all_there_is_to_see(demo):
    """Project, pictures, reports and tables are listed, and nothing else lies there: what an older run left is gone."""
    listed = {Path(line.strip()) for line in (demo / "told.txt").read_text(encoding="utf-8").split("See:")[1].splitlines() if line}
    kinds = ("*.qgz", "maps/*", "reports/*.html", "reports/*.csv")
    assert listed == {path for kind in kinds for path in demo.glob(kind)}
    assert not list(demo.glob("**/of_an_older_run*"))


def test_the_reports_are_there_as_pages_and_as_numbers(demo):
    """Validation, description, filling and both assessments are HTML with figures inside, and JSON beside it."""
    for name in ("validation", "description", "filling", "assessment_fillharmonic", "assessment_fillmogpr"):
        page = (demo / "reports" / f"{name}.html").read_text(encoding="utf-8")
        assert "</html>" in page and "data:image/" in page
        assert json.loads((demo / "reports" / f"{name}.html.json").read_text(encoding="utf-8"))
