"""The job fillhybrid on rasters: equal to the rules on arrays, same bytes whatever the tiles or ends, wrong inputs refused."""
from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs
from phenofuse.core.errors import Cancelled, DateError, GridMismatchError, InputError, UnitError
from phenofuse.core.events import Events, Silent
from phenofuse.core.hybrid.merging import OBSERVED, merge
from phenofuse.core.jobs import Resources

sys.path.insert(0, str(Path(__file__).parent))
from rasters import write
from series import dates

OUTPUTS = ("OUTPUT", "UNCERTAINTY", "QUALITY", "SOURCE")
COUNT, SHAPE = 12, (12, 150, 140)


@pytest.fixture(scope="module")
def fills(tmp_path_factory):
    """Write a series with gaps and two fills of it, with uncertainties and qualities; give paths and values by key."""
    folder, rng = tmp_path_factory.mktemp("fills"), np.random.default_rng(5)
    observed = rng.uniform(0.1, 0.9, SHAPE).astype("float32")
    observed[rng.random(SHAPE) < rng.uniform(0.1, 0.9, SHAPE[1:])] = np.nan
    paths = {"OBSERVED": write(folder / "NDVI.tif", observed, dates(COUNT), tags={"variable": "NDVI"})}
    values = {"OBSERVED": observed, "SERIES": [], "UNCERTAINTIES": [], "QUALITIES": []}
    for number, method in enumerate(("fillmogpr", "fillharmonic")):
        filled = np.where(np.isfinite(observed), observed, rng.uniform(0.1, 0.9, SHAPE)).astype("float32")
        filled[:, 0, number] = np.nan
        deviation = np.where(np.isfinite(filled), rng.uniform(0.02, 0.2, SHAPE), np.nan).astype("float32")
        code = np.where(np.isfinite(observed), 1, 2 + number).astype("uint8")
        code[:, 0, number] = 6
        for key, variable, array in (("SERIES", "NDVI", filled), ("UNCERTAINTIES", "standard deviation", deviation),
                                     ("QUALITIES", "quality", code)):
            tag = {"PHENOFUSE": json.dumps({"variable": variable, "method": method, "parameters": {"SEED": 1}})}
            path = write(folder / f"{key}{number}.tif", array, dates(COUNT), tag, dtype=array.dtype.name,
                         nodata=None if key == "QUALITIES" else np.nan)
            paths.setdefault(key, []).append(path)
            values[key].append(array)
    return paths, values


def call(folder, paths, keys=OUTPUTS, **parameters):
    """Parameters of a run."""
    folder.mkdir(exist_ok=True)
    return {**paths, **parameters, **{key: str(folder / f"{key}.tif") for key in keys}}


def run(folder, paths, resources=None, events=None, **more):
    """Run the job; give arrays by key."""
    parameters = call(folder, paths, **more)
    jobs.run("fillhybrid", parameters, resources or Resources(256, 1), events or Silent())
    return {key: rasterio.open(parameters[key]).read() for key in OUTPUTS if key in parameters}


@pytest.mark.parametrize("rule", ["inverse_variance", "best", "clear_share"])
def test_job_equals_the_rule(fills, tmp_path, rule):
    """Every raster holds what the rule gives for the arrays; clear_share follows the clear dates of each pixel."""
    paths, values = fills
    found = run(tmp_path / rule, paths, RULE=rule, THRESHOLD=0.4)
    first = np.isfinite(values["OBSERVED"]).mean(axis=0) > 0.4
    expected = merge(rule, *(np.stack(values[key]) for key in ("SERIES", "UNCERTAINTIES", "QUALITIES")),
                     np.broadcast_to(first, SHAPE))
    for key, array in zip(OUTPUTS, (expected.mean, expected.deviation, expected.code, expected.source)):
        assert np.array_equal(found[key], array, equal_nan=array.dtype.kind == "f"), key
    seen = np.isfinite(values["OBSERVED"]) & (np.indices(SHAPE)[1] > 0)
    assert (found["SOURCE"][seen] == OBSERVED).all() and (found["QUALITY"][seen] == 1).all()
    assert (found["OUTPUT"][seen].view("uint32") == values["OBSERVED"][seen].view("uint32")).all()
    if rule == "clear_share":
        assert set(np.unique(found["SOURCE"][:, 1:][:, first[1:]])) == {1, OBSERVED}
        assert set(np.unique(found["SOURCE"][:, 1:][:, ~first[1:]])) <= {2, OBSERVED}
    assert (found["SOURCE"][:, 0, 0] == 2).all() and (found["SOURCE"][:, 0, 1] == 1).all()  # the other fill where one has nothing


def test_bytes_do_not_depend_on_tiles_or_threads_or_a_cancelled_run(fills, tmp_path):
    """Another memory and more threads write the same files; so does a run that was cancelled and called again."""
    class Impatient(Events):
        def progress(self, fraction):
            if fraction > 0.3:
                self.cancel()
            super().progress(fraction)

    whole = run(tmp_path / "a", fills[0])
    run(tmp_path / "b", fills[0], Resources(64, 3))
    with pytest.raises(Cancelled):
        run(tmp_path / "c", fills[0], Resources(64, 1), Impatient())
    assert not list((tmp_path / "c").glob("[A-Z]*.tif")) and list((tmp_path / "c").glob(".*.parts/*.npz"))
    run(tmp_path / "c", fills[0], Resources(64, 1))
    assert np.isfinite(whole["OUTPUT"]).all()
    for key in OUTPUTS:
        expected = (tmp_path / "a" / f"{key}.tif").read_bytes()
        assert all((tmp_path / name / f"{key}.tif").read_bytes() == expected for name in "bc")


def test_files_say_what_they_are(fills, tmp_path):
    """Dates, variable, method and parents stand in the files."""
    run(tmp_path / "out", fills[0], RULE="best")
    for key, variable in zip(OUTPUTS, ("NDVI", "standard deviation", "quality", "source")):
        with rasterio.open(tmp_path / "out" / f"{key}.tif") as src:
            header = json.loads(src.tags()["PHENOFUSE"])
            assert list(src.descriptions) == dates(COUNT) and header["variable"] == variable
            assert header["method"] == "fillhybrid" and header["parents"] == ["SERIES0.tif", "SERIES1.tif"]


def test_what_does_not_belong_together_is_refused(fills, tmp_path):
    """Another order, grid, variable, dates, too few rasters, and rules without what they need: one sentence each."""
    paths, values = fills
    small = np.full((COUNT, 4, 4), 0.5)
    other = {"grid": write(tmp_path / "grid.tif", small, dates(COUNT), {"variable": "NDVI"}),
             "late": write(tmp_path / "late.tif", values["SERIES"][0], dates(COUNT, start="2023-01-05"), {"variable": "NDVI"}),
             "VH": write(tmp_path / "VH.tif", values["SERIES"][0] - 15, dates(COUNT), {"variable": "VH"})}
    first = paths["SERIES"][0]
    wrong = [
        (InputError, "made by fillharmonic", {"UNCERTAINTIES": paths["UNCERTAINTIES"][::-1]}),
        (InputError, "made by fillharmonic", {"QUALITIES": paths["QUALITIES"][::-1]}),
        (UnitError, "holds NDVI, not standard deviation", {"UNCERTAINTIES": paths["SERIES"]}),
        (InputError, "1 rasters, but SERIES holds 2", {"UNCERTAINTIES": paths["UNCERTAINTIES"][:1]}),
        (InputError, "SERIES holds 1", {"SERIES": [first]}),
        (GridMismatchError, "grid does not lie", {"SERIES": [first, other["grid"]]}),
        (DateError, "2023-01-05", {"SERIES": [first, other["late"]]}),
        (UnitError, "holds VH", {"SERIES": [first, other["VH"]]}),
        (InputError, "no RULE", {"RULE": "mean"}),
        (InputError, "how sure", {"RULE": "best", "UNCERTAINTIES": None}),
        (InputError, "observed", {"RULE": "clear_share", "OBSERVED": None}),
        (InputError, "THRESHOLD is 50", {"RULE": "clear_share", "THRESHOLD": 50}),
        (InputError, "QUALITY can", {"QUALITIES": None}),
        (InputError, "between two", {"RULE": "clear_share", "SERIES": [first, first, first]}),
    ]
    for error, words, change in wrong:
        with pytest.raises(error) as told:
            run(tmp_path / "wrong", paths, **change)
        assert words in told.value.text and told.value.remedy, told.value.text
    assert not list((tmp_path / "wrong").iterdir())


def test_clear_share_works_with_the_fills_alone(fills, tmp_path):
    """The seeds' rule needs neither uncertainties nor qualities; an uncertainty asked for is refused then."""
    paths = {key: fills[0][key] for key in ("SERIES", "OBSERVED")}
    found = run(tmp_path / "out", paths, keys=("OUTPUT", "SOURCE"), RULE="clear_share")
    assert np.isfinite(found["OUTPUT"]).all()
    with pytest.raises(InputError, match="UNCERTAINTY can only"):
        run(tmp_path / "wrong", paths, RULE="clear_share", keys=("OUTPUT", "UNCERTAINTY"))
