"""The sample scene on disk: read back without our own reader, it says what was simulated, and that it was."""

from __future__ import annotations

import csv
import json
from datetime import date, timedelta

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs
from phenofuse.core.errors import Cancelled, InputError, OutputError
from phenofuse.core.events import Events, Silent
from phenofuse.core.scene import job, simulate
from phenofuse.core.timeseries import collect_series, list_rasters, open_series
from phenofuse.core.timeseries.collecting import Collecting

SIZE, PERIODS, SEED = 24, 7, 3


def create(folder, size=SIZE, periods=PERIODS, seed=SEED, events=None):
    parameters = {"SIZE": size, "PERIODS": periods, "SEED": seed, "FOLDER": str(folder)}
    return jobs.run("createsamplescene", parameters, jobs.Resources(), events or Silent())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scene") / "sample"
    assert create(folder)["outputs"] == {"FOLDER": str(folder)}
    return folder


@pytest.fixture(scope="module")
def scene():
    return simulate(SIZE, PERIODS, SEED)


def test_one_file_per_period_with_the_simulated_values(folder, scene):
    """Every period's file holds VV, VH and S2ndvi by name, dated and bit-identical to the simulation, on the grid."""
    files = sorted(folder.glob("*.tif"))
    assert len(files) == PERIODS
    for number, path in enumerate(files):
        with rasterio.open(path) as src:
            assert src.descriptions == ("VV", "VH", "S2ndvi") and src.crs.to_epsg() == 32749
            assert (
                tuple(src.transform)[:6] == scene.transform
                and src.dtypes == ("float32",) * 3
                and np.isnan(src.nodata)
            )
            for band, values in enumerate((scene.vv, scene.vh, scene.ndvi), start=1):
                assert src.read(band).tobytes() == values[number].tobytes()
                assert src.tags(band)["start_time"] == f"{scene.starts[number]}T00:00:00"
                assert src.tags(band)["end_time"] == f"{scene.ends[number]}T00:00:00"


def test_truth(folder, scene):
    """The truth holds the noise-free NDVI as a time series, classes, sky, and true dates as raster and table."""
    with rasterio.open(folder / "truth" / "NDVI_truth.tif") as src:
        assert np.array_equal(src.read(), scene.ndvi_truth)
        assert src.descriptions[1] == f"{scene.starts[1]}/{scene.ends[1]}"
    for name, expected in (("classes.tif", scene.classes[None]), ("sky.tif", scene.sky)):
        with rasterio.open(folder / "truth" / name) as src:
            assert src.dtypes[0] == "uint8" and np.array_equal(src.read(), expected)
    with rasterio.open(folder / "truth" / "seasons.tif") as src:
        layers = dict(zip(src.descriptions, src.read()))
        assert {tags["units"] for tags in map(src.tags, src.indexes)} == {"days since 1970-01-01"}
    np.testing.assert_array_equal(layers["start_1"], scene.season_start[0])
    np.testing.assert_array_equal(layers["peak_1"], scene.season_peak[0])
    np.testing.assert_array_equal(layers["end_1"], scene.season_end[0])
    with open(folder / "truth" / "seasons.csv", newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) > 5
    for line in lines:
        row, column, season = int(line["row"]), int(line["column"]), int(line["season"]) - 1
        peak = date(1970, 1, 1) + timedelta(days=int(scene.season_peak[season, row, column]))
        assert line["peak"] == peak.isoformat() and int(line["crops_a_year"]) == scene.classes[row, column]


def test_it_says_everywhere_that_it_is_simulated(folder):
    """Each raster (tags), the table and the README say that nothing was measured."""
    for path in folder.rglob("*.tif"):
        with rasterio.open(path) as src:
            assert "SIMULATED" in json.loads(src.tags()["PHENOFUSE"])["simulated"], path
    assert "SIMULATED" in (folder / "README.txt").read_text().splitlines()[0]
    assert "simulated" in (folder / "truth" / "seasons.csv").read_text().splitlines()[0]


def test_our_own_reader_makes_series_of_it(folder, scene):
    """The folder reads as a time series of each variable by name, with the periods' dates; the truth opens as one."""
    for name, values in (("VV", scene.vv), ("VH", scene.vh), ("NDVI", scene.ndvi)):
        series = collect_series(list_rasters(folder), Collecting(variable=name), Silent())
        assert [period.start for period in series.periods] == list(scene.starts)
        assert [period.end for period in series.periods] == list(scene.ends)
        np.testing.assert_array_equal(series.read(), values)
    assert open_series(str(folder / "truth" / "NDVI_truth.tif")).count == PERIODS


def test_an_earlier_scene_is_replaced_and_the_same_bytes_come_back(folder, tmp_path):
    """The same call gives the same files; a smaller scene in the same place leaves nothing of the larger one."""
    again = tmp_path / "again"
    create(again)
    names = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(again) for path in again.rglob("*") if path.is_file())
    assert all((folder / name).read_bytes() == (again / name).read_bytes() for name in names)
    create(again, periods=2)
    assert len(list(again.glob("*.tif"))) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


@pytest.mark.parametrize("other", ["notes.txt", "truth/mine.tif", "S1S2_a.tif"])
def test_a_folder_with_other_things_is_left_alone(tmp_path, other):
    """Whatever is not an earlier sample scene is never overwritten, and nothing is written beside it."""
    path = tmp_path / "place" / other
    path.parent.mkdir(parents=True)
    path.write_text("mine")
    with pytest.raises(OutputError, match="nothing was written"):
        create(tmp_path / "place")
    assert path.read_text() == "mine" and len(list((tmp_path / "place").rglob("*.tif"))) == other.count(".tif")
    assert [entry.name for entry in tmp_path.iterdir()] == ["place"]


def test_a_file_in_the_place_of_the_folder(tmp_path):
    """A file of that name is an error that says so."""
    (tmp_path / "place").write_text("mine")
    with pytest.raises(OutputError, match="is a file"):
        create(tmp_path / "place")


def test_an_empty_folder_is_used(tmp_path):
    """An empty folder, as QGIS makes for temporary outputs, is filled; one pixel and one period are enough."""
    (tmp_path / "place").mkdir()
    create(tmp_path / "place", size=1, periods=1)
    assert len(list((tmp_path / "place").glob("*.tif"))) == 1


def test_cancelling_leaves_nothing(tmp_path):
    """Cancelled half-way, no folder appears and no temporary one stays."""

    class CancelledHalfWay(Events):
        def progress(self, fraction):
            if fraction > 0.6:
                self.cancel()
            super().progress(fraction)

    with pytest.raises(Cancelled):
        create(tmp_path / "place", events=CancelledHalfWay())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wrong, text",
    [
        ({"size": 0}, "SIZE is 0"),
        ({"periods": 0}, "PERIODS is 0"),
        ({"seed": -1}, "SEED is -1"),
        ({"size": 30000}, "at most"),
    ],
)
def test_numbers_out_of_range(tmp_path, wrong, text):
    """A size, a number of periods or a seed out of range is an error before anything is written."""
    with pytest.raises(InputError, match=text):
        create(tmp_path / "place", **wrong)
    assert not (tmp_path / "place").exists()


def test_readme_explains_every_file(folder):
    """The README names each kind of file that lies in the folder, and how to make the scene again."""
    text = (folder / "README.txt").read_text()
    for word in ("S1S2_", "NDVI_truth.tif", "seasons.tif", "classes.tif", "sky.tif", f"SEED = {SEED}", job.TITLE):
        assert word in text
