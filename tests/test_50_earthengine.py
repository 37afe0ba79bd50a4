"""Earth Engine in a real QGIS: dry run, download, a model from export to filled series, secrets, a window that answers."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")
import processing
from qgis.core import (
    QgsApplication,
    QgsAuthMethodConfig,
    QgsFeature,
    QgsGeometry,
    QgsPalettedRasterRenderer,
    QgsPointXY,
    QgsProcessingAlgRunnerTask,
    QgsProcessingContext,
    QgsProcessingException,
    QgsProcessingFeedback,
    QgsRasterLayer,
    QgsRectangle,
    QgsVectorLayer,
)

ENGINE = os.environ.get("PHENOFUSE_ENGINE_PYTHON", "")
SHORT = {"EXTENT": "430000,430400,9239600,9240000 [EPSG:32749]", "START_DATE": "2023-11-01", "END_DATE": "2023-12-07",
         "PROJECT": "loop-back"}  # fmt: skip
SECRET = "planted-secret-0123456789"


def has_client() -> bool:
    """Whether the engine's Python has the client library."""
    return bool(ENGINE) and subprocess.run([ENGINE, "-c", "import ee"], capture_output=True, check=False).returncode == 0


pytestmark = pytest.mark.skipif(not has_client(), reason="the engine's Python has no Earth Engine client: ./dev test installs it")


@pytest.fixture(scope="module")
def found():
    """A double in a process of its own; a function that counts its requests, and its address."""
    here = Path(__file__).parent
    process = subprocess.Popen([ENGINE, "-m", "earthengine"], cwd=here, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               env={**os.environ, "PYTHONPATH": str(here)})  # fmt: skip
    url = json.loads(process.stdout.readline())["url"]

    def count(pattern):
        process.stdin.write(pattern + "\n")
        process.stdin.flush()
        return json.loads(process.stdout.readline())["count"]

    yield url, count
    process.stdin.close()
    process.wait(20)
    process.stdout.close()


def test_a_dry_run_needs_no_account_and_no_network(provider, tmp_path):
    """The plan as a page and as numbers, from an extent in degrees, without a project."""
    result = processing.run("phenofuse:exportcomposites", {
        "EXTENT": "110.36,110.37,-6.88,-6.87 [EPSG:4326]", "START_DATE": "2023-11-01", "END_DATE": "2025-11-14", "DRY_RUN": True,
        "FOLDER": str(tmp_path / "out"), "REPORT": str(tmp_path / "plan.html")})  # fmt: skip
    page = (tmp_path / "plan.html").read_text(encoding="utf-8")
    assert result["PERIODS"] == 62 and result["REQUESTS"] == 124 and "EPSG:32749" in page and "no account was used" in page
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_an_export_opens_styled(provider, found, tmp_path, project):
    """Downloaded, joined, opened: NDVI, VV and VH as layers with fixed ranges, dated bands."""
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(project)
    parameters = {**SHORT, "ENDPOINT": found[0], "FOLDER": str(tmp_path / "out"), "REPORT": str(tmp_path / "r.html")}
    result = processing.runAndLoadResults("phenofuse:exportcomposites", parameters, feedback, context)
    layers = {layer.name(): layer for layer in project.mapLayers().values()}
    assert result["DONE"] == 3 and set(layers) == {"NDVI", "VV", "VH"}
    assert layers["NDVI"].renderer().classificationMax() == pytest.approx(0.9) and layers["NDVI"].bandCount() == 3
    assert "All 3 periods are done" in (tmp_path / "r.html").read_text(encoding="utf-8")
    again = processing.run("phenofuse:continueexport", {"FOLDER": str(tmp_path / "out"), "ENDPOINT": found[0]})
    assert again["DONE"] == 3 and Path(again["NDVI"]).exists()


def test_harmonics_open_styled_within_the_land(provider, found, tmp_path, project):
    """A polygon layer is the land: series with reason codes are opened, and continued without the layer."""
    land = QgsVectorLayer("Polygon?crs=EPSG:32749", "land", "memory")
    feature = QgsFeature()
    feature.setGeometry(QgsGeometry.fromRect(QgsRectangle(430000, 9239600, 430200, 9240000)))
    land.dataProvider().addFeatures([feature])
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    context.setProject(project)
    parameters = {
        **SHORT, "START_DATE": "2024-04-01", "END_DATE": "2024-05-31", "DAYS_BEFORE": 150, "DAYS_AFTER": 160, "IMAGES": "stack",
        "MASK": land, "ENDPOINT": found[0], "FOLDER": str(tmp_path / "out"), "REPORT": str(tmp_path / "r.html"),
    }  # fmt: skip
    result = processing.runAndLoadResults("phenofuse:exportharmonic", parameters, feedback, context)
    layers = {layer.name(): layer for layer in project.mapLayers().values()}
    assert result["PERIODS"] == 5 and set(layers) == {"NDVI, gaps filled", "Quality", "Harmonics"}
    assert isinstance(layers["Quality"].renderer(), QgsPalettedRasterRenderer) and layers["NDVI, gaps filled"].bandCount() == 5
    values = [layers["NDVI, gaps filled"].dataProvider().sample(QgsPointXY(x, 9239800), 1) for x in (430105, 430305)]
    assert -0.3 < values[0][0] < 1 and not values[1][1]
    again = processing.run("phenofuse:continueexport", {"FOLDER": str(tmp_path / "out"), "ENDPOINT": found[0]})
    assert again["DONE"] == 1 and again["QUALITY"] == result["QUALITY"]
    with pytest.raises(QgsProcessingException, match="Both MASK and LAND_ASSET"):
        processing.run("phenofuse:exportharmonic", {**parameters, "LAND_ASSET": "users/somebody/land"})


def test_one_model_exports_and_fills(provider, found, tmp_path):
    """The shipped model on the command line: composites, then every NDVI value filled with the help of radar.

    PHENOFUSE_FULL = 1 takes all 62 periods.
    """
    periods, end = (62, "2025-11-14") if os.environ.get("PHENOFUSE_FULL") else (20, "2024-06-28")
    program = shutil.which("qgis_process.bin") or shutil.which("qgis_process")
    model = Path(__file__).resolve().parents[1] / "resources" / "models" / "export_and_fill.model3"
    inputs = {"area": SHORT["EXTENT"], "first_day": "2023-11-01", "end": end, "project": "loop-back",
              "endpoint": found[0], "folder": str(tmp_path / "out"), "fill:Gap-free NDVI": str(tmp_path / "filled.tif"),
              "fill:NDVI uncertainty": str(tmp_path / "sd.tif")}  # fmt: skip
    done = subprocess.run([program, "run", str(model), "--", *(f"{key}={value}" for key, value in inputs.items())], text=True,
                          capture_output=True, check=False, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(list((tmp_path / "out").glob("S1S2_*.tif"))) == periods
    filled = QgsRasterLayer(str(tmp_path / "filled.tif"))
    assert filled.bandCount() == periods and filled.bandName(1).endswith("2023-11-01/2023-11-13")
    values = [filled.dataProvider().sample(filled.extent().center(), band + 1) for band in range(periods)]
    assert all(fine and -0.3 < value < 1 for value, fine in values)


@pytest.mark.parametrize("storm", ["", "computePixels 503 10000", "value:compute 429 10000", "computePixels stall 10000",
                                   "computePixels cut 10000", "value:compute html 10000"])  # fmt: skip
def test_qgis_answers_while_an_export_runs_and_cancels(provider, found, tmp_path, storm):
    """Run as a task, in any weather: the window's events come through, cancel ends it within three seconds, it goes on later."""
    algorithm = QgsApplication.processingRegistry().algorithmById("phenofuse:exportcomposites")
    context, feedback = QgsProcessingContext(), QgsProcessingFeedback()
    parameters = {**SHORT, "END_DATE": "2025-11-14", "ENDPOINT": found[0], "FOLDER": str(tmp_path / "out"), "REPORT": None}
    ask = found[1]
    asked = (storm or "computePixels").split()[0]
    before = ask(asked)
    if storm:
        ask(f"plant {storm}")
    task = QgsProcessingAlgRunnerTask(algorithm, parameters, context, feedback)
    ended = []
    task.executed.connect(lambda fine, results: ended.append(fine))
    QgsApplication.taskManager().addTask(task)
    longest, last, deadline, cancelled = 0.0, time.monotonic(), time.monotonic() + 120, None
    while not ended and time.monotonic() < deadline:
        QgsApplication.processEvents()
        longest, last = max(longest, time.monotonic() - last), time.monotonic()
        if cancelled is None and ask(asked) > before + 3 * bool(storm):
            task.cancel()
            cancelled = time.monotonic()
        time.sleep(0.01)
    assert ended == [False] and time.monotonic() - cancelled < 3
    assert longest < 1.0
    ask("clear")
    done = processing.run("phenofuse:continueexport", {"FOLDER": str(tmp_path / "out"), "ENDPOINT": found[0], "ACTION": "cancel"})
    assert done["FAILED"] + done["DONE"] == 62


def test_a_login_for_google_never_goes_elsewhere(provider, found, tmp_path):
    """An access token in an authentication configuration and an endpoint on this machine: refused before any request."""
    config = QgsAuthMethodConfig("Basic")
    config.setName("Earth Engine")
    config.setConfig("password", "ya29.planted-secret-token")
    manager = QgsApplication.authManager()
    manager.setMasterPassword("test", True)
    if not manager.storeAuthenticationConfig(config):
        pytest.skip("this QGIS cannot store authentication configurations")
    feedback, before = QgsProcessingFeedback(), found[1](".")
    with pytest.raises(QgsProcessingException, match="belongs to https://earthengine.googleapis.com"):
        processing.run("phenofuse:exportcomposites", {
            **SHORT, "ENDPOINT": found[0], "AUTH": config.id(), "FOLDER": str(tmp_path / "out")}, feedback=feedback)  # fmt: skip
    assert found[1](".") == before and "planted-secret" not in feedback.textLog() + feedback.htmlLog()
    with pytest.raises(QgsProcessingException):
        processing.run("phenofuse:exportcomposites", {
            **SHORT, "AUTH": "nothere", "FOLDER": str(tmp_path / "out2")}, feedback=feedback)  # fmt: skip
    assert "nothere cannot be opened" in feedback.textLog()


def test_a_planted_secret_is_in_nothing_that_qgis_writes(found, tmp_path):
    """History, dialog's log, message log, model, project and the export itself, after a run in a profile of its own."""
    login = {"refresh_token": SECRET, "client_id": "id", "client_secret": f"{SECRET}-2", "token_uri": f"{found[0]}/token"}
    parameters = {**SHORT, "ENDPOINT": found[0], "FOLDER": str(tmp_path / "out"), "REPORT": str(tmp_path / "r.html")}
    before = found[1]("POST /token")
    done = subprocess.run([sys.executable, str(Path(__file__).with_name("session.py")), str(tmp_path)], text=True, check=False,
                          capture_output=True, input=json.dumps({"parameters": parameters, "secret": json.dumps(login)}))  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["layers"] == ["NDVI", "VH", "VV"] and found[1]("POST /token") == before + 1  # the login was used
    written = {"output": (done.stdout + done.stderr).encode()}
    for path in (path for path in tmp_path.rglob("*") if path.is_file()):
        written[str(path.relative_to(tmp_path))] = path.read_bytes()
        if path.suffix == ".qgz":
            with zipfile.ZipFile(path) as archive:
                written |= {f"{path.name}/{name}": archive.read(name) for name in archive.namelist()}
    holders = {name for name, content in written.items() if told["account"].encode() in content}
    assert any("history" in name or name.endswith("processing.log") for name in holders) and "model.model3" in holders
    assert "project.qgz/project.qgs" in written and "out/export.sqlite" in written and "Results" in written["dialog.log"].decode()
    for planted in (SECRET, f"loop-{before + 1}"):  # what was stored, and the token that it was changed into
        assert not {name for name, content in written.items() if planted.encode() in content}, planted
