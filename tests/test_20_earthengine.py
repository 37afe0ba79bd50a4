"""Composites from Earth Engine: equal to independent numpy, and every planted fault of the data is found.

The real client library talks to a double on 127.0.0.1 that interprets its expression graphs (`earthengine`).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio

pytest.importorskip("ee", reason="needs the engine's extra 'earthengine'")
import ee
from earthengine import scenes as world
from earthengine import truth
from earthengine.helpers import BANDS, bands, call, deliver, double, export, finished, proceed, rows, states
from phenofuse.core import jobs
from phenofuse.core.earthengine import composites, service, statistics
from phenofuse.core.earthengine.compositeplan import CompositePlan
from phenofuse.core.errors import InputError
from phenofuse.core.events import Silent
from phenofuse.core.timeseries import Period, open_series

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture(scope="module")
def two_years(tmp_path_factory):
    """62 periods of 12 days, downloaded once for several tests."""
    folder = tmp_path_factory.mktemp("export") / "demak"
    with double(world.demak()) as found:
        result = export(call(found, folder, END_DATE="2025-11-14"))
        yield found, folder, result


def test_two_years_equal_independent_composites(two_years):
    """Every band of all 62 periods equals plain numpy on the stored arrays to 1e-6, with dates, grid and nodata as asked."""
    found, folder, result = two_years
    assert result["numbers"]["DONE"] == result["numbers"]["PERIODS"] == 62 and len(finished(folder)) == 62
    for row in rows(folder):
        start, end = date.fromisoformat(row["start"]), date.fromisoformat(row["end"])
        expected = truth.composite(found.scenes, start, end)
        with rasterio.open(folder / f"S1S2_{start}_{end}.tif") as source:
            assert source.descriptions == BANDS and source.crs == "EPSG:32749" and np.isnan(source.nodata)
            assert source.transform[:6] == (10, 0, 430000, 0, -10, 9240000) and source.shape == (40, 40)
            assert source.tags(3)["start_time"] == f"{start}T00:00:00" and source.tags(3)["end_time"] == f"{end}T00:00:00"
            for name, values in zip(source.descriptions, source.read()):
                np.testing.assert_allclose(values, expected[name], rtol=1e-6, atol=1e-6, err_msg=f"{name} {start}")


def test_the_series_are_ready_for_the_next_algorithm(two_years):
    """One raster per variable by the contract: 62 half-open periods, values of the period rasters to the last bit."""
    found, folder, result = two_years
    ndvi = open_series(result["outputs"]["NDVI"])
    assert ndvi.variable.name == "NDVI" and ndvi.count == 62 and str(ndvi.periods[0]) == "2023-11-01/2023-11-13"
    assert open_series(result["outputs"]["VV"]).header["orbit"] == "descending"
    np.testing.assert_array_equal(ndvi.read()[7], bands(sorted(folder.glob("S1S2_*.tif"))[7])["S2ndvi"])


def test_the_twelfth_day_counts_and_directions_are_not_mixed(two_years):
    """Every descending pass of the scene lies on the last day of a period: an end taken as included would lose them all."""
    found, folder, _ = two_years
    with double(found.scenes) as other:
        first = _plan(other).dates[0]
        server = service.Service("loop-back", other.url, None, Silent())
        counts = [server.value(composites.scenes(server.ee, _plan(other), Period(first.start, first.end - timedelta(days=less))))
                  for less in (0, 1)]  # fmt: skip
    assert [count["n_s1"] for count in counts] == [1, 0]
    assert [row["n_s1"] for row in rows(folder)] == [0 if row["start"] == "2024-06-28" else 1 for row in rows(folder)]


def test_an_area_in_another_zone_than_its_images(tmp_path):
    """Across the border of two zones images lie in one and the grid in the other: each pixel is that of the nearest."""
    from rasterio.warp import reproject

    with double() as found:
        export(call(found, tmp_path, END_DATE="2023-11-13", EXTENT="430060,430340,9239660,9239940 [EPSG:32749]", CRS="EPSG:32750"))
        expected = truth.composite(found.scenes, date(2023, 11, 1), date(2023, 11, 13))
    (path,) = tmp_path.glob("S1S2_*.tif")
    with rasterio.open(path) as source:
        assert source.crs == "EPSG:32750" and source.width > 20
        for name, made in zip(source.descriptions, source.read()):
            moved = np.full(made.shape, np.nan)
            reproject(expected[name], moved, src_crs="EPSG:32749", dst_crs=source.crs, dst_transform=source.transform,
                      src_transform=rasterio.Affine(10, 0, 430000, 0, -10, 9240000), src_nodata=np.nan, tolerance=0)  # fmt: skip
            np.testing.assert_allclose(made, moved, rtol=1e-6, atol=1e-6, err_msg=name)


def test_validatecomposites_finds_nothing_wrong(two_years):
    """The algorithm that judges anybody's exports has no problem with ours."""
    _, folder, _ = two_years
    result = jobs.run("validatecomposites", {"FOLDER": str(folder), "REPORT": ""}, jobs.Resources(), Silent())
    assert result["numbers"] == {"VALID": 1, "PROBLEMS": 0}


def test_counts_and_verdicts_say_what_was_planted(two_years):
    """No optical image, no radar pass and an image without cloud score are in the ledger; all other periods are ok."""
    _, folder, _ = two_years
    by_start = {row["start"]: row for row in rows(folder)}
    assert {start: row["verdict"] for start, row in by_start.items() if row["verdict"] != "ok"} == {
        "2024-02-29": "thin", "2024-03-12": "thin", "2024-06-28": "thin"}  # fmt: skip
    assert by_start["2024-02-29"]["n_s2"] == 0 and by_start["2024-06-28"]["n_s1"] == 0
    assert {start for start, row in by_start.items() if row["unmatched"]} == {"2023-12-07"}
    table = (folder / "report.csv").read_text(encoding="utf-8")
    assert table.count("No Sentinel-2 image.") == 2 and table.count("No Sentinel-1 pass.") == 1
    assert table.count("Images without a cloud score: 1.") == 1 and "No value in any period" not in table


def test_all_requests_are_few_and_in_parallel(two_years):
    """One look and one request for pixels a period: what the limits allow; several at once, never above ours."""
    found, _, result = two_years
    assert found.count("computePixels") == found.count("value:compute") == 62
    assert result["numbers"]["REQUESTS"] == 124
    assert 1 < found.most_in_flight <= 8


@pytest.mark.parametrize("changes", [
    {"S1_REDUCER": "mean"}, {"ORBIT_DIRECTION": "ASCENDING"}, {"INDICES": ["NDWI"]}, {"INDICES": ["LSWI"]},
    {"CLOUD_THRESHOLD": 0.8},
])  # fmt: skip
def test_options_change_what_they_say(tmp_path, changes):
    """Reducer, orbit, index and threshold give what numpy gives with the same option."""
    options = {"S1_REDUCER": "reducer", "ORBIT_DIRECTION": "direction", "CLOUD_THRESHOLD": "threshold"}
    known = {options[key]: value for key, value in changes.items() if key in options}
    if "INDICES" in changes:
        known["index"] = "S2" + changes["INDICES"][0].lower()
    with double() as found:
        export(call(found, tmp_path / "out", END_DATE="2023-11-25", **changes))
        for row in rows(tmp_path / "out"):
            ends = date.fromisoformat(row["start"]), date.fromisoformat(row["end"])
            expected = truth.composite(found.scenes, *ends, **known)
            made = bands(tmp_path / "out" / f"S1S2_{row['start']}_{row['end']}.tif")
            assert tuple(made) == tuple(expected)
            for name, values in made.items():
                np.testing.assert_allclose(values, expected[name], rtol=1e-6, atol=2e-6, err_msg=name)


def test_other_masks_and_indices(tmp_path):
    """SCL and s2cloudless clear what their bands say; EVI and RVI follow their formulas."""
    with double() as found:
        for mask in ("scl", "s2cloudless"):
            export(call(found, tmp_path / mask, END_DATE="2023-11-13", CLOUD_MASK=mask, INDICES=["NDVI", "EVI", "RVI"]))
        made = {mask: bands(next((tmp_path / mask).glob("S1S2_*.tif"))) for mask in ("scl", "s2cloudless")}
        ends = date(2023, 11, 1), date(2023, 11, 13)
        passes = [one for one in found.scenes.optical if ends[0] <= one.day < ends[1]]
        clear = {"scl": lambda one: one.arrays["SCL"] == 4, "s2cloudless": lambda one: one.arrays["probability"] < 65}
        for mask, is_clear in clear.items():
            np.testing.assert_array_equal(made[mask]["n_s2"], sum(
                is_clear(one) & (one.arrays["B8"] >= 0) & (one.arrays["B4"] >= 0) for one in passes))  # fmt: skip
        near, red, blue = (np.stack([one.arrays[b] / 1e4 for one in passes]) for b in ("B8", "B4", "B2"))
        evi = 2.5 * (near - red) / (near + 6 * red - 7.5 * blue + 1)
        evi[~np.stack([clear["scl"](one) for one in passes]) | (near < 0) | (red < 0) | (blue < 0)] = np.nan
        seen = np.isfinite(evi).any(0)
        np.testing.assert_allclose(made["scl"]["S2evi"][seen], np.nanmedian(evi[:, seen], 0), rtol=1e-5)
        vv, vh = (10 ** (made["scl"][name] / 10) for name in ("VV", "VH"))
        np.testing.assert_allclose(made["scl"]["RVI"], 4 * vh / (vv + vh), rtol=1e-5)


def test_every_index_of_building_is_computed_on_the_service(tmp_path):
    """EVI2, NIRv, kNDVI and PPI by their published formulas, PPI with each image's own sun; where a reflectance is below 0, nothing."""
    names, greatest = ["EVI2", "NIRv", "kNDVI", "PPI"], 0.45
    with double() as found:
        made = export(call(found, tmp_path / "out", END_DATE="2023-11-13", INDICES=names, GREATEST_DVI=greatest))
        passes = [one for one in found.scenes.optical if one.day < date(2023, 11, 13)]
    near, red = (np.stack([one.arrays[band] / 1e4 for one in passes]) for band in ("B8", "B4"))
    clear = np.stack([one.arrays["cs_cdf"] >= 0.60 for one in passes]) & (near >= 0) & (red >= 0)
    cosine = np.cos(np.radians([one.properties["MEAN_SOLAR_ZENITH_ANGLE"] for one in passes]))[:, None, None]
    diffuse = 0.0336 + 0.0477 / cosine
    gain = 0.25 / (diffuse + (1 - diffuse) * 0.5 / cosine) * (1 + greatest) / (1 - greatest)
    difference = np.minimum(near - red, greatest - 0.005)
    expected = {
        "S2evi2": 2.5 * (near - red) / (near + 2.4 * red + 1), "S2nirv": (near - red) / (near + red) * near,
        "S2kndvi": np.tanh(((near - red) / (near + red)) ** 2), "S2ppi": -gain * np.log((greatest - difference) / (greatest - 0.09)),
    }  # fmt: skip
    values = bands(next((tmp_path / "out").glob("S1S2_*.tif")))
    seen = clear.any(0)
    assert 0 < np.isfinite(values["S2ppi"]).sum() < values["S2ppi"].size
    for name, layers in expected.items():
        wanted = np.nanmedian(np.where(clear, layers, np.nan)[:, seen], 0)
        np.testing.assert_allclose(values[name][seen], wanted, rtol=1e-5, atol=1e-6, err_msg=name)
        assert np.isnan(values[name][~seen]).all()
    for name, path in made["outputs"].items():
        if name in names:
            assert open_series(path).variable.name == name
    assert sorted(path.stem for path in (tmp_path / "out" / "series").glob("*.tif")) == sorted([*names, "VV", "VH", "n_s1", "n_s2"])


def test_ppi_needs_the_greatest_difference(tmp_path):
    """Nothing is guessed: without GREATEST_DVI, or with an impossible one, a sentence."""
    for changes, what in (({}, "GREATEST_DVI is empty"), ({"GREATEST_DVI": 0.05}, "GREATEST_DVI is 0.05")):
        with pytest.raises(InputError, match=what):
            CompositePlan.of(call(SimpleNamespace(url=""), tmp_path, INDICES=["NDVI", "PPI"], **changes))


def test_exports_from_before_go_on(tmp_path):
    """A plan of before has the key that it had: what it lacks counts only where it is given."""
    plain = CompositePlan.of(call(SimpleNamespace(url=""), tmp_path))
    content = {key: value for key, value in asdict(plain).items() if key not in ("project", "periods", "greatest_dvi")}
    before = hashlib.sha256(json.dumps([content, str(plain.dates[0])], sort_keys=True).encode()).hexdigest()
    assert plain.key(plain.spans[0]) == before


def test_dark_targets_below_zero_are_missing_and_ndvi_is_never_clamped(two_years):
    """A negative reflectance masks the pixel; red = 0 gives 1, which is a value and not a limit pressed against."""
    found, folder, _ = two_years
    first = bands(next(iter(sorted(folder.glob("S1S2_*.tif")))))["S2ndvi"]
    assert np.isnan(first[0, 0]) and np.isnan(first[0, 1])
    graph = str(ee.serializer.encode(composites.image(ee, _plan(found), _plan(found).spans[0])))
    assert "Image.clamp" not in graph and composites.S2.endswith("S2_SR_HARMONIZED") and composites.S2 in graph


def test_the_twelfth_day_belongs_to_its_period(two_years):
    """The only descending pass of a period is on its last day: it is there, and not in the next period."""
    found, folder, _ = two_years
    days = [one.day for one in found.scenes.radar if one.properties["orbitProperties_pass"] == "DESCENDING"]
    assert days[0] == date(2023, 11, 12)
    for row in rows(folder)[:5]:
        assert row["n_s1"] == 1
        assert np.nanmax(bands(folder / f"S1S2_{row['start']}_{row['end']}.tif")["n_s1"]) == 1


def _plan(found) -> CompositePlan:
    return CompositePlan.of(call(found, "unused"))


def _spoilt(change) -> world.Scenes:
    """Scenes in which every image was changed."""
    found = world.demak(days=24)
    for one in (*found.optical, *found.radar):
        change(one.arrays)
    return found


def _swap(arrays):
    if "VV" in arrays:
        arrays["VV"], arrays["VH"] = arrays["VH"], arrays["VV"]


def _copy(arrays):
    if "VV" in arrays:
        arrays["VH"] = arrays["VV"] - 6.0


def _linear(arrays):
    if "VV" in arrays:
        arrays["VV"], arrays["VH"] = (10 ** (np.maximum(arrays[name], -29) / 10) for name in ("VV", "VH"))


def _black(arrays):
    if "B4" in arrays:
        arrays["B4"] = np.zeros_like(arrays["B4"])


@pytest.mark.parametrize("change, words", [
    (_swap, "VV and VH are swapped"), (_copy, "copy of another"), (_linear, "Linear power"), (_black, "constant band"),
])  # fmt: skip
def test_faults_of_the_service_fail_before_a_pixel_is_fetched(tmp_path, change, words):
    """Server statistics on the true grid are judged first: no file, no request for pixels, one sentence."""
    with double(_spoilt(change)) as found:
        with pytest.raises(service.ServiceError, match=words):
            export(call(found, tmp_path / "out", END_DATE="2023-11-13"))
        assert found.count("computePixels") == 0 and not finished(tmp_path / "out")
    assert rows(tmp_path / "out")[0]["verdict"] == "broken" and states(tmp_path / "out") == ["FAILED"]


def test_server_statistics_are_those_of_the_true_grid(tmp_path):
    """Minimum, maximum, count and median of the service equal numpy's over every pixel of the grid."""
    with double() as found:
        plan = _plan(found)
        server = service.Service("loop-back", found.url, None, Silent())
        answer = statistics.ask(server, plan, plan.spans[1])
        expected = truth.composite(found.scenes, plan.spans[1].start, plan.spans[1].end)["S2ndvi"]
    levels = {what: answer["levels"][f"S2ndvi_{what}"] for what in ("min", "max", "count", "p50")}
    finite = expected[np.isfinite(expected)]
    assert levels["count"] == finite.size
    known = [finite.min(), finite.max(), np.median(finite)]
    np.testing.assert_allclose([levels[what] for what in ("min", "max", "p50")], known, rtol=1e-6)


@pytest.mark.parametrize("planted, words", [
    ("vv_in_ndvi", "backscatter in the NDVI"), ("clamped_vv", "all 1600 values are -1"), ("swapped", "VV and VH are swapped"),
    ("renamed", "has the bands"), ("shifted", "does not lie on the grid"), ("constant", "constant band"),
])  # fmt: skip
def test_files_that_come_back_wrong_are_refused(tmp_path, planted, words):
    """The seeds' export (decibels in the NDVI band), and other files that do not hold what was asked, never become results."""

    def change(prefix, names, stack):
        if planted == "vv_in_ndvi":
            stack[2] = stack[0]
        elif planted == "clamped_vv":
            stack[2] = np.clip(stack[0], -1, 1)
        elif planted == "swapped":
            stack[[0, 1]] = stack[[1, 0]]
        elif planted == "renamed":
            names = ["VV", "VH", "NDVI", "n_s1", "n_s2"]
        elif planted == "constant":
            stack[2] = np.where(stack[2] == -9999, -9999, 0.4)
        return names, stack

    with double() as found:
        export(call(found, tmp_path / "out", END_DATE="2023-11-13", DESTINATION="drive"))
        found.tick(), found.tick()
        if planted == "shifted":
            values, grid, options = found.files[next(iter(found.files))]
            found.files[next(iter(found.files))] = (values, grid._replace(transform=(10, 0, 430004, 0, -10, 9240000)), options)
        deliver(found, tmp_path / "files", change=change)
        with pytest.raises(service.ServiceError, match=words):
            proceed(found, tmp_path / "out", FILES=str(tmp_path / "files"))
    assert states(tmp_path / "out") == ["FAILED"] and not finished(tmp_path / "out")


def test_bands_in_another_order_are_taken_by_name(tmp_path):
    """A file whose bands were reordered on the way holds the same values under the same names."""
    with double() as found:
        export(call(found, tmp_path / "out", END_DATE="2023-11-13", DESTINATION="drive"))
        found.tick(), found.tick()
        deliver(found, tmp_path / "files", change=lambda prefix, names, stack: (names[::-1], stack[::-1]))
        proceed(found, tmp_path / "out", FILES=str(tmp_path / "files"))
        expected = truth.composite(found.scenes, date(2023, 11, 1), date(2023, 11, 13))
    made = bands(next((tmp_path / "out").glob("S1S2_*.tif")))
    assert tuple(made) == BANDS
    np.testing.assert_allclose(made["S2ndvi"], expected["S2ndvi"], rtol=1e-6)


def test_a_period_that_nobody_saw_has_every_band(tmp_path):
    """No image of either sensor: no task or pixel is asked for, the file has all bands, wholly missing, and counts of 0."""
    empty = world.Scenes(40, [], [])
    with double(empty) as found:
        export(call(found, tmp_path / "out", END_DATE="2023-11-13"))
        assert found.count("computePixels") == 0
    made = bands(next((tmp_path / "out").glob("S1S2_*.tif")))
    assert tuple(made) == BANDS and np.isnan(made["VV"]).all() and np.isnan(made["S2ndvi"]).all() and (made["n_s2"] == 0).all()
    assert rows(tmp_path / "out")[0]["verdict"] == "empty"


def test_all_cloud_is_thin_and_no_failure(tmp_path):
    """Images are there but every pixel is cloudy: the period is done, and called thin."""

    def cloudy(arrays):
        if "cs_cdf" in arrays:
            arrays["cs_cdf"] = np.full_like(arrays["cs_cdf"], 0.1)

    with double(_spoilt(cloudy)) as found:
        export(call(found, tmp_path / "out", END_DATE="2023-11-13"))
    row = rows(tmp_path / "out")[0]
    assert (row["state"], row["verdict"], row["n_s2"]) == ("DONE", "thin", 3)


def test_unmatched_cloud_scores_are_counted_and_leave_the_period_empty_handed(tmp_path):
    """Cloud Score+ lacks every image of a period: NDVI is missing, and the ledger says why."""
    lost = world.demak(days=24)
    lost.without_partner = frozenset(one.properties["system:index"] for one in lost.optical)
    with double(lost) as found:
        export(call(found, tmp_path / "out", END_DATE="2023-11-13"))
    row = rows(tmp_path / "out")[0]
    assert (row["verdict"], row["n_s2"], row["unmatched"]) == ("thin", 3, 3)


def test_what_is_not_harmonised_would_be_seen(tmp_path):
    """The collection asked for is the harmonised one: with the step of 1000 left in, NDVI differs by more than 0.1."""

    def step(arrays):
        for name in ("B4", "B8"):
            if name in arrays:
                arrays[name] = arrays[name] + 1000

    plain, damped = world.demak(days=24), _spoilt(step)
    ends = date(2023, 11, 1), date(2023, 11, 13)
    good, bad = (truth.composite(one, *ends)["S2ndvi"] for one in (plain, damped))
    assert np.nanmedian(np.abs(good - bad)) > 0.1
    catalog = plain.catalog()
    catalog["COPERNICUS/S2_SR"] = damped.catalog()[world.S2]
    with double(plain) as found:
        found.catalog = catalog
        export(call(found, tmp_path / "out", END_DATE="2023-11-13"))
    np.testing.assert_allclose(bands(next((tmp_path / "out").glob("S1S2_*.tif")))["S2ndvi"], good, rtol=1e-6)


def test_the_seeds_mask_empties_ten_periods_and_is_refused(tmp_path):
    """QA60 masks every pixel of periods 1 to 10, as the double shows; the plan refuses it and says why."""
    with double() as found:
        with pytest.raises(InputError, match="QA60 is empty .* 10 of 62 periods"):
            export(call(found, tmp_path / "out", END_DATE="2025-11-14", CLOUD_MASK="qa60"))
        plan = CompositePlan.of(call(found, "unused"))
        server = service.Service("loop-back", found.url, None, Silent())
        image = server.ee.ImageCollection(composites.S2).map(
            lambda one: one.updateMask(one.select("QA60").bitwiseAnd(1024).eq(0)).normalizedDifference(["B8", "B4"])).median()
        levels = image.reduceRegion(server.ee.Reducer.minMax(), composites.region(server.ee, plan), crs=plan.crs,
                                    crsTransform=list(plan.transform))  # fmt: skip
        assert server.value(levels) == {"nd_min": None, "nd_max": None}


def test_an_unknown_function_is_refused_by_the_double(tmp_path):
    """The double never guesses: what it does not interpret is status 400, and is not repeated."""
    with double() as found:
        server = service.Service("loop-back", found.url, None, Silent())
        before = found.count("value:compute")
        with pytest.raises(service.ServiceError, match="does not interpret"):
            server.value(server.ee.Image(0).focal_median(1).bandNames())
        assert found.count("value:compute") == before + 1
