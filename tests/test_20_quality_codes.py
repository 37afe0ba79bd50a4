"""QUALITY follows one rule: on the same pixels every method gives the same codes, whatever it makes of the values."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs
from phenofuse.core.events import Silent
from phenofuse.core.jobs import Resources

sys.path.insert(0, str(Path(__file__).parent))
from rasters import write

COUNT, SIDE, STEP = 40, 16, 12
METHODS = {
    **{mode: ("fillwhittaker", {"MODE": mode}) for mode in ("whittaker", "savgol", "linear")},
    **{model: ("fillharmonic", {"MODEL": model}) for model in ("adaptive", "cascade")},
    **{f"mogpr {kind}": ("fillmogpr", {"COVARIANCE": kind}) for kind in ("scene", "shared", "pixel")},
}
PIXELS = ("none", "one", "two", "two alike", "three", "constant", "constant with gaps", "usual")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """NDVI with gaps whose first pixels are odd, and radar of all pixels; path of both, and the NDVI."""
    folder, rng = tmp_path_factory.mktemp("codes"), np.random.default_rng(1)
    days = STEP * np.arange(COUNT)
    ndvi = 0.45 + 0.3 * np.sin(2 * np.pi * days / 365)[:, None, None] + rng.normal(0, 0.02, (COUNT, SIDE, SIDE))
    radar = -15 + 10 * ndvi + rng.normal(0, 0.2, ndvi.shape)
    ndvi[rng.random(ndvi.shape) < 0.4] = np.nan
    ndvi[15:20] = np.nan
    ndvi[:, 0, :7] = np.nan
    for pixel, found in enumerate(([], [0.3], [0.3, 0.5], [0.3, 0.3], [0.3, 0.5, 0.4])):
        ndvi[[5, 12, 30][:len(found)], 0, pixel] = found
    ndvi[:, 0, 5] = 0.4
    ndvi[np.arange(COUNT) % 3 > 0, 0, 6] = 0.4
    names = [str(np.datetime64("2023-01-01") + int(day)) for day in days]
    paths = [write(folder / f"{name}.tif", values, names, {"variable": name}) for name, values in (("NDVI", ndvi), ("VV", radar))]
    return paths, ndvi


def run(folder, scene, method, **parameters):
    """Run a method; its codes and values of the odd pixels, (dates, pixels)."""
    job, own = METHODS[method]
    out = {key: str(folder / f"{key}.tif") for key in ("OUTPUT", "UNCERTAINTY", "QUALITY")}
    jobs.run(job, {"INPUT": scene[0][0], **own, **parameters, **out}, Resources(256, 1), Silent())
    return rasterio.open(out["QUALITY"]).read()[:, 0, :8], rasterio.open(out["OUTPUT"]).read()[:, 0, :8]


def expected(ndvi, radar=False, longest=0.0):
    """The codes that the rule gives, told one value after the other."""
    days, found = STEP * np.arange(COUNT), np.zeros((COUNT, len(PIXELS)), int)
    for pixel in range(len(PIXELS)):
        seen = np.flatnonzero(np.isfinite(ndvi[:, 0, pixel]))
        for date in range(COUNT):
            before, after = seen[seen <= date], seen[seen >= date]
            gap = days[after[0]] - days[before[-1]] if len(before) and len(after) else min(
                [abs(days[date] - days[other]) for other in (seen if len(seen) else [])], default=np.inf)
            if not len(seen) and not radar:
                code = 0
            elif date in seen:
                code = 1
            elif longest and gap > longest:
                code = 4
            elif len(seen) < 3:
                code = 6
            elif np.ptp(ndvi[seen, 0, pixel]) == 0:
                code = 7
            elif not len(before) or not len(after):
                code = 5
            else:
                code = 2 if radar else 3
            found[date, pixel] = code
    return found


@pytest.mark.parametrize("method", METHODS)
def test_every_method_gives_the_same_codes(scene, tmp_path, method):
    """None, one, two, equal and three observations, a constant, a constant with gaps; where a value is missing its code says why."""
    codes, values = run(tmp_path, scene, method)
    rule = expected(scene[1])
    if method == "cascade":  # it needs five observations
        rule[:, 4] = np.where(rule[:, 4] == 1, 1, 6)
    for pixel, name in enumerate(PIXELS):
        np.testing.assert_array_equal(codes[:, pixel], rule[:, pixel], err_msg=name)
    assert np.isfinite(values[codes == 1]).all() and set(codes[~np.isfinite(values)]) <= {0, 4, 6}


@pytest.mark.parametrize("method", METHODS)
def test_long_gaps_are_the_same_to_all(scene, tmp_path, method):
    """MAX_GAP_DAYS is told before all else but what was observed."""
    codes, values = run(tmp_path, scene, method, MAX_GAP_DAYS=50)
    rule = expected(scene[1], longest=50)
    rule[:, 4] = np.where((rule[:, 4] != 1) & (rule[:, 4] != 4) & (method == "cascade"), 6, rule[:, 4])
    np.testing.assert_array_equal(codes, rule)
    assert not np.isfinite(values[codes == 4]).any()


@pytest.mark.parametrize("method", [name for name in METHODS if name.startswith("mogpr")])
def test_with_radar(scene, tmp_path, method):
    """Radar fills a pixel that was never seen, with the code of too few observations; it supports what it is near to."""
    codes, _ = run(tmp_path, scene, method, COVARIATES=[scene[0][1]])
    np.testing.assert_array_equal(codes, expected(scene[1], radar=True))


def test_merged_fills_keep_them(scene, tmp_path):
    """Where fills agree on a code, so does what is made of them."""
    paths: dict = {"SERIES": [], "UNCERTAINTIES": [], "QUALITIES": []}
    for method in ("linear", "mogpr scene"):
        folder = tmp_path / method
        folder.mkdir()
        run(folder, scene, method)
        for key, name in (("SERIES", "OUTPUT"), ("UNCERTAINTIES", "UNCERTAINTY"), ("QUALITIES", "QUALITY")):
            paths[key].append(str(folder / f"{name}.tif"))
    out = {key: str(tmp_path / f"{key}.tif") for key in ("OUTPUT", "QUALITY")}
    jobs.run("fillhybrid", {**paths, **out}, Resources(256, 1), Silent())
    np.testing.assert_array_equal(rasterio.open(out["QUALITY"]).read()[:, 0, :8], expected(scene[1]))
