"""Direct downloads survive anything: each failure by name, with what ledger, server and disk hold afterwards."""

from __future__ import annotations

import io

import pytest

pytest.importorskip("ee", reason="needs the engine's extra 'earthengine'")
from earthengine.helpers import HURRY, call, double, export, finished, proceed, states
from earthengine.small import END, ONE, PERIODS, crash_before, is_of, rasters_of
from phenofuse.core import files
from phenofuse.core.earthengine import download, job, service, tiler
from phenofuse.core.earthengine import ledger as memory
from phenofuse.core.earthengine import plan as planning
from phenofuse.core.earthengine.ledger import Ledger
from phenofuse.core.errors import DiskError, InputError, OutputError
from phenofuse.core.events import Events

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The rasters of an export of three periods in which nothing went wrong."""
    return rasters_of(tmp_path_factory.mktemp("undisturbed"))


@pytest.mark.parametrize("what, times", [
    (429, 4), (500, 2), (503, 5), ("reset", 3), ("lost", 2), ("cut", 3), ("short", 3), ("html", 2), ("empty", 2),
])  # fmt: skip
def test_what_passes_is_repeated(tmp_path, undisturbed, what, times):
    """Storms of 429 and 503, breaks, cut bodies, pages of a proxy, in every kind of call: the run ends right, to the last bit."""
    with double() as found:
        found.faults.plant("discovery", what, 1)
        found.faults.plant("value:compute", what, times)
        found.faults.plant("computePixels", what, times)
        export(call(found, tmp_path, END_DATE=ONE))
        assert found.count("computePixels") == found.count("value:compute") == times + 1
    assert is_of(finished(tmp_path), undisturbed) and states(tmp_path) == ["DONE"]


def test_a_stall_ends_with_its_deadline(tmp_path, undisturbed, monkeypatch):
    """A server that accepts and says nothing is left after the deadline, and asked again."""
    monkeypatch.setattr(service, "SECONDS_OF_SILENCE", 0.5)
    with double() as found:
        found.faults.plant("computePixels", "stall", 2)
        export(call(found, tmp_path, END_DATE=ONE))
    assert is_of(finished(tmp_path), undisturbed)


@pytest.mark.parametrize("what, words", [(429, "status 429"), (503, "status 503"), ("reset", "did not answer"),
                                         ("html", "proxy or a login page")])  # fmt: skip
def test_what_does_not_pass_stops_the_run_with_one_sentence(tmp_path, undisturbed, what, words):
    """For ever the same fault: no period fails for it, and the next run ends right."""
    with double() as found:
        found.faults.plant("computePixels", what, 10_000, after=1)
        with pytest.raises(service.ServiceError, match=words) as stop:
            export(call(found, tmp_path, END_DATE=END))
        assert "continueexport" in stop.value.remedy and "Traceback" not in str(stop.value)
        assert "FAILED" not in states(tmp_path) and set(finished(tmp_path)) < set(undisturbed)
        assert (tmp_path / "report.html").exists()
        found.faults.clear()
        proceed(found, tmp_path)
    assert finished(tmp_path) == undisturbed


@pytest.mark.parametrize("what, why, words", [(403, "denied", "403"), (404, "missing", "404"), (400, "refused", "400")])
def test_what_never_works_is_not_repeated(tmp_path, what, why, words):
    """No permission stops the run; a request that is refused fails its period; neither is asked twice."""
    with double() as found:
        found.faults.plant("value:compute", what, 10_000)
        with pytest.raises(service.ServiceError, match=words):
            export(call(found, tmp_path, END_DATE=END))
        assert found.count("value:compute") <= PERIODS
    assert states(tmp_path) == (["PLANNED"] * PERIODS if why == "denied" else ["FAILED"] * PERIODS)


def test_tiles_that_are_too_large_are_halved(tmp_path, undisturbed, monkeypatch):
    """The service takes only a ninth of a period at once: tiles are cut until they fit, and the result is the same."""
    monkeypatch.setattr(planning, "LARGEST_TILE", 40)
    with double() as found:
        found.largest = 40 * 40 * 25 // 9
        export(call(found, tmp_path, END_DATE=ONE))
        assert found.count("computePixels") == 31  # 16 tiles of 10 x 10, and the 15 that were too large
    assert is_of(finished(tmp_path), undisturbed)


def test_statistics_that_are_too_much_are_asked_of_a_smaller_middle(tmp_path, undisturbed):
    """The service's memory does not suffice for the look at a period: a smaller part of the same grid is looked at."""
    with double() as found:
        found.faults.plant("value:compute", 400, 2, "User memory limit exceeded.")
        export(call(found, tmp_path, END_DATE=ONE))
        assert found.count("value:compute") == 3
    assert is_of(finished(tmp_path), undisturbed)


def test_a_file_that_has_gone_is_made_again(tmp_path, undisturbed):
    """Two finished rasters are lost or cut by hand: the next run makes these again, and no other."""
    with double() as found:
        export(call(found, tmp_path, END_DATE=END))
        first, second, _ = sorted(tmp_path.glob("S1S2_*.tif"))
        first.unlink(), second.write_bytes(second.read_bytes()[:-100])
        before = found.count("computePixels")
        proceed(found, tmp_path)
        assert found.count("computePixels") - before == 2
    assert finished(tmp_path) == undisturbed


def test_one_tile_that_never_comes_fails_its_period_alone(tmp_path, undisturbed, monkeypatch):
    """The service refuses one tile of the first period: no other of its tiles is asked for, and the other periods are done."""
    monkeypatch.setattr(planning, "LARGEST_TILE", 20)
    monkeypatch.setattr(download, "IN_FLIGHT", 1)
    with double() as found:
        found.faults.plant("computePixels", 400)
        with pytest.raises(service.ServiceError, match="1 of 3 periods failed"):
            export(call(found, tmp_path, END_DATE=END))
        assert found.count("computePixels") == 1 + 2 * 4
        assert states(tmp_path) == ["FAILED", "DONE", "DONE"] and is_of(finished(tmp_path), undisturbed)
        proceed(found, tmp_path, "retry")
    assert finished(tmp_path) == undisturbed


def test_tiles_that_never_fit_fail_their_period(tmp_path):
    """Below the smallest tile cutting ends: the period fails with the service's own words."""
    with double() as found:
        found.largest = 10
        with pytest.raises(service.ServiceError, match="Total request size"):
            export(call(found, tmp_path, END_DATE=END))
    assert states(tmp_path) == ["FAILED"] * PERIODS and not finished(tmp_path)


def test_many_tiles_are_assembled_alike(tmp_path, undisturbed, monkeypatch):
    """Sixteen tiles in place of one: the same file."""
    monkeypatch.setattr(planning, "LARGEST_TILE", 11)
    with double() as found:
        export(call(found, tmp_path, END_DATE=ONE))
        assert found.count("computePixels") == 16
    assert is_of(finished(tmp_path), undisturbed)


def test_a_spoilt_tile_is_fetched_again_and_a_sound_one_is_not(tmp_path, undisturbed, monkeypatch):
    """After a stop the tiles on disk count only with their checksum."""
    monkeypatch.setattr(planning, "LARGEST_TILE", 20)
    monkeypatch.setattr(download, "IN_FLIGHT", 1)
    with double() as found:
        found.faults.plant("computePixels", 403, 10_000, after=3)
        with pytest.raises(service.ServiceError):
            export(call(found, tmp_path, END_DATE=END))
        kept = sorted((tmp_path / tiler.PARTS).glob("*.npy"))
        done = len(kept)
        assert done == 3
        kept[0].write_bytes(kept[0].read_bytes()[:-1] + b"\x00")
        found.faults.clear()
        before = found.count("computePixels")
        proceed(found, tmp_path)
        assert found.count("computePixels") - before == PERIODS * 4 - done + 1
    assert finished(tmp_path) == undisturbed and not (tmp_path / tiler.PARTS).exists()


def test_a_crash_between_name_and_ledger_is_mended(tmp_path, undisturbed):
    """The file has its name but the ledger does not know: the next run makes it again from its tiles, without a request."""
    with double() as found:
        with crash_before("DONE"):
            export(call(found, tmp_path, END_DATE="2023-11-13"))
        assert states(tmp_path) == ["DOWNLOADING"] and len(finished(tmp_path)) == 1
        before = found.count("computePixels")
        proceed(found, tmp_path)
        assert found.count("computePixels") == before
    assert finished(tmp_path).items() <= undisturbed.items() and states(tmp_path) == ["DONE"]


def test_a_full_disk_is_said_and_nothing_is_lost(tmp_path, undisturbed, monkeypatch):
    """The disk fills up at the second tile: one sentence; with room again the run goes on."""
    calls = []

    def full(handle):
        calls.append(handle)
        if len(calls) == 2:
            raise OSError(28, "No space left on device")

    with double() as found:
        monkeypatch.setattr(files, "flush", full)
        with pytest.raises(DiskError, match="is full"):
            export(call(found, tmp_path, END_DATE=END))
        monkeypatch.undo()
        monkeypatch.setattr(service, "Patience", lambda: HURRY)
        assert not list(tmp_path.rglob("*.writing-*"))
        proceed(found, tmp_path)
    assert finished(tmp_path) == undisturbed


def test_a_project_without_computing_time_is_said_once(tmp_path, undisturbed):
    """Every answer carries the header of the restricted mode: one warning, and the run ends right."""
    heard = io.StringIO()
    with double() as found:
        found.headers["x-earth-engine-quota-status"] = "parallelism_restricted=true"
        export(call(found, tmp_path, END_DATE=ONE), Events(heard))
    assert heard.getvalue().count("used up its computing time") == 1 and is_of(finished(tmp_path), undisturbed)


def test_a_disk_without_room_is_known_before_the_first_request(tmp_path, monkeypatch):
    """Three periods of 32 kB each, and 40 kB free."""
    monkeypatch.setattr(job.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 40_000}))
    with double() as found:
        with pytest.raises(DiskError, match="3 periods need"):
            export(call(found, tmp_path, END_DATE=END))
        assert not found.log


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    """A file stands where the folder should be."""
    (tmp_path / "out").write_text("x")
    with double() as found, pytest.raises(OutputError, match="cannot be written"):
        export(call(found, tmp_path / "out"))


def test_a_second_runner_is_locked_out(tmp_path):
    """While one run holds the folder, another ends at once; a dead one's lock is gone with it."""
    with double() as found:
        with Ledger(tmp_path), pytest.raises(OutputError, match=r"Another run \(process \d+ on .*\) is writing .*. Wait for its end"):
            export(call(found, tmp_path))
        export(call(found, tmp_path, END_DATE="2023-11-13"))
    assert states(tmp_path) == ["DONE"]


def test_a_folder_holds_one_export(tmp_path):
    """Another area, mask or date in the same folder is refused; the very same call is a continuation and asks nothing."""
    with double() as found:
        export(call(found, tmp_path, END_DATE="2023-11-13"))
        before = found.count("compute")
        for changes in ({"CLOUD_THRESHOLD": 0.5}, {"END_DATE": "2023-11-25"}, {"RESOLUTION": 20}):
            with pytest.raises(InputError, match="holds another export"):
                export(call(found, tmp_path, **{"END_DATE": "2023-11-13", **changes}))
        export(call(found, tmp_path, END_DATE="2023-11-13"))
        assert found.count("compute") == before
    with double() as found, pytest.raises(InputError, match="holds no export"):
        proceed(found, tmp_path / "nothing")


def test_a_clock_that_steps_back_changes_nothing(tmp_path, undisturbed, monkeypatch):
    """Times are for people: each entry of the ledger older than the one before, and the run ends right."""
    years = iter(range(2020, 1, -1))
    monkeypatch.setattr(memory, "_now", lambda: f"{next(years)}-01-01T00:00:00")
    with double() as found:
        export(call(found, tmp_path, END_DATE=END))
    assert finished(tmp_path) == undisturbed
