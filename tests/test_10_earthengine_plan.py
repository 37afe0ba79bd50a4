"""The plan of an export, made without a network: dates, grid, sizes, and what it refuses."""

from __future__ import annotations

import dataclasses
import json
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as some
from phenofuse.core import jobs
from phenofuse.core.earthengine import harmonicplan, plans
from phenofuse.core.earthengine.compositeplan import CompositePlan
from phenofuse.core.earthengine.harmonicplan import HarmonicPlan
from phenofuse.core.errors import InputError
from phenofuse.core.events import Silent
from phenofuse.core.timeseries import Grid

DEMAK = {"EXTENT": "110.36,110.46,-6.98,-6.88 [EPSG:4326]", "START_DATE": "2023-11-01", "END_DATE": "2025-11-14"}


def plan(**changes) -> CompositePlan:
    """A plan of Demak."""
    return CompositePlan.of({**DEMAK, **changes})


@pytest.mark.parametrize("days, count, first, last", [
    (12, 62, ("2023-11-01", "2023-11-13"), ("2025-11-02", "2025-11-14")),
    (8, 93, ("2023-11-01", "2023-11-09"), ("2025-11-06", "2025-11-14")),
    (10, 74, ("2023-11-01", "2023-11-11"), ("2025-10-31", "2025-11-10")),
    (0, 24, ("2023-11-01", "2023-12-01"), ("2025-10-01", "2025-11-01")),
])  # fmt: skip
def test_periods_are_half_open_and_join(days, count, first, last):
    """Any step, or calendar months; the seeds' 62 periods of 12 days; days that fill no period are left out."""
    periods = plan(PERIOD_DAYS=days).periods
    assert len(periods) == count and periods[0] == first and periods[-1] == last
    assert all(a[1] == b[0] for a, b in zip(periods, periods[1:]))


def test_months_know_leap_years():
    """February 2024 has 29 days."""
    assert ("2024-02-01", "2024-03-01") in plan(PERIOD_DAYS=0).periods


@given(west=some.floats(-170, 170), south=some.floats(-70, 70), size=some.floats(0.001, 0.5), pixel=some.sampled_from([10, 20, 50]))
def test_the_grid_covers_the_area_on_multiples_of_the_pixel(west, south, size, pixel):
    """Edges are multiples of the pixel, the area lies inside, no row or column is without need, and the zone is the middle's."""
    grid = Grid.over((west, south, west + size, south + size), "EPSG:4326", "", pixel)
    left, bottom, right, top = grid.bounds
    assert all(abs(edge / pixel - round(edge / pixel)) < 1e-9 for edge in (left, bottom, right, top))
    zone = int((west + size / 2 + 180) // 6) + 1
    assert grid.crs_name == f"EPSG:{(32600 if south + size / 2 >= 0 else 32700) + zone}"
    from rasterio.warp import transform

    xs, ys = transform("EPSG:4326", grid.crs, [west, west + size, west, west + size], [south, south, south + size, south + size])
    slack = 0.02 * pixel  # a corner on an edge but for rounding belongs inside
    assert left - slack <= min(xs) and max(xs) <= right + slack and bottom - slack <= min(ys) and max(ys) <= top + slack


def test_an_area_across_two_zones_lies_on_one_grid():
    """The border of zones 49 and 50 is 114 degrees east: the grid is that of the middle's zone, or of the CRS asked for."""
    for middle, crs in ((113.98, "EPSG:32749"), (114.02, "EPSG:32750")):
        one = plan(EXTENT=f"{middle - 0.05},{middle + 0.05},-6.98,-6.88 [EPSG:4326]")
        assert one.crs == crs and one.grid.degrees[0] <= middle - 0.05 and one.grid.degrees[2] >= middle + 0.05
        assert plan(EXTENT=f"{middle - 0.05},{middle + 0.05},-6.98,-6.88 [EPSG:4326]", CRS="EPSG:32749").crs == "EPSG:32749"


def test_a_box_on_its_pixels_stays_as_it_is():
    """An area that lies on the grid already gets no row or column more."""
    grid = Grid.over((430000, 9239600, 430400, 9240000), "EPSG:32749", "EPSG:32749", 10)
    assert (grid.width, grid.height, grid.bounds) == (40, 40, (430000, 9239600, 430400, 9240000))


def test_the_plan_survives_being_written_down():
    """Text and back is the same plan with the same keys; the project decides no pixel."""
    one = plan(INDICES=["NDVI", "EVI", "RVI"], PROJECT="my-project")
    assert plans.read(one.text) == one and plans.read(one.text).grid == one.grid
    assert one.bands == ("VV", "VH", "S2ndvi", "S2evi", "RVI", "n_s1", "n_s2")
    assert dataclasses.replace(one, project="another-project").sha256 == one.sha256


@pytest.mark.parametrize("changes", [
    {"RESOLUTION": 20}, {"CLOUD_THRESHOLD": 0.5}, {"CLOUD_MASK": "scl"}, {"ORBIT_DIRECTION": "ASCENDING"},
    {"RELATIVE_ORBIT": 76}, {"S1_REDUCER": "mean"}, {"INDICES": ["EVI"]}, {"DESTINATION": "drive"},
    {"EXTENT": "110.36,110.46,-6.98,-6.89 [EPSG:4326]"},
])  # fmt: skip
def test_keys_change_with_all_that_decides_the_pixels(changes):
    """Another request is another key, and each period has its own."""
    before, after = plan(), plan(**changes)
    assert before.key(before.spans[0]) != after.key(after.spans[0])
    assert len({before.key(period) for period in before.spans}) == 62


def test_periods_that_two_exports_share_have_one_key():
    """A longer export of the same area asks for the same first periods."""
    assert plan().key(plan().spans[3]) == plan(END_DATE="2024-11-01").key(plan().spans[3])


@pytest.mark.parametrize("changes, words", [
    ({"EXTENT": "nothing"}, "EXTENT is 'nothing'"), ({"EXTENT": "3,1,2,4"}, "empty or turned round"),
    ({"EXTENT": "179.9,-179.9,10,11"}, "turned round"), ({"CRS": "EPSG:4326"}, "not a projected"), ({"CRS": "EPSG:1"}, "not known"),
    ({"CRS": "EPSG:2263"}, "not a projected reference system in metres"), ({"RESOLUTION": -1}, "RESOLUTION"),
    ({"EXTENT": "-180,180,-80,80", "CRS": "EPSG:3857"}, "at most 2 thousand million"),
    ({"START_DATE": ""}, "START_DATE"), ({"END_DATE": "2023-11-05"}, "No whole period"), ({"PERIOD_DAYS": -3}, "PERIOD_DAYS"),
    ({"PERIOD_DAYS": 0, "START_DATE": "2023-11-02"}, "months begin"), ({"START_DATE": "2010-01-01", "PERIOD_DAYS": 1}, "at most 3000"),
    ({"START_DATE": "2010-01-01", "END_DATE": "2012-01-01"}, "before the first Sentinel-1"),
    ({"CLOUD_MASK": "none"}, "CLOUD_MASK"), ({"CLOUD_THRESHOLD": 65}, "CLOUD_THRESHOLD is 65"), ({"RELATIVE_ORBIT": 176}, "RELATIVE"),
    ({"INDICES": ["RVI"]}, "No optical index"), ({"DESTINATION": "asset"}, "PLACE is empty"), ({"PROJECT": "My Project"}, "no id"),
    ({"CLOUD_MASK": "qa60"}, "10 of 62 periods"), ({"CLOUD_MASK": "qa60", "END_DATE": "2024-02-29"}, "QA60 is empty"),
])  # fmt: skip
def test_what_cannot_be_is_refused_with_a_sentence(changes, words):
    """Each with what was found and a remedy."""
    with pytest.raises(InputError, match=words) as stop:
        plan(**changes)
    assert stop.value.remedy


def test_qa60_is_taken_where_it_is_filled():
    """Before 2022-01-25 and from 2024-02-29 on."""
    assert len(plan(CLOUD_MASK="qa60", START_DATE="2024-02-29").periods) == 52
    assert plan(CLOUD_MASK="qa60", START_DATE="2021-01-01", END_DATE="2022-01-25").periods


def test_sizes_are_counted_and_tiles_stay_within_the_limits():
    """1,000 x 1,000 pixels of five bands are one request; with all bands a tile is still below 48 MB."""
    one = plan(EXTENT="400000,410000,9230000,9240000 [EPSG:32749]", CRS="EPSG:32749")
    assert (one.width, one.height, one.tiles, one.requests) == (1000, 1000, 1, 124)
    assert one.bytes == 62 * 1000 * 1000 * 5 * 4
    many = plan(INDICES=["NDVI", "EVI", "NDWI", "LSWI", "RVI"])
    for found in (one, many):
        assert found.tile_side**2 * found.bytes_per_pixel < 48 * 2**20


def test_a_dry_run_shows_the_plan_and_touches_nothing(tmp_path):
    """HTML and numbers; no folder is made, and the client is not even imported."""
    import sys

    before = "ee" in sys.modules
    parameters = {**DEMAK, "DRY_RUN": True, "FOLDER": str(tmp_path / "out"), "REPORT": str(tmp_path / "plan.html")}
    result = jobs.run("exportcomposites", parameters, jobs.Resources(), Silent())
    page = (tmp_path / "plan.html").read_text(encoding="utf-8")
    assert result["numbers"]["PERIODS"] == 62 and not (tmp_path / "out").exists() and ("ee" in sys.modules) == before
    assert all(words in page for words in ("2023-11-01/2023-11-13", "S2_SR_HARMONIZED", "cs_cdf", "EPSG:32749", "descending"))
    assert "does not cover the whole world" not in page
    jobs.run("exportcomposites", {**parameters, "START_DATE": "2018-01-01"}, jobs.Resources(), Silent())
    assert "does not cover the whole world" in (tmp_path / "plan.html").read_text(encoding="utf-8")
    assert date.fromisoformat(page.partition("(excluded)")[0][-11:-1]) == date(2025, 11, 14)


# ---------------------------------------------------------------- harmonic interpolation


def harmonic(**changes) -> HarmonicPlan:
    """A plan of harmonics near Demak."""
    return HarmonicPlan.of({**DEMAK, **changes})


def polygons(path, *corners):
    """A GeoJSON file of one polygon in degrees."""
    ring = [*corners, corners[0]]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": [ring]}}]}))  # fmt: skip
    return str(path)


def test_images_reach_beyond_the_periods():
    """Curves use so many days before and after; the periods stay as they are."""
    one = harmonic(DAYS_BEFORE=60, DAYS_AFTER=30)
    assert str(one.window) == "2023-09-02/2025-12-14" and one.periods == plan().periods


def test_a_stack_is_one_image_of_all_dates():
    """One image of 62 dates with four bands each, named by kind and date; tiles within the limits; one image per date otherwise."""
    one, many = harmonic(IMAGES="stack"), harmonic()
    assert len(one.spans) == 1 and len(one.bands) == 248 and one.bands[4:6] == ("S2ndvi_20231113", "quality_20231113")
    assert one.tile_side**2 * one.bytes_per_pixel < 48 * 2**20 and many.tile_side == 256
    assert len(many.spans) == 62 and many.bands == ("S2ndvi", "quality", "harmonics", "n_s2")
    assert one.bytes == many.bytes and one.requests < many.requests


def test_a_harmonic_plan_survives_being_written_down(tmp_path):
    """Text and back is the same plan of the same kind, polygons included."""
    land = polygons(tmp_path / "land.geojson", (110.3, -7), (110.5, -7), (110.4, -6.8))
    for one in (harmonic(MASK=land), harmonic(IMAGES="stack", LAND_ASSET="users/somebody/land")):
        assert plans.read(one.text) == one and plans.read(one.text).sha256 == one.sha256
    assert plans.read(plan().text) == plan()


def test_curves_lean_on_all_images_so_keys_tell_the_window():
    """What two composites share, two interpolations do not: with other images the same period is another one."""
    base = harmonic()
    for changes in ({"DAYS_AFTER": 91}, {"DAYS_BEFORE": 0}, {"END_DATE": "2024-12-01"}, {"LAND_ASSET": "users/somebody/land"}):
        assert harmonic(**changes).key(base.spans[3]) != base.key(base.spans[3])
    assert base.key(base.spans[3]) != plan().key(plan().spans[3])
    assert harmonic(IMAGES="stack").sha256 != harmonic(IMAGES="stack", PERIOD_DAYS=31).sha256


@pytest.mark.parametrize("changes, words", [
    ({"END_DATE": "2024-01-01"}, "Images of 240 days are used"), ({"DAYS_BEFORE": -1}, "DAYS_BEFORE is -1"),
    ({"IMAGES": "all"}, "IMAGES is 'all'"), ({"IMAGES": "stack", "PERIOD_DAYS": 2}, "the service gives 1024"),
    ({"START_DATE": "2012-01-01", "END_DATE": "2014-01-01"}, "before the first Sentinel-2"),
    ({"CLOUD_MASK": "qa60", "START_DATE": "2024-03-01"}, "QA60 is empty .* 0 of 51 periods"),
    ({"MASK": "/nowhere.geojson"}, "cannot be read"),
])  # fmt: skip
def test_what_harmonics_cannot_be_is_refused_with_a_sentence(changes, words):
    """Each with what was found and a remedy."""
    with pytest.raises(InputError, match=words) as stop:
        harmonic(**changes)
    assert stop.value.remedy


def test_polygons_are_refused_that_do_not_fit(tmp_path, monkeypatch):
    """Elsewhere, too many corners for a request, or given twice."""
    elsewhere = polygons(tmp_path / "far.geojson", (10, 50), (11, 50), (10, 51))
    land = polygons(tmp_path / "land.geojson", (110.3, -7), (110.5, -7), (110.4, -6.8))
    monkeypatch.setattr(harmonicplan, "MOST_CORNERS", 3)
    for changes, words in (({"MASK": elsewhere}, "No polygon of far.geojson"), ({"MASK": land}, "4 corners in the area")):
        with pytest.raises(InputError, match=words):
            harmonic(**changes)
    monkeypatch.undo()
    with pytest.raises(InputError, match="Both MASK and LAND_ASSET"):
        harmonic(LAND_ASSET="users/a/b", MASK=land)
