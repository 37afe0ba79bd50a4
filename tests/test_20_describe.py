"""The job `describetimeseries`: counts, gaps, coverage, correlations equal plain numpy; weak places are named."""
from __future__ import annotations

import json
from datetime import date

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs
from phenofuse.core.describe.statistics import Statistics, longest_gaps, nearest_dates
from phenofuse.core.describe.words import weaknesses
from phenofuse.core.errors import GridMismatchError, InputError
from phenofuse.core.events import Silent
from phenofuse.core.jobs import Resources
from phenofuse.core.timeseries import Grid, Header, open_series, periods_between, write_series

UTM = rasterio.crs.CRS.from_epsg(32749).to_wkt()
PERIODS = periods_between(date(2023, 11, 1), 12, 31)
DAYS = np.array([period.middle for period in PERIODS])


def write_scene(folder, rows=40, columns=70, share=0.6):
    """Write NDVI, and VV and VH four days later, one date of which is missing; returns the three arrays."""
    rng = np.random.default_rng(1)
    wave = 0.5 + 0.3 * np.sin(2 * np.pi * DAYS / 365)[:, None, None] + rng.normal(0, 0.1, (31, rows, columns))
    ndvi = np.clip(wave, -1, 1).astype(np.float32)
    ndvi[rng.random(ndvi.shape) > share] = np.nan
    ndvi[:, :3, :5] = np.nan
    ndvi[10] = np.nan
    vv = (-12 - 4 * wave + rng.normal(0, 2, wave.shape)).astype(np.float32)
    vh = (-20 + 9 * wave + rng.normal(0, 2, wave.shape)).astype(np.float32)
    vv[20] = np.nan
    grid = Grid(UTM, (50.0, 0.0, 440000.0, 0.0, -50.0, 9240000.0), columns, rows)
    for name, values, units, start in (("NDVI", ndvi, "1", date(2023, 11, 1)), ("VV", vv, "dB", date(2023, 11, 5)),
                                       ("VH", vh, "dB", date(2023, 11, 5))):
        write_series(str(folder / f"{name}.tif"), values, grid, periods_between(start, 12, 31), Header(name, units))
    return ndvi, vv, vh


def describe(folder, ndvi, covariates=(), resources=None, **changes):
    """Run the job; returns its numbers, the two rasters and the report's JSON."""
    folder.mkdir(exist_ok=True)
    parameters = {"INPUT": str(ndvi), "COVARIATES": [str(path) for path in covariates],
                  "OBSERVATIONS": str(folder / "count.tif"), "LONGEST_GAP": str(folder / "gap.tif"),
                  "REPORT": str(folder / "report.html"), **changes}
    numbers = jobs.run("describetimeseries", parameters, resources or Resources(512, 2), Silent())["numbers"]
    rasters = []
    for key in ("OBSERVATIONS", "LONGEST_GAP"):
        with rasterio.open(parameters[key]) as file:
            rasters.append(file.read(1))
    return numbers, *rasters, json.loads((folder / "report.html.json").read_text(encoding="utf-8"))


def brute_longest(series, days):
    """Longest step between the ends of the series and its observations."""
    return np.diff(np.unique([days[0], *days[np.isfinite(series)], days[-1]])).max()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The scene and its description."""
    folder = tmp_path_factory.mktemp("scene")
    arrays = write_scene(folder)
    return folder, arrays, describe(folder / "out", folder / "NDVI.tif", [folder / "VV.tif", folder / "VH.tif"])


def test_rasters_equal_plain_numpy(made):
    """Counts and longest gaps are those found pixel by pixel; a pixel never seen has a gap as long as the series."""
    _, (ndvi, _, _), (_, count, gap, _) = made
    np.testing.assert_array_equal(count, np.isfinite(ndvi).sum(axis=0))
    for row, column in np.ndindex(12, 14):
        assert gap[row, column] == brute_longest(ndvi[:, row, column], DAYS)
    assert gap[0, 0] == DAYS[-1] - DAYS[0] == 360


def test_numbers_and_coverage_equal_plain_numpy(made):
    """Valid percentage, dates, coverage by date and by month, and shares of long gaps are those of the arrays."""
    _, (ndvi, _, _), (numbers, _, gap, report) = made
    seen = np.isfinite(ndvi)
    assert numbers["VALID_PERCENT"] == pytest.approx(100 * seen.mean(), abs=1e-12)
    assert numbers["DATE_COUNT"] == 31
    coverage = report["numbers"]["coverage"]
    assert [day["percent"] for day in coverage] == pytest.approx(100 * seen.mean(axis=(1, 2)), abs=1e-12)
    months = np.floor(DAYS).astype("datetime64[D]").astype("datetime64[M]")
    expected = {str(month): seen[months == month].mean() for month in np.unique(months)}
    assert report["numbers"]["months"] == pytest.approx(expected, abs=1e-12)
    once = seen.any(axis=0)
    shares = {row["Longest gap"]: row["Pixels"] for row in report["tables"]["gaps"]}
    for days in (20, 40, 60):
        assert shares[f"more than {days} days"] == pytest.approx((gap[once] > days).mean(), abs=1e-12)


def plain_correlation(ndvi, other):
    """Correlate all pairs, and within pixels, in plain numpy."""
    both = np.isfinite(ndvi) & np.isfinite(other)
    y, x = (np.where(both, values, np.nan).astype(float) for values in (ndvi, other))
    with np.errstate(invalid="ignore"):
        within = [values - np.nansum(values, axis=0) / np.maximum(both.sum(axis=0), 1) for values in (y, x)]
    return np.corrcoef(y[both], x[both])[0, 1], np.corrcoef(within[0][both], within[1][both])[0, 1]


def test_correlations_equal_plain_numpy(made):
    """Correlations over all pairs, in time, by month and by level are those of the arrays paired by nearest date."""
    _, (ndvi, vv, vh), (numbers, _, _, report) = made
    table = {row["Covariate"]: row for row in report["tables"]["correlation"]}
    for name, values in (("VV", vv), ("VH", vh), ("VH − VV", vh - vv)):
        overall, within = plain_correlation(ndvi, values)
        assert table[name]["All pairs"] == pytest.approx(overall, abs=1e-10)
        assert table[name]["In time"] == pytest.approx(within, abs=1e-10)
        assert table[name]["Pairs"] == (np.isfinite(ndvi) & np.isfinite(values)).sum()
        january = np.floor(DAYS).astype("datetime64[D]").astype("datetime64[M]").astype(int) % 12 == 0
        by_month = report["numbers"]["correlation by month"][name]["Jan"]
        assert by_month == pytest.approx(plain_correlation(ndvi[january], values[january])[0], abs=1e-10)
        level = (ndvi >= np.float32(0.4)) & (ndvi < np.float32(0.6))
        by_level = report["numbers"]["correlation by level of NDVI"][name]["0.4–0.6"]
        assert by_level == pytest.approx(plain_correlation(np.where(level, ndvi, np.nan), values)[0], abs=1e-10)
    strongest = max((row["All pairs"] for row in table.values()), key=abs)
    assert numbers["CORRELATION"] == strongest
    assert {row["Median offset (days)"] for row in report["tables"]["offsets"]} == {4.0}


def test_tiles_do_not_matter(made, tmp_path):
    """With little memory and many workers every number of the report is the same."""
    folder, _, plenty = made
    little = describe(tmp_path / "out", folder / "NDVI.tif", [folder / "VV.tif", folder / "VH.tif"], Resources(64, 6))
    assert little[0] == plenty[0]
    assert little[3]["numbers"] == plenty[3]["numbers"]
    assert little[3]["tables"] == plenty[3]["tables"]
    np.testing.assert_array_equal(little[2], plenty[2])


def test_parts_make_the_whole():
    """Statistics of parts, merged in any order, equal those of the whole, the small maps included."""
    rng = np.random.default_rng(2)
    values = np.where(rng.random((31, 35, 640)) < 0.5, rng.random((31, 35, 640)), np.nan)
    whole = Statistics(DAYS, 35, 640, (-1, 1))
    whole.add(values, {})
    total = Statistics(DAYS, 35, 640, (-1, 1))
    for row in range(0, 35, 16)[::-1]:
        for column in range(0, 640, 50):
            part = Statistics(DAYS, 35, 640, (-1, 1))
            part.add(values[:, row:row + 16, column:column + 50], {}, row, column)
            total.merge(part)
    for name in ("histograms", "valid", "counts", "gaps"):
        np.testing.assert_array_equal(getattr(total, name), getattr(whole, name))
    assert whole.step == 3
    np.testing.assert_array_equal(whole.thumbnails["observations"], np.isfinite(values).sum(axis=0)[::3, ::3])
    for name, small in whole.thumbnails.items():
        np.testing.assert_array_equal(total.thumbnails[name], small)
    np.testing.assert_allclose(whole.quantiles([0.5])[0], np.nanmedian(values, axis=(1, 2)), atol=0.01)


def test_pairs_by_nearest_date():
    """Each date gets the nearest other date, within six days; farther ones are no pair."""
    position, offset = nearest_dates(np.array([0.0, 10.0, 30.0]), np.array([-4.0, 8.0, 12.0, 37.0]))
    assert position.tolist()[:1] == [0]
    assert position[1] in (1, 2)
    assert position[2] == -1
    assert offset.tolist() == [-4.0, -2.0, 7.0]


def test_longest_gap_of_full_and_empty_series():
    """A full series has its longest step, an empty one its whole length."""
    days = np.array([0.0, 10.0, 35.0, 40.0])
    values = np.stack([np.ones(4), np.full(4, np.nan), [np.nan, 1, 1, np.nan]], axis=1)[:, None, :]
    assert longest_gaps(values, days).tolist() == [[25, 40, 25]]


@pytest.mark.parametrize(("change", "said"), [
    (lambda v: np.where(np.arange(31)[:, None, None] % 8 == 0, v, np.nan), "more than 60 days"),
    (lambda v: np.where(np.arange(31)[:, None, None] < 4, v, np.nan), "fewer than 6 observations"),
    (lambda v: np.where(np.isin(np.arange(31), (7, 8, 9))[:, None, None], np.nan, v), "less than 20%"),
    (lambda v: np.where(np.arange(31)[:, None, None] == 9, np.nan, v), "no pixel has a value"),
    (lambda v: np.full_like(v, np.nan), "no value at all"),
])
def test_weak_places_are_named(change, said):
    """Each planted weakness is said, and a full series has none."""
    rng = np.random.default_rng(3)
    values = rng.random((31, 10, 10))
    for series, expected in ((values, ""), (change(values), said)):
        statistics = Statistics(DAYS, 10, 10, (-1, 1))
        statistics.add(series, {})
        texts = " ".join(weakness.text for weakness in weaknesses(statistics, {}))
        assert expected in texts
        assert bool(texts) == bool(expected)


def test_weak_radar_is_named():
    """A covariate that does not follow the series in time, and one whose dates lie far, are said; a good one is not."""
    rng = np.random.default_rng(4)
    values = rng.random((31, 10, 10))
    cases = ((values + rng.normal(0, 0.1, values.shape), 0.0, ""), (rng.random(values.shape), 0.0, "hardly follow"),
             (np.full(values.shape, np.nan), 9.0, "have no VV within 6 days"))
    for other, offset, said in cases:
        statistics = Statistics(DAYS, 10, 10, (-1, 1), ("VV",))
        statistics.add(values, {"VV": other})
        texts = " ".join(weakness.text for weakness in weaknesses(statistics, {"VV": np.full(31, offset)}))
        assert said in texts
        assert bool(texts) == bool(said)


def test_mistakes_are_named(made, tmp_path):
    """A covariate on another grid, or given twice, is an error."""
    folder, (_, vv, _), _ = made
    other = Grid(UTM, (50.0, 0.0, 440025.0, 0.0, -50.0, 9240000.0), 70, 40)
    write_series(str(tmp_path / "VV.tif"), vv, other, PERIODS, Header("VV", "dB"))
    with pytest.raises(GridMismatchError):
        describe(tmp_path, folder / "NDVI.tif", [tmp_path / "VV.tif"])
    with pytest.raises(InputError, match="both hold VV"):
        describe(tmp_path, folder / "NDVI.tif", [folder / "VV.tif", folder / "VV.tif"])


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "percent"), [("worldcereal_dekad_france/sites_as_pixels", 41.7),
                                               ("worldcereal_belgium_cube", 83.3)])
def test_real_series(tmp_path, shared_data, name, percent):
    """On real series, counts, gaps and correlation equal an independent read and computation."""
    folder = shared_data / name
    numbers, count, gap, report = describe(tmp_path, folder / "NDVI.tif", [folder / "VV.tif", folder / "VH.tif"])
    arrays = {}
    for key in ("NDVI", "VV", "VH"):
        with rasterio.open(folder / f"{key}.tif") as file:
            arrays[key] = file.read()
    np.testing.assert_array_equal(count, np.isfinite(arrays["NDVI"]).sum(axis=0))
    days = open_series(str(folder / "NDVI.tif")).days
    assert gap[1, 2] == brute_longest(arrays["NDVI"][:, 1, 2], days)
    assert numbers["VALID_PERCENT"] == pytest.approx(percent, abs=0.05)
    table = {row["Covariate"]: row for row in report["tables"]["correlation"]}
    for key in ("VV", "VH"):
        expected = plain_correlation(arrays["NDVI"], arrays[key])
        assert (table[key]["All pairs"], table[key]["In time"]) == pytest.approx(expected, abs=1e-9)
