"""The border between QGIS and the engine: jobs in, events out, and an end to everything on cancel."""

import errno
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from phenofuse.algorithms.bridge.engine import EngineError, Listener, run_job

pytestmark = pytest.mark.skipif(os.name != "posix", reason="the stand-ins for the engine are POSIX scripts")


class Heard(Listener):
    """Keeps what it hears; cancels when told to."""

    def __init__(self, cancel_after=None):
        self.fractions, self.messages, self._cancel_after, self._started = [], [], cancel_after, time.monotonic()

    def progress(self, fraction, eta_s):
        self.fractions.append(fraction)

    def message(self, level, text):
        self.messages.append((level, text))

    def cancelled(self):
        return self._cancel_after is not None and time.monotonic() - self._started > self._cancel_after


def stand_in(folder, body):
    """An executable that takes the engine's place, whatever arguments it is given."""
    script = folder / "python"
    script.write_text(f"#!{sys.executable}\nimport json, os, signal, subprocess, sys, time\n{body}\n")
    script.chmod(0o755)
    return str(script)


def run(folder, body, listener=None):
    """Run a job in a stand-in."""
    return run_job(stand_in(folder, body), "job", {"A": 1}, {}, listener or Heard(), logs=folder / "logs")


def failure(folder, body, listener=None):
    """The error a stand-in ends with."""
    with pytest.raises(EngineError) as caught:
        run(folder, body, listener)
    return caught.value


def test_the_job_travels_on_standard_input_and_the_result_comes_back(tmp_path):
    """Nothing of the job is on the command line; progress and messages are heard in order."""
    listener = Heard()
    result = run(
        tmp_path,
        """
job = json.loads(sys.stdin.readline())
print(json.dumps({"event": "progress", "fraction": 0.5, "eta_s": 3}))
print("a library chatters")
print(json.dumps({"event": "message", "level": "warning", "text": "é"}))
print(json.dumps({"event": "result", "outputs": {"ARGS": sys.argv[1:]}, "numbers": job["parameters"]}))""",
        listener,
    )
    assert (
        result["numbers"] == {"A": 1}
        and result["outputs"]["ARGS"][0].endswith("core")
        and len(result["outputs"]["ARGS"]) == 1
    )
    assert listener.fractions == [0.5] and listener.messages == [("warning", "é")]


def test_the_real_engine_answers_and_keeps_standard_output_clean(tmp_path):
    """The engine itself, started by path: an unknown job is a plain error of kind input."""
    with pytest.raises(EngineError) as caught:
        run_job(sys.executable, "nosuchjob", {}, {"memory_mb": 64}, Heard(), logs=tmp_path)
    assert caught.value.kind == "input" and "no job 'nosuchjob'" in caught.value.text


def test_an_error_line_becomes_an_error_with_its_remedy_and_a_log(tmp_path):
    """Kind, text and remedy arrive; standard error is in the log file that the error names."""
    error = failure(
        tmp_path,
        """
sys.stderr.write("details\\n")
print(json.dumps({"event": "error", "kind": "grid", "text": "Grids differ.", "remedy": "Align them."}))""",
    )
    assert (error.kind, error.text, error.remedy) == ("grid", "Grids differ.", "Align them.")
    assert Path(error.log).read_text().strip() == "details"


@pytest.mark.parametrize(
    "end, kind, words",
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "memory", "memory ran out"),
        ("os.kill(os.getpid(), signal.SIGSEGV)", "crash", "segmentation fault"),
        ("os.kill(os.getpid(), signal.SIGABRT)", "crash", "an abort"),
        ("os.kill(os.getpid(), signal.SIGTERM)", "killed", "signal 15"),
        ("sys.exit('no module named numpy')", "start", "no module named numpy"),
    ],
)
def test_silent_ends_are_told_apart(tmp_path, end, kind, words):
    """Out of memory, crashes, signals and a Python that cannot start have a sentence and a remedy each."""
    error = failure(tmp_path, end)
    assert error.kind == kind and words in error.text and error.remedy


def test_a_python_that_is_not_there_is_said(tmp_path):
    """A missing interpreter names setupengine."""
    with pytest.raises(EngineError, match="cannot be started") as caught:
        run_job(str(tmp_path / "nothing"), "job", {}, {}, Heard(), logs=tmp_path)
    assert "setupengine" in caught.value.remedy


@pytest.mark.parametrize("stubborn", [False, True])
def test_cancel_ends_the_engine_and_its_children_within_three_seconds(tmp_path, stubborn):
    """Even an engine that ignores SIGTERM and closed input, with a child of its own, is gone after 3 s."""
    pids = tmp_path / "pids"
    ignore = "signal.signal(signal.SIGTERM, signal.SIG_IGN)" if stubborn else "pass"
    body = f"""
{ignore}
child = subprocess.Popen([{sys.executable!r}, "-c", "import signal, time; {ignore}; time.sleep(60)"])
open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
time.sleep(60)"""
    listener = Heard(cancel_after=1.0)
    started = time.monotonic()
    error = failure(tmp_path, body, listener)
    assert error.kind == "cancelled" and time.monotonic() - started < 1.0 + 3.0
    for pid in map(int, pids.read_text().split()):
        for _ in range(20):  # a killed orphan may wait a moment to be reaped
            if not _runs(pid):
                break
            time.sleep(0.05)
        assert not _runs(pid)


def test_the_real_engine_stops_when_its_input_closes(tmp_path):
    """When QGIS dies, standard input closes: the engine ends by itself within three seconds."""
    import phenofuse.core

    process = subprocess.Popen(
        [sys.executable, str(Path(phenofuse.core.__file__).parent)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    started = time.monotonic()
    process.communicate(b'{"job": "nosuchjob"}\n', timeout=10)
    assert time.monotonic() - started < 3 + 2  # and the time it takes to start


def test_old_logs_go(tmp_path):
    """Only the last thirty log files are kept."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for i in range(40):
        (logs / f"{i:03d}.log").write_text("")
        os.utime(logs / f"{i:03d}.log", (i, i))
    failure(tmp_path, "sys.exit(1)")
    left = sorted(p.name for p in logs.iterdir())
    assert len(left) == 31 and left[0] == "010.log"


@pytest.mark.parametrize("kind", ["gone", "open"])
def test_a_log_that_cannot_go_stops_no_run(tmp_path, kind):
    """One that another QGIS has just removed, and one that Windows refuses to remove while a long training writes it."""
    logs = tmp_path / "logs"
    logs.mkdir()
    for i in range(40):
        if kind == "gone":
            (logs / f"{i}.log").symlink_to(tmp_path / "nothing")
        else:
            (logs / f"{i}.log").mkdir()  # removing it as a file is refused
    assert run(tmp_path, 'print(json.dumps({"event": "result"}))') == {"outputs": {}, "numbers": {}, "variables": {}}


def test_a_log_that_cannot_be_made_is_said(tmp_path):
    """A file in the folder's place, a full disk: which folder, why, and what to do."""
    (tmp_path / "logs").write_text("")
    error = failure(tmp_path, "")
    assert error.kind == "log" and str(tmp_path / "logs") in error.text and error.remedy and not error.log


def test_the_engine_works_in_an_empty_folder_that_is_its_own(tmp_path):
    """Nobody else may read or write it, and it is gone with the job."""
    found = run(
        tmp_path,
        """
number = {"MODE": os.stat(".").st_mode & 0o777, "FILES": os.listdir("."), "PLACE": os.getcwd()}
open("litter", "w").close()
print(json.dumps({"event": "result", "numbers": number}))""",
    )["numbers"]
    assert found["MODE"] == 0o700 and found["FILES"] == []
    assert not Path(found["PLACE"]).exists()


def test_no_place_for_that_folder_is_said(tmp_path, monkeypatch):
    """The disk of temporary files is full."""

    def full(**options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", full)
    error = failure(tmp_path, "")
    assert error.kind == "temporary" and "No space left" in error.text and "TMPDIR" in error.remedy


@pytest.mark.parametrize(
    "last", ["OpenBLAS error: Memory allocation still failed after 10 retries, giving up.", "LLVM ERROR: out of memory"]
)
@pytest.mark.parametrize("end", ["sys.exit(1)", "os.abort()"])
def test_a_library_that_ends_the_engine_for_want_of_memory_is_understood(tmp_path, last, end):
    """Its last line stands in the log, and its status says nothing of memory."""
    error = failure(tmp_path, f"sys.stderr.write({last!r})\nsys.stderr.flush()\n{end}")
    assert error.kind == "memory" and "MEMORY_MB" in error.remedy


def _runs(pid):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
