"""The job comparemethods with trained networks among its methods: scored as fillmodel fills, and never flattered unsaid."""
from __future__ import annotations

import csv
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs
from phenofuse.core.compare import hiding, methods
from phenofuse.core.errors import InputError
from phenofuse.core.events import Silent
from phenofuse.core.jobs import Resources
from phenofuse.core.timeseries import open_series

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parent))
from learning import series
from phenofuse.core.learning import Applied, applied
from phenofuse.core.learning.networks import training
from rasters import write

SIDE, DATES = 16, 30
LATER = 730.0  # days: other years of the same place


def scene(folder, later=0.0, seed=0):
    """Write NDVI, VV and VH of a simulated scene, so many days later; give paths, NDVI and its days."""
    folder.mkdir()
    values, days = series(SIDE * SIDE, DATES, seed)
    paths = [raster(folder / f"{name}.tif", name, one, when + later) for name, one, when in zip(("NDVI", "VV", "VH"), values, days)]
    return paths, values[0], days[0] + later


def raster(path, name, values, days):
    """Write a variable (pixels, dates); give its path."""
    names = [str(np.datetime64(int(day), "D")) for day in days]
    return write(path, values.T.reshape(DATES, SIDE, SIDE), names, tags={"variable": name})


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A scene, and a small network trained on it."""
    folder = tmp_path_factory.mktemp("model")
    paths, *_ = scene(folder / "scene")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training, "PIXELS_PER_EPOCH", 256)
        jobs.run("trainmodel", {"INPUT": paths[0], "COVARIATES": paths[1:], "ARCHITECTURE": "mlp", "PRIOR": "linear", "EPOCHS": 2,
                                "MODEL": str(folder / "spring.phenofuse")}, Resources(256, 1), Silent())
    return paths, str(folder / "spring.phenofuse")


def compare(folder, paths, model, **more):
    """Run the job; give its numbers, the rows of the table over all values, and the report."""
    folder.mkdir(exist_ok=True)
    given = {"INPUT": paths[0], "COVARIATES": paths[1:], "METHODS": ["whittaker"], "MODELS": [model], "PATTERN": "block",
             "GAP_DAYS": 60, "REPORT": str(folder / "r.html"), "CSV": str(folder / "t.csv"), "WINNER": str(folder / "w.tif"), **more}
    numbers = jobs.run("comparemethods", given, Resources(256, 1), Silent())["numbers"]
    with open(folder / "t.csv", newline="", encoding="utf-8-sig") as table:
        rows = {row["method"]: row for row in csv.DictReader(table) if row["group"] == "all"}
    return numbers, rows, (folder / "r.html").read_text(encoding="utf-8")


def test_a_model_is_scored_as_it_fills(trained, tmp_path):
    """In other years it takes part as any method: its error is that of fillmodel at the same hidden places."""
    _, model = trained
    paths, values, days = scene(tmp_path / "later", LATER, seed=1)
    numbers, rows, page = compare(tmp_path / "out", paths, model, PIXELS=SIDE * SIDE)
    assert list(rows) == ["linear", "whittaker", "spring.phenofuse"] and rows["spring.phenofuse"]["taught_here"] == "0"
    errors = []
    for place, draw in enumerate(hiding.draws(values, days, hiding.ways(days, "block", 60.0), 1)):
        given = raster(tmp_path / f"{place}.tif", "NDVI", np.where(draw.hidden, np.nan, values), days)
        jobs.run("fillmodel", {"INPUT": given, "COVARIATES": paths[1:], "MODEL": model, "OUTPUT": str(tmp_path / "f.tif")},
                 Resources(256, 1), Silent())
        with rasterio.open(tmp_path / "f.tif") as src:
            errors.append((src.read().reshape(DATES, -1).T - values)[draw.hidden])
    by_hand = np.sqrt(np.mean(np.concatenate(errors).astype(float) ** 2))
    assert float(rows["spring.phenofuse"]["rmse"]) == pytest.approx(by_hand, rel=1e-5)
    assert numbers["RMSE_MODEL"] == float(rows["spring.phenofuse"]["rmse"]) and "spring.phenofuse" in page and "flatters" not in page


def test_a_model_that_knows_the_answers_is_marked_and_not_recommended(trained, tmp_path, monkeypatch):
    """On the series that trained it a model is marked in table and report, and even without any error it is not the best."""
    paths, model = trained
    truth = open_series(paths[0]).read().reshape(DATES, -1).T

    class Knowing(Applied):
        def fill(self, values, days, valid_range):
            found = super().fill(values, days, valid_range)
            found.mean[:] = truth
            return found

    monkeypatch.setattr(methods, "Applied", Knowing)
    numbers, rows, page = compare(tmp_path / "here", paths, model, PIXELS=SIDE * SIDE)
    assert rows["spring.phenofuse"]["taught_here"] == "1" and rows["whittaker"]["taught_here"] == "0"
    assert numbers["RMSE_MODEL"] < 1e-6 and numbers["BEST"] in ("linear", "whittaker")
    assert "its score flatters it" in page
    with rasterio.open(tmp_path / "here" / "w.tif") as src:
        assert set(np.unique(src.read())) <= {0, 1, 2, methods.TOO_CLOSE} and src.read().any()


def test_models_that_cannot_take_part_are_refused(trained, tmp_path):
    """Two of one name, one that lacks its radar, one that is none: a sentence with its remedy, and no file."""
    paths, model = trained
    for words, change in (("Two models", {"MODELS": [model, model]}), ("VV and VH are missing", {"COVARIATES": []}),
                          ("no model file", {"MODELS": [str(tmp_path / "none.phenofuse")]})):
        with pytest.raises(InputError, match=words) as told:
            compare(tmp_path / "wrong", paths, model, **change)
        assert told.value.remedy and not list((tmp_path / "wrong").iterdir())


def test_networks_that_look_at_chips_are_refused(trained, tmp_path, monkeypatch):
    """Single pixels, as are compared here, would tell them too little."""
    paths, model = trained
    monkeypatch.setattr(applied, "opened", lambda path, device, told: (None, SimpleNamespace(network=SimpleNamespace(side=32))))
    with pytest.raises(InputError, match="looks at chips"):
        compare(tmp_path / "wrong", paths, model)
