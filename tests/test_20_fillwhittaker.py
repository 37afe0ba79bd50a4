"""The job fillwhittaker on rasters: same bits whatever the tiles or ends, smoothings that serve again, wrong calls refused."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs, whittaker
from phenofuse.core.errors import GridMismatchError, InputError
from phenofuse.core.events import Silent
from phenofuse.core.jobs import Resources
from phenofuse.core.timeseries import open_series
from phenofuse.core.timeseries.sampling import sample_pixels
from phenofuse.core.whittaker.job import SAMPLE_PIXELS

sys.path.insert(0, str(Path(__file__).parent))
from killing import kill_in_mid_run
from rasters import write
from series import dates

KEYS = ("OUTPUT", "UNCERTAINTY", "QUALITY", "LAMBDA")


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Write seasons that differ by place, with noise, clouds and some odd pixels; give path and values."""
    rng = np.random.default_rng(3)
    days = np.arange(40)[:, None, None] * 12.0
    values = 0.45 + 0.3 * np.cos(2 * np.pi * days / 365.25 - rng.uniform(0, 6, (1, 40, 70))) + rng.normal(0, 0.02, (40, 40, 70))
    values[rng.random(values.shape) < 0.5] = np.nan
    values[:, 0, :3] = np.nan
    values[[4, 9], 0, 1], values[::3, 0, 2] = (0.3, 0.5), 0.4  # nothing, two observations, equal ones
    values = values.astype("float32")
    return write(tmp_path_factory.mktemp("scene") / "NDVI.tif", values, dates(40), tags={"variable": "NDVI"}), values


def run(folder, path, resources=None, keys=KEYS, **parameters):
    """Run the job with the rasters of `keys`; give arrays by key."""
    folder.mkdir(exist_ok=True)
    outputs = {key: str(folder / f"{key}.tif") for key in keys}
    result = jobs.run("fillwhittaker", {"INPUT": path, **parameters, **outputs}, resources or Resources(256, 1), Silent())
    assert result["outputs"] == outputs
    return {key: rasterio.open(name).read() for key, name in outputs.items()}


def test_bytes_do_not_depend_on_tiles_or_threads(scene, tmp_path):
    """One, two and eight threads, small and large tiles write the same files."""
    for name, resources in (("a", Resources(1024, 1)), ("b", Resources(64, 2)), ("c", Resources(64, 8))):
        run(tmp_path / name, scene[0], resources)
    for key in KEYS:
        first = (tmp_path / "a" / f"{key}.tif").read_bytes()
        assert all((tmp_path / name / f"{key}.tif").read_bytes() == first for name in "bc")


def test_killed_and_continued_gives_the_same_bytes(scene, tmp_path):
    """kill -9 in mid-run leaves no output; the same call continues from its journal and ends with the same bytes."""
    run(tmp_path / "whole", scene[0])
    folder = tmp_path / "killed"
    folder.mkdir()
    parameters = {"INPUT": scene[0], **{key: str(folder / f"{key}.tif") for key in KEYS}}
    kill_in_mid_run("fillwhittaker", parameters, 64, "typical.json")
    run(folder, scene[0], Resources(64, 1))
    for key in KEYS:
        assert (folder / f"{key}.tif").read_bytes() == (tmp_path / "whole" / f"{key}.tif").read_bytes()
    assert not list(folder.glob(".*.parts")) and not list(folder.glob(".*.writing-*"))


def test_outputs_keep_the_contract(scene, tmp_path):
    """Observed values bit-identical, a reason for all that is missing, dates, units and method in the files."""
    path, values = scene
    found = run(tmp_path / "out", path)
    seen, finite = np.isfinite(values), np.isfinite(found["OUTPUT"])
    assert (found["OUTPUT"][seen].view("uint32") == values[seen].view("uint32")).all() and (found["QUALITY"][seen] == 1).all()
    assert (np.isfinite(found["UNCERTAINTY"]) == finite).all()
    assert (~finite[:, 0, :2]).sum() == 78 == (~finite).sum()
    assert [set(codes) for codes in found["QUALITY"][:, 0, :3].T.tolist()] == [{0}, {1, 6}, {1, 7}]
    assert np.isnan(found["LAMBDA"][0, 0, :2]).all() and (found["LAMBDA"][0, 1:] >= 10).all()
    for key, dtype, variable in (("OUTPUT", "float32", "NDVI"), ("UNCERTAINTY", "float32", "standard deviation"),
                                 ("QUALITY", "uint8", "quality"), ("LAMBDA", "float32", "smoothing")):
        with rasterio.open(tmp_path / "out" / f"{key}.tif") as src:
            header = json.loads(src.tags()["PHENOFUSE"])
            assert src.dtypes[0] == dtype and header["variable"] == variable
            assert header["method"] == "fillwhittaker" and header["parents"] == ["NDVI.tif"]
            assert list(src.descriptions) == (["smoothing"] if key == "LAMBDA" else dates(40))


def test_job_equals_the_functions(scene, tmp_path):
    """The raster job fills exactly what the array functions fill with what they learn from the same sample."""
    path, values = scene
    series, pixels = open_series(path), values.reshape(40, -1).T
    sample, = sample_pixels([series], None, SAMPLE_PIXELS, 1, Silent())
    for mode in whittaker.MODES:
        found = run(tmp_path / mode, path, keys=("OUTPUT", "UNCERTAINTY"), MODE=mode)
        options = whittaker.Options((-1, 1), mode=mode)
        expected = whittaker.fill(pixels, series.days, series.days, options, whittaker.learn(sample, series.days, options))
        assert expected.mean.T.tobytes() == found["OUTPUT"].tobytes()
        assert expected.standard_deviation.T.tobytes() == found["UNCERTAINTY"].tobytes()


def test_smoothings_serve_again(scene, tmp_path):
    """LAMBDA given back as LAMBDA_INPUT writes the same bytes; one number is used everywhere; a larger one is smoother."""
    path, values = scene
    run(tmp_path / "first", path)
    run(tmp_path / "again", path, LAMBDA_INPUT=str(tmp_path / "first" / "LAMBDA.tif"))
    for key in KEYS:
        assert (tmp_path / "first" / f"{key}.tif").read_bytes() == (tmp_path / "again" / f"{key}.tif").read_bytes()
    rough = {}
    for number in ("100", "1000000"):
        found = run(tmp_path / number, path, SMOOTHING=number, KEEP_OBSERVED=False)
        assert np.nanmin(found["LAMBDA"]) == np.nanmax(found["LAMBDA"]) == float(number)
        rough[number] = np.nanmean(np.abs(np.diff(found["OUTPUT"], 2, axis=0)))
    assert rough["1000000"] < 0.5 * rough["100"]


def test_dates_mask_weights_and_longest_gap(scene, tmp_path):
    """A step gives its own dates; outside a mask nothing is filled; weight 0 counts as missing; long gaps stay empty (4)."""
    path, values = scene
    inside = np.zeros((1, 40, 70), "uint8")
    inside[0, 10:30, 10:50] = 1
    mask = write(tmp_path / "mask.tif", inside, dtype="uint8", nodata=None)
    found = run(tmp_path / "step", path, STEP_DAYS=5, MASK=mask)
    filled = np.isfinite(found["OUTPUT"])
    assert len(filled) == 96 and filled[:, inside[0] == 1].all() and not filled[:, inside[0] == 0].any()
    assert (found["QUALITY"][:, inside[0] == 0] == 0).all()
    found = run(tmp_path / "short", path, MAX_GAP_DAYS=36)
    empty = np.isnan(found["OUTPUT"][:, 1:])
    assert empty.any() and (found["QUALITY"][:, 1:][empty] == 4).all()
    trust = np.ones_like(values)
    trust[20] = 0
    weights = write(tmp_path / "weights.tif", trust, dates(40), tags={"variable": "weight"})
    without = np.where(trust > 0, values, np.nan)
    found, expected = (run(tmp_path / name, given, WEIGHTS=weights, keys=("OUTPUT", "QUALITY")) for name, given in (
        ("weighed", path), ("missing", write(tmp_path / "less.tif", without, dates(40), tags={"variable": "NDVI"}))))
    np.testing.assert_array_equal(found["OUTPUT"], expected["OUTPUT"])
    assert not (found["QUALITY"][20] == 1).any()


def test_envelope_lies_above(scene, tmp_path):
    """With clouds left in, the upper envelope lies above the middle."""
    path, values = scene
    found = {level: run(tmp_path / str(level), path, keys=("OUTPUT",), ENVELOPE=level, KEEP_OBSERVED=False)["OUTPUT"]
             for level in (0.5, 0.9)}
    assert np.nanmean(found[0.9] > found[0.5]) > 0.9


def test_what_cannot_be_is_refused(scene, tmp_path):
    """Unknown names, numbers out of range, keys that exclude one another, other dates or grids: a sentence, and no output."""
    path, values = scene
    small = write(tmp_path / "small.tif", values[:1, :9], ["smoothing"], dtype="float32")
    other = write(tmp_path / "weights.tif", values[:20], dates(20), tags={"variable": "weight"})
    empty = write(tmp_path / "empty.tif", np.full_like(values, np.nan), dates(40), tags={"variable": "NDVI"})
    for error, match, given in (
            (InputError, "MODE", {"MODE": "spline"}), (InputError, "CRITERION", {"CRITERION": "best"}),
            (InputError, "SMOOTHING", {"SMOOTHING": "-3"}), (InputError, "SMOOTHING", {"SMOOTHING": "much"}),
            (InputError, "ENVELOPE", {"ENVELOPE": 1}), (InputError, "WINDOW_DAYS", {"WINDOW_DAYS": 0, "MODE": "savgol"}),
            (InputError, "ENVELOPE belongs", {"ENVELOPE": 0.9, "MODE": "linear"}),
            (InputError, "LAMBDA belongs", {"MODE": "savgol", "LAMBDA": str(tmp_path / "l.tif")}),
            (InputError, "Both", {"SMOOTHING": "100", "LAMBDA_INPUT": small}), (GridMismatchError, "small", {"LAMBDA_INPUT": small}),
            (InputError, "other dates", {"WEIGHTS": other}), (InputError, "no observation", {"INPUT": empty})):
        with pytest.raises(error, match=match):
            run(tmp_path / "out", given.pop("INPUT", path), keys=("OUTPUT",), **given)
        assert not list((tmp_path / "out").glob("[A-Z]*.tif"))
