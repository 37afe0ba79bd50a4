"""The job `simulategaps`: input = output + truth, dated, independent of tiles, and continued after a stop."""
from __future__ import annotations

import io
import json
from datetime import date

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs
from phenofuse.core.assess import gaps
from phenofuse.core.errors import Cancelled, InputError
from phenofuse.core.events import Events, Silent
from phenofuse.core.jobs import Resources
from phenofuse.core.timeseries import Grid, Header, Window, open_series, periods_between, write_series

UTM = rasterio.crs.CRS.from_epsg(32749).to_wkt()


def write_scene(path, rows=90, columns=130, dates=30, share=0.5, seed=0):
    """Write a cloudy NDVI series and return its values."""
    rng = np.random.default_rng(seed)
    values = rng.uniform(0, 0.9, (dates, rows, columns)).astype(np.float32)
    values[rng.random(values.shape) > share] = np.nan
    grid = Grid(UTM, (50.0, 0.0, 440000.0, 0.0, -50.0, 9240000.0), columns, rows)
    write_series(str(path), values, grid, periods_between(date(2023, 11, 1), 12, dates), Header("NDVI", "1"))
    return values


def simulate(folder, source, resources=None, events=None, **changes):
    """Run the job; returns the values of OUTPUT and TRUTH and the number hidden."""
    folder.mkdir(exist_ok=True)
    parameters = {"INPUT": str(source), "PATTERN": "block", "GAP_DAYS": 60.0, "FRACTION": 0.8, "SEED": 1,
                  "OUTPUT": str(folder / "gappy.tif"), "TRUTH": str(folder / "truth.tif"), **changes}
    result = jobs.run("simulategaps", parameters, resources or Resources(512, 2), events or Silent())
    values = [open_series(result["outputs"][key], check=False).read() for key in ("OUTPUT", "TRUTH")]
    return *values, result["numbers"]["HIDDEN"]


@pytest.mark.parametrize("pattern", gaps.PATTERNS)
def test_output_and_truth_make_up_the_input(tmp_path, pattern):
    """Every value is in exactly one of the two rasters, bit for bit; dates, grid and variable are the input's."""
    values = write_scene(tmp_path / "ndvi.tif", 40, 50)
    output, truth, hidden = simulate(tmp_path / "out", tmp_path / "ndvi.tif", PATTERN=pattern)
    assert hidden == np.isfinite(truth).sum() > 100
    assert not (np.isfinite(output) & np.isfinite(truth)).any()
    np.testing.assert_array_equal(np.where(np.isfinite(truth), truth, output), values)
    source = open_series(str(tmp_path / "ndvi.tif"))
    for name in ("gappy.tif", "truth.tif"):
        made = open_series(str(tmp_path / "out" / name))
        assert made.periods == source.periods
        assert made.variable.name == "NDVI"
        assert made.grid.difference(source.grid) == ""
        with rasterio.open(tmp_path / "out" / name) as file:
            header = json.loads(file.tags()["PHENOFUSE"])
        assert header["method"] == "simulategaps"
        assert header["parameters"]["PATTERN"] == pattern


@pytest.mark.parametrize("pattern", ["block", "transplanted"])
def test_tiles_do_not_matter(tmp_path, pattern):
    """With the least memory and one worker the same values are hidden as with plenty."""
    write_scene(tmp_path / "ndvi.tif")
    plenty = simulate(tmp_path / "a", tmp_path / "ndvi.tif", Resources(2048, 1), PATTERN=pattern)
    little = simulate(tmp_path / "b", tmp_path / "ndvi.tif", Resources(64, 8), PATTERN=pattern)
    for first, second in zip(plenty, little):
        np.testing.assert_array_equal(first, second)


def test_job_hides_what_the_pattern_says(tmp_path):
    """The job hides exactly what `gaps.hide` chooses for the whole scene."""
    values = write_scene(tmp_path / "ndvi.tif")
    _, truth, _ = simulate(tmp_path / "out", tmp_path / "ndvi.tif", PATTERN="random", FRACTION=0.3)
    days = open_series(str(tmp_path / "ndvi.tif")).days
    expected = gaps.hide(np.isfinite(values), days, "random", gap_days=60, fraction=0.3, seed=1)
    np.testing.assert_array_equal(np.isfinite(truth), expected)


def test_cancelled_leaves_nothing_finished(tmp_path):
    """Cancelled before the end there is no output; the same call afterwards gives what an undisturbed one gives."""
    write_scene(tmp_path / "ndvi.tif")

    class Stopping(Events):
        def progress(self, fraction):
            super().progress(fraction)
            if fraction > 0.2:
                self.cancel()

    with pytest.raises(Cancelled):
        simulate(tmp_path / "a", tmp_path / "ndvi.tif", events=Stopping(io.StringIO()))
    assert not list((tmp_path / "a").glob("[!.]*"))
    continued, undisturbed = (simulate(tmp_path / name, tmp_path / "ndvi.tif") for name in "ab")
    for first, second in zip(continued, undisturbed):
        np.testing.assert_array_equal(first, second)


def test_what_cannot_be_done_is_said(tmp_path):
    """Impossible parameters are errors before anything is written; that nothing was hidden is said."""
    write_scene(tmp_path / "ndvi.tif", 8, 9)
    with pytest.raises(InputError, match="GAP_DAYS"):
        simulate(tmp_path / "out", tmp_path / "ndvi.tif", GAP_DAYS=5000.0)
    assert not list((tmp_path / "out").iterdir())
    write_scene(tmp_path / "full.tif", 8, 9, share=1.1)
    with pytest.raises(InputError, match="no gap that could be transplanted"):
        simulate(tmp_path / "out", tmp_path / "full.tif", PATTERN="transplanted")
    write_scene(tmp_path / "poor.tif", 8, 9, share=0.05)
    heard = io.StringIO()
    _, _, hidden = simulate(tmp_path / "out", tmp_path / "poor.tif", events=Events(heard))
    assert hidden == 0
    assert "Nothing was hidden" in heard.getvalue()


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["worldcereal_dekad_france/sites_as_pixels/NDVI.tif",
                                  "worldcereal_belgium_cube/NDVI.tif", "fusets_spain_field/NDVI.tif"])
def test_real_series(tmp_path, shared_data, name):
    """On real series: input = output + truth against an independent read, and a block lies within observations."""
    output, truth, _ = simulate(tmp_path / "out", shared_data / name, FRACTION=1.0)
    with rasterio.open(shared_data / name) as file:
        values = file.read()
    np.testing.assert_array_equal(np.where(np.isfinite(truth), truth, output), values)
    hidden = np.isfinite(truth)
    assert hidden.any()
    lengths = gaps.gap_lengths(np.isfinite(output), open_series(str(shared_data / name)).days)
    assert np.isfinite(lengths[hidden]).all()
    assert lengths[hidden].min() > 60


def test_windows_of_the_output_are_the_outputs_windows(tmp_path):
    """Reading a window of the output equals cutting it from the whole."""
    write_scene(tmp_path / "ndvi.tif")
    output, _, _ = simulate(tmp_path / "out", tmp_path / "ndvi.tif")
    window = Window(11, 70, 20, 40)
    np.testing.assert_array_equal(open_series(str(tmp_path / "out" / "gappy.tif")).read(window),
                                  output[:, window.slices[0], window.slices[1]])
