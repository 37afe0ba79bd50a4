"""What a series holds goes with it: variable, range and units through building, filling, describing, seasons and validation."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest
import rasterio
from heard import Heard
from phenofuse.core import jobs
from phenofuse.core.phenology.proportion import caution
from phenofuse.core.timeseries import VARIABLES, open_series
from phenofuse.core.timeseries.looks import clouds_left
from phenofuse.core.validate.collect import collect, judge

UTM = {"driver": "GTiff", "dtype": "float32", "crs": "EPSG:32749", "nodata": np.nan,
       "transform": rasterio.Affine(10, 0, 430000, 0, -10, 9240000)}  # fmt: skip
FIRST, STEP, COUNT, SIDE = date(2023, 1, 1), 10, 73, 6
DAYS = np.arange(COUNT) * STEP
GROWTH = np.clip(np.sin(2 * np.pi * DAYS / 365) ** 3, 0, 1)
INDICES = ("NDVI", "EVI2", "NIRv", "kNDVI", "PPI")
RANGED = sorted(name for name, one in VARIABLES.items() if one.valid_range and not one.is_backscatter and name != "NDVI")


@pytest.fixture(scope="module")
def bands(tmp_path_factory):
    """Red and near infrared of two years of one season each, a file per date and band, some missing."""
    folder, chance = tmp_path_factory.mktemp("bands"), np.random.default_rng(1)
    for day, growth in zip(DAYS, GROWTH):
        cloud = chance.uniform(size=(SIDE, SIDE)) < 0.2
        for name, bare, green in (("B04", 0.16, 0.03), ("B08", 0.25, 0.47)):
            values = bare + (green - bare) * growth + chance.normal(0, 0.003, (SIDE, SIDE))
            values[cloud] = np.nan
            with rasterio.open(folder / f"S2A_{FIRST + timedelta(int(day)):%Y%m%d}_{name}.tif", "w", count=1, width=SIDE, height=SIDE,
                               **UTM) as out:  # fmt: skip
                out.write(values.astype("float32"), 1)
    return folder


def run(job, events=None, **parameters) -> dict:
    """Run a job."""
    return jobs.run(job, parameters, jobs.Resources(512, 1), events or Heard())


@pytest.mark.parametrize("name", INDICES)
def test_an_index_stays_itself_in_fills_reports_and_seasons(bands, tmp_path, name):
    """From bands to seasons every raster says which variable it holds; values stay within its range, and no page speaks of NDVI."""
    series, filled = str(tmp_path / "series.tif"), str(tmp_path / "filled.tif")
    run("buildtimeseries", FOLDER=str(bands), INDEX=name, OUTPUT=series, **({"SUN_ZENITH": 35.0} if name == "PPI" else {}))
    fill = {"UNCERTAINTY": str(tmp_path / "sd.tif"), "QUALITY": str(tmp_path / "quality.tif")}
    for job in ("fillwhittaker", "fillharmonic"):
        made = run(job, INPUT=series, OUTPUT=filled, **fill)
        assert made["variables"]["OUTPUT"] == name
        values, (low, high) = open_series(filled).read(), VARIABLES[name].limits
        assert np.isfinite(values).all() and low <= values.min() and values.max() <= high
    report = tmp_path / "report.html"
    run("describetimeseries", INPUT=series, REPORT=str(report))
    assert name in report.read_text(encoding="utf-8")
    assert name == "NDVI" or ">NDVI" not in report.read_text(encoding="utf-8").replace("kNDVI", "")
    heard = Heard()
    made = run("phenologymetrics", heard, INPUT=filled, BASE=str(tmp_path / "base.tif"), OUTPUT=str(tmp_path / "start.tif"))
    assert made["variables"]["BASE"] == name and made["numbers"]["SEASONS_PER_YEAR"] == pytest.approx(1, abs=0.1)
    assert not any("MIN_AMPLITUDE" in said for said in heard.warnings)


def write(path, name, values) -> str:
    """A dated series of a variable by its file's name."""
    with rasterio.open(path / f"{name}.tif", "w", count=len(values), width=values.shape[2], height=values.shape[1], **UTM) as out:
        out.write(values.astype("float32"))
        for number in range(len(values)):
            out.set_band_description(number + 1, str(FIRST + timedelta(int(DAYS[number]))))
    return str(path / f"{name}.tif")


def test_a_least_amplitude_for_ndvi_is_told_where_it_hides_seasons(tmp_path):
    """NIRv that rises by 0.2 has no season above 0.15 for most pixels; NDVI itself is never warned of."""
    values = np.repeat(0.05 + 0.2 * GROWTH[:, None, None], SIDE, 1).repeat(SIDE, 2)
    for name, told in (("NIRv", True), ("NDVI", False)):
        said = caution(open_series(write(tmp_path, name, values)), 0.15)
        assert bool(said) == told
        assert not told or "NIRv" in said and "Give 0.05" in said
    assert not caution(open_series(write(tmp_path, "kNDVI", values * 3)), 0.15)


def test_clouds_in_evi2_are_told_as_in_ndvi(tmp_path):
    """An index whose range is a little wider is looked at, too."""
    chance = np.random.default_rng(2)
    values = np.where(chance.uniform(size=(COUNT, SIDE, SIDE)) < 0.15, 0.05, 0.6) + chance.normal(0, 0.01, (COUNT, SIDE, SIDE))
    assert "clouds seem to be left in" in clouds_left(open_series(write(tmp_path, "EVI2", values)))


def spoilt(name: str, what: str) -> np.ndarray:
    """Sound values of a variable, and of one date what is wrong."""
    chance = np.random.default_rng(len(name))
    low, high = VARIABLES[name].limits
    values = 0.3 * high * (1 + 0.5 * GROWTH[:12, None, None]) + chance.normal(0, 0.02, (12, 20, 20))
    values = np.clip(values, max(low, 0.001), high)
    values[chance.uniform(size=values.shape) < 0.1] = np.nan
    if what == "fill":
        values[4][chance.uniform(size=(20, 20)) < 0.3] = -9999
    if what == "outside":
        values[4] += 2 * high
    if what == "zero":
        values[4][np.isnan(values[4]) | (chance.uniform(size=(20, 20)) < 0.1)] = 0
    return values


@pytest.mark.parametrize("name", RANGED)
@pytest.mark.parametrize(
    "what, kind", [("", None), ("fill", "undeclared_nodata"), ("outside", "impossible_values"), ("zero", "zero_fill")]
)
def test_validation_judges_every_variable_of_a_known_range(tmp_path, name, what, kind):
    """Fill values, values outside of the range and zeros are found in the date that has them, sound data pass."""
    rasters = collect([write(tmp_path, name, spoilt(name, what))], (), Heard())
    found = [one for one in judge(rasters) if one.is_problem]
    assert {one.kind for one in found} == ({kind} if kind else set())
    assert all(one.variable == name and one.where == str(FIRST + timedelta(40)) for one in found)


def test_indices_of_the_same_bands_are_no_copies_but_equal_values_are(tmp_path):
    """EVI2 goes with NDVI by nature; the same numbers under two names are one band written twice."""
    ndvi = spoilt("NDVI", "")
    evi2 = ndvi * 0.8 + 0.01
    paths = [write(tmp_path, "NDVI", ndvi), write(tmp_path, "EVI2", evi2)]
    assert "copied_band" not in {one.kind for one in judge(collect(paths, (), Heard()))}
    paths[1] = write(tmp_path, "EVI2", ndvi)
    assert "copied_band" in {one.kind for one in judge(collect(paths, (), Heard()))}


def test_a_validation_shows_maps_of_any_variable(tmp_path):
    """The report draws what it judges, each on its own scale."""
    page = tmp_path / "report.html"
    run("validatecomposites", LAYERS=[write(tmp_path, name, spoilt(name, "")) for name in ("kNDVI", "NDWI")], REPORT=str(page))
    assert all(f"Maps of {name}" in page.read_text(encoding="utf-8") for name in ("kNDVI", "NDWI"))
