"""The jobs trainmodel and fillmodel on rasters: a model that can be used comes out of every ending, and fills the same bits."""
from __future__ import annotations

import io
import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs, tiles
from phenofuse.core.errors import Cancelled, InputError
from phenofuse.core.events import Events, Silent
from phenofuse.core.jobs import Resources
from phenofuse.core.learning import filljob, modelfile
from phenofuse.core.outputs import numbers_of
from phenofuse.core.tiles.plan import Tile
from phenofuse.core.timeseries import Window, open_series
from phenofuse.core.timeseries.filling import Options
from phenofuse.core.timeseries.sampling import sample_pixels

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parent))
import torch
from killing import in_engine
from learning import series
from phenofuse.core.learning.networks import bigru, training
from rasters import write

KEYS = ("OUTPUT", "UNCERTAINTY", "QUALITY")
SIDE, DATES = 24, 24


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Epochs of few pixels."""
    monkeypatch.setattr(training, "PIXELS_PER_EPOCH", 128)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Write a simulated scene whose first pixels lack something; give paths and NDVI."""
    folder = tmp_path_factory.mktemp("scene")
    values, days = series(SIDE * SIDE, DATES)
    values[0][0], values[1][1], values[2][1] = np.nan, np.nan, np.nan
    for one in values:
        one[2] = np.nan
    cubes = [one.T.reshape(DATES, SIDE, SIDE) for one in values]
    paths = [write(folder / f"{name}.tif", cube, [str(np.datetime64(int(day), "D")) for day in when], tags={"variable": name})
             for name, cube, when in zip(("NDVI", "VV", "VH"), cubes, days)]
    return paths, cubes[0]


def train(scene, path, events=None, **parameters):
    """Run trainmodel."""
    given = {"INPUT": scene[0][0], "COVARIATES": scene[0][1:], "ARCHITECTURE": "bigru", "PRIOR": "linear", "EPOCHS": 3,
             "MODEL": str(path), **parameters}
    return jobs.run("trainmodel", given, Resources(256, 1), events or Silent())


@pytest.fixture(scope="module")
def trained(scene, tmp_path_factory):
    """Train once; give the model's path, its report and the result."""
    folder = tmp_path_factory.mktemp("model")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(training, "PIXELS_PER_EPOCH", 512)
        result = train(scene, folder / "m.phenofuse", ARCHITECTURE="fusion", PRIOR="scene", REPORT=str(folder / "report.html"))
    return folder / "m.phenofuse", folder / "report.html", result


def asked(model, opened):
    """What a tile of a fill is told of its model."""
    prior = filljob._prior(str(model), opened, sample_pixels(opened, None, filljob.SAMPLE_PIXELS, 0, Silent()), Silent())
    return filljob._Asked(str(model), modelfile.load_card(model).sha256, "cpu", "", prior)


def fill(folder, scene, model, resources=None, events=None, **parameters):
    """Run fillmodel with all rasters; give arrays by key."""
    folder.mkdir(exist_ok=True)
    outputs = {key: str(folder / f"{key}.tif") for key in KEYS}
    jobs.run("fillmodel", {"INPUT": scene[0][0], "COVARIATES": scene[0][1:], "MODEL": str(model), **parameters, **outputs},
             resources or Resources(256, 1), events or Silent())
    return {key: rasterio.open(path).read() for key, path in outputs.items()}


class Recorder(Events):
    """Events that keep what they are told, and cancel at a message."""

    def __init__(self, until=None):
        super().__init__(None)
        self.told, self._until = [], until

    def info(self, text):
        self.told.append(text)
        if self._until and text.startswith(self._until):
            self.cancel()

    warning = info


def test_training_tells_what_it_is_worth(trained):
    """Numbers, card and report agree; the error is below the line's; parts and choices are in the card."""
    model, report, result = trained
    numbers, card = result["numbers"], modelfile.load_card(model)
    assert set(numbers) == {"RMSE", "MAE", "R2", "COVERAGE", "RATIO"} and numbers["RATIO"] < 0.8
    assert 0.8 < numbers["COVERAGE"] < 0.97
    assert card.metrics["rmse"] == pytest.approx(numbers["RMSE"]) and card.training["finished"]
    assert [one.name for one in card.inputs] == ["NDVI", "VV", "VH"] and card.split == "blocks"
    assert sum(card.training["samples"].values()) == SIDE * SIDE - 2
    assert json.loads(numbers_of(report).read_text())["numbers"]["RMSE"] == pytest.approx(numbers["RMSE"])
    assert not list(model.parent.glob(".*"))


def test_the_same_seed_trains_the_same_file(scene, tmp_path):
    """Two runs write the same bytes; another seed does not."""
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        train(scene, tmp_path / f"{name}.phenofuse", SEED=seed, EPOCHS=1)
    first, second, other = ((tmp_path / f"{name}.phenofuse").read_bytes() for name in "abc")
    assert first == second != other


@pytest.mark.parametrize("choice", [{"SPLIT": "time"}, {"SPLIT": "random", "COVARIATES": []}, {"ARCHITECTURE": "mlp"},
                                    {"SPLIT": "time", "PRIOR": "scene"}])
def test_other_choices_train_and_fill(scene, tmp_path, choice):
    """Other splits, no radar, other architectures: scored, with a report, and the model fills."""
    model, report = tmp_path / "m.phenofuse", tmp_path / "report.html"
    result = train(scene, model, EPOCHS=1, REPORT=str(report), **choice)
    assert report.exists() and modelfile.load_card(model).split == choice.get("SPLIT", "blocks")
    assert set(result["numbers"]) == {"RMSE", "MAE", "R2", "COVERAGE", "RATIO"}
    covariates = {"COVARIATES": choice["COVARIATES"]} if "COVARIATES" in choice else {}
    assert np.isfinite(fill(tmp_path / "out", scene, model, **covariates)["OUTPUT"][:, 1:]).all()


def test_cancelled_leaves_a_model_that_works(scene, tmp_path):
    """Cancelled after two epochs: no half file, a model that says it is unfinished and fills; the same call then goes on."""
    model = tmp_path / "m.phenofuse"
    with pytest.raises(Cancelled):
        train(scene, model, Recorder("Epoch 2"))
    card = modelfile.load_card(model)
    assert card.training["epochs run"] == 2 and not card.training["finished"]
    assert np.isfinite(fill(tmp_path / "out", scene, model)["OUTPUT"][:, 1:]).all()
    events = Recorder()
    train(scene, model, events)
    assert any("Continuing after epoch 2" in text for text in events.told)
    train(scene, tmp_path / "whole.phenofuse")
    assert model.read_bytes() == (tmp_path / "whole.phenofuse").read_bytes()


def test_cancelled_replaces_nothing_better(scene, trained, tmp_path):
    """A judged model, or any other file, of that name stays, and this is said; the same call goes on and then replaces it."""
    model = tmp_path / "m.phenofuse"
    for epoch, before in enumerate((trained[0].read_bytes(), b"a file of somebody"), start=1):
        model.write_bytes(before)
        events = Recorder(f"Epoch {epoch}")
        with pytest.raises(Cancelled):
            train(scene, model, events)
        assert model.read_bytes() == before and any("m.phenofuse stays what it was" in text for text in events.told)
    train(scene, model)
    train(scene, tmp_path / "whole.phenofuse")
    assert model.read_bytes() == (tmp_path / "whole.phenofuse").read_bytes() and modelfile.load_card(model).training["finished"]


def test_killed_and_continued_gives_the_same_model(scene, tmp_path):
    """kill -9 in mid-training, or at any moment, leaves no model; the same call goes on and ends with the same bytes.

    PHENOFUSE_KILLS = 50 tries so many random moments.
    """
    parameters = {"INPUT": scene[0][0], "COVARIATES": scene[0][1:], "ARCHITECTURE": "bigru", "PRIOR": "linear", "EPOCHS": 3}
    whole, model = ({**parameters, "MODEL": str(tmp_path / name)} for name in ("whole.phenofuse", "m.phenofuse"))
    begun = time.monotonic()
    in_engine("trainmodel", whole, 256)
    seconds, path = time.monotonic() - begun, Path(model["MODEL"])
    in_engine("trainmodel", model, 256, lambda: has_checkpoint(tmp_path))
    assert not path.exists()
    assert "Continuing" in in_engine("trainmodel", model, 256) and path.read_bytes() == Path(whole["MODEL"]).read_bytes()
    chance = np.random.default_rng(1)
    for _ in range(int(os.environ.get("PHENOFUSE_KILLS", "2"))):
        path.unlink()
        until = time.monotonic() + chance.uniform(0, seconds)
        told = in_engine("trainmodel", model, 256, lambda until=until: time.monotonic() > until)
        assert ('"result"' in told) <= path.exists()
        in_engine("trainmodel", model, 256)
        assert path.read_bytes() == Path(whole["MODEL"]).read_bytes()


def has_checkpoint(folder: Path) -> bool:
    """Whether a training there has kept its first epoch."""
    return bool(list(folder.glob(".m.phenofuse.*.parts/training.npz")))


def test_bytes_do_not_depend_on_tiles_or_threads(scene, trained, tmp_path):
    """One and three threads write the same files, and tiles of any side hold the same bits."""
    paths, _ = scene
    for name, resources in (("a", Resources(1024, 1)), ("b", Resources(64, 3))):
        fill(tmp_path / name, scene, trained[0], resources)
    for key in KEYS:
        assert (tmp_path / "a" / f"{key}.tif").read_bytes() == (tmp_path / "b" / f"{key}.tif").read_bytes()
    whole = rasterio.open(tmp_path / "a" / "OUTPUT.tif").read()
    opened = [open_series(path) for path in paths]
    model = asked(trained[0], opened)
    for window in (Window(0, 0, 7, 9), Window(11, 5, 13, 1), Window(3, 3, 1, 1)):
        found = filljob._tile(opened, None, opened[0].days, model, Options((-1, 1)), KEYS, Tile(0, window, window))
        assert found["OUTPUT"].tobytes() == np.ascontiguousarray(whole[(slice(None), *window.slices)]).tobytes()


def test_the_scene_teaches_the_prior_where_it_can(scene, trained, tmp_path):
    """It says from how many pixels the prior was learnt; a mask that leaves too few of them keeps that of the training."""
    inside = np.zeros((1, SIDE, SIDE), "uint8")
    inside[0, 5:14, 5:14] = 1
    mask = write(tmp_path / "mask.tif", inside, dtype="uint8", nodata=None)
    few = "Too few pixels hold enough observations to teach the prior (81 hold any)"
    for number, (given, expected) in enumerate((({}, "Learnt the prior (scene) from 574 pixels."), ({"MASK": mask}, few))):
        heard = io.StringIO()
        jobs.run("fillmodel", {"INPUT": scene[0][0], "COVARIATES": scene[0][1:], "MODEL": str(trained[0]), **given,
                               "OUTPUT": str(tmp_path / f"{number}.tif")}, Resources(256, 1), Events(heard))
        assert heard.getvalue().count(expected) == 1


def test_outputs_keep_the_contract(scene, trained, tmp_path):
    """Observed values bit-identical with code 1; everything else finite or with its reason; headers say where it is from."""
    found = fill(tmp_path / "out", scene, trained[0])
    seen = np.isfinite(scene[1])
    assert (found["OUTPUT"][seen].view("uint32") == scene[1][seen].view("uint32")).all() and (found["QUALITY"][seen] == 1).all()
    finite = np.isfinite(found["OUTPUT"])
    assert not finite[:, 0, 2].any() and finite[:, 0, [0, 1]].all() and finite[:, 1:].all()
    assert (np.isfinite(found["UNCERTAINTY"]) == finite).all() and (found["QUALITY"][~finite] == 0).all()
    assert set(found["QUALITY"][:, 0, 0]) == {6} and set(found["QUALITY"][:, 0, 1]) <= {1, 3, 5}
    with rasterio.open(tmp_path / "out" / "OUTPUT.tif") as src:
        header = json.loads(src.tags()["PHENOFUSE"])
        assert header["method"] == "fillmodel" and header["variable"] == "NDVI"


def test_dates_mask_gaps_and_smoothing(scene, trained, tmp_path):
    """A step gives its dates; outside a mask is nothing; long gaps stay empty; what was seen may be smoothed."""
    inside = np.zeros((1, SIDE, SIDE), "uint8")
    inside[0, 5:15, 5:20] = 1
    mask = write(tmp_path / "mask.tif", inside, dtype="uint8", nodata=None)
    found = fill(tmp_path / "step", scene, trained[0], STEP_DAYS=5, MASK=mask)
    filled = np.isfinite(found["OUTPUT"])
    assert len(filled) == 56 and filled[:, inside[0] == 1].all() and not filled[:, inside[0] == 0].any()
    found = fill(tmp_path / "short", scene, trained[0], MAX_GAP_DAYS=36)
    empty = np.isnan(found["OUTPUT"][:, 1:])
    assert empty.any() and (found["QUALITY"][:, 1:][empty] == 4).all()
    seen = np.isfinite(scene[1])
    smooth = fill(tmp_path / "smooth", scene, trained[0], KEEP_OBSERVED=False)["OUTPUT"]
    assert 0 < np.abs(smooth - scene[1])[seen].mean() < 0.05


def test_what_cannot_be_is_refused(scene, trained, tmp_path):
    """A missing covariate, another target, another kind of file: one sentence each, and no output."""
    paths, ndvi = scene
    text = tmp_path / "text.phenofuse"
    text.write_text("no model")
    for given, match in (({"COVARIATES": paths[1:2]}, "VH is missing"), ({"INPUT": paths[1], "COVARIATES": [paths[2]]}, "fills NDVI"),
                         ({"MODEL": str(text)}, "no model file")):
        with pytest.raises(InputError, match=match):
            fill(tmp_path / "out", scene, trained[0], **given)
        assert not list((tmp_path / "out").glob("[A-Z]*.tif"))
    card, weights = modelfile.load(trained[0])
    other = tmp_path / "other.phenofuse"
    modelfile.save(other, card, {**weights, "prior.days_0": np.zeros(3)} | {"network.head.bias": np.zeros(5, np.float32)})
    with pytest.raises(InputError, match="do not make a network"):
        fill(tmp_path / "out", scene, other)
    for given, match in (({"ARCHITECTURE": "cnn"}, "no architecture"), ({"PRIOR": "guess"}, "no prior"),
                         ({"SPLIT": "fields"}, "no split"), ({"ARCHITECTURE": "mlp", "COVARIATES": []}, "mlp needs VV")):
        with pytest.raises(InputError, match=match):
            train(scene, tmp_path / "m.phenofuse", **given)
        assert not (tmp_path / "m.phenofuse").exists()


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """Write a scene of no whole number of chips, and a mask of its right part; give paths and NDVI, and the mask."""
    folder, shape = tmp_path_factory.mktemp("wide"), (12, 49, 53)
    values, days = series(shape[1] * shape[2], shape[0])
    cubes = [one.T.reshape(shape) for one in values]
    cubes[0][4:7, 20:30, 10:30] = np.nan
    paths = [write(folder / f"{name}.tif", cube, [str(np.datetime64(int(day), "D")) for day in when], tags={"variable": name})
             for name, cube, when in zip(("NDVI", "VV", "VH"), cubes, days)]
    inside = np.zeros((1, *shape[1:]), "uint8")
    inside[0, :, 30:] = 1
    return (paths, cubes[0]), write(folder / "mask.tif", inside, dtype="uint8", nodata=None)


@pytest.mark.parametrize("architecture", ["unet", "vit"])
def test_networks_of_chips_train_and_fill_without_seams(architecture, wide, tmp_path):
    """They keep the contract of all others: card, scores, observed values, dates, mask, and bytes whatever the tiles."""
    (paths, ndvi), mask = wide
    model = tmp_path / "m.phenofuse"
    numbers = train(wide[0], model, ARCHITECTURE=architecture, EPOCHS=1)["numbers"]
    card = modelfile.load_card(model)
    assert numbers["RMSE"] > 0 and card.metrics["blocks"] >= 1 and card.training["finished"]
    assert card.architecture_options["side"] == 16 and sum(card.training["samples"].values()) == 9 * 16**2
    found = fill(tmp_path / "a", wide[0], model)
    opened, tight = [open_series(path) for path in paths], Resources(64, 10)
    whole, grid = opened[0].grid.window, opened[0].grid
    assert tiles.plan(grid, filljob._bytes_per_pixel(3 * 12, 12, 16), tight, 16).side == 16
    fill(tmp_path / "b", wide[0], model, tight)
    for key in KEYS:
        assert (tmp_path / "a" / f"{key}.tif").read_bytes() == (tmp_path / "b" / f"{key}.tif").read_bytes()
    seen = np.isfinite(ndvi)
    assert (found["OUTPUT"][seen].view("uint32") == ndvi[seen].view("uint32")).all() and np.isfinite(found["OUTPUT"]).all()
    for window in (Window(0, 0, 7, 9), Window(21, 17, 13, 1), Window(40, 30, 9, 23)):
        top, left = max(0, window.row - 16), max(0, window.column - 16)
        context = Window(top, left, min(grid.height, window.row + window.rows + 16) - top,
                         min(grid.width, window.column + window.columns + 16) - left)
        for around in (context, whole):
            own = filljob._tile(opened, None, opened[0].days, asked(model, opened), Options((-1, 1)), KEYS,
                                Tile(0, window, around))
            for key in KEYS:
                assert own[key].tobytes() == np.ascontiguousarray(found[key][(slice(None), *window.slices)]).tobytes()
    masked = np.isfinite(fill(tmp_path / "step", wide[0], model, STEP_DAYS=30, MASK=mask)["OUTPUT"])
    assert masked[:, :, 30:].all() and not masked[:, :, :30].any() and len(masked) == 5


def test_a_scene_smaller_than_a_chip_is_refused(scene, wide, tmp_path):
    """In training and in filling, with what was found and what to do instead; one of too few chips, too."""
    model = tmp_path / "m.phenofuse"
    train(wide[0], model, ARCHITECTURE="unet", EPOCHS=1)
    small = [write(tmp_path / f"{name}.tif", rasterio.open(path).read()[:, :, :10], rasterio.open(path).descriptions,
                   tags={"variable": name}) for path, name in zip(scene[0], ("NDVI", "VV", "VH"))]
    given = small, None
    for run in (lambda: train(given, tmp_path / "n.phenofuse", ARCHITECTURE="vit"), lambda: fill(tmp_path / "out", given, model)):
        with pytest.raises(InputError, match="10 x 24 pixels, less than the 16 x 16"):
            run()
    with pytest.raises(InputError, match="1 blocks, too few"):
        train(scene, tmp_path / "n.phenofuse", ARCHITECTURE="unet")


def test_a_full_gpu_is_said(scene, tmp_path, monkeypatch):
    """Training (validation, then calibration and test) and filling say that they go on with fewer pixels, and fill the same."""
    train(scene, tmp_path / "m.phenofuse")
    expected = fill(tmp_path / "roomy", scene, tmp_path / "m.phenofuse")
    forward, full = bigru.Bigru.forward, "The GPU's memory is full: 64 pixels at a time from here on."

    def crowded(self, batch):
        if batch.pixels > 64:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return forward(self, batch)

    monkeypatch.setattr(bigru.Bigru, "forward", crowded)
    filljob._model.cache_clear()
    for count, run in ((2, lambda events: train(scene, tmp_path / "other.phenofuse", events)),
                       (1, lambda events: fill(tmp_path / "full", scene, tmp_path / "m.phenofuse", events=events))):
        events = Recorder()
        found = run(events)
        assert events.told.count(full) == count
    for key, values in expected.items():
        np.testing.assert_allclose(found[key], values, rtol=1e-5, atol=1e-6)
