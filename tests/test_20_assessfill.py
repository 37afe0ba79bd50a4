"""The job `assessfill`: scores equal plain numpy and the reference tool, by period, at hidden places, in words."""
from __future__ import annotations

import csv
import importlib.util
import io
import json
from datetime import date

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs
from phenofuse.core.errors import DateError, GridMismatchError, InputError, UnitError
from phenofuse.core.events import Events, Silent
from phenofuse.core.jobs import Resources
from phenofuse.core.timeseries import Grid, Header, open_series, periods_between, write_series

UTM = rasterio.crs.CRS.from_epsg(32749).to_wkt()
PERIODS = periods_between(date(2023, 11, 1), 12, 40)
DAYS = np.array([period.middle for period in PERIODS])


class Scene:
    """A series with gaps, the hidden truth, a fill and its uncertainty, as files in a folder."""

    def __init__(self, folder, rows=40, columns=45, noise=0.04):
        rng = np.random.default_rng(0)
        wave = 0.5 + 0.3 * np.sin(2 * np.pi * (DAYS[:, None, None] / 365 + rng.random((1, rows, columns))))
        self.seen = (wave + rng.normal(0, 0.02, wave.shape)).astype(np.float32)
        self.seen[rng.random(wave.shape) < 0.4] = np.nan
        start = rng.integers(5, 28, (1, rows, columns))
        length = rng.integers(1, 8, (1, rows, columns))
        band = np.arange(len(DAYS))[:, None, None]
        hidden = np.isfinite(self.seen) & (band >= start) & (band < start + length)
        self.truth = np.where(hidden, self.seen, np.nan).astype(np.float32)
        self.observed = np.where(hidden, np.nan, self.seen).astype(np.float32)
        guess = np.clip(wave + rng.normal(0, noise, wave.shape), -1, 1)
        self.filled = np.where(np.isfinite(self.observed), self.observed, guess).astype(np.float32)
        self.uncertainty = np.full(wave.shape, np.hypot(noise, 0.02), np.float32)
        self.grid = Grid(UTM, (50.0, 0.0, 440000.0, 0.0, -50.0, 9240000.0), columns, rows)
        self.folder = folder
        for name in ("truth", "observed", "filled", "uncertainty"):
            self.write(name, getattr(self, name))

    def write(self, name, values, periods=PERIODS, header=None, grid=None):
        """Write a series of the scene."""
        path = str(self.folder / f"{name}.tif")
        write_series(path, values, grid or self.grid, periods, header or Header("NDVI", "1"))
        return path

    def assess(self, resources=None, events=None, report=False, **changes):
        """Run the job on the scene's files, with a table and, if wanted, a report."""
        keys = {"INPUT": "filled", "TRUTH": "truth", "OBSERVED": "observed", "UNCERTAINTY": "uncertainty"}
        parameters = {key: str(self.folder / f"{name}.tif") for key, name in keys.items()}
        parameters["CSV"] = str(self.folder / "scores.csv")
        parameters["REPORT"] = str(self.folder / "report.html") if report else None
        parameters.update(changes)
        return jobs.run("assessfill", parameters, resources or Resources(512, 2), events or Silent())["numbers"]

    def table(self):
        """Read the CSV: {(group, class, method): row}."""
        with open(self.folder / "scores.csv", encoding="utf-8-sig", newline="") as file:
            return {(row["group"], row["class"], row["method"]): row for row in csv.DictReader(file)}

    def report(self):
        """Read the JSON beside the report."""
        return json.loads((self.folder / "report.html.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """A scene for the tests that leave it as it is."""
    return Scene(tmp_path_factory.mktemp("scene"))


def linear_of(values):
    """Interpolate each pixel by numpy.interp."""
    out = np.full(values.shape, np.nan)
    for row, column in np.ndindex(values.shape[1:]):
        series = values[:, row, column].astype(float)
        seen = np.isfinite(series)
        if seen.any():
            out[:, row, column] = np.interp(DAYS, DAYS[seen], series[seen])
    return out


def rmse(error):
    """Root mean square of the finite values."""
    return np.sqrt(np.nanmean(error ** 2))


def test_numbers_equal_plain_numpy(scene):
    """All numbers, by gap length and month too, equal a plain computation; so do those of linear interpolation."""
    numbers = scene.assess()
    error = scene.filled.astype(float) - scene.truth
    truth = scene.truth[np.isfinite(scene.truth)].astype(float)
    straight = linear_of(scene.observed) - scene.truth
    bound = 1.6448536269514722 * float(scene.uncertainty[0, 0, 0])
    expected = {"RMSE": rmse(error), "MAE": np.nanmean(np.abs(error)), "BIAS": np.nanmean(error),
                "R2": 1 - np.nansum(error ** 2) / np.sum((truth - truth.mean()) ** 2),
                "COUNT": len(truth), "MISSING": 0, "COVERAGE": np.mean(np.abs(error[np.isfinite(error)]) <= bound),
                "RMSE_LINEAR": rmse(straight), "RATIO": rmse(error) / rmse(straight)}
    assert numbers == pytest.approx(expected, abs=1e-12)
    table = scene.table()
    months = np.array([np.datetime64(int(day), "D").astype(object).month for day in DAYS])
    for month, label in ((1, "Jan"), (7, "Jul")):
        row = table["month", label, "filled"]
        assert float(row["rmse"]) == pytest.approx(rmse(error[months == month]), abs=1e-12)
        other = table["month", label, "linear"]
        assert float(other["rmse"]) == pytest.approx(rmse(straight[months == month]), abs=1e-12)
    gap = np.full(error.shape, np.nan)
    for row, column in np.ndindex(error.shape[1:]):
        seen = DAYS[np.isfinite(scene.observed[:, row, column])]
        for place in np.flatnonzero(np.isfinite(error[:, row, column])):
            before, after = seen[seen < DAYS[place]], seen[seen > DAYS[place]]
            gap[place, row, column] = after.min() - before.max() if len(before) and len(after) else np.inf
    for label, mask in (("41–80", (gap > 40) & (gap <= 80)), ("> 80", (gap > 80) & np.isfinite(gap))):
        for method, errors in (("filled", error), ("linear", straight)):
            assert int(table["gap", label, method]["count"]) == mask.sum() > 0
            assert float(table["gap", label, method]["rmse"]) == pytest.approx(rmse(errors[mask]), abs=1e-12)
    assert sum(int(row["count"]) for key, row in table.items() if key[0] == "gap" and key[2] == "filled") == len(truth)


def test_report_holds_the_numbers_and_a_verdict(scene):
    """The report's JSON holds the returned numbers; a good fill with honest intervals is called so."""
    numbers = scene.assess(report=True)
    report = scene.report()
    assert {key: report["numbers"][key] for key in numbers} == numbers
    assert report["verdict"]["level"] == "good"
    assert "worth having" in report["verdict"]["text"]
    low, high = report["numbers"]["RATIO_INTERVAL"]
    assert low < numbers["RATIO"] < high < 1
    assert report["facts"]["Gaps"] == "not told"
    page = (scene.folder / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/") >= 4


def test_tiles_do_not_matter(scene):
    """With many small tiles on several threads every score in the table is the same text."""
    scene.assess(Resources(2048, 1))
    plenty = scene.table()
    scene.assess(Resources(64, 6))
    assert scene.table() == plenty


def test_dates_are_matched_by_period(scene):
    """A fill with more dates, and one written as single days, score the same; positions play no part."""
    expected = scene.assess()
    more = periods_between(date(2023, 10, 20), 12, 42)
    values = np.concatenate([scene.filled[:1], scene.filled, scene.filled[:1]])
    assert scene.assess(INPUT=scene.write("more", values, more)) == expected
    single = [type(period)(period.start) for period in PERIODS]
    assert scene.assess(INPUT=scene.write("single", scene.filled, single)) == expected


def test_dates_that_are_not_there(scene):
    """Hidden dates that the fill lacks count as not filled, and it is said; with no common date it is an error."""
    heard = io.StringIO()
    path = scene.write("fewer", scene.filled[:20], PERIODS[:20])
    numbers = scene.assess(INPUT=path, UNCERTAINTY=None, events=Events(heard), report=True)
    assert numbers["MISSING"] == np.isfinite(scene.truth[20:]).sum() > 0
    assert numbers["RMSE"] == pytest.approx(rmse((scene.filled.astype(float) - scene.truth)[:20]), abs=1e-12)
    assert f"20 of the 40 dates of truth are not in fewer (the first is {PERIODS[20]})" in heard.getvalue()
    assert "were not filled" in scene.report()["verdict"]["text"]
    with pytest.raises(DateError, match=r"No date of truth.*2030-01-01"):
        scene.assess(INPUT=scene.write("later", scene.filled, periods_between(date(2030, 1, 1), 12, 40)))


def test_what_the_method_saw_is_not_scored(scene):
    """A complete truth is scored at the gaps alone; a series that shows every true value leaves nothing to score."""
    full = scene.write("full", scene.seen)
    assert scene.assess(TRUTH=full) == scene.assess()
    with pytest.raises(InputError, match="full has a value wherever truth has one"):
        scene.assess(OBSERVED=full)


def test_without_observations_and_uncertainty(scene):
    """INPUT and TRUTH alone give the errors; what needs more is left out and the report says why."""
    numbers = scene.assess(OBSERVED=None, UNCERTAINTY=None, report=True)
    assert set(numbers) == {"RMSE", "MAE", "BIAS", "R2", "COUNT", "MISSING"}
    assert not [key for key in scene.table() if key[0] == "gap" or key[2] == "linear"]
    assert "OBSERVED was not given" in " ".join(text for part in scene.report()["sections"] for text in part["text"])


def test_bad_fills_are_called_bad(tmp_path):
    """A fill worse than linear, and intervals that are too narrow, are said in the verdict."""
    scene = Scene(tmp_path, noise=0.2)
    scene.assess(UNCERTAINTY=scene.write("narrow", scene.uncertainty / 5), report=True)
    verdict = scene.report()["verdict"]
    assert verdict["level"] == "bad"
    assert "linear interpolation is the better choice" in verdict["text"]
    assert "too narrow" in verdict["text"]
    scene.assess(INPUT=scene.write("leaked", scene.seen), report=True)
    assert scene.report()["verdict"]["level"] == "bad"
    assert "given what should have been hidden" in scene.report()["verdict"]["text"]


def test_mistakes_are_named(scene):
    """Another variable, another grid, an empty truth and an empty fill are errors that say which."""
    with pytest.raises(UnitError, match="holds VV"):
        scene.assess(INPUT=scene.write("vv", 20 * scene.filled - 25, header=Header("VV", "dB")))
    shifted = Grid(UTM, (50.0, 0.0, 440050.0, 0.0, -50.0, 9240000.0), scene.grid.width, scene.grid.height)
    with pytest.raises(GridMismatchError, match="shifted"):
        scene.assess(INPUT=scene.write("shifted", scene.filled, grid=shifted))
    nothing = np.full_like(scene.truth, np.nan)
    empty = scene.write("empty", nothing)
    with pytest.raises(InputError, match="empty holds no value"):
        scene.assess(TRUTH=empty, OBSERVED=None)
    with pytest.raises(InputError, match="empty has no value at any of the"):
        scene.assess(INPUT=empty)


@pytest.fixture
def gapkit(shared_data):
    """The independent tool that hides and scores."""
    path = shared_data.parent / "tools" / "gapkit.py"
    if not path.exists():
        pytest.skip(f"{path} is not there")
    spec = importlib.util.spec_from_file_location("gapkit", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.realdata
@pytest.mark.parametrize(("name", "gap"), [("worldcereal_dekad_france/sites_as_pixels/NDVI.tif", 60),
                                           ("fusets_spain_field/NDVI.tif", 30)])
def test_equals_the_reference_tool(tmp_path, shared_data, gapkit, name, gap):
    """On real series with hidden values, errors of a fill and of linear interpolation equal the reference to 1e-9."""
    values, days, *_ = gapkit.read(shared_data / name)
    hidden = gapkit.choose(values, days, gap, 1)
    shown = np.where(hidden, np.nan, values)
    straight = gapkit.linear(shown, days)
    filled = (0.9 * straight + 0.1 * np.nanmean(shown)).astype(np.float32)
    series = open_series(str(shared_data / name))

    def write(key, array):
        path = str(tmp_path / f"{key}.tif")
        write_series(path, array.astype(np.float32), series.grid, series.periods, Header("NDVI", "1"))
        return path

    deviation = np.full(values.shape, 0.08, np.float32)
    paths = {"INPUT": write("filled", filled), "TRUTH": write("truth", np.where(hidden, values, np.nan)),
             "OBSERVED": write("observed", shown), "UNCERTAINTY": write("deviation", deviation)}
    numbers = jobs.run("assessfill", paths, Resources(512, 2), Silent())["numbers"]
    expected = gapkit.figures(filled.astype(float), values, hidden, deviation.astype(float))
    baseline = gapkit.figures(straight, values, hidden)
    assert numbers["COUNT"] == expected["n"] > 300
    assert numbers["MISSING"] == expected["missing"] == 0
    found = {key: numbers[key.upper()] for key in ("rmse", "mae", "bias", "r2")}
    assert found == pytest.approx({key: expected[key] for key in found}, abs=1e-9)
    assert numbers["RMSE_LINEAR"] == pytest.approx(baseline["rmse"], abs=1e-9)
    assert numbers["COVERAGE"] == pytest.approx(expected["cover90"], abs=2e-3)  # the reference rounds 1.6449
