"""Harmonic interpolation on the service: equal to least squares by numpy per pixel, and exported as safely as composites."""

from __future__ import annotations

import itertools
import json
from datetime import date, timedelta

import numpy as np
import pytest
import rasterio

pytest.importorskip("ee", reason="needs the engine's extra 'earthengine'")
from earthengine import truth
from earthengine.helpers import (
    bands,
    call,
    deliver,
    double,
    engine,
    export,
    finished,
    interpolate,
    kill_after,
    proceed,
    rows,
    states,
)
from earthengine.interpreter import Geometry
from earthengine.scenes import CRS, Pass, Scenes, demak
from phenofuse.core import jobs
from phenofuse.core.earthengine import arrival, harmonic, harmonicplan, service, statistics, tiler
from phenofuse.core.events import Silent
from phenofuse.core.harmonic import cascade
from phenofuse.core.timeseries import RasterFile, open_series

pytestmark = pytest.mark.usefixtures("hurried")
SIZE, START, PERIODS = 12, date(2024, 4, 1), 5
BEFORE, AFTER = 150, 184
DATES = [(START + timedelta(days=12 * i), START + timedelta(days=12 * (i + 1))) for i in range(PERIODS)]
WINDOW = START - timedelta(days=BEFORE), DATES[-1][1] + timedelta(days=AFTER)
KINDS = ("S2ndvi", "quality", "harmonics", "n_s2")
# Clear observations in the window, by row: one more than the unknowns of 10, 5 and 1 harmonics, as many as these, and one.
# Row 2 lies in the scene's shadow and is never seen; the others are as clouds leave them.
CLEAR = {4: 23, 5: 22, 6: 13, 7: 12, 8: 5, 9: 4, 10: 1}
TWICE = (5, 7)  # rows that a second tile covers as well: as many observations again, but no more days
EARLY = (7, 8)  # rows of which the right half is seen only before the second period
# A square of land with a hole, in pixels: middles of pixels 2 to 9 lie inside, but not those of 5 and 6.
OUTLINE, HOLE = ((2, 2), (10, 2), (10, 10), (2, 10)), ((5, 5), (5, 7), (7, 7), (7, 5))


def place() -> Scenes:
    """A small scene over thirteen months of which some rows are seen on few days."""
    scenes, chance = demak(SIZE, days=400), np.random.default_rng(5)
    for one in scenes.optical:
        one.arrays["B4"][1, 0] = 500  # else NDVI is 1 on all days there, and rounding decides whether a curve is possible
    inside = [one for one in scenes.optical if WINDOW[0] <= one.day < WINDOW[1]
              and one.properties["system:index"] not in scenes.without_partner]  # fmt: skip
    early = [one for one in inside if one.day < DATES[1][0]]
    for row, column in itertools.product(CLEAR, range(SIZE)):
        for one in scenes.optical:
            one.arrays["cs_cdf"][row, column] = 0.1
        passes = early if row in EARLY and column >= SIZE // 2 else inside
        for number in chance.choice(len(passes), CLEAR[row], replace=False):
            passes[number].arrays["cs_cdf"][row, column] = 0.9
    scenes.optical += [_of_second_tile(one) for one in inside]
    return scenes


def _of_second_tile(one: Pass) -> Pass:
    """The same pass in the tile beside, which overlaps this one by some rows."""
    arrays = {name: values.copy() for name, values in one.arrays.items()}
    arrays["cs_cdf"][[row for row in range(SIZE) if row not in TWICE]] = 0.1
    index = one.properties["system:index"].replace("T49MDM", "T49MDN")
    return Pass(one.day, arrays, {**one.properties, "system:index": index})


def asked(found, folder, **changes) -> dict:
    """Parameters of the interpolation of five periods."""
    return call(found, folder, **{
        "EXTENT": f"430000,{430000 + 10 * SIZE},{9240000 - 10 * SIZE},9240000 [EPSG:32749]", "START_DATE": str(START),
        "END_DATE": str(DATES[-1][1]), "DAYS_BEFORE": BEFORE, "DAYS_AFTER": AFTER, **changes})  # fmt: skip


def stacked(folder) -> dict:
    """The only finished image of a folder: {kind: one array per period}."""
    (content,) = finished(folder).values()
    with rasterio.MemoryFile(content) as file, file.open() as source:
        assert source.descriptions == tuple(f"{kind}_{start:%Y%m%d}" for start, _ in DATES for kind in KINDS)
        values = source.read().reshape(PERIODS, len(KINDS), SIZE, SIZE)
    return {kind: values[:, number] for number, kind in enumerate(KINDS)}


def require_equal(made: dict, expected: dict) -> None:
    """Codes and counts must be the same; NDVI may differ by the rounding of the float32 it travels as (6e-8)."""
    for kind in KINDS[1:]:
        np.testing.assert_array_equal(made[kind], expected[kind], err_msg=kind)
    np.testing.assert_allclose(made["S2ndvi"], expected["S2ndvi"], rtol=0, atol=1e-6)


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A stack of five periods in which nothing went wrong, and what it must hold."""
    folder = tmp_path_factory.mktemp("stack")
    with double(place()) as found:
        result = interpolate(asked(found, folder, IMAGES="stack"))
        yield folder, result, truth.interpolated(found.scenes, DATES, WINDOW), found


def test_values_orders_and_reasons_equal_least_squares(tmp_path, stack):
    """One image per date: equal to a least squares per pixel and order by numpy; every order and every reason occurs."""
    _, _, expected, found = stack
    result = interpolate(asked(found, tmp_path))
    assert result["numbers"]["DONE"] == result["numbers"]["PERIODS"] == PERIODS == len(finished(tmp_path))
    made = [bands(path) for path in sorted(tmp_path.glob("harmonic_*.tif"))]
    assert all(tuple(one) == KINDS for one in made)
    require_equal({kind: [one[kind] for one in made] for kind in KINDS}, expected)
    assert set(np.unique(expected["harmonics"])) == {-1, 0, 1, 5, 10} and set(np.unique(expected["quality"])) == {0, 1, 3, 5, 6, 7}
    by_row = {row: set(np.unique([layer[row] for layer in expected["harmonics"]])) for row in CLEAR}
    assert 10 in by_row[4] and max(by_row[5]) == max(by_row[6]) == 5 and max(by_row[7]) == max(by_row[8]) == 1
    assert by_row[9] <= {-1, 0} and by_row[10] <= {-1, 0}


def test_a_stack_is_one_image_with_the_same_values(stack):
    """All dates in one file, asked for by one look and one request for pixels."""
    folder, result, expected, found = stack
    require_equal(stacked(folder), expected)
    assert result["numbers"]["PERIODS"] == PERIODS and result["numbers"]["DONE"] == 1 and result["numbers"]["REQUESTS"] == 2
    assert rows(folder)[0]["verdict"] == "ok" and len(rows(folder)) == 1


def test_the_largest_stack_is_a_request_that_the_service_takes(tmp_path):
    """256 dates: look and pixels are expressions well below the 10 MB of a request (the documented limit)."""
    with double(Scenes(SIZE, [], [])) as found:
        plan = harmonicplan.HarmonicPlan.of(asked(found, tmp_path, IMAGES="stack", END_DATE="2032-08-29"))
        server = service.Service("loop-back", found.url, None, Silent())
        pixels = harmonic.image(server.ee, plan, plan.spans[0])
        look = server.ee.Dictionary(statistics.asked(server.ee, plan, plan.spans[0], plan.LARGEST_LOOK))
        sizes = [len(json.dumps(server.ee.serializer.encode(thing, for_cloud_api=True))) for thing in (pixels, look)]
    assert len(plan.periods) == 256 and len(plan.bands) == 1024 and max(sizes) < 5e6


def test_the_local_cascade_gives_the_same_curves(stack):
    """`fillharmonic` with MODEL = cascade, on the same observations at their own times, asked at the middles of the periods."""
    folder, _, _, found = stack
    passes = [one for one in found.scenes.optical if WINDOW[0] <= one.day < WINDOW[1] and "T49MDM" in one.properties["system:index"]
              and one.properties["system:index"] not in found.scenes.without_partner]  # fmt: skip
    series = np.stack([truth._index(one, "S2ndvi", 0.60) for one in passes]).reshape(len(passes), -1).T
    days = np.array([one.milliseconds / 86.4e6 for one in passes])
    epoch = date(1970, 1, 1)
    middles = np.array([((start - epoch).days + (end - epoch).days) / 2 for start, end in DATES])
    local = cascade.fill(series, days, middles, cascade.Options())
    made = {kind: values.reshape(PERIODS, -1).T for kind, values in stacked(folder).items()}
    filled = made["quality"] != 1
    np.testing.assert_array_equal(made["harmonics"][filled], local.harmonics[filled])
    np.testing.assert_array_equal(made["quality"][filled], local.quality[filled])
    np.testing.assert_allclose(made["S2ndvi"][filled], local.mean[filled], rtol=0, atol=1e-6)


def test_the_series_are_ready_for_the_next_algorithm(stack):
    """NDVI, reason codes and harmonics as rasters of the contract, whether they came as a stack or by date."""
    folder, result, expected, _ = stack
    ndvi, quality = open_series(result["outputs"]["NDVI"]), RasterFile.open(result["outputs"]["QUALITY"])
    assert ndvi.count == PERIODS and str(ndvi.periods[0]) == "2024-04-01/2024-04-13" and ndvi.variable.name == "NDVI"
    np.testing.assert_allclose(ndvi.read(), expected["S2ndvi"], atol=1e-6)
    assert (quality.bands[0].dtype, quality.header["variable"]) == ("uint8", "quality")
    assert RasterFile.open(result["outputs"]["HARMONICS"]).bands[0].dtype == "int16"
    with rasterio.open(result["outputs"]["QUALITY"]) as source:
        np.testing.assert_array_equal(source.read(), expected["quality"])
        assert source.tags(2)["start_time"] == "2024-04-13T00:00:00"
    validated = jobs.run("validatecomposites", {"FOLDER": str(folder), "REPORT": ""}, jobs.Resources(), Silent())
    assert validated["numbers"] == {"VALID": 1, "PROBLEMS": 0}


def test_observed_values_are_those_of_composites(tmp_path, stack):
    """Where the period was seen, the value is that of `exportcomposites`, to the last bit."""
    folder, _, _, found = stack
    export(asked(found, tmp_path))
    composites = np.stack([bands(path)["S2ndvi"] for path in sorted(tmp_path.glob("S1S2_*.tif"))])
    made = stacked(folder)
    assert ((made["quality"] == 1) == np.isfinite(composites)).all()
    np.testing.assert_array_equal(made["S2ndvi"][made["quality"] == 1], composites[made["quality"] == 1])


def test_days_before_and_after_are_used(tmp_path, stack):
    """Other days give other curves, those of numpy with the same days."""
    _, _, other, found = stack
    interpolate(asked(found, tmp_path, IMAGES="stack", DAYS_BEFORE=120, DAYS_AFTER=186))
    window = START - timedelta(days=120), DATES[-1][1] + timedelta(days=186)
    require_equal(stacked(tmp_path), truth.interpolated(found.scenes, DATES, window))
    filled = np.array(other["quality"]) == 3
    assert np.nanmax(np.abs(stacked(tmp_path)["S2ndvi"][filled] - np.array(other["S2ndvi"])[filled])) > 0.01


@pytest.mark.parametrize("way", ["polygons", "asset"])
def test_only_land_is_computed(tmp_path, stack, way):
    """Polygons with a hole, from a file in degrees or from a collection on the service: outside there is nothing, and code 0."""
    _, _, expected, found = stack
    rings = [[(430000 + 10 * x, 9240000 - 10 * y) for x, y in ring] for ring in (OUTLINE, HOLE)]
    if way == "asset":
        found.catalog["projects/loop-back/assets/land"] = [[[Geometry(tuple(ring), CRS) for ring in rings]]]
        interpolate(asked(found, tmp_path / "out", IMAGES="stack", LAND_ASSET="projects/loop-back/assets/land"))
    else:
        interpolate(asked(found, tmp_path / "out", IMAGES="stack", MASK=str(_degrees(tmp_path / "land.geojson", rings))))
        (tmp_path / "land.geojson").unlink()
        assert proceed(found, tmp_path / "out")["numbers"]["DONE"] == 1  # the polygons are part of the plan
    land = np.zeros((SIZE, SIZE), bool)
    land[2:10, 2:10], land[5:7, 5:7] = True, False
    land_only = {kind: np.where(land, values, np.nan if kind == "S2ndvi" else 0) for kind, values in expected.items()}
    require_equal(stacked(tmp_path / "out"), land_only)


def _degrees(path, rings):
    from rasterio.warp import transform

    moved = [list(zip(*transform(CRS, "EPSG:4326", *zip(*[*ring, ring[0]])))) for ring in rings]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [
        {"type": "Feature", "properties": {}, "geometry": {"type": "Polygon", "coordinates": moved}}]}))  # fmt: skip
    return path


def test_land_that_is_not_there_is_said(tmp_path):
    """An asset that does not exist, or may not be read: one sentence of the service's, and nothing is fetched."""
    with double(place()) as found:
        with pytest.raises(service.ServiceError, match="asset 'projects/nobody/assets/land' not found"):
            interpolate(asked(found, tmp_path, IMAGES="stack", LAND_ASSET="projects/nobody/assets/land"))
        assert found.count("computePixels") == 0 and not finished(tmp_path)


def test_a_dry_run_needs_no_account(tmp_path):
    """Plan, requests and size; the client is told nothing, no folder is made."""
    parameters = {"EXTENT": "110.36,110.46,-6.98,-6.88 [EPSG:4326]", "START_DATE": "2023-11-01", "END_DATE": "2025-11-14",
                  "DRY_RUN": True, "IMAGES": "stack", "FOLDER": str(tmp_path / "out"), "REPORT": str(tmp_path / "plan.html"),
                  "LAND_ASSET": "users/somebody/land"}  # fmt: skip
    result = jobs.run("exportharmonic", parameters, jobs.Resources(), Silent())
    page = (tmp_path / "plan.html").read_text(encoding="utf-8")
    assert result["numbers"]["PERIODS"] == 62 and result["numbers"]["REQUESTS"] == 1 + 36 and not (tmp_path / "out").exists()
    assert all(words in page for words in ("from 2023-08-03 to 2026-02-12", "10, 5, 1 harmonics", "users/somebody/land", "reason code"))
    assert "COPERNICUS/S1_GRD" not in page


def test_tasks_go_through_the_same_ledger(tmp_path, stack, monkeypatch):
    """A task on Drive, its file taken in and checked; an asset, fetched in tiles: the same pixels as direct download.

    Both are written seven bands at a time, as large stacks are.
    """
    monkeypatch.setattr(arrival, "VALUES_AT_ONCE", 7 * SIZE * arrival.ROWS_AT_ONCE)
    monkeypatch.setattr(tiler, "ROWS_AT_ONCE", arrival.ROWS_AT_ONCE)
    folder, _, _, found = stack
    before = len(found.operations)
    for destination in ("drive", "asset"):
        interpolate(asked(found, tmp_path / destination, IMAGES="stack", DESTINATION=destination, PLACE="demak"))
        assert states(tmp_path / destination) == ["QUEUED"]
    assert len(found.operations) - before == 2
    found.tick(), found.tick()
    deliver(found, tmp_path / "files")
    for destination in ("drive", "asset"):
        done = proceed(found, tmp_path / destination, FILES=str(tmp_path / "files"))
        assert done["numbers"]["DONE"] == 1 and set(done["outputs"]) >= {"NDVI", "QUALITY", "HARMONICS"}
        for kind, values in stacked(tmp_path / destination).items():
            np.testing.assert_array_equal(values, stacked(folder)[kind])


@pytest.mark.parametrize("kind, named", [("S2ndvi", "S2ndvi"), ("quality", "S2ndvi"), ("harmonics", "harmonics"), ("n_s2", "quality")])
def test_bands_that_contradict_one_another_are_refused(tmp_path, kind, named):
    """A file from Drive in which one band is that of another date: it never gets its name."""

    def change(prefix, names, stack):
        values, valid = found.files[second][0][kind]
        if prefix == first:
            stack[names.index(kind)] = np.where(valid, values, -9999)
        return names, stack

    with double(place()) as found:
        interpolate(asked(found, tmp_path / "out", DESTINATION="drive", END_DATE=str(DATES[1][1]), DAYS_AFTER=AFTER + 36))
        found.tick(), found.tick()
        first, second = found.files
        deliver(found, tmp_path / "files", change=change)
        with pytest.raises(service.ServiceError, match=f"disagree: {named} of 2024-04-01/2024-04-13"):
            proceed(found, tmp_path / "out", FILES=str(tmp_path / "files"))
    assert states(tmp_path / "out") == ["FAILED", "DONE"] and len(finished(tmp_path / "out")) == 1


def test_what_is_wrong_on_the_service_fails_before_a_pixel_is_fetched(tmp_path):
    """All red reflectance is 0: NDVI is 1 everywhere, which the statistics of the middle show."""
    black = place()
    for one in black.optical:
        one.arrays["B4"] = np.zeros_like(one.arrays["B4"])
    with double(black) as found:
        with pytest.raises(service.ServiceError, match="constant band"):
            interpolate(asked(found, tmp_path, IMAGES="stack"))
        assert found.count("computePixels") == 0 and not finished(tmp_path)


def test_storms_and_too_little_memory_change_nothing(tmp_path, stack, monkeypatch):
    """503 and cut bodies are repeated; where the service's memory does not suffice, look and tiles are made smaller."""
    monkeypatch.setattr(harmonicplan, "LARGEST_TILE", SIZE)
    folder, _, _, found = stack
    found.faults.plant("value:compute", 503, 2)
    found.faults.plant("value:compute", 400, 1, "User memory limit exceeded.")
    found.faults.plant("computePixels", "cut", 2)
    found.faults.plant("computePixels", 400, 1, "User memory limit exceeded.")
    before = found.count("computePixels"), found.count("value:compute")
    interpolate(asked(found, tmp_path, IMAGES="stack"))
    assert (found.count("computePixels") - before[0], found.count("value:compute") - before[1]) == (5, 4)
    assert finished(tmp_path) == finished(folder)


def test_killed_and_continued(tmp_path, stack):
    """``kill -9`` in the middle of the tiles: `continueexport` fetches only what lacks, and the file is the same to the last bit."""
    folder, _, _, found = stack
    before = found.count("computePixels")
    parameters = asked(found, tmp_path)
    assert kill_after(engine("exportharmonic", parameters), lambda: len(finished(tmp_path)) >= 2)
    assert 1 <= states(tmp_path).count("DONE") < PERIODS  # the ledger learns of a file after its naming
    proceed(found, tmp_path)
    assert states(tmp_path) == ["DONE"] * PERIODS and found.count("computePixels") - before <= PERIODS + 8
    made = [bands(path) for path in sorted(tmp_path.glob("harmonic_*.tif"))]
    for kind, values in stacked(folder).items():
        np.testing.assert_array_equal([one[kind] for one in made], values)


def test_a_place_that_nobody_saw_is_empty(tmp_path):
    """No image at all: the file is there, without values, with code 0 everywhere, and no pixel was asked for."""
    with double(Scenes(SIZE, [], [])) as found:
        interpolate(asked(found, tmp_path, IMAGES="stack"))
        assert found.count("computePixels") == 0
    made = stacked(tmp_path)
    assert np.isnan(made["S2ndvi"]).all() and not made["quality"].any() and not made["harmonics"].any()
    assert rows(tmp_path)[0]["verdict"] == "empty"
