"""Tasks on the service survive anything: started once, adopted, followed, cancelled, brought home."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("ee", reason="needs the engine's extra 'earthengine'")
from earthengine import service as pretend
from earthengine.helpers import call, deliver, double, export, finished, proceed, rows, states
from earthengine.small import END, PERIODS, crash_before, foreign, pixels, pixels_of, rasters_of
from phenofuse.core.earthengine import service, tasks

pytestmark = pytest.mark.usefixtures("hurried")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The rasters of an export of three periods in which nothing went wrong."""
    return rasters_of(tmp_path_factory.mktemp("undisturbed"))


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
    assert pixels(tmp_path / "out") == pixels_of(undisturbed) and result["numbers"]["DONE"] == 3
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
        assert all(operation["_body"]["assetExportOptions"]["earthEngineDestination"]["overwrite"] is True
                   for operation in found.operations.values())
        found.tick(), found.tick()
        proceed(found, tmp_path)
        assert all(name.startswith("projects/loop-back/assets/demak/S1S2_2023-") for name in found.assets)
    assert pixels(tmp_path) == pixels_of(undisturbed)


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
        with crash_before("QUEUED"):
            export(call(found, tmp_path, END_DATE=END, DESTINATION="drive"))
        assert states(tmp_path)[0] == "SUBMITTING" and len(found.operations) == 1
        foreign(found, "S1S2_2023-11-01_2023-11-13")
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
            foreign(found, f"foreign {number}")
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
        foreign(found, "somebody else's")
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
            foreign(found, f"foreign {number}")
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
            assert pixels(tmp_path / folder) == pixels_of(undisturbed)


def test_room_for_assets_is_read_first(tmp_path):
    """Without room for all assets no task is started."""
    with double() as found:
        found.quota["maxAssets"] = 2
        with pytest.raises(service.ServiceError, match="room for 2 assets"):
            export(call(found, tmp_path, END_DATE=END, DESTINATION="asset", PLACE="demak"))
        assert not found.operations
    assert states(tmp_path) == ["PLANNED"] * 3
