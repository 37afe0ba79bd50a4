"""The provider on the command line, as scripts use it: exit status, clean JSON, errors as sentences."""

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

pytest.importorskip("qgis.core", reason="needs QGIS")


# Debian 12's wrapper adds an option that the program does not know.
PROGRAM = shutil.which("qgis_process.bin") or shutil.which("qgis_process")


def surroundings():
    """The environment of this test, without a screen."""
    return {**os.environ, "QT_QPA_PLATFORM": "offscreen"}


def qgis_process(*arguments, stdin=None):
    """Run qgis_process in the tests' own profile."""
    return subprocess.run([PROGRAM, *arguments], input=stdin, capture_output=True, text=True, check=False, env=surroundings())


def as_json(done):
    """What qgis_process --json printed."""
    return json.loads(done.stdout)


def test_every_algorithm_is_listed():
    """qgis_process lists the provider with its frozen ids."""
    listed = as_json(qgis_process("list", "--json"))["providers"]["phenofuse"]["algorithms"]
    assert {
        "phenofuse:createsamplescene",
        "phenofuse:validatecomposites",
        "phenofuse:buildtimeseries",
        "phenofuse:splittimeseries",
        "phenofuse:describetimeseries",
        "phenofuse:simulategaps",
        "phenofuse:fillharmonic",
        "phenofuse:assessfill",
        "phenofuse:setupengine",
        "phenofuse:checkengine",
    } <= set(listed)


def test_a_chain_runs_and_its_json_is_not_polluted(tmp_path):
    """Scene, series, fill: exit status 0, strict JSON on standard output, files where they were asked for, INPUT alone enough."""
    scene = qgis_process(
        "run", "phenofuse:createsamplescene", "--json", "--", "SIZE=16", "PERIODS=30", f"FOLDER={tmp_path / 'scene'}"
    )
    assert scene.returncode == 0 and as_json(scene)["results"]["FOLDER"] == str(tmp_path / "scene")
    built = qgis_process(
        "run",
        "phenofuse:buildtimeseries",
        "--json",
        "--",
        f"FOLDER={tmp_path / 'scene'}",
        "VARIABLE=NDVI",
        f"OUTPUT={tmp_path / 'ndvi.tif'}",
    )
    assert as_json(built)["results"]["DATE_COUNT"] == 30
    filled = qgis_process(
        "run",
        "phenofuse:fillharmonic",
        "--json",
        "--",
        f"INPUT={tmp_path / 'ndvi.tif'}",
        "MODEL=adaptive",
        f"OUTPUT={tmp_path / 'filled.tif'}",
    )
    assert filled.returncode == 0 and as_json(filled)["results"]["OUTPUT"] == str(tmp_path / "filled.tif")
    assert (tmp_path / "filled.tif").stat().st_size > 0
    assert not [p.name for p in tmp_path.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["FOLDER=/nowhere"], "is not a folder"),
        ([], "Give either rasters"),
    ],
)
def test_errors_are_sentences_and_set_the_exit_status(tmp_path, arguments, words):
    """A wrong call ends with status 1 and one plain sentence, without a traceback."""
    done = qgis_process("run", "phenofuse:buildtimeseries", "--", *arguments, f"OUTPUT={tmp_path / 'o.tif'}")
    said = done.stdout + done.stderr
    assert done.returncode == 1 and words in said and "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_help_is_readable_without_a_browser():
    """Headless help holds no HTML tags."""
    said = qgis_process("help", "phenofuse:fillharmonic").stdout
    assert "INPUT" in said and "<p>" not in said


def test_a_missing_engine_is_said_with_its_remedy(tmp_path):
    """An engine Python that cannot work is named, and the algorithm that makes one."""
    os.environ["PHENOFUSE_ENGINE_PYTHON"], before = "/nowhere/python", os.environ.get("PHENOFUSE_ENGINE_PYTHON")
    try:
        done = qgis_process("run", "phenofuse:createsamplescene", "--", f"FOLDER={tmp_path / 's'}")
    finally:
        if before is None:
            del os.environ["PHENOFUSE_ENGINE_PYTHON"]
        else:
            os.environ["PHENOFUSE_ENGINE_PYTHON"] = before
    assert done.returncode == 1 and "/nowhere/python" in done.stdout + done.stderr and "Traceback" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="finds the engine by Linux's list of processes")
def test_ctrl_c_ends_the_run_and_its_engine(tmp_path):
    """An interrupt, as Ctrl+C sends it, ends qgis_process and the engine it started within seconds, and nothing looks finished."""
    with open(tmp_path / "log.txt", "wb") as log:
        process = subprocess.Popen([PROGRAM, "run", "phenofuse:createsamplescene", "--", "SIZE=1500", f"FOLDER={tmp_path / 'scene'}"],
                                   stdout=log, stderr=log, env=surroundings(), start_new_session=True)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    engine = Path("/proc") / waited(lambda: children.read_text().split(), 120)[0]
    process.send_signal(signal.SIGINT)
    assert process.wait(20) != 0
    assert waited(lambda: not engine.exists(), 20)
    assert not list((tmp_path / "scene").glob("S1S2_*.tif"))


def waited(found, seconds):
    """What `found` gives as soon as it is true."""
    until = time.monotonic() + seconds
    while not (result := found()):
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.1)
    return result
