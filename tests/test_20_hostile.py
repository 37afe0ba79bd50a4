"""Hostile inputs of every kind to every job that reads files: whatever is wrong with them is said, and never "please report"."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import rasterio
from phenofuse.core import causes, jobs
from phenofuse.core.events import Silent
from phenofuse.core.timeseries import Period
from phenofuse.core.timeseries.dates import EPOCH, later

SIDE, COUNT = 10, 40
DAYS = [str(Period(later(EPOCH.replace(year=2021), 12 * number))) for number in range(COUNT)]
TRANSFORM = rasterio.Affine(10, 0, 430000, 0, -10, 9240000)


def raster(path, names=DAYS, tag=None, tags=None, seed=1, band_tags=None, **options) -> str:
    """A small NDVI series with gaps; names of bands, its ``PHENOFUSE`` tag as text, and other tags as they are given."""
    rng = np.random.default_rng(seed)
    season = 0.5 + 0.3 * np.sin(2 * np.pi * np.arange(len(names)) * 12 / 365)
    values = season[:, None, None] + rng.normal(0, 0.02, (len(names), SIDE, SIDE))
    values[rng.random(values.shape) < 0.3] = np.nan
    about = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": len(names), "dtype": "float32", "crs": "EPSG:32749",
             "transform": TRANSFORM, "nodata": math.nan, **options}  # fmt: skip
    with rasterio.open(path, "w", **about) as file:
        file.write(values.astype(about["dtype"]))
        file.update_tags(PHENOFUSE='{"variable": "NDVI", "units": "1"}' if tag is None else tag, **(tags or {}))
        for number, name in enumerate(names, start=1):
            file.set_band_description(number, name)
            file.update_tags(number, **(band_tags or {}))
    return str(path)


def jobs_on(folder, path) -> dict:
    """A call of every job that reads a series, on this one; quick settings, and no pictures."""
    out = folder / "out"
    return {
        "fillwhittaker": {"INPUT": path, "MODE": "linear", "OUTPUT": f"{out}.tif", "QUALITY": f"{out}q.tif"},
        "fillharmonic": {"INPUT": path, "MODEL": "cascade", "OUTPUT": f"{out}.tif"},
        "phenologymetrics": {"INPUT": path, "OUTPUT": f"{out}.tif", "LENGTH": f"{out}l.tif"},
        "describetimeseries": {"INPUT": path, "OBSERVATIONS": f"{out}.tif"},
        "validatecomposites": {"LAYERS": [path], "ON_PROBLEM": "warn"},
        "buildtimeseries": {"LAYERS": [path], "VARIABLE": "NDVI", "OUTPUT": f"{out}.tif"},
        "splittimeseries": {"INPUT": path, "FOLDER": str(folder / "split")},
        "simulategaps": {"INPUT": path, "PATTERN": "random", "GAP_DAYS": 0, "FRACTION": 0.2, "SEED": 1, "OUTPUT": f"{out}.tif",
                         "TRUTH": f"{out}t.tif"},
        "assessfill": {"INPUT": path, "TRUTH": path, "CSV": f"{out}.csv"},
        "fillhybrid": {"SERIES": [path, path], "RULE": "clear_share", "OBSERVED": path, "OUTPUT": f"{out}.tif"},
    }  # fmt: skip


def outcome(job: str, parameters: dict) -> str:
    """'' where a job ends well or says what is wrong, else what it says."""
    try:
        jobs.run(job, parameters, jobs.Resources(workers=1), Silent())
    except Exception as problem:
        kind, text, _ = causes.explained(problem)
        return f"{job}: {text}" if kind in ("internal", "memory", "extra") else ""
    return ""


def require_sentences(folder, paths, names=None) -> None:
    """No job (of these names) fails unexpectedly on any of these files."""
    found = [f"{name}: {said}" for name, path in paths.items() for job, parameters in jobs_on(folder, path).items()
             if (not names or job in names) and (said := outcome(job, parameters))]  # fmt: skip
    assert not found, "\n".join(found)


DEEP = "[" * 100_000
TYPES = [None, True, -1.5, 1e400, "", ["NDVI"], {"a": {"b": []}}, [[["x"]]]]
FIELDS = ("variable", "units", "scale", "orbit", "method", "parameters", "version", "parents", "metric", "state")


def test_a_call_as_it_should_be_ends_well(tmp_path):
    """What the others are variations of."""
    path = raster(tmp_path / "a.tif")
    for job, parameters in jobs_on(tmp_path, path).items():
        jobs.run(job, parameters, jobs.Resources(workers=1), Silent())


@pytest.mark.parametrize("value", TYPES, ids=str)
def test_a_tag_of_other_types(tmp_path, value):
    """All members of the tag as every kind of JSON, and all but a right variable and method."""
    for told, names in (({}, ("fillwhittaker",)), ({"variable": "NDVI", "method": "fillwhittaker"}, None)):
        tag = json.dumps({**dict.fromkeys(FIELDS, value), **told})
        require_sentences(tmp_path, {str(told): raster(tmp_path / "a.tif", tag=tag)}, names)


def test_a_tag_that_is_no_object(tmp_path):
    """Other JSON, no JSON, and JSON that is nested deep, whole or in a member."""
    texts = ["null", "5", "[]", '"x"', "{", "", "\u202e", "NaN", DEEP, DEEP + "]" * 100_000, '{"a":' * 100_000,
             '{"parameters": ' + "[" * 600 + "]" * 600 + "}", '{"method": "x", "parameters": ' + '{"a":' * 700 + "1" + "}" * 701,
             '{"variable": "' + "N" * 100_000 + '"}']  # fmt: skip
    paths = {text[:20]: raster(tmp_path / f"{number}.tif", tag=text) for number, text in enumerate(texts)}
    require_sentences(tmp_path, paths, ("fillwhittaker", "assessfill", "fillhybrid"))


@pytest.mark.parametrize("last", ["0001-01-01", "9999-12-31", "2101-01-01", "1971-12-31", "2022-04-18/9999-12-31",
                                  "0001-01-01/9999-12-31", "2100-12-31", "1972-01-01/2100-12-31", "99999-01-01", "2022-02-30",
                                  "-2022-01-01", "2022-04-18/", "2022-04-18/2022-04-17", "²⁰²²-01-01", "2022-W01-1", "x" * 10_000,
                                  ""])  # fmt: skip
def test_bands_of_strange_dates(tmp_path, last):
    """One such date among ordinary ones, all of them such, and one band alone; as names and as tags of bands and of the file."""
    start, _, end = last.partition("/")
    tags = {"start_time": start, "end_time": end or start}
    require_sentences(tmp_path, {"last": raster(tmp_path / "z.tif", [*DAYS, last])})
    require_sentences(tmp_path, {
        "first": raster(tmp_path / "b.tif", [last, *DAYS]),
        "all": raster(tmp_path / "c.tif", [last] * 3), "alone": raster(tmp_path / "d.tif", [last]),
        "tags": raster(tmp_path / "e.tif", ["x", "y"], band_tags=tags), "file": raster(tmp_path / "f.tif", ["x"], tags=tags),
        "time axis": raster(tmp_path / "g.tif", ["x", "y"], band_tags={"NETCDF_DIM_time": last}),
        "units": raster(tmp_path / "h.tif", ["x", "y"], band_tags={"NETCDF_DIM_time": "5"}, tags={"time#units": f"days since {last}"}),
    }, ("fillwhittaker", "buildtimeseries"))  # fmt: skip


GEOMETRIES = {
    "deep": '{"features": ' + DEEP, "deep object": '{"features":' * 100_000, "no features": "{}", "list": "[]", "number": "5",
    "empty": "", "binary": "\ud800", "features null": '{"features": null}', "feature null": '{"features": [null]}',
    "feature list": '{"features": [[]]}', "feature number": '{"features": [5]}',
    "properties list": '{"features": [{"type": "Feature", "properties": ["name"], "geometry": null}]}',
    "geometry list": '{"features": [{"type": "Feature", "properties": {}, "geometry": [[1]]}]}',
    "geometry of another kind": '{"features": [{"geometry": {"a": 1}}]}', "geometry text": '{"features": [{"geometry": "abc"}]}',
}  # fmt: skip
RINGS = [[], [[]], [5], ["abcd"], [[[1]] * 4], [[[1], [2, 3], [4, 5], [1]]], [[["a", "b"]] * 4], [[[None, 1]] * 4], [[[1e400, 0]] * 4],
         [[[{}, []]] * 4], [[5, 5, 5, 5]], [[[[1, 2]] * 4] * 4], [[[10**400, 1]] * 4], [[[430000, 9240000]] * 4], {"a": 1}, None,
         [[[430000, 9240000, "z", 5]] * 4]]  # fmt: skip


def test_polygons_of_every_shape(tmp_path):
    """As mask and as zones: nested deep, points of one coordinate, of text, of infinite size, features that are none."""
    series, found = raster(tmp_path / "a.tif"), []
    texts = dict(GEOMETRIES)
    for number, rings in enumerate(RINGS):
        for kind, wrapped in (("Polygon", rings), ("MultiPolygon", [rings]), ("MultiPolygon", rings)):
            geometry = {"type": kind, "coordinates": wrapped}
            for whole in (geometry, {"type": "GeometryCollection", "geometries": [geometry]}):
                text = json.dumps({"features": [{"type": "Feature", "geometry": whole}]})
                texts[f"{kind} {number} {whole['type']} {wrapped}"[:60]] = text
    for number, (name, text) in enumerate(texts.items()):
        path = tmp_path / f"{number}.geojson"
        path.write_bytes(text.encode("utf-8", "surrogatepass"))
        calls = {"fillwhittaker": {**jobs_on(tmp_path, series)["fillwhittaker"], "MASK": str(path)},
                 "phenologymetrics": {**jobs_on(tmp_path, series)["phenologymetrics"], "ZONES": str(path),
                                      "ZONAL_SUMMARY": str(tmp_path / "z.csv")}}  # fmt: skip
        found += [f"{name}: {said}" for job, parameters in calls.items() if (said := outcome(job, parameters))]
    assert not found, "\n".join(found)


def test_dates_of_every_kind(tmp_path):
    """As a list and as a file: foreign encodings, fields of any length, years without satellites, a million rows of nothing."""
    series, found = raster(tmp_path / "a.tif"), []
    contents = [b"", b"\0", b"\xff\xfe", b"\xff\xfe\0", b"\xfe\xff\xd8\0", b"x" * 200_000, b'"' * 10_001, b"0001-01-01\n",
                b"9999-12-31\n", b"2021-01-01/9999-12-31\n", b"\xe9t\xe9;2021-01-01\n", "é;2021-01-01\n".encode("utf-16"),
                bytes(range(256)), b"2021-01-01\n" * 3, b"\n" * 100_000, b"sep=", b"sep=\xff\n", b"sep=\n\n",
                b'sep="\n2021-01-01\n', "٢٠٢١-01-01\n".encode(), b"31/12/2021\n"]  # fmt: skip
    texts = ["0001-01-01", "9999-12-31", "2021-01-01/9999-12-31", "x.csv", "/dev/null.csv", ".csv", "\0.csv", "é" * 5000 + ".csv", "//",
             "2021-01-01/2021-02-01/2021-03-01", ";;;", "1e400"]  # fmt: skip
    for number, content in enumerate(contents):
        (tmp_path / f"{number}.csv").write_bytes(content)
        texts.append(str(tmp_path / f"{number}.csv"))
    for text in texts:
        calls = [(job, {**jobs_on(tmp_path, series)[job], "DATES": text}) for job in ("fillwhittaker", "fillharmonic")]
        calls.append(("buildtimeseries", {**jobs_on(tmp_path, series)["buildtimeseries"], "DATES": text, "DATE_SOURCE": "given"}))
        found += [f"{text[-40:]}: {said}" for job, parameters in calls if (said := outcome(job, parameters))]
    assert not found, "\n".join(found)


NUMBERS = ["12", "a", "", [], {}, True, -1, -(10**9), 0, 0.5, 1e9, 10**9, 10**400, 1e308, math.inf, -math.inf, math.nan]
ASKED = {
    "fillwhittaker": ("STEP_DAYS", "MAX_GAP_DAYS", "WINDOW_DAYS", "ENVELOPE"), "simulategaps": ("GAP_DAYS", "FRACTION", "SEED"),
    "fillharmonic": ("STEP_DAYS", "MAX_GAP_DAYS", "PERIOD_DAYS"), "buildtimeseries": ("BAND", "PERIOD_DAYS", "SCALE", "OFFSET"),
    "phenologymetrics": ("MAX_SEASONS", "SMOOTHING_DAYS", "MIN_AMPLITUDE", "MIN_SHARE", "MIN_SEASON_DAYS", "MAX_GAP_DAYS",
                         "MIN_OBSERVATIONS", "THRESHOLD"),
    "validatecomposites": ("MIN_VALID_PERCENT",), "fillhybrid": ("THRESHOLD",),
}  # fmt: skip


@pytest.mark.parametrize("job", sorted(ASKED))
def test_numbers_of_every_kind(tmp_path, job):
    """Text, lists, truth, negative, huge and infinite ones in place of each number that a job takes."""
    calls = jobs_on(tmp_path, raster(tmp_path / "a.tif"))[job]
    more = {"START_DATE": "2021-01-01", "DATE_SOURCE": "regular"} if job == "buildtimeseries" else {}
    modes = ("linear", "savgol") if job == "fillwhittaker" else ("",)
    found = [f"{key}={str(value)[:20]} {mode}: {said}" for key in ASKED[job] for value in NUMBERS for mode in modes
             if (said := outcome(job, {**calls, **more, key: value, **({"MODE": mode} if mode else {})}))]  # fmt: skip
    assert not found, "\n".join(found)


@pytest.mark.parametrize("parameters", [
    {"START_DATE": "0001-01-01", "END_DATE": "2023-01-01"}, {"START_DATE": "2023-01-01", "END_DATE": "9999-12-31"},
    {"PERIOD_DAYS": 10**9}, {"PERIOD_DAYS": 0, "START_DATE": "2100-12-01", "END_DATE": "2100-12-31"}, {"RESOLUTION": 1e300},
    {"RESOLUTION": 1e-300}, {"EXTENT": "1,2,3"}, {"EXTENT": "nan,inf,1e400,-inf [EPSG:4326]"}, {"EXTENT": "0,1,0,1 [EPSG:x]"},
    {"CRS": "\0"}, {"START_DATE": 5}, {"START_DATE": ["2023-01-01"]}, {"DAYS_BEFORE": 10**9}, {"DAYS_AFTER": 2**31 - 1},
    {"PROJECT": "x" * 10**5}, {"CLOUD_THRESHOLD": math.inf}, {"CLOUD_THRESHOLD": "a"},
], ids=str)  # fmt: skip
def test_plans_of_exports(tmp_path, parameters):
    """What exports are asked for; only planned, so that nothing is needed but the numbers."""
    base = {"EXTENT": "430000,430400,9239600,9240000 [EPSG:32749]", "CRS": "EPSG:32749", "RESOLUTION": 10, "PERIOD_DAYS": 12,
            "START_DATE": "2023-11-01", "END_DATE": "2024-01-12", "FOLDER": str(tmp_path), "DRY_RUN": True,
            "REPORT": str(tmp_path / "r.html")}  # fmt: skip
    assert [outcome(job, {**base, **parameters}) for job in ("exportcomposites", "exportharmonic")] == ["", ""]
