"""The job sampleseries on rasters: equal to counting by hand, each block read once, nothing dropped, strangers refused."""
from __future__ import annotations

import csv
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs
from phenofuse.core.errors import InputError, UnitError
from phenofuse.core.events import Events, Silent
from phenofuse.core.jobs import Resources
from rasterio.features import geometry_mask

sys.path.insert(0, str(Path(__file__).parent))
from heard import Heard
from rasters import write
from series import dates

COUNT, ROWS, COLUMNS, PIXEL = 14, 300, 280, 10
WEST, NORTH = 500000, 9000000
RASTER = {"origin": (WEST, NORTH), "pixel": PIXEL}
PLACES_OUT = {"type": "Polygon", "coordinates": [[[WEST - 90, NORTH], [WEST - 50, NORTH], [WEST - 50, NORTH - 50], [WEST - 90, NORTH]]]}


def box(left, top, right, bottom, turn=0.0):
    """A rectangle of columns and rows, turned by so many pixels a side, as a polygon in the map."""
    ring = [(left, top + turn), (right - turn, top), (right, bottom - turn), (left + turn, bottom), (left, top + turn)]
    return {"type": "Polygon", "coordinates": [[[WEST + PIXEL * x, NORTH - PIXEL * y] for x, y in ring]]}


def points(*places):
    """Points at columns and rows."""
    return [{"type": "Point", "coordinates": [WEST + PIXEL * x, NORTH - PIXEL * y]} for x, y in places]


FIELDS = [box(3, 4, 40, 30, 2.3), box(200, 120, 279.3, 299.7, 5.2), box(1, 1, 279, 299, 1.7), box(100.2, 70.4, 112.7, 90.1, 3.3),
          box(35, 20, 60, 60, 4.9), PLACES_OUT, box(250, 280, 330, 350, 6.1)]


def places(folder, geometries, names=None, name="places.geojson"):
    """Write a GeoJSON file of places; its path."""
    names = names or [f"field {number}" for number in range(len(geometries))]
    features = [{"type": "Feature", "properties": {"name": one}, "geometry": shape} for one, shape in zip(names, geometries)]
    path = folder / name
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return str(path)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Observed NDVI with gaps; a fill of it with deviations and codes; radar on other dates and a coarser grid: paths and arrays."""
    folder, rng = tmp_path_factory.mktemp("scene"), np.random.default_rng(4)
    shape = COUNT, ROWS, COLUMNS
    observed = rng.uniform(0.1, 0.9, shape).astype("float32")
    observed[rng.random(shape) < 0.4] = np.nan
    observed[3] = np.nan
    filled = np.where(np.isfinite(observed), observed, rng.uniform(0.1, 0.9, shape)).astype("float32")
    filled[5, :50] = np.nan
    deviation = np.where(np.isfinite(filled), rng.uniform(0.02, 0.2, shape), np.nan).astype("float32")
    code = np.where(np.isfinite(observed), 1, 3).astype("uint8")
    code[~np.isfinite(filled)] = 4
    code[0][code[0] == 3] = 5
    maker = {"method": "fillwhittaker", "parameters": {"MODE": "whittaker"}, "parents": ["NDVI.tif"]}
    tiles = {"tiled": True, "blockxsize": 256, "blockysize": 256, **RASTER}

    def tag(variable, units=""):
        return {"PHENOFUSE": json.dumps({"variable": variable, "units": units, **maker})}

    radar = rng.uniform(-20, -8, (4, 60, 56)).astype("float32")
    paths = {
        "observed": write(folder / "NDVI.tif", observed, dates(COUNT), {"variable": "NDVI"}, **tiles),
        "filled": write(folder / "filled.tif", filled, dates(COUNT), tag("NDVI", "1"), **tiles),
        "deviation": write(folder / "sd.tif", deviation, dates(COUNT), tag("standard deviation", "1"), **tiles),
        "quality": write(folder / "codes.tif", code, dates(COUNT), tag("quality"), dtype="uint8", nodata=None, **tiles),
        "radar": write(folder / "VV.tif", radar, ["2023-01-03", "2023-01-15", "2023-01-27", "2023-02-08"], {"variable": "VV"},
                       origin=(WEST, NORTH), pixel=50),
    }
    return paths, {"observed": observed, "filled": filled, "deviation": deviation, "quality": code, "radar": radar}


def run(folder, resources=None, events=None, **parameters):
    """Run the job; rows of the table as dictionaries, and the numbers."""
    path = folder / "table.csv"
    result = jobs.run("sampleseries", {"CSV": str(path), **parameters}, resources or Resources(256, 2), events or Silent())
    with open(path, newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file)), result["numbers"]


def inside(shape, rows=ROWS, columns=COLUMNS, pixel=PIXEL):
    """Which pixels have their middle inside, by rasterio."""
    return geometry_mask([shape], (rows, columns), rasterio.transform.from_origin(WEST, NORTH, pixel, pixel), invert=True)


def number(text):
    """A cell as a number; NaN where empty."""
    return float(text) if text else np.nan


@pytest.mark.parametrize("statistic", ["mean", "median"])
def test_polygons_are_what_counting_by_hand_gives(scene, tmp_path, statistic):
    """Means, medians, spreads, clear shares and counts of fields of every size, across tiles and beyond the edge, to 1e-6."""
    paths, arrays = scene
    rows, numbers = run(tmp_path, SERIES=[paths["filled"], paths["observed"]], UNCERTAINTIES=[paths["deviation"]],
                        QUALITIES=[paths["quality"]], PLACES=places(tmp_path, FIELDS), STATISTIC=statistic)
    assert len(rows) == len(FIELDS) * 2 * COUNT == numbers["COUNT"] + numbers["MISSING"] and numbers["PLACES_COUNT"] == len(FIELDS)
    found = iter(rows)
    for place, shape in enumerate(FIELDS):
        mask = inside(shape)
        for name in ("filled", "observed"):
            for date in range(COUNT):
                row, values = next(found), arrays[name][date][mask].astype(float)
                known = values[np.isfinite(values)]
                start, end = dates(COUNT)[date].split("/")
                named = {"filled": "filled", "observed": "NDVI"}[name]
                assert (row["id"], row["series"], row["variable"]) == (f"field {place}", named, "NDVI")
                assert (row["date"], row["period_end"], int(row["pixels"])) == (start, end, len(known))
                if not len(known):
                    assert row["value"] == row["sd"] == row["spread"] == "" and row["kind"] == "missing"
                    continue
                assert number(row["value"]) == pytest.approx(getattr(np, statistic)(known), abs=1e-6)
                assert number(row["spread"]) == pytest.approx(known.std(), abs=1e-6)
                clear = (arrays["quality"][date] == 1)[mask] if name == "filled" else np.isfinite(values)
                assert number(row["clear_share"]) == pytest.approx(clear.mean(), abs=1e-9)
                assert (row["sd"] != "") == (name == "filled")
    assert numbers["OUTSIDE"] == 1 and next(found, None) is None


def test_points_are_their_pixels_and_tell_their_kind(scene, tmp_path):
    """The pixel's own float32 and deviation, the kind by its code; on missing pixels and outside a row without a value, said."""
    paths, arrays = scene
    wanted = [(0.5, 0.5), (279.9, 299.9), (255.999, 10), (256, 10), (140, 150)]
    heard = Heard()
    rows, numbers = run(tmp_path, events=heard, SERIES=[paths["filled"]], UNCERTAINTIES=[paths["deviation"]],
                        QUALITIES=[paths["quality"]], PLACES=places(tmp_path, [*points(*wanted), *points((-3, 5))]))
    assert list(rows[0]) == ["id", "series", "variable", "date", "period_end", "value", "sd", "kind"]
    for place, (x, y) in enumerate(wanted):
        for date, row in enumerate(rows[place * COUNT:(place + 1) * COUNT]):
            value, deviation, code = (arrays[key][date, int(y), int(x)] for key in ("filled", "deviation", "quality"))
            np.testing.assert_array_equal(np.float32(number(row["value"])), value)
            np.testing.assert_allclose(number(row["sd"]), deviation, rtol=1e-6)
            assert row["kind"] == {1: "observed", 3: "filled", 4: "missing", 5: "extrapolated"}[code]
    assert [row["value"] for row in rows[-COUNT:]] == [""] * COUNT and {row["kind"] for row in rows[-COUNT:]} == {"missing"}
    missing = sum(row["value"] == "" for row in rows)
    assert numbers["MISSING"] == missing and any(f"{missing} of {len(rows)} rows have no value" in text for text in heard.warnings)
    assert any("1 of 6 places lie outside filled (first: field 5)" in text for text in heard.warnings)


def test_the_table_depends_on_neither_memory_nor_threads(scene, tmp_path):
    """To the last byte, with tiles of any size and one thread or several."""
    paths, _ = scene
    given = {"SERIES": [paths["filled"]], "UNCERTAINTIES": [paths["deviation"]], "QUALITIES": [paths["quality"]],
             "PLACES": places(tmp_path, FIELDS)}
    for statistic in ("mean", "median"):
        texts = set()
        for memory, workers in ((64, 8), (64, 1), (1024, 3), (4096, 1)):
            run(tmp_path, Resources(memory, workers), **given, STATISTIC=statistic)
            texts.add((tmp_path / "table.csv").read_bytes())
        assert len(texts) == 1


def test_no_pixel_is_read_twice_and_none_without_need(scene, tmp_path, monkeypatch):
    """Many small fields in two corners: windows of one raster never overlap, and the rest of it is not read."""
    from phenofuse.core.timeseries import Series

    paths, _ = scene
    asked, read = [], Series.read

    def note(self, window=None, dates=None):
        if window is not None:
            asked.append((self.name, window))
        return read(self, window, dates)

    small = [box(x, y, x + 5, y + 5, 1.3) for x in range(1, 90, 6) for y in range(1, 50, 6)] + [box(250, 250, 262, 262)]
    shown = places(tmp_path, small)
    monkeypatch.setattr(Series, "read", note)
    run(tmp_path, SERIES=[paths["observed"]], PLACES=shown)
    seen = np.zeros((ROWS, COLUMNS), int)
    for _, window in asked:
        seen[window.slices] += 1
    assert seen.max() == 1 and seen.sum() < 100 * 60 + 20 * 20


def test_series_on_other_grids_and_dates_share_a_table(scene, tmp_path):
    """NDVI of 10 m beside radar of 50 m in decibels: each by its own pixels and dates."""
    paths, arrays = scene
    rows, _ = run(tmp_path, SERIES=[paths["observed"], paths["radar"]], PLACES=places(tmp_path, FIELDS[:2]))
    radar = [row for row in rows if row["variable"] == "VV"]
    mask = inside(FIELDS[0], 60, 56, 50)
    assert [row["date"] for row in radar[:4]] == ["2023-01-03", "2023-01-15", "2023-01-27", "2023-02-08"]
    assert radar[0]["period_end"] == ""
    np.testing.assert_allclose([number(row["value"]) for row in radar[:4]], arrays["radar"][:, mask].mean(axis=1), atol=1e-6)


def test_another_reference_system_of_a_series_is_followed(scene, tmp_path):
    """Places are in that of the first series; a second one in degrees gets them moved."""
    paths, _ = scene
    from rasterio.warp import transform

    values = np.arange(400, dtype="float32").reshape(1, 20, 20).repeat(2, axis=0) / 400
    (x,), (y,) = transform("EPSG:32749", "EPSG:4326", [WEST], [NORTH])
    degrees = write(tmp_path / "degrees.tif", values, ["2023-01-03", "2023-01-15"], {"variable": "NDVI"}, crs="EPSG:4326",
                    origin=(x, y), pixel=0.001)
    rows, _ = run(tmp_path, SERIES=[paths["observed"], degrees], PLACES=places(tmp_path, points((60, 75))))
    (there,), (down,) = transform("EPSG:32749", "EPSG:4326", [WEST + 600], [NORTH - 750])
    expected = values[0, int((y - down) / 0.001), int((there - x) / 0.001)]
    assert [number(row["value"]) for row in rows[COUNT:]] == [pytest.approx(expected)] * 2


def test_times_asked_for(scene, tmp_path):
    """Of periods those that share a day with the time asked for; of one without any a sentence that tells the series' own."""
    paths, _ = scene
    shown = places(tmp_path, FIELDS[:1])
    rows, _ = run(tmp_path, SERIES=[paths["observed"]], PLACES=shown, START_DATE="2023-02-06", END_DATE="2023-03-14")
    assert [row["date"] for row in rows] == ["2023-02-06", "2023-02-18", "2023-03-02", "2023-03-14"]
    whole, _ = run(tmp_path, SERIES=[paths["observed"]], PLACES=shown)
    assert rows == [row for row in whole if row in rows]
    with pytest.raises(InputError, match="NDVI has no date from 2031-01-01 to its end: it reaches from 2023-01-01/2023-01-13"):
        run(tmp_path, SERIES=[paths["observed"]], PLACES=shown, START_DATE="2031-01-01")


def test_what_belongs_together_is_told_by_the_rasters(scene, tmp_path):
    """Two fills in any order of their companions; a stranger, a raster of the wrong kind and too few of the same run are refused."""
    paths, arrays = scene
    tag = {"variable": "NDVI", "units": "1", "method": "fillmogpr", "parameters": {"SEED": 1}, "parents": ["NDVI.tif"]}
    other = write(tmp_path / "other.tif", arrays["filled"], dates(COUNT), {"PHENOFUSE": json.dumps(tag)}, **RASTER)
    spread = write(tmp_path / "other_sd.tif", 2 * arrays["deviation"], dates(COUNT),
                   {"PHENOFUSE": json.dumps({**tag, "variable": "standard deviation"})}, **RASTER)
    shown = places(tmp_path, points((10, 10)))
    rows, _ = run(tmp_path, SERIES=[paths["filled"], other], UNCERTAINTIES=[spread, paths["deviation"]], PLACES=shown)
    first, second = (np.array([number(row["sd"]) for row in rows if row["series"] == name]) for name in ("filled", "other"))
    np.testing.assert_allclose(second, 2 * first)
    for wrong, error, words in (
        ({"SERIES": [other, paths["radar"]], "UNCERTAINTIES": [paths["deviation"]]}, InputError, "sd in UNCERTAINTIES belongs to none"),
        ({"SERIES": [paths["filled"]], "UNCERTAINTIES": [paths["quality"]]}, UnitError, "holds quality, not standard deviation"),
        ({"SERIES": [paths["radar"]], "QUALITIES": [paths["quality"]]}, InputError, "belongs to none"),
        ({"SERIES": [paths["filled"], paths["filled"]], "QUALITIES": [paths["quality"]]}, InputError, "belongs to several"),
        ({"SERIES": []}, InputError, "SERIES is empty"),
        ({"SERIES": [paths["filled"]], "STATISTIC": "mode"}, InputError, "no STATISTIC 'mode'"),
    ):
        with pytest.raises(error, match=words):
            run(tmp_path, **wrong, PLACES=shown)


def test_places_that_share_an_id_or_lie_elsewhere_are_said(scene, tmp_path):
    """One id for two places is warned of; with no place on the series nothing is written."""
    paths, _ = scene
    heard = Heard()
    run(tmp_path, events=heard, SERIES=[paths["observed"]], PLACES=places(tmp_path, FIELDS[:3], ["a", "b", "a"]))
    assert any("1 ids belong to several places (first: a)" in text for text in heard.warnings)
    (tmp_path / "table.csv").unlink()
    with pytest.raises(InputError, match="No place lies on NDVI"):
        run(tmp_path, SERIES=[paths["observed"]], PLACES=places(tmp_path, [PLACES_OUT]))
    assert not (tmp_path / "table.csv").exists()


def test_a_fill_without_its_codes_is_not_called_observed(scene, tmp_path):
    """Kind and clear share stay empty and it is said; of observations without codes both are known."""
    paths, _ = scene
    heard = Heard()
    rows, _ = run(tmp_path, events=heard, SERIES=[paths["filled"], paths["observed"]], PLACES=places(tmp_path, FIELDS[:1]))
    assert {(row["kind"], row["clear_share"]) for row in rows if row["series"] == "filled" and row["value"]} == {("", "")}
    assert {row["kind"] for row in rows if row["series"] == "NDVI"} == {"observed", "missing"}
    assert any("filled is filled, and its QUALITY is not among QUALITIES" in text for text in heard.warnings)


def test_names_of_any_alphabet_and_formulas_are_safe(scene, tmp_path):
    """A table with letters beyond ASCII begins with the mark that spreadsheets need; a name is never calculated."""
    paths, _ = scene
    rows, _ = run(tmp_path, SERIES=[paths["radar"]], PLACES=places(tmp_path, FIELDS[:2], ["Sawah Ñ 水田", "=1+1"]))
    assert (tmp_path / "table.csv").read_bytes().startswith(b"\xef\xbb\xbfid,")
    assert (tmp_path / "table.csv").read_bytes().count(b"\xef\xbb\xbf") == 1
    assert rows[0]["id"] == "Sawah Ñ 水田" and rows[-1]["id"] == "'=1+1"


def test_cancelled_it_leaves_nothing(scene, tmp_path):
    """No table under its name, no temporary one."""
    from phenofuse.core.errors import Cancelled

    paths, _ = scene
    events = Events(None)
    events.cancel()
    with pytest.raises(Cancelled):
        run(tmp_path, events=events, SERIES=[paths["observed"]], PLACES=places(tmp_path, FIELDS))
    assert [one.name for one in tmp_path.iterdir()] == ["places.geojson"]


def test_intervals_of_fields_hold_on_the_simulated_scene(tmp_path):
    """Of a fill whose pixels' 90 % intervals hold, those of clouded squares hold too; independent pixels would promise far more."""
    folder, resources = tmp_path / "scene", Resources(256, 2)
    jobs.run("createsamplescene", {"FOLDER": str(folder), "SIZE": 72, "PERIODS": 50, "SEED": 5}, resources, Silent())
    ndvi, out = str(tmp_path / "ndvi.tif"), {key: str(tmp_path / f"{key}.tif") for key in ("OUTPUT", "UNCERTAINTY", "QUALITY")}
    jobs.run("buildtimeseries", {"FOLDER": str(folder), "VARIABLE": "NDVI", "OUTPUT": ndvi}, resources, Silent())
    jobs.run("fillharmonic", {"INPUT": ndvi, **out}, resources, Silent())
    with rasterio.open(folder / "truth" / "NDVI_truth.tif") as file:
        truth, transform = file.read(), file.transform
    spread, side = rasterio.open(out["UNCERTAINTY"]).read().astype(float), 8
    corners = [(row, column) for row in range(0, 64, 9) for column in range(0, 64, 9)]
    squares = []
    for row, column in corners:
        (x, y), (right, low) = transform * (column, row), transform * (column + side, row + side)
        squares.append({"type": "Polygon", "coordinates": [[[x, y], [right, y], [right, low], [x, low], [x, y]]]})
    rows, _ = run(tmp_path, SERIES=[out["OUTPUT"]], UNCERTAINTIES=[out["UNCERTAINTY"]], QUALITIES=[out["QUALITY"]],
                  PLACES=places(tmp_path, squares))
    held, alone = [], []
    for number_, row in enumerate(rows):
        (top, left), date = corners[number_ // len(truth)], number_ % len(truth)
        area = np.s_[date, top:top + side, left:left + side]
        if number(row["clear_share"]) < 0.1:
            error = abs(number(row["value"]) - truth[area].mean(dtype=float))
            held.append(error < 1.645 * number(row["sd"]))
            alone.append(error < 1.645 * np.sqrt((spread[area] ** 2).mean()) / side)
    assert len(held) > 200 and 0.85 < np.mean(held) and np.mean(alone) < 0.6


@pytest.mark.realdata
def test_real_fields_to_a_millionth(tmp_path, shared_data):
    """Single-date files of an archive: means of three fields equal counting by hand, scale and nodata included."""
    files = sorted((shared_data / "sen2rts_field_tiffs" / "NDVI").glob("*.tif"), key=lambda file: file.name.split("_")[1])
    built = str(tmp_path / "ndvi.tif")
    jobs.run("buildtimeseries", {"LAYERS": [str(file) for file in files], "VARIABLE": "NDVI", "SCALE": 0.0001, "OUTPUT": built},
             Resources(256, 1), Silent())
    with rasterio.open(files[0]) as first:
        transform, shape = first.transform, first.shape
    shapes = []
    for ring in ([(0.2, 0.3), (6.4, 0.1), (6.9, 10.2), (0.4, 9.7)], [(1, 9), (6, 12), (5.2, 24.5), (0.7, 20)],
                 [(1.1, 3.2), (6.3, 3.9), (4, 9)]):
        shapes.append({"type": "Polygon", "coordinates": [[list(transform * (x, y)) for y, x in [*ring, ring[0]]]]})
    rows, _ = run(tmp_path, SERIES=[built], PLACES=places(tmp_path, shapes))
    assert len(rows) == 3 * len(files)
    for number_, row in enumerate(rows):
        mask = geometry_mask([shapes[number_ // len(files)]], shape, transform, invert=True)
        with rasterio.open(files[number_ % len(files)]) as file:
            values = file.read(1)[mask]
        known = values[values != -32768] / 10000
        assert mask.sum() >= 10
        assert number(row["value"]) == pytest.approx(known.mean(), abs=1e-6) and number(row["pixels"]) == len(known)
