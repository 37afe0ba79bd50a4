"""The job fillharmonic on rasters: same bits whatever the tiles, dates as asked for, real data filled as promised."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs
from phenofuse.core.errors import Cancelled, InputError
from phenofuse.core.events import Events, Silent
from phenofuse.core.harmonic import adaptive
from phenofuse.core.jobs import Resources
from phenofuse.core.timeseries import Period, open_series, sampling
from phenofuse.core.timeseries.outputdates import output_periods

sys.path.insert(0, str(Path(__file__).parent))
from rasters import write
from series import dates, hide, linear, load, pixels


def simulated(rows=40, columns=70, count=40, seed=3):
    """Seasons that differ by place, with noise and cloudy dates: (dates, rows, columns) float32."""
    rng = np.random.default_rng(seed)
    time = np.arange(count)[:, None, None] * 12 / 365.25
    phase = rng.uniform(0, 2, (1, rows, columns))
    values = 0.45 + 0.25 * np.cos(2 * np.pi * time - phase) + 0.1 * np.cos(4 * np.pi * time - 2 * phase)
    values = values + rng.normal(0, 0.02, values.shape)
    values[rng.random(values.shape) < 0.5] = np.nan
    values[:, 0, :5] = np.nan
    return values.astype("float32")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Write a simulated series; give its path and values."""
    values = simulated()
    path = tmp_path_factory.mktemp("scene") / "NDVI.tif"
    return write(path, values, dates(len(values)), tags={"variable": "NDVI"}), values


def fill(folder, path, resources=None, **parameters):
    """Run the job with all outputs; give arrays by key."""
    keys = ["OUTPUT", "UNCERTAINTY", "QUALITY", "HARMONICS"]
    if parameters.get("MODEL") != "cascade":
        keys.append("AMPLITUDE_PHASE")
    folder.mkdir(exist_ok=True)
    outputs = {key: str(folder / f"{key}.tif") for key in keys}
    result = jobs.run("fillharmonic", {"INPUT": path, **parameters, **outputs}, resources or Resources(256, 1), Silent())
    assert result["outputs"] == outputs
    found = {}
    for key, name in outputs.items():
        with rasterio.open(name) as src:
            found[key] = src.read()
    return found


def test_bytes_do_not_depend_on_tiles_or_threads(scene, tmp_path):
    """One thread with large tiles and three with small ones write the same files."""
    path, values = scene
    fill(tmp_path / "a", path, Resources(1024, 1))
    fill(tmp_path / "b", path, Resources(64, 3))
    for name in ("OUTPUT", "UNCERTAINTY", "QUALITY", "HARMONICS", "AMPLITUDE_PHASE"):
        assert (tmp_path / "a" / f"{name}.tif").read_bytes() == (tmp_path / "b" / f"{name}.tif").read_bytes()


def test_a_cancelled_run_continues_to_the_same_bytes(scene, tmp_path):
    """Cancelled among the tiles, nothing has a final name; the same call learns no second time and ends as if undisturbed."""
    path, _ = scene
    told = []

    class Impatient(Events):
        def progress(self, fraction):
            if fraction > 0.3:
                self.cancel()
            super().progress(fraction)

    class Heard(Events):
        def info(self, text):
            told.append(text)

    call = {"INPUT": path, "OUTPUT": str(tmp_path / "OUTPUT.tif"), "UNCERTAINTY": str(tmp_path / "UNCERTAINTY.tif")}
    resources = Resources(64, 1)
    with pytest.raises(Cancelled):
        jobs.run("fillharmonic", call, resources, Impatient())
    assert not [file for file in tmp_path.iterdir() if not file.name.startswith(".")]
    jobs.run("fillharmonic", call, resources, Heard())
    assert any("done already" in text for text in told)
    assert not any(text.startswith("Learning") for text in told)
    (tmp_path / "again").mkdir()
    again = {**call, "OUTPUT": str(tmp_path / "again" / "OUTPUT.tif"), "UNCERTAINTY": str(tmp_path / "again" / "UNCERTAINTY.tif")}
    jobs.run("fillharmonic", again, resources, Silent())
    for name in ("OUTPUT.tif", "UNCERTAINTY.tif"):
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert len(list(tmp_path.iterdir())) == 3


def test_outputs_keep_the_contract(scene, tmp_path):
    """Observed values bit-identical, a reason for all that is missing, dates, units and methods in the files."""
    path, values = scene
    found = fill(tmp_path / "out", path)
    seen = np.isfinite(values)
    assert (found["OUTPUT"][seen].view("uint32") == values[seen].view("uint32")).all()
    assert (found["QUALITY"][seen] == 1).all() and (found["HARMONICS"][seen] == -1).all()
    missing = ~np.isfinite(found["OUTPUT"])
    assert missing[:, 0, :5].all() and missing.sum() == 5 * len(values)
    assert (found["QUALITY"][missing] == 0).all() and (found["HARMONICS"][missing] == 0).all()
    assert set(found["HARMONICS"][~seen & ~missing]) == {6}
    assert (np.isfinite(found["UNCERTAINTY"]) == ~missing).all()
    for name, dtype in (("OUTPUT", "float32"), ("UNCERTAINTY", "float32"), ("QUALITY", "uint8"), ("HARMONICS", "int16")):
        with rasterio.open(tmp_path / "out" / f"{name}.tif") as src:
            assert src.dtypes[0] == dtype and list(src.descriptions) == dates(len(values))
            header = json.loads(src.tags()["PHENOFUSE"])
            assert header["method"] == "fillharmonic" and header["parents"] == ["NDVI.tif"]
    assert open_series(str(tmp_path / "out" / "OUTPUT.tif")).variable.name == "NDVI"
    with rasterio.open(tmp_path / "out" / "AMPLITUDE_PHASE.tif") as src:
        assert src.descriptions == tuple(f"{what} {k}" for what in ("amplitude", "phase") for k in range(1, 7))
        assert np.nanmedian(src.read(1)) == pytest.approx(0.25, abs=0.02)


def test_job_equals_the_functions(scene, tmp_path):
    """The raster job fills exactly what the array functions fill for the same sample."""
    path, values = scene
    found = fill(tmp_path / "out", path, SEED=5)
    series = open_series(path)
    pixels = values.reshape(len(values), -1).T
    options = adaptive.Options()
    learnt = adaptive.learn(pixels[np.isfinite(pixels).any(axis=1)], series.days, options, 5)
    filled = adaptive.fill(pixels, series.days, series.days, learnt, options)
    assert filled.mean.T.tobytes() == found["OUTPUT"].tobytes()


def test_dates_as_asked_for(scene, tmp_path):
    """A list of dates and a regular step give those dates; asking for both is an error."""
    path, _ = scene
    for name, given, first, count in (("list", {"DATES": "2023-02-01, 2023-03-15"}, "2023-02-01", 2),
                                      ("step", {"STEP_DAYS": 5}, "2023-01-01/2023-01-06", 96)):
        fill(tmp_path / name, path, **given)
        with rasterio.open(tmp_path / name / "OUTPUT.tif") as src:
            assert src.count == count and src.descriptions[0] == first
            assert np.isfinite(src.read()[:, 1:]).all()
    with pytest.raises(InputError, match="Both"):
        fill(tmp_path / "both", path, DATES="2023-02-01", STEP_DAYS=5)


def test_a_regular_step_follows_the_kind_of_the_input():
    """Days give days, periods give periods, and the input's own step gives its own periods back."""
    own = tuple(Period.parse(text) for text in dates(10))
    assert output_periods(own, "", 12) == own
    assert output_periods(own) == own
    days = [Period.parse("2023-01-01"), Period.parse("2023-01-21")]
    assert [p.text for p in output_periods(days, "", 10)] == ["2023-01-01", "2023-01-11", "2023-01-21"]


def test_mask_is_obeyed(scene, tmp_path):
    """Outside the mask nothing is learnt or filled, and QUALITY says no data."""
    path, values = scene
    inside = np.zeros(values.shape[1:], "uint8")
    inside[10:30, 10:50] = 1
    mask = write(tmp_path / "mask.tif", inside[None], dtype="uint8", nodata=None)
    found = fill(tmp_path / "out", path, MASK=mask)
    assert (np.isfinite(found["OUTPUT"]) == (inside == 1)).all()
    assert (found["QUALITY"][:, inside == 0] == 0).all()


def test_cascade_runs_and_refuses_amplitudes(scene, tmp_path):
    """The cascade writes its HARMONICS band; AMPLITUDE_PHASE with it is an error before anything is computed."""
    path, values = scene
    found = fill(tmp_path / "out", path, MODEL="cascade")
    assert set(np.unique(found["HARMONICS"])) <= {-1, 0, 1, 5, 10}
    assert (found["HARMONICS"] > 0).any()
    with pytest.raises(InputError, match="cascade"):
        jobs.run("fillharmonic", {"INPUT": path, "MODEL": "cascade", "OUTPUT": str(tmp_path / "o.tif"),
                                  "AMPLITUDE_PHASE": str(tmp_path / "a.tif")}, Resources(256, 1), Silent())


def test_large_scenes_are_sampled_from_all_over(tmp_path):
    """Of a large scene a lattice of windows is read for learning, and where a mask leaves too few the scene is searched."""
    rng = np.random.default_rng(1)
    values = rng.uniform(0.1, 0.9, (6, 400, 300)).astype("float32")
    path = write(tmp_path / "NDVI.tif", values, dates(6), tags={"variable": "NDVI"})
    series = open_series(path)
    sample = sampling.sample_pixels([series], None, None, 1, Silent())[0]
    assert len(sample) == sampling.LATTICE**2 * sampling.WINDOW_SIDE**2
    inside = np.zeros((1, 400, 300), "uint8")
    inside[0, 380:, 280:] = 1
    mask = write(tmp_path / "mask.tif", inside, dtype="uint8", nodata=None)
    assert len(sampling.sample_pixels([series], mask, None, 1, Silent())[0]) >= 200


@pytest.mark.realdata
@pytest.mark.parametrize("seed", [1, 2])
def test_real_gaps_are_filled_better_than_by_a_line(shared_data, tmp_path, seed):
    """Hidden 30, 60 and 90 days of real Sentinel-2 series: error against linear, and coverage, as the README says."""
    path = str(shared_data / "worldcereal_dekad_france" / "sites_as_pixels" / "NDVI.tif")
    for gap, limit in ((30, 1.02), (60, 0.93), (90, 0.89)):
        with rasterio.open(path) as src:
            truth, descriptions = src.read(), src.descriptions
            profile = src.profile
        days = np.array(descriptions, "datetime64[D]").astype(float)
        hidden = hide(pixels(truth), days, gap, seed).T.reshape(truth.shape)
        shown = np.where(hidden, np.nan, truth)
        given = tmp_path / f"NDVI_{gap}.tif"
        with rasterio.open(given, "w", **{**profile, "nodata": np.nan}) as dst:
            dst.write(shown)
            for band, text in enumerate(descriptions, start=1):
                dst.set_band_description(band, text)
        found = fill(tmp_path / f"out{gap}", str(given))
        error = (found["OUTPUT"] - truth)[hidden]
        line = (linear(pixels(shown), days) - pixels(truth))[pixels(hidden)]
        assert np.sqrt(np.mean(error**2)) <= limit * np.sqrt(np.mean(line**2))
        covered = np.mean(np.abs(error) < 1.645 * found["UNCERTAINTY"][hidden])
        assert 0.85 <= covered <= 0.94


@pytest.mark.realdata
@pytest.mark.parametrize("seed", [1, 2])
def test_dense_real_series_are_filled_no_worse_than_by_a_line(shared_data, seed):
    """Of a dense series of two and a half years, with snow and a repeated date, hidden weeks come back within 1.05 of a line."""
    cube, days = load(shared_data / "eolearn_s2_patch" / "NDVI_masked.tif")
    truth = pixels(cube[:, ::2, ::2])
    for gap in (30, 60, 90):
        hidden = hide(truth, days, gap, seed)
        shown = np.where(hidden, np.nan, truth)
        options = adaptive.Options()
        filled = adaptive.fill(shown, days, days, adaptive.learn(shown, days, options), options)
        error, line = (filled.mean - truth)[hidden], (linear(shown, days) - truth)[hidden]
        assert np.sqrt(np.mean(error**2)) <= 1.05 * np.sqrt(np.mean(line**2))
        assert 0.85 <= np.mean(np.abs(error) < 1.645 * filled.standard_deviation[hidden]) <= 0.94
