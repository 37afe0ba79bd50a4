"""The job fillmogpr on series of many years: same bytes whatever the tiles, kept fits, dates of its own, bounded memory."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from phenofuse.core.gaussian import job, scene_file
from phenofuse.core.jobs import Resources

sys.path.insert(0, str(Path(__file__).parent))
from rasters import write
from series import dates
from test_20_fillmogpr import KEYS, run, simulated

STEP, DATES = 12, 110  # three and a half years
NAMES = ("NDVI", "VV", "VH")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Write a simulated scene of some years: radar begins in the second, and one year has no NDVI; give paths and values."""
    folder = tmp_path_factory.mktemp("long")
    ndvi, vv, vh = simulated(30, 34, DATES, seed=8)
    truth = ndvi.copy()
    ndvi[40:70] = np.nan
    ndvi[:, 0, 2], vv[:, 0, 2], vh[:, 0, 2] = np.nan, np.nan, np.nan
    paths = [write(folder / "NDVI.tif", ndvi, dates(DATES, STEP, "2020-01-01"), tags={"variable": "NDVI"})]
    for name, cube in (("VV", vv), ("VH", vh)):
        paths.append(write(folder / f"{name}.tif", cube[20:], dates(DATES, STEP, "2020-01-01")[20:], tags={"variable": name}))
    return paths, truth, ndvi


@pytest.fixture(scope="module")
def filled(scene, tmp_path_factory):
    """Fill it once, with report and fit; give the folder, the arrays and the result."""
    folder = tmp_path_factory.mktemp("filled")
    extra = {"REPORT": str(folder / "report.html"), "FIT": str(folder / "fit.npz")}
    return folder, *run(folder / "out", scene[0], Resources(1024, 1), **extra)


def test_bytes_do_not_depend_on_tiles_or_threads(scene, filled, tmp_path):
    """One, two and eight threads, large and small tiles write the same files; so does what was learnt, applied again."""
    folder, *_ = filled
    for name, resources in (("b", Resources(64, 2)), ("c", Resources(64, 8))):
        run(tmp_path / name, scene[0], resources)
        for key in KEYS:
            assert (tmp_path / name / f"{key}.tif").read_bytes() == (folder / "out" / f"{key}.tif").read_bytes()
    again, _ = run(tmp_path / "again", scene[0], APPLY=str(folder / "fit.npz"))
    for key in KEYS:
        np.testing.assert_array_equal(again[key], rasterio.open(folder / "out" / f"{key}.tif").read())


def test_all_is_filled_with_reasons_and_told(scene, filled):
    """A year without NDVI is filled by radar, better than its mean; the log's numbers, report and fit speak of stretches."""
    folder, found, result = filled
    _, truth, ndvi = scene
    finite = np.isfinite(found["OUTPUT"])
    assert not finite[:, 0, 2].any() and finite.reshape(DATES, -1).all(axis=0).sum() == 30 * 34 - 1
    hidden = np.isfinite(truth) & np.isnan(ndvi) & finite
    error = (found["OUTPUT"] - truth)[hidden]
    assert np.sqrt(np.mean(error**2)) < 0.8 * truth[hidden].std() and set(found["QUALITY"][hidden]) == {2}
    assert 0.85 < np.mean(np.abs(error) < 1.6449 * found["UNCERTAINTY"][hidden]) < 0.985
    assert result["numbers"]["RATIO"] < 0.8 and 0.85 < result["numbers"]["COVERAGE"] < 0.96
    page = (folder / "report.html").read_text()
    assert "overlapping stretches" in page and json.loads((folder / "report.html.json").read_text())["verdict"]["level"] != "bad"
    fit = scene_file.load(str(folder / "fit.npz"))
    assert fit.variables == NAMES and len(fit.stretches) == len(fit.borders) + 1 > 1


def test_steps_across_borders_and_the_next_year(filled, scene, tmp_path):
    """Output every five days is smooth across borders; the fit of all years serves the following one."""
    folder, *_ = filled
    found, _ = run(tmp_path / "step", scene[0], STEP_DAYS=5, KEEP_OBSERVED=False, APPLY=str(folder / "fit.npz"))
    with rasterio.open(tmp_path / "step" / "OUTPUT.tif") as src:
        days = np.array([text.split("/")[0] for text in src.descriptions], "datetime64[D]").astype(float) + 2.5
    borders = scene_file.load(str(folder / "fit.npz")).borders
    steps = np.abs(np.diff(found["OUTPUT"][:, 1:], axis=0)) / found["UNCERTAINTY"][1:, 1:]
    near = (np.abs(days[1:] - borders[:, None]) < 35).any(axis=0)
    assert near.sum() > 10 and np.sqrt(np.mean(steps[near] ** 2)) < 1.2 * np.sqrt(np.mean(steps[~near] ** 2))
    assert np.quantile(steps[near], 0.999) < 1.2 * np.quantile(steps[~near], 0.999)
    later = [write(tmp_path / f"{name}.tif", cube, dates(28, STEP, "2024-01-01"), tags={"variable": name})
             for name, cube in zip(NAMES, simulated(20, 20, 28, seed=9))]
    found, result = run(tmp_path / "later", later, APPLY=str(folder / "fit.npz"))
    assert np.isfinite(found["OUTPUT"]).all() and result["numbers"]["RATIO"] < 0.8


def test_tiles_count_what_stretches_need():
    """A pixel of a long series takes sixteen bytes more per output date: two sums in double precision."""
    assert job._bytes_per_pixel(900, 300, True) - job._bytes_per_pixel(900, 300, False) == 16 * 300
