"""The job phenologymetrics on rasters: true dates found again, tiles that do not matter, tables by polygon, real mowing."""
from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs
from phenofuse.core.errors import GridMismatchError, InputError
from phenofuse.core.events import Silent
from phenofuse.core.jobs import Resources
from phenofuse.core.phenology import harvests, reasons, seasons
from phenofuse.core.scene import fields, simulate
from phenofuse.core.scene import seasons as crops_of
from phenofuse.core.timeseries import RasterFile, open_series, periods_between

sys.path.insert(0, str(Path(__file__).parent))
import realseries
from heard import Heard
from rasters import write
from truedates import ORDINAL, WITHIN_90, matched, of_pixels, off_planting

RASTERS = ("OUTPUT", "PEAK", "END", "LENGTH", "AMPLITUDE", "BASE", "PEAK_VALUE", "LARGE_INTEGRAL", "SMALL_INTEGRAL", "RATE_OF_RISE",
           "RATE_OF_FALL", "SEASONS", "INTENSITY", "PLANTING", "SEASON_TYPE", "QUALITY", "EVENTS")
SIZE, PERIODS, SEED = 64, 62, 1


def measure(folder, path, resources=None, rasters=RASTERS, **parameters):
    """Run the job; give arrays by key, and the result."""
    folder.mkdir(exist_ok=True, parents=True)
    outputs = {key: str(folder / f"{key}.tif") for key in rasters}
    result = jobs.run("phenologymetrics", {"INPUT": str(path), **parameters, **outputs}, resources or Resources(512, 2), Silent())
    return {key: read(path) for key, path in outputs.items()}, result


def read(path):
    """All bands of a raster."""
    with rasterio.open(path) as src:
        return src.read()


@pytest.fixture(scope="module")
def scene():
    """The simulated scene."""
    return simulate(SIZE, PERIODS, SEED)


@pytest.fixture(scope="module")
def filled(scene, tmp_path_factory):
    """Paths of the scene filled by fillmogpr (mean, deviation, quality) and of its truth."""
    folder = tmp_path_factory.mktemp("filled")
    names = [str(period) for period in periods_between(scene.starts[0], 12, PERIODS)]
    given = {name: write(folder / f"{name}.tif", cube, names, tags={"variable": name})
             for name, cube in (("NDVI", scene.ndvi), ("VV", scene.vv), ("VH", scene.vh))}
    truth = write(folder / "truth_NDVI.tif", scene.ndvi_truth, names)
    return {**fill(folder, given), "TRUTH": truth}


def fill(folder, given):
    """Fill NDVI with VV and VH."""
    outputs = {key: str(folder / f"{key}.tif") for key in ("OUTPUT", "UNCERTAINTY", "QUALITY")}
    jobs.run("fillmogpr", {"INPUT": given["NDVI"], "COVARIATES": [given["VV"], given["VH"]], **outputs}, Resources(512, 2), Silent())
    return outputs


@pytest.fixture(scope="module")
def measured(filled, tmp_path_factory):
    """All rasters of the filled scene, with deviations in days."""
    return measure(tmp_path_factory.mktemp("measured"), filled["OUTPUT"], rasters=(*RASTERS, "UNCERTAINTY_DAYS"),
                   UNCERTAINTY=filled["UNCERTAINTY"], FILL_QUALITY=filled["QUALITY"])


# The truth of the simulated scene.


def test_seasons_of_the_filled_scene_are_found_at_their_dates(scene, measured):
    """Nearly all seasons of all fields; start and end within 8 days in the median; 90 % intervals hold 85 to 95 % of all dates."""
    found, _ = measured
    crop = (scene.classes <= fields.TRIPLE).ravel()
    true = {key: of_pixels(cube)[crop] for key, cube in
            (("OUTPUT", scene.season_start), ("PEAK", scene.season_peak), ("END", scene.season_end))}
    peaks = of_pixels(found["PEAK"])[crop]
    deviations = np.split(of_pixels(found["UNCERTAINTY_DAYS"])[crop], 3, axis=1)
    held = []
    for (key, truth), deviation in zip(true.items(), deviations):
        error = np.abs(matched(of_pixels(found[key])[crop], peaks, true["PEAK"]) - truth)
        assert np.isfinite(error[np.isfinite(truth)]).mean() > 0.98
        assert np.nanmedian(error) < 8
        score = error / matched(deviation, peaks, true["PEAK"])
        held.append(score[np.isfinite(score)] < WITHIN_90)
        assert 0.8 < held[-1].mean() < 0.98, key
    assert 0.85 < np.concatenate(held).mean() < 0.95


def test_cropping_intensity_is_right_in_nearly_all_fields(scene, measured):
    """One, two and three crops a year, in at least 95 % of the field pixels."""
    found, result = measured
    crop = scene.classes <= fields.TRIPLE
    assert np.mean(np.rint(found["INTENSITY"][0])[crop] == scene.classes[crop]) >= 0.95
    assert result["numbers"]["SEASONS_PER_YEAR"] == pytest.approx(found["INTENSITY"].mean(), rel=1e-4)


def test_planting_dates_are_right_within_twelve_days(scene, measured):
    """In at least 90 % of the seasons of field pixels, PLANTING is within 12 days of the simulator's transplanting."""
    found, _ = measured
    first, last = (float(end.toordinal() - ORDINAL) for end in (scene.starts[0], scene.ends[-1]))
    crops = crops_of.plant(fields.lay_out(SIZE, SIZE, SEED), first, last, SEED)
    crop = (scene.classes <= fields.TRIPLE).ravel()
    off = off_planting(of_pixels(found["PLANTING"])[crop], crops.transplanting[scene.field.ravel()[crop]])
    assert np.mean(off <= 12) >= 0.9


def test_without_gaps_and_noise_villages_trees_and_ponds_have_no_season(scene, filled, tmp_path):
    """On the noise-free scene every field has its seasons, and nothing else has any."""
    found, _ = measure(tmp_path, filled["TRUTH"], rasters=("OUTPUT", "SEASONS", "QUALITY"))
    crop = scene.classes <= fields.TRIPLE
    true = np.isfinite(scene.season_peak).sum(axis=0)
    assert np.array_equal(found["SEASONS"][0][crop], true[crop])
    assert (found["SEASONS"][0][~crop] == 0).all() and (found["QUALITY"][:, ~crop] == reasons.FLAT).all()
    assert np.isnan(found["OUTPUT"][:, ~crop]).all()


# What the rasters hold.


def test_rasters_say_what_they_hold(measured):
    """Band per season, units in header and bands, no data never 0, types by the calendar."""
    found, result = measured
    file = RasterFile.open(result["outputs"]["OUTPUT"])
    assert file.header["variable"] == "date" and file.header["units"] == "days since 1970-01-01"
    assert [band.description for band in file.bands] == [f"season {n}" for n in range(1, 7)]
    assert {band.tags["units"] for band in file.bands} == {"days since 1970-01-01"}
    assert result["variables"]["BASE"] == "NDVI" and result["variables"]["SEASONS"] == "seasons"
    start, end, length = found["OUTPUT"], found["END"], found["LENGTH"]
    both = np.isfinite(start) & np.isfinite(end)
    np.testing.assert_allclose(length[both], (end - start)[both], atol=0.01)
    assert np.isnan(length[~both]).all() and np.nanmin(start) > 19600
    assert np.isfinite(start[found["QUALITY"] == reasons.COMPLETE]).all()
    assert np.isnan(start[np.isin(found["QUALITY"], (reasons.CUT_AT_START, reasons.NO_MORE, reasons.FLAT))]).all()
    assert ((found["SEASON_TYPE"] == 255) == np.isnan(start)).all()
    assert set(np.unique(found["SEASON_TYPE"][np.isfinite(start)])) == {1, 2, 3}
    months = start[np.isfinite(start)].astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12 + 1
    assert ((found["SEASON_TYPE"][np.isfinite(start)] == 1) == np.isin(months, (10, 11, 12, 1, 2))).all()
    np.testing.assert_allclose(found["PLANTING"], start - 20)
    later = start[1:] - start[:-1]
    assert np.nanmin(later) > 0


def test_tiles_workers_and_masks_do_not_change_a_pixel(filled, measured, tmp_path):
    """The same bits from small tiles and four threads; outside a mask there is no data, inside the same bits."""
    whole, result = measured
    given = {"UNCERTAINTY": filled["UNCERTAINTY"], "FILL_QUALITY": filled["QUALITY"]}
    keys = (*RASTERS, "UNCERTAINTY_DAYS")
    small, _ = measure(tmp_path / "small", filled["OUTPUT"], Resources(64, 4), keys, **given)
    inside = np.zeros((1, SIZE, SIZE))
    inside[0, 5:30, 7:50] = 1
    mask = write(tmp_path / "mask.tif", inside)
    masked, _ = measure(tmp_path / "masked", filled["OUTPUT"], None, keys, MASK=mask, **given)
    for key in keys:
        np.testing.assert_array_equal(small[key], whole[key])
        np.testing.assert_array_equal(masked[key][:, inside[0] > 0], whole[key][:, inside[0] > 0])
    outside = inside[0] == 0
    assert np.isnan(masked["SEASONS"][0][outside]).all() and (masked["QUALITY"][:, outside] == reasons.NO_DATA).all()


def test_dates_as_day_of_year(filled, measured, tmp_path):
    """The same starts, as days of their years."""
    found, result = measure(tmp_path, filled["OUTPUT"], rasters=("OUTPUT", "PEAK"), DATES_AS="day_of_year",
                            UNCERTAINTY=filled["UNCERTAINTY"])
    start = measured[0]["OUTPUT"]
    dates = start[np.isfinite(start)].astype("datetime64[D]")
    expected = (dates - dates.astype("datetime64[Y]").astype("datetime64[D]")).astype(int) + 1
    assert np.array_equal(np.floor(found["OUTPUT"][np.isfinite(start)]), expected)
    assert result["variables"]["OUTPUT"] == "day of year"


def test_the_table_by_polygon_is_that_of_its_pixels(measured, filled, tmp_path):
    """Shares by number of seasons, and medians over the pixels with the usual number, as numpy has them."""
    left, top = 430000, 9240000
    boxes = {"west": (0, 0, 20, 64), "east": (33, 10, 60, 60), "outside": (200, 200, 210, 210)}
    features = [{"type": "Feature", "properties": {"name": name}, "geometry": {"type": "Polygon", "coordinates": [
        [[left + 50 * x, top - 50 * y] for x, y in ((x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0))]]}}
        for name, (x0, y0, x1, y1) in boxes.items()]
    zones = tmp_path / "zones.geojson"
    zones.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    table = tmp_path / "zones.csv"
    found, result = measure(tmp_path, filled["OUTPUT"], Resources(64, 2), UNCERTAINTY=filled["UNCERTAINTY"],
                            ZONES=str(zones), ZONAL_SUMMARY=str(table))
    assert result["outputs"]["ZONAL_SUMMARY"] == str(table)
    with open(table, newline="", encoding="utf-8-sig") as file:
        rows = {row["zone"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(boxes) and rows["outside"]["pixels"] == "0" and rows["outside"]["start_1"] == ""
    for name in ("west", "east"):
        x0, y0, x1, y1 = boxes[name]
        count = found["SEASONS"][0, y0:y1, x0:x1]
        usual = int(np.bincount(count.astype(int).ravel()).argmax())
        assert int(rows[name]["pixels"]) == count.size and int(rows[name]["usual_seasons"]) == usual
        assert float(rows[name]["seasons_2_percent"]) == pytest.approx(100 * np.mean(count == 2), abs=0.05)
        for metric, key in (("start", "OUTPUT"), ("end", "END")):
            values = found[key][1, y0:y1, x0:x1][count == usual]
            told = np.datetime64(rows[name][f"{metric}_2"]).astype(int)
            assert abs(told + 0.5 - np.nanmedian(values)) <= 1
        values = found["AMPLITUDE"][1, y0:y1, x0:x1][count == usual]
        assert float(rows[name]["amplitude_2"]) == pytest.approx(np.nanmedian(values), abs=0.006)


def test_more_seasons_than_bands_are_said(filled, tmp_path):
    """With one band, a warning says that there are more."""
    events = Heard()
    jobs.run("phenologymetrics", {"INPUT": filled["TRUTH"], "MAX_SEASONS": 1, "OUTPUT": str(tmp_path / "o.tif"),
                                  "SEASONS": str(tmp_path / "s.tif")}, Resources(256, 1), events)
    assert any("more than MAX_SEASONS = 1" in text for text in events.warnings)


@pytest.mark.parametrize("parameters, words", [
    ({"METHOD": "guess"}, "no method"), ({"THRESHOLD": 1.5}, "between 0 and 1"), ({"MAX_SEASONS": 0}, "MAX_SEASONS"),
    ({"CALENDAR": "rice"}, "no window"), ({"UNCERTAINTY_DAYS": "u.tif"}, "needs the standard deviations"),
    ({"ZONAL_SUMMARY": "z.csv"}, "needs polygons"),
])
def test_what_does_not_go_together_is_refused_before_anything_is_written(filled, tmp_path, parameters, words):
    """Each mistake is a sentence with a remedy, and no file appears."""
    parameters = {key: str(tmp_path / value) if str(value).endswith((".tif", ".csv")) else value for key, value in parameters.items()}
    with pytest.raises(InputError, match=words) as problem:
        measure(tmp_path / "out", filled["TRUTH"], rasters=("OUTPUT", "SEASONS"), **parameters)
    assert problem.value.remedy and not list((tmp_path / "out").iterdir())


def test_companions_must_be_of_the_same_grid_and_dates(filled, tmp_path):
    """A deviation raster of other dates, or on another grid, is refused."""
    names = open_series(filled["TRUTH"]).periods
    for values, texts, problem in ((np.ones((62, 5, 5)), names, GridMismatchError), (np.ones((61, SIZE, SIZE)), names[1:], InputError)):
        other = write(tmp_path / f"other{len(values)}.tif", values, list(map(str, texts)))
        with pytest.raises(problem):
            measure(tmp_path, filled["TRUTH"], rasters=("OUTPUT",), UNCERTAINTY=other)


# Series of others.


@pytest.fixture(scope="module")
def reference(shared_data):
    """The reference cube: dates, input, truth; four seasons in each of 100 pixels."""
    folder = shared_data.parent / "reference"
    if not folder.is_dir():
        pytest.skip(f"no reference outputs in {folder}")
    with np.load(folder / "fusets_phenology_100px.npz") as cube, np.load(folder / "fusets_mogpr_100px.npz") as given:
        true = {key: cube[name].T - ORDINAL for key, name in (("OUTPUT", "sos_true"), ("PEAK", "pos_true"), ("END", "eos_true"))}
        series = {"TRUTH": cube["NDVI_true"], **{name: given[f"in_{name}"] for name in ("NDVI", "VV", "VH")}}
        return cube["time"], series, true


@pytest.mark.realdata
def test_noise_free_seasons_of_the_reference_are_found_to_three_days(reference):
    """All four seasons in 98 % of the pixels, start and end to 3 days; the older tool is off by 18 and 96."""
    times, series, true = reference
    found = seasons.find(series["TRUTH"].T, times.astype("datetime64[D]").astype(float), seasons.Options(threshold=0.5))
    assert np.mean(found.count == 4) >= 0.98
    for place, key in ((0, "OUTPUT"), (2, "END")):
        error = matched(found.metrics[:, :, place].astype(float), found.metrics[:, :, 1], true["PEAK"]) - true[key]
        assert np.isfinite(error).mean() >= 0.98 and np.nanmedian(np.abs(error)) <= 3


@pytest.mark.realdata
def test_filled_seasons_of_the_reference_are_found_to_eight_days_and_know_it(reference, tmp_path):
    """Filled by fillmogpr: start and end to 8 days; 90 % intervals hold 85 to 95 % of all dates."""
    times, series, true = reference
    names = [str(time)[:10] for time in times]
    given = {name: write(tmp_path / f"{name}.tif", series[name].reshape(62, 10, 10), names) for name in ("NDVI", "VV", "VH")}
    made = fill(tmp_path, given)
    found, _ = measure(tmp_path / "out", made["OUTPUT"], rasters=("OUTPUT", "PEAK", "END", "SEASONS", "UNCERTAINTY_DAYS"),
                       THRESHOLD=0.5, UNCERTAINTY=made["UNCERTAINTY"], FILL_QUALITY=made["QUALITY"])
    assert np.mean(found["SEASONS"] == 4) >= 0.98
    peaks, held = of_pixels(found["PEAK"]), []
    for key, deviation in zip(("OUTPUT", "PEAK", "END"), np.split(of_pixels(found["UNCERTAINTY_DAYS"]), 3, axis=1)):
        error = np.abs(matched(of_pixels(found[key]), peaks, true["PEAK"]) - true[key])
        assert np.nanmedian(error) <= 8
        score = error / matched(deviation, peaks, true["PEAK"])
        held.append(np.mean(score[np.isfinite(score)] < WITHIN_90))
        assert 0.8 < held[-1] < 0.99
    assert 0.85 < np.mean(held) < 0.95


@pytest.mark.realdata
def test_mowing_of_real_grassland_is_found(shared_data):
    """Of twelve recorded cuts at least ten are found within 15 days, with at most three others; half within five days."""
    series, cuts = realseries.grassland(shared_data)
    late, told = [], 0
    for name, (days, values) in series.items():
        found = harvests.find(values[None], days, 8)[0]
        found = found[np.isfinite(found)]
        told += len(found)
        late += realseries.matched(found, cuts.get(name, []))
    assert sum(map(len, cuts.values())) == 12 and len(late) >= 10
    assert told - len(late) <= 3 and np.median(np.abs(late)) <= 5


@pytest.mark.realdata
@pytest.mark.parametrize("site, months", [("AU-How", (11, 12, 1, 2, 3, 4, 5)), ("IT-Col", (5, 6, 7, 8)), ("CA-NS6", (6, 7, 8, 9))])
def test_years_of_real_vegetation_are_years(shared_data, site, months):
    """About one season a year at a southern savanna, a beech forest and a boreal shrubland, peaking when it should."""
    points = {day: ndvi for day, ndvi in realseries.tables(shared_data / "phenofit_mod13a1" / "series.csv", "site")[site].items()
              if np.isfinite(ndvi)}
    days = np.array(sorted(points))
    found = seasons.find(np.array([[points[day] for day in days]]), days, seasons.Options(max_seasons=40))
    assert 0.9 <= found.count[0] / ((days[-1] - days[0]) / 365.25) <= 1.1
    peaks = found.metrics[0, :int(found.count[0]), 1]
    month = peaks[np.isfinite(peaks)].astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12 + 1
    assert np.isin(month, months).mean() >= 0.9
