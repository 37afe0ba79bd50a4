"""What everything that writes shares: files that are moved when the system lets go of them, one writer, outputs of their own."""
from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
from phenofuse.core import files, outputs
from phenofuse.core.errors import DiskError, OutputError
from phenofuse.core.registry import JOBS


def test_a_move_is_tried_again_for_some_seconds(tmp_path, monkeypatch):
    """On Windows, where scanners open new files; elsewhere, and after some seconds, a refusal is one."""
    (tmp_path / "a").write_text("new")
    replace, refused = os.replace, [3]

    def busy(source, target):
        refused[0] -= 1
        if refused[0] >= 0:
            raise PermissionError(13, "in use")
        replace(source, target)

    monkeypatch.setattr(os, "replace", busy)
    with pytest.raises(PermissionError):
        files.replace(tmp_path / "a", tmp_path / "b")
    monkeypatch.setattr(files, "ON_WINDOWS", True)
    files.replace(tmp_path / "a", tmp_path / "b")
    assert (tmp_path / "b").read_text() == "new"
    monkeypatch.setattr(files, "SECONDS_OF_PATIENCE", 0.2)
    refused[0] = 1000
    with pytest.raises(PermissionError):
        files.replace(tmp_path / "b", tmp_path / "a")


def test_all_of_ours_move_files_by_the_one_way():
    """Nobody calls the system's own: no os.replace or os.rename outside core/files.py (nor in the maker of environments)."""
    root = Path(files.__file__).resolve().parents[1]
    users = {path.name for room in ("core", "algorithms", "gui") for path in (root / room).rglob("*.py")
             if any(call in path.read_text(encoding="utf-8") for call in ("os.replace(", "os.rename(", "shutil.move("))}
    assert users <= {"files.py", "environment.py"}


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    """The old content stays while writing and after a failure; nothing is left behind."""
    path = tmp_path / "folder" / "x.bin"
    with files.whole(path) as writing:
        writing.write_bytes(b"old")
    for problem, kind in ((ValueError("ours"), ValueError), (OSError(28, "No space left on device"), DiskError),
                          (PermissionError(13, "no"), OutputError)):
        with pytest.raises(kind), files.whole(path) as writing:
            writing.write_bytes(b"half")
            assert path.read_bytes() == b"old"
            raise problem
    assert [one.name for one in path.parent.iterdir()] == ["x.bin"] and path.read_bytes() == b"old"


HOLD = """
import sys, time
from phenofuse.core.files import Lock
with Lock(sys.argv[1]):
    print("held", flush=True)
    time.sleep(60)
"""


def holder(path):
    """Another process that holds the lock of an output."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    return process


def test_one_run_at_a_time(tmp_path):
    """The second is told who is at work; a killed one's lock is taken, and goes with its last owner."""
    path = tmp_path / "o.tif"
    other = holder(path)
    told = rf"Another run \(process {other.pid} on {platform.node()}, since 20.*\) is writing .*o\.tif\. Wait for its end"
    with pytest.raises(OutputError, match=told), files.Lock(path):
        pass
    other.kill()
    other.wait()
    assert (tmp_path / ".o.tif.lock").exists()
    with files.Lock(path), pytest.raises(OutputError, match=f"process {os.getpid()} "), files.Lock(path):
        pass
    assert not list(tmp_path.iterdir())


def test_where_the_system_cannot_lock_the_word_counts(tmp_path, monkeypatch):
    """Of this machine it is known which process lives; of another one the user is told which file to delete."""
    monkeypatch.setattr(files, "_lock", lambda file: None)
    path, note = tmp_path / "o.tif", tmp_path / ".o.tif.lock"
    with files.Lock(path), pytest.raises(OutputError, match=f"process {os.getpid()} .*delete .*lock"), files.Lock(path):
        pass
    dead = holder(tmp_path / "x")
    dead.kill()
    dead.wait()
    note.write_text(json.dumps({"process": dead.pid, "host": platform.node(), "since": "2026-01-01 00:00"}))
    with files.Lock(path):
        assert json.loads(note.read_text())["process"] == os.getpid()
    note.write_text(json.dumps({"process": 1, "host": "elsewhere", "since": "2026-01-01 00:00"}))
    with pytest.raises(OutputError, match="process 1 on elsewhere"), files.Lock(path):
        pass


@pytest.mark.skipif(os.name != "posix", reason="these kinds of files are of POSIX")
def test_what_is_no_regular_file_is_refused(tmp_path):
    """Folder, link, pipe, socket, device: with a sentence that says what it is, and nothing is changed."""
    import socket

    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe")
    server = socket.socket(socket.AF_UNIX)
    server.bind(str(tmp_path / "socket"))
    server.close()
    kinds = {"folder": "a folder", "link": "a symbolic link", "broken": "a symbolic link", "pipe": "a pipe", "socket": "a socket"}
    for name, kind in (*kinds.items(), ("/dev/full", "a device")):
        with pytest.raises(OutputError, match=kind):
            outputs.require_replaceable(tmp_path / name)
    outputs.require_replaceable(tmp_path / "file")
    outputs.require_replaceable(tmp_path / "new")


def test_a_file_that_is_open_elsewhere_is_named(tmp_path, monkeypatch):
    """As Windows answers: the rename onto itself fails, and the sentence names that file."""
    (tmp_path / "o.tif").write_text("x")
    (tmp_path / "o.tif.aux.xml").write_text("x")
    monkeypatch.setattr(files, "ON_WINDOWS", True)
    monkeypatch.setattr(files, "SECONDS_OF_PATIENCE", 0.1)
    replace = os.replace

    def replacing(source, target):
        if str(target).endswith("aux.xml"):
            raise PermissionError(13, "The process cannot access the file")
        replace(source, target)

    monkeypatch.setattr(os, "replace", replacing)
    job = JOBS["fillhybrid"]
    with pytest.raises(OutputError, match=r"o\.tif\.aux\.xml cannot be replaced .*open in another program"), \
            outputs.claimed(job, {"OUTPUT": str(tmp_path / "o.tif")}):
        pass


def test_a_set_is_replaced_together_or_stays(tmp_path, monkeypatch):
    """Wherever the moves stop, all files are the old ones, with hard links and without; else all are the new ones."""
    names = ("a", "b", "c", "gone")
    for links in (True, False):
        if not links:
            monkeypatch.setattr(os, "link", lambda *_: (_ for _ in ()).throw(OSError(1, "no links here")))
        for stop in (*names[:3], None):
            for name in names:
                (tmp_path / name).write_text("old")
            (tmp_path / "c").unlink()
            moves = []
            for name in names[:3]:
                (tmp_path / f"new-{name}").write_text("new")
                moves.append((tmp_path / f"new-{name}", tmp_path / name))
            moves.insert(0, (None, tmp_path / "gone"))
            replace = os.replace

            def replacing(source, target, stop=stop, replace=replace):
                if stop and Path(target).name == stop and Path(source).name.startswith("new"):
                    raise PermissionError(13, "in use")
                replace(source, target)

            with monkeypatch.context() as patched:
                patched.setattr(os, "replace", replacing)
                if stop:
                    with pytest.raises(OutputError, match=f"{stop} cannot be "):
                        outputs.replace_together(moves)
                else:
                    outputs.replace_together(moves)
            found = {one.name: one.read_text() for one in tmp_path.iterdir() if not one.name.startswith("new-")}
            assert found == (dict.fromkeys(("a", "b", "gone"), "old") if stop else dict.fromkeys(names[:3], "new"))


@pytest.mark.parametrize(("values", "wanted"), [
    ({"INPUT": "x.tif", "OUTPUT": "x.tif"}, ("INPUT", "OUTPUT")),
    ({"COVARIATES": ["y.tif", "x.tif"], "QUALITY": "x.tif"}, ("COVARIATES", "QUALITY")),
    ({"OUTPUT": "new.tif", "QUALITY": "new.tif"}, ("OUTPUT", "QUALITY")),
    ({"OUTPUT": "new.tif", "QUALITY": "new.tif.msk"}, ("OUTPUT", "QUALITY")),
    ({"MASK": "x.html.json", "REPORT": "x.html"}, ("MASK", "REPORT")),
    ({"INPUT": 'NETCDF:"x.nc":NDVI', "OUTPUT": "x.nc"}, ("INPUT", "OUTPUT")),
    ({"INPUT": "/vsizip/x.zip/in/x.tif", "OUTPUT": "x.zip"}, ("INPUT", "OUTPUT")),
    ({"INPUT": "x.tif", "COVARIATES": ["x.tif"], "OUTPUT": "new.tif"}, ()),
    ({"INPUT": "x.tif", "REPORT": "x.html", "MODE": "x"}, ()),
])
def test_an_output_is_nobody_elses_file(tmp_path, values, wanted):
    """Nor what lies beside one; two inputs may be one file."""
    for name in ("x.tif", "y.tif", "x.html.json", "x.nc", "x.zip"):
        (tmp_path / name).touch()

    def placed(text):
        name = next((one for one in ("x.zip", "x.tif", "y.tif", "new.tif", "x.html", "x.nc") if one in text), None)
        return text.replace(name, str(tmp_path / name), 1) if name else text

    given = {key: [placed(one) for one in value] if isinstance(value, list) else placed(value) for key, value in values.items()}
    assert outputs.clash(given, {"OUTPUT", "QUALITY", "REPORT"}) == wanted


def test_folders_made_for_a_refused_job_go_again(tmp_path):
    """Neither folders nor locks stay; what was there before does, and so do folders with something in them."""
    (tmp_path / "there").mkdir()
    given = {"OUTPUT": str(tmp_path / "a" / "b" / "o.tif"), "SOURCE": str(tmp_path / "there" / "s.tif"),
             "QUALITY": str(tmp_path / "full" / "q.tif")}
    with pytest.raises(ValueError, match="refused"), outputs.claimed(JOBS["fillhybrid"], given):
        (tmp_path / "full" / "q.tif").touch()
        raise ValueError("refused")
    assert sorted(one.relative_to(tmp_path).as_posix() for one in tmp_path.rglob("*")) == ["full", "full/q.tif", "there"]



def test_a_lock_of_another_user_is_told_as_one(tmp_path, monkeypatch):
    """In a folder that people share, what another user's killed run left cannot be opened: the sentence says whose business it is."""
    left = tmp_path / ".out.tif.lock"
    left.write_text("")
    monkeypatch.setattr(files, "_opened", lambda path: (_ for _ in ()).throw(PermissionError(13, "Permission denied")))
    with pytest.raises(OutputError, match="Another user's run"), files.Lock(tmp_path / "out.tif"):
        pass
    left.unlink()
    with pytest.raises(OutputError, match="The folder"), files.Lock(tmp_path / "out.tif"):
        pass
