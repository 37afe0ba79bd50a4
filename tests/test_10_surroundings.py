"""What lies around a job changes nothing in what it makes: settings of the user, of the current folder, of the session."""
from __future__ import annotations

import os
import subprocess
import sys
from datetime import date

import numpy as np
import pytest
from phenofuse.algorithms.bridge import engine, processes
from phenofuse.core.timeseries import Grid, Header, periods_between, write_series

# What would stop a report, and what would only change it.
HOSTILE = """
text.usetex: True
font.size: 17
axes.facecolor: pink
axes.grid: True
savefig.bbox: tight
svg.fonttype: none
svg.hashsalt: other
date.epoch: 2000-01-01
"""
DRAW = """
import numpy as np, sys
from phenofuse.core.report import figures
from phenofuse.core.report.report import _svg
sys.stdout.buffer.write(_svg(figures.lines([figures.Line("NDVI", np.arange(5.0), np.arange(5.0))], "NDVI")))
"""
PLACES = ("current folder", "home", "named", "temporary folder")


@pytest.fixture
def hostile(tmp_path, monkeypatch):
    """Put a matplotlibrc that ruins reports into one of the places where matplotlib looks."""

    def put(place):
        folder = tmp_path / "hostile"
        file = folder / ".config" / "matplotlib" / "matplotlibrc" if place == "home" else folder / "matplotlibrc"
        file.parent.mkdir(parents=True)
        file.write_text(HOSTILE)
        if place == "current folder":
            monkeypatch.chdir(folder)
        elif place == "home":
            monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
            monkeypatch.setenv("HOME", str(folder))
        elif place == "named":
            monkeypatch.setenv("MATPLOTLIBRC", str(file))
        else:
            monkeypatch.setattr("tempfile.tempdir", str(folder))

    return put


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """Make a report with figures as QGIS has it made; its bytes."""
    folder = tmp_path_factory.mktemp("report")
    days, chance = periods_between(date(2024, 1, 1), 10, 12), np.random.default_rng(3)
    values = chance.uniform(-0.2, 0.9, (12, 8, 8)).astype(np.float32)
    values[chance.random(values.shape) < 0.3] = np.nan
    grid = Grid("EPSG:32749", (20.0, 0.0, 440000.0, 0.0, -20.0, 9240000.0), 8, 8)
    write_series(str(folder / "ndvi.tif"), values, grid, days, Header("NDVI", "1"))

    def make():
        parameters = {"INPUT": str(folder / "ndvi.tif"), "REPORT": str(folder / "report.html")}
        engine.run_job(sys.executable, "describetimeseries", parameters, {"memory_mb": 128, "workers": 1}, engine.Listener(),
                       logs=folder / "logs", caches=folder / "cache")
        return (folder / "report.html").read_bytes()

    return make


@pytest.fixture(scope="module")
def draw():
    """Draw a figure in an engine that was not started from QGIS; its bytes."""
    return lambda: subprocess.run([sys.executable, "-c", DRAW], capture_output=True, check=True).stdout


@pytest.fixture(scope="module")
def usual(report, draw):
    """The report and the figure where no such file is."""
    return report(), draw()


@pytest.mark.parametrize("place", PLACES)
def test_reports_are_the_same_whatever_matplotlibrc_lies_where(report, draw, usual, hostile, place):
    """The bytes of a report and of a figure are those that are made where no such file is."""
    assert b"<img" in usual[0]
    hostile(place)
    assert (report(), draw()) == usual


def test_options_of_the_session_do_not_reach_the_engine():
    """Options of GDAL and its parts, looks of figures and ways to reckon stay behind; network and certificates go along."""
    gone = """MATPLOTLIBRC MPLBACKEND MPLCONFIGDIR mplbackend CPL_DEBUG VSI_CACHE OGR_ENABLE_PARTIAL_REPROJECTION GDAL_VRT_ENABLE_PYTHON
        OSR_DEFAULT_AXIS_MAPPING_STRATEGY GTIFF_POINT_GEO_IGNORE TIFF_USE_OVR PROJ_NETWORK RASTERIO_X NUMBA_DISABLE_JIT PYTHONPATH
        NPY_DISABLE_CPU_FEATURES NVIDIA_TF32_OVERRIDE TORCH_ALLOW_TF32_CUBLAS_OVERRIDE""".split()
    kept = dict.fromkeys("PATH HOME HTTPS_PROXY NO_PROXY TMPDIR CUDA_VISIBLE_DEVICES OMP_NUM_THREADS LANG".split(), "1")
    assert processes.clean_environment({**dict.fromkeys(gone, "1"), **kept}) == {**kept, **processes.OWN}


@pytest.mark.skipif(os.name != "posix", reason="the home folder is HOME's")
def test_gdals_file_of_options_is_not_read(tmp_path):
    """A ~/.gdal/gdalrc may let virtual rasters run Python, or change how files are read."""
    (tmp_path / ".gdal").mkdir()
    (tmp_path / ".gdal" / "gdalrc").write_text("[configoptions]\nGTIFF_POINT_GEO_IGNORE=YES\n")
    ask = "import rasterio.env as env\nwith env.Env(): print(env.get_gdal_config('GTIFF_POINT_GEO_IGNORE'))"
    surroundings = {**processes.clean_environment(), "HOME": str(tmp_path)}
    assert processes.run([sys.executable, "-c", ask], surroundings)[1].splitlines()[-1] == "None"
    surroundings.pop("GDAL_CONFIG_FILE")
    assert processes.run([sys.executable, "-c", ask], surroundings)[1].splitlines()[-1] == "YES"
