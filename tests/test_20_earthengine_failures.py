"""Exports survive anything: each failure by name, with what the ledger, the server and the disk hold afterwards."""

from __future__ import annotations

import contextlib
import io
import json
import os
import random
import threading
import time
from pathlib import Path

import pytest

pytest.importorskip("ee", reason="needs the engine's extra 'earthengine'")
from earthengine import service as pretend
from earthengine.helpers import (
    HURRY,
    call,
    deliver,
    double,
    engine,
    export,
    finished,
    kill_after,
    proceed,
    rows,
    states,
)
from phenofuse.core.earthengine import download, job, service, tasks, tiler
from phenofuse.core.earthengine import ledger as memory
from phenofuse.core.earthengine import plan as planning
from phenofuse.core.earthengine.ledger import Ledger
from phenofuse.core.errors import Cancelled, DiskError, InputError, OutputError
from phenofuse.core.events import Events

PERIODS = 3
END, ONE = "2023-12-07", "2023-11-13"  # of three periods, and of one
KILLS = int(os.environ.get("PHENOFUSE_KILLS", "3"))  # 50 for the full proof
PATIENCE = service.Patience


@pytest.fixture(autouse=True)
def hurried(monkeypatch):
    """Pauses between repetitions are short."""
    monkeypatch.setattr(service, "Patience", lambda: HURRY)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The rasters of an export of three periods in which nothing went wrong."""
    folder = tmp_path_factory.mktemp("undisturbed")
    with double() as found:
        export(call(found, folder, END_DATE=END))
    return finished(folder)


# ---------------------------------------------------------------- direct download


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
    assert _is_of(finished(tmp_path), undisturbed) and states(tmp_path) == ["DONE"]


def test_a_stall_ends_with_its_deadline(tmp_path, undisturbed, monkeypatch):
    """A server that accepts and says nothing is left after the deadline, and asked again."""
    monkeypatch.setattr(service, "SECONDS_OF_SILENCE", 0.5)
    with double() as found:
        found.faults.plant("computePixels", "stall", 2)
        export(call(found, tmp_path, END_DATE=ONE))
    assert _is_of(finished(tmp_path), undisturbed)


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
    assert _is_of(finished(tmp_path), undisturbed)


def test_statistics_that_are_too_much_are_asked_of_a_smaller_middle(tmp_path, undisturbed):
    """The service's memory does not suffice for the look at a period: a smaller part of the same grid is looked at."""
    with double() as found:
        found.faults.plant("value:compute", 400, 2, "User memory limit exceeded.")
        export(call(found, tmp_path, END_DATE=ONE))
        assert found.count("value:compute") == 3
    assert _is_of(finished(tmp_path), undisturbed)


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
        assert states(tmp_path) == ["FAILED", "DONE", "DONE"] and _is_of(finished(tmp_path), undisturbed)
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
    assert _is_of(finished(tmp_path), undisturbed)


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
        with _crash_before("DONE"):
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
        monkeypatch.setattr(tiler.os, "fsync", full)
        with pytest.raises(OutputError, match="No space left"):
            export(call(found, tmp_path, END_DATE=END))
        monkeypatch.undo()
        monkeypatch.setattr(service, "Patience", lambda: HURRY)
        assert not list(tmp_path.rglob("*.new"))
        proceed(found, tmp_path)
    assert finished(tmp_path) == undisturbed


def test_a_project_without_computing_time_is_said_once(tmp_path, undisturbed):
    """Every answer carries the header of the restricted mode: one warning, and the run ends right."""
    heard = io.StringIO()
    with double() as found:
        found.headers["x-earth-engine-quota-status"] = "parallelism_restricted=true"
        export(call(found, tmp_path, END_DATE=ONE), Events(heard))
    assert heard.getvalue().count("used up its computing time") == 1 and _is_of(finished(tmp_path), undisturbed)


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
        with Ledger(tmp_path), pytest.raises(InputError, match="Another run is at work"):
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


# ---------------------------------------------------------------- tasks


@pytest.mark.parametrize("pieces", [1, 3])
def test_tasks_on_drive_come_home(tmp_path, undisturbed, pieces):
    """Tasks run, their files are put into a folder (whole or in pieces), checked, and equal direct download."""
    with double() as found:
        result = export(call(found, tmp_path / "out", END_DATE=END, DESTINATION="drive", MAX_PENDING=2))
        assert states(tmp_path / "out") == ["QUEUED", "QUEUED", "PLANNED"] and result["numbers"]["PENDING"] == 3
        for _ in range(2):
            found.tick(), found.tick()
            proceed(found, tmp_path / "out", MAX_PENDING=2)
        assert states(tmp_path / "out") == ["SUCCEEDED"] * 3 and len(found.operations) == 3
        deliver(found, tmp_path / "files", pieces)
        result = proceed(found, tmp_path / "out", FILES=str(tmp_path / "files"))
    assert _pixels(tmp_path / "out") == _pixels_of(undisturbed) and result["numbers"]["DONE"] == 3
    assert {row["eecu_s"] for row in rows(tmp_path / "out")} == {1.5} and Path(result["outputs"]["NDVI"]).exists()


def test_a_missing_piece_is_noticed(tmp_path):
    """Two of three pieces are no period."""
    with double() as found:
        export(call(found, tmp_path / "out", END_DATE="2023-11-13", DESTINATION="cloudstorage", PLACE="bucket/somewhere"))
        found.tick(), found.tick()
        deliver(found, tmp_path / "files", 3)[1].unlink()
        with pytest.raises(service.ServiceError, match="cover 68% of the grid"):
            proceed(found, tmp_path / "out", FILES=str(tmp_path / "files"))
    assert not finished(tmp_path / "out")


def test_assets_are_exported_and_fetched(tmp_path, undisturbed):
    """The asset route: tasks first, then tiles of the assets, the same pixels as direct download."""
    with double() as found:
        export(call(found, tmp_path, END_DATE=END, DESTINATION="asset", PLACE="demak"))
        assert len(found.operations) == 3 and found.count("computePixels") == 0
        found.tick(), found.tick()
        proceed(found, tmp_path)
        assert all(name.startswith("projects/loop-back/assets/demak/S1S2_2023-") for name in found.assets)
    assert _pixels(tmp_path) == _pixels_of(undisturbed)


@pytest.mark.parametrize("what", ["lost", "reset", 503, 429, "cut", "html"])
def test_no_fault_while_submitting_makes_a_second_task(tmp_path, what):
    """The connection breaks after the task was accepted, or anything else: one task a period."""
    with double() as found:
        found.faults.plant("image:export", what, 3)
        export(call(found, tmp_path, END_DATE=END, DESTINATION="drive"))
        assert len(found.operations) == 3
    assert states(tmp_path) == ["QUEUED"] * 3


def test_a_run_that_died_while_submitting_finds_its_task(tmp_path):
    """SUBMITTING without a name: adopted from the list; a foreign task of a like name is left alone."""
    with double() as found:
        with _crash_before("QUEUED"):
            export(call(found, tmp_path, END_DATE=END, DESTINATION="drive"))
        assert states(tmp_path)[0] == "SUBMITTING" and len(found.operations) == 1
        _foreign(found, "S1S2_2023-11-01_2023-11-13")
        exports = found.count("image:export")
        proceed(found, tmp_path)
        assert found.count("image:export") - exports == 2
    row = rows(tmp_path)[0]
    assert row["state"] == "QUEUED" and row["operation"].endswith("1") and len(found.operations) == 4


def test_tasks_beyond_the_first_page_are_seen(tmp_path, monkeypatch):
    """The list of tasks comes in pages; ours are on later ones. One list is asked for, not each task."""
    monkeypatch.setattr(pretend, "PAGE", 2)
    with double() as found:
        export(call(found, tmp_path, END_DATE=END, DESTINATION="drive"))
        for number in range(7):
            _foreign(found, f"foreign {number}")
        found.tick()
        proceed(found, tmp_path, "status")
        assert found.count("GET .*/operations/") == 0
    assert states(tmp_path) == ["RUNNING"] * 3


def test_a_task_that_fails_by_chance_is_begun_anew_under_a_new_id(tmp_path):
    """Internal errors are tried three times in all; then the period has failed, and retry begins it again."""
    with double() as found:
        export(call(found, tmp_path, END_DATE="2023-11-13", DESTINATION="drive"))
        for attempt in (2, 3):
            found.tick(), found.tick(fail="Internal error.")
            proceed(found, tmp_path)
            assert [(row["state"], row["attempt"]) for row in rows(tmp_path)] == [("QUEUED", attempt)]
        found.tick(), found.tick(fail="Internal error.")
        with pytest.raises(service.ServiceError, match="Internal error"):
            proceed(found, tmp_path)
        assert states(tmp_path) == ["FAILED"] and len(found.operations) == 3
        proceed(found, tmp_path, "retry")
    assert states(tmp_path) == ["QUEUED"] and len(found.operations) == 4
    assert len({operation["_body"]["requestId"] for operation in found.operations.values()}) == 4


def test_a_task_that_fails_for_a_reason_is_not_repeated(tmp_path):
    """What the service says of it is in the ledger and in the error."""
    with double() as found:
        export(call(found, tmp_path, END_DATE="2023-11-13", DESTINATION="drive"))
        found.tick(), found.tick(fail="User memory limit exceeded.")
        with pytest.raises(service.ServiceError, match="User memory limit exceeded"):
            proceed(found, tmp_path)
    assert states(tmp_path) == ["FAILED"] and len(found.operations) == 1


def test_a_vanished_task_is_begun_anew_unless_its_asset_is_there(tmp_path):
    """The service forgets tasks: without an asset the period begins anew, with one it is fetched."""
    with double() as found:
        export(call(found, tmp_path, END_DATE="2023-11-25", DESTINATION="asset", PLACE="demak"))
        found.tick(), found.tick()
        gone = list(found.assets)[1]
        found.operations.clear(), found.assets.pop(gone), found.catalog.pop(gone)
        proceed(found, tmp_path)
        assert [(row["state"], row["attempt"]) for row in rows(tmp_path)] == [("DONE", 1), ("QUEUED", 2)]


def test_cancel_ends_our_tasks_only(tmp_path):
    """Ours are cancelled, what was not sent never is, a foreign task runs on; retry begins all again."""
    with double() as found:
        _foreign(found, "somebody else's")
        export(call(found, tmp_path, END_DATE=END, DESTINATION="drive", MAX_PENDING=2))
        result = proceed(found, tmp_path, "cancel")
        assert states(tmp_path) == ["CANCELLING", "CANCELLING", "CANCELLED"] and result["numbers"]["FAILED"] == 1
        found.tick()
        proceed(found, tmp_path, "status")
        assert states(tmp_path) == ["CANCELLED"] * 3
        assert [op["metadata"]["state"] for op in found.operations.values()] == ["RUNNING", "CANCELLED", "CANCELLED"]
        proceed(found, tmp_path, "retry")
    assert states(tmp_path) == ["QUEUED"] * 3


def test_cancel_may_come_too_late(tmp_path):
    """A task that ended before the cancel arrived has succeeded, and its result is kept."""
    with double() as found:
        export(call(found, tmp_path, END_DATE="2023-11-13", DESTINATION="drive"))
        proceed(found, tmp_path, "status")
        found.tick(), found.tick()
        proceed(found, tmp_path, "cancel")
    assert states(tmp_path) == ["SUCCEEDED"]


def test_a_task_cancelled_elsewhere_is_known(tmp_path):
    """Somebody pressed cancel on the service's own page."""
    with double() as found:
        export(call(found, tmp_path, END_DATE="2023-11-13", DESTINATION="drive"))
        next(iter(found.operations.values()))["metadata"]["state"] = "CANCELLING"
        found.tick()
        proceed(found, tmp_path)
    assert states(tmp_path) == ["CANCELLED"]


def test_a_full_queue_pauses_the_job_and_fails_nothing(tmp_path):
    """The project's queue is full: one sentence, no period failed, and later it goes on."""
    with double() as found:
        found.most_pending = 1
        with pytest.raises(service.ServiceError, match="Too many tasks already in the queue"):
            export(call(found, tmp_path, END_DATE=END, DESTINATION="drive"))
        assert "FAILED" not in states(tmp_path) and len(found.operations) == 1
        found.most_pending = 3000
        proceed(found, tmp_path)
        assert states(tmp_path) == ["QUEUED"] * 3 and len(found.operations) == 3


def test_other_tasks_of_the_project_are_counted_first(tmp_path, monkeypatch):
    """As many foreign tasks wait as a project may have but for a reserve: none of ours is sent, none fails."""
    monkeypatch.setattr(tasks, "MOST_IN_PROJECT", 4)
    with double() as found:
        for number in range(4):
            _foreign(found, f"foreign {number}")
        with pytest.raises(service.ServiceError, match="4 tasks wait in the project already"):
            export(call(found, tmp_path, END_DATE=END, DESTINATION="drive"))
        assert len(found.operations) == 4 and states(tmp_path) == ["PLANNED"] * PERIODS


def test_the_same_export_in_two_folders_is_one_task_a_period(tmp_path, undisturbed):
    """Another job of the same description asks for the same thing: the service starts nothing twice, both get their rasters."""
    with double() as found:
        for folder in ("one", "two"):
            export(call(found, tmp_path / folder, END_DATE=END, DESTINATION="asset", PLACE="demak"))
        assert len(found.operations) == PERIODS
        found.tick(), found.tick()
        for folder in ("one", "two"):
            proceed(found, tmp_path / folder)
            assert _pixels(tmp_path / folder) == _pixels_of(undisturbed)


def test_room_for_assets_is_read_first(tmp_path):
    """Without room for all assets no task is started."""
    with double() as found:
        found.quota["maxAssets"] = 2
        with pytest.raises(service.ServiceError, match="room for 2 assets"):
            export(call(found, tmp_path, END_DATE=END, DESTINATION="asset", PLACE="demak"))
        assert not found.operations
    assert states(tmp_path) == ["PLANNED"] * 3


# ---------------------------------------------------------------- killed at random moments


@pytest.mark.parametrize("destination", ["download", "asset"])
def test_killed_at_random_moments(tmp_path, undisturbed, destination):
    """``kill -9`` wherever it hits, again and again: no second task, no lost period, no file that only looks finished.

    PHENOFUSE_KILLS = 50 makes the full proof.
    """
    chance, kills, rounds = random.Random(KILLS), 0, 0
    while kills < KILLS:
        rounds += 1
        folder = tmp_path / str(rounds)
        with double() as found:
            ticking = _Ticking(found)
            parameters = call(found, folder, END_DATE=END, DESTINATION=destination, PLACE="demak")
            while not folder.exists() or not (folder / memory.NAME).exists() or set(_states(folder)) != {"DONE"}:
                process = engine("exportcomposites", parameters)
                killed = _kill(process, found, chance, spare=kills >= KILLS)
                kills += killed
                done = finished(folder) if folder.exists() else {}
                assert done.items() <= undisturbed.items() if destination == "download" else True
            ticking.stop()
            assert len(found.operations) == (0 if destination == "download" else PERIODS)
        assert _pixels(folder) == _pixels_of(undisturbed) and not list(folder.glob(".*.tif"))


def _kill(process, found, chance, spare: bool) -> bool:
    """Kill a run once so many requests have come and a moment more; returns whether it was still alive."""
    until, rest = len(found.log) + chance.randint(1, 12), chance.uniform(0, 0.1)

    def is_time():
        if spare or len(found.log) < until:
            return False
        time.sleep(rest)
        return True

    return kill_after(process, is_time)


class _Ticking:
    """Tasks of a double go on by themselves."""

    def __init__(self, found):
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(found,), daemon=True)
        self._thread.start()

    def _run(self, found):
        while not self._stop.wait(0.1):
            found.tick()

    def stop(self):
        self._stop.set()
        self._thread.join()


# ---------------------------------------------------------------- cancel


def test_cancel_answers_while_the_service_is_silent(tmp_path):
    """Standard input closes while a request hangs: the process has ended within three seconds, the ledger is sound."""
    with double() as found:
        found.faults.plant("computePixels", "stall", 10_000)
        process = engine("exportcomposites", call(found, tmp_path, END_DATE=END))
        deadline = time.monotonic() + 60
        while not found.count("computePixels") and time.monotonic() < deadline:
            time.sleep(0.05)
        started = time.monotonic()
        process.stdin.close()
        process.wait(10)
        assert time.monotonic() - started < 3
        process.stdout.close()
        found.faults.clear()
        proceed(found, tmp_path)
    assert states(tmp_path) == ["DONE"] * 3


def test_cancel_ends_a_pause_between_repetitions(tmp_path, monkeypatch):
    """The pause after a 503 is long; the wish to stop ends it at once."""
    monkeypatch.setattr(service, "Patience", lambda: PATIENCE(tries=5, first=600, longest=600))
    events = Events()
    with double() as found:
        found.faults.plant("value:compute", 503, 10_000)
        threading.Timer(1.5, events.cancel).start()
        started = time.monotonic()
        with pytest.raises(Cancelled):
            export(call(found, tmp_path, END_DATE=END), events)
        assert time.monotonic() - started < 6


@contextlib.contextmanager
def _crash_before(state):
    """Let a run die at the moment when it would write down that a period is in a state."""

    class Crash(BaseException):
        pass

    def crashing(self, item, after, note="", **known):
        if after == state:
            raise Crash
        return original(self, item, after, note, **known)

    original = Ledger.move
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Crash):
        patch.setattr(Ledger, "move", crashing)
        yield


def _foreign(found, description) -> None:
    """A task that is not ours."""
    name = f"projects/loop-back/operations/F{len(found.operations):023X}"
    found.operations[name] = {"name": name, "done": False, "_body": {}, "metadata": {
        "state": "RUNNING", "type": "EXPORT_IMAGE", "description": description}}  # fmt: skip
    found._export = lambda operation, export=found._export: export(operation) if operation["_body"] else None


def _states(folder) -> list:
    try:
        return states(folder)
    except Exception:  # killed before the tables were made
        return []


def _is_of(files: dict, others: dict) -> bool:
    """Whether there are files, and each equals the one of its name among the others."""
    return bool(files) and files.items() <= others.items()


def _pixels(folder) -> dict:
    return _pixels_of(finished(folder))


def _pixels_of(files: dict) -> dict:
    """Names and values of the bands of each file, as one comparable text."""
    import rasterio

    found = {}
    for name, content in files.items():
        with rasterio.MemoryFile(content) as file, file.open() as source:
            found[name] = json.dumps([source.descriptions, source.read().tobytes().hex()])
    return found
