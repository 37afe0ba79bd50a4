"""Tiled runs: the same bytes whatever the tiles, continued after any end, never half a file under its final name."""

import importlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from phenofuse.core import outputs, tiles
from phenofuse.core.errors import Cancelled, DiskError
from phenofuse.core.events import Events, Silent
from phenofuse.core.jobs import Resources
from phenofuse.core.timeseries import Grid, Header, Period, open_series, series_spec

GRID = Grid("", (10.0, 0.0, 0.0, 0.0, -10.0, 0.0), 300, 270)
PERIODS = tuple(Period.parse(f"2024-01-{d:02d}") for d in (1, 11, 21))


def work(tile):
    """Values which tell where they belong."""
    rows = np.arange(tile.window.row, tile.window.row + tile.window.rows, dtype="float32")
    columns = np.arange(tile.window.column, tile.window.column + tile.window.columns, dtype="float32")
    plane = rows[:, None] * 1000 + columns
    return {"OUTPUT": np.stack([plane + k for k in range(3)]), "QUALITY": np.stack([(plane % 7).astype("uint8")] * 3)}


def made_in(folder):
    """Two outputs of different types."""
    header = Header("plane", "1")
    return {
        "OUTPUT": (str(folder / "o.tif"), series_spec(GRID, PERIODS, header)),
        "QUALITY": (str(folder / "q.tif"), series_spec(GRID, PERIODS, Header("QUALITY"), "uint8")),
    }


def run(folder, resources, worker=work, events=None, key="k"):
    """Plan and run; returns the bytes of both outputs."""
    made = made_in(folder)
    journal = tiles.Journal(made["OUTPUT"][0], key)
    tiles.run(tiles.plan(GRID, 100, resources), worker, made, journal, resources, events or Silent())
    journal.remove()
    return (folder / "o.tif").read_bytes(), (folder / "q.tif").read_bytes()


def visible(folder):
    """Names a user sees, without those that begin with a dot."""
    return sorted(p.name for p in folder.iterdir() if not p.name.startswith("."))


def test_bytes_do_not_depend_on_tiles_or_threads(tmp_path):
    """Tiles of 16 to 256 pixels and one to five threads write the same files, with the right values."""
    results = []
    for number, resources in enumerate((Resources(64, 1), Resources(4096, 1), Resources(64, 5))):
        folder = tmp_path / str(number)
        folder.mkdir()
        results.append(run(folder, resources))
        assert visible(folder) == ["o.tif", "q.tif"] and len(list(folder.iterdir())) == 2
    assert results[0] == results[1] == results[2]
    series = open_series(str(tmp_path / "0" / "o.tif"), variable="plane", check=False)
    np.testing.assert_array_equal(series.read(dates=[1])[0], np.arange(270)[:, None] * 1000 + np.arange(300) + 1)


def test_plans_of_different_sides_were_compared():
    """The test above is not one plan three times."""
    sides = {
        tiles.plan(GRID, bytes_, Resources(64, workers)).side for bytes_, workers in ((100, 1), (100, 5), (40_000, 1))
    }
    assert len(sides) >= 2


def test_bytes_do_not_depend_on_the_side_of_tiles(tmp_path, monkeypatch):
    """Tiles of several blocks, of one, of a part of one, and such as cut across blocks write the same files."""
    plan = importlib.import_module("phenofuse.core.tiles.plan")
    monkeypatch.setattr(plan, "TILES_PER_WORKER", 0)
    found = {}
    for side in (64, 100, 256, 512):
        monkeypatch.setattr(plan, "SIDES", (side,))
        assert tiles.plan(GRID, 100, Resources(4096, 1)).side == side
        folder = tmp_path / str(side)
        folder.mkdir()
        found[side] = run(folder, Resources(4096, 1))
    assert all(one == found[64] for one in found.values())
    series = open_series(str(tmp_path / "100" / "o.tif"), variable="plane", check=False)
    np.testing.assert_array_equal(series.read(dates=[1])[0], np.arange(270)[:, None] * 1000 + np.arange(300) + 1)


class CancelAfter(Events):
    """Cancels when a share of the job is done."""

    def __init__(self, share):
        super().__init__(None)
        self.share = share

    def progress(self, fraction):
        if fraction >= self.share:
            self.cancel()
        super().progress(fraction)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.9, 0.99])
def test_a_cancelled_run_leaves_nothing_finished_and_continues(tmp_path, share):
    """Cancelled among the tiles or while writing: no output, the rerun works only what is left and gives the same bytes."""
    (tmp_path / "whole").mkdir()
    whole = run(tmp_path / "whole", Resources(64, 2))
    with pytest.raises(Cancelled):
        run(tmp_path, Resources(64, 2), events=CancelAfter(share))
    assert visible(tmp_path) == ["whole"]
    worked = []
    again = run(tmp_path, Resources(64, 2), worker=lambda tile: worked.append(tile) or work(tile))
    assert again == whole
    total = len(tiles.plan(GRID, 100, Resources(64, 2)).tiles)
    assert len(worked) <= total * (1 - min(share, 0.85) / 0.85) + 1


def test_another_call_never_finds_these_parts(tmp_path):
    """A journal of other parameters is not continued, and is cleared away."""
    with pytest.raises(Cancelled):
        run(tmp_path, Resources(64, 2), events=CancelAfter(0.5))
    worked = []
    run(tmp_path, Resources(64, 2), worker=lambda tile: worked.append(tile) or work(tile), key="other")
    assert len(worked) == len(tiles.plan(GRID, 100, Resources(64, 2)).tiles)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.tif", "q.tif"]


def test_what_killed_runs_were_writing_is_cleared_away(tmp_path):
    """Files that a kill left unfinished are gone after the next run, what it had put aside is given back; other files stay."""
    others = {".o.tif.writing-by-hand", ".o.tif.other.parts", ".o.tif.x.tif.0123456789abcdef.parts"}
    for name in (".o.tif.writing-1", ".o.tif.old-1", ".o.tif.lock", *others):
        (tmp_path / name).touch()
    outputs.clear(tmp_path / "o.tif")
    assert {p.name for p in tmp_path.iterdir()} == {"o.tif", ".o.tif.lock", *others}


def test_a_damaged_part_is_worked_again(tmp_path):
    """A part cut short by a full disk or a dead machine is not believed."""
    with pytest.raises(Cancelled):
        run(tmp_path, Resources(64, 2), events=CancelAfter(0.6))
    part = next(next(tmp_path.glob(".o.tif.*.parts")).glob("*.npz"))
    part.write_bytes(part.read_bytes()[:-200])
    (tmp_path / "whole").mkdir()
    assert run(tmp_path, Resources(64, 2)) == run(tmp_path / "whole", Resources(64, 2))


def test_what_is_learnt_once_is_learnt_once(tmp_path):
    """`once` makes a value the first time and finds the same to the bit afterwards."""
    journal = tiles.Journal(str(tmp_path / "o.tif"), "k")
    made = []
    values = [journal.once("scene", lambda: made.append(1) or {"a": [0.1 + 0.2, 1e-300]}) for _ in range(2)]
    assert values[0] == values[1] == {"a": [0.1 + 0.2, 1e-300]} and len(made) == 1


def test_an_error_in_a_tile_reaches_the_caller_and_keeps_the_others(tmp_path):
    """A tile that fails ends the run; finished tiles stay for the next one."""

    def failing(tile):
        if tile.index == 2:
            raise ValueError("tile 2")
        return work(tile)

    with pytest.raises(ValueError, match="tile 2"):
        run(tmp_path, Resources(64, 1), worker=failing)
    assert visible(tmp_path) == [] and len(list(tmp_path.glob(".o.tif.*.parts/*.npz"))) == 2


def test_a_disk_known_to_be_too_small_is_an_error_before_the_first_tile(tmp_path, monkeypatch):
    """The sentence says what is needed and what is free; nothing was worked."""
    module = importlib.import_module("phenofuse.core.tiles.journal")
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10 * 2**10})())
    with pytest.raises(DiskError, match="need up to 2.3 MB while they are made, but only 0.0 MB are free"):
        run(tmp_path, Resources(64, 1), worker=lambda tile: pytest.fail("a tile was worked"))


def test_a_disk_that_fills_up_is_said_and_continued(tmp_path, monkeypatch):
    """On a real file system of 1 MB: a plain error, nothing that looks finished, and the rest after room was made."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        os.name != "posix"
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True
        ).returncode
    ):
        pytest.skip("mounting a small disk needs Linux and root")
    try:
        with monkeypatch.context() as patch, pytest.raises(DiskError, match="full"):
            patch.setattr(tiles.Journal, "require_room", lambda *_: None)
            run(disk, Resources(64, 1))
        assert visible(disk) == []
        subprocess.run(["mount", "-o", "remount,size=20m", str(disk)], check=True)
        assert len(run(disk, Resources(64, 1))[0]) > 0
    finally:
        subprocess.run(["umount", str(disk)], check=False)


@pytest.mark.parametrize("trial", range(20))
def test_a_killed_engine_leaves_nothing_finished_and_continues(tmp_path, trial, killed_reference):
    """kill -9 at a random moment, twenty times: no finished-looking file, and the rerun gives the bytes of an undisturbed run."""
    source, expected, seconds = killed_reference
    job = {
        "job": "buildtimeseries",
        "parameters": {"LAYERS": [source], "OUTPUT": str(tmp_path / "o.tif")},
        "resources": {"memory_mb": 64, "workers": 2},
    }
    process = engine(job)
    time.sleep(np.random.default_rng(trial).uniform(0.5, 1.0) * seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    finished = (tmp_path / "o.tif").exists()
    if finished:  # it was killed after the last step: then the file must be whole
        assert (tmp_path / "o.tif").read_bytes() == expected
    assert set(visible(tmp_path)) <= {"o.tif"}
    again = engine(job)
    assert b'"result"' in again.stdout.read() and again.wait() == 0
    assert (tmp_path / "o.tif").read_bytes() == expected
    assert [p.name for p in tmp_path.iterdir()] == ["o.tif"]


@pytest.fixture(scope="module")
def killed_reference(tmp_path_factory):
    """A stack, the bytes an undisturbed build makes of it, and how long that takes."""
    sys.path.insert(0, str(Path(__file__).parent))
    from rasters import write

    folder = tmp_path_factory.mktemp("killed")
    dates = [f"2024-{m:02d}-{d:02d}" for m in range(1, 13) for d in (1, 15)]
    values = np.random.default_rng(0).uniform(0, 0.9, (24, 400, 400)).astype("float32")
    source = write(folder / "NDVI.tif", values, dates)
    job = {
        "job": "buildtimeseries",
        "parameters": {"LAYERS": [source], "OUTPUT": str(folder / "o.tif")},
        "resources": {"memory_mb": 64, "workers": 2},
    }
    engine(job).wait()  # warm caches
    (folder / "o.tif").unlink()
    started = time.monotonic()
    process = engine(job)
    process.stdout.read()
    return source, (folder / "o.tif").read_bytes(), time.monotonic() - started


def engine(job):
    """Start the engine with a job; standard input stays open."""
    import phenofuse.core

    process = subprocess.Popen(
        [sys.executable, str(Path(phenofuse.core.__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    process.stdin.write(json.dumps(job).encode() + b"\n")
    process.stdin.flush()
    return process
