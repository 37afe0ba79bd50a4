"""Programs started from QGIS and from the engine: what they find as standard input, in their surroundings, and how they end."""
from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from looking import engine_with
from phenofuse.algorithms.bridge import engine, jobobject, processes

ROOT = Path(__file__).resolve().parent.parent
STARTERS = {"run", "Popen", "call", "check_call", "check_output", "start"}
linux = pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="looks at descriptors as Linux shows them")

# A program that says which files its descriptors are; `close_fds=False` lets it inherit all that may be inherited.
LOOK = """
import os
kept = os.listdir('/proc/self/fd')
print([os.readlink(f'/proc/self/fd/{name}') for name in kept if os.path.exists(f'/proc/self/fd/{name}')])"""
ASK = f"""
import subprocess, sys
asked = subprocess.run([sys.executable, '-c', {LOOK!r}], stdout=subprocess.PIPE, text=True, close_fds=False)
found = asked.stdout.strip()"""

# Three generations, of which the first says the numbers of all and then lives for as long as it is told.
SLEEP = "import time; time.sleep(60)"
CHILD = f"""
import subprocess, sys, time
print(subprocess.Popen([sys.executable, "-c", {SLEEP!r}], stdin=subprocess.DEVNULL).pid, flush=True)
time.sleep(60)"""
HEAD = f"""
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", {CHILD!r}], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
print(os.getpid(), child.pid, child.stdout.readline().strip(), flush=True)
time.sleep(float(sys.argv[1]))"""


def runs(pid: int) -> bool:
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def all_gone(pids, seconds: float = 2.0) -> bool:
    """Whether all of some processes end within a time: an orphan waits a moment to be reaped."""
    until = time.monotonic() + seconds
    while any(map(runs, pids)) and time.monotonic() < until:
        time.sleep(0.02)
    return not any(map(runs, pids))


def test_every_program_that_is_started_is_told_its_standard_input():
    """Nothing inherits a standard input by omission: on Windows it would wait for ever for whoever reads it."""
    wrong, seen = [], 0
    for path in [ROOT / "plugin.py", *(path for room in ("core", "algorithms", "gui") for path in (ROOT / room).rglob("*.py"))]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)):
                continue
            owner, name = node.func.value.id, node.func.attr
            by_os = owner == "os" and (name in ("system", "popen", "startfile") or name.startswith(("spawn", "exec", "posix_spawn")))
            starts = (owner in ("subprocess", "jobobject", "processes") and name in STARTERS and (owner, name) != ("processes", "run"))
            seen += starts
            passed_on = any(word.arg is None for word in node.keywords) and owner != "processes"   # `start` takes it by name
            if by_os or (starts and not passed_on and not {"stdin", "input"} & {word.arg for word in node.keywords}):
                wrong.append(f"{path.relative_to(ROOT)}:{node.lineno}")
    assert seen >= 5
    assert not wrong


def test_a_start_without_standard_input_is_refused():
    """Whoever forgets to name it is told so."""
    with pytest.raises(TypeError, match="stdin"):
        processes.start([sys.executable, "-c", ""])


@linux
def test_what_the_engine_starts_inherits_nothing_that_the_engine_reads():
    """A program that a library starts, careless of descriptors, finds the null device at 0, and no pipe of the border."""
    process = subprocess.Popen(engine_with(ASK), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    pipes = [os.readlink(f"/proc/self/fd/{stream.fileno()}") for stream in (process.stdin, process.stdout)]
    process.stdin.write('{"job": "look"}\n')
    process.stdin.flush()
    told = process.stdout.readline()
    process.stdin.close()
    assert "/dev/null" in told, told + process.stderr.read()
    assert not any(pipe in told for pipe in pipes), (told, pipes)
    process.wait(10)


@linux
def test_what_a_module_on_a_leash_starts_inherits_no_leash(tmp_path):
    """`venv` starts Pythons that inherit its standard input: they find the null device, and the leash stays ours."""
    (tmp_path / "looks.py").write_text(f"{ASK}\nprint(found)\nprint(__import__('os').readlink('/proc/self/fd/0'))\n")
    command = [part for part in processes.module_on_a_leash(sys.executable, "looks") if part != "-I"]
    status, output = processes.run(command, {**os.environ, "PYTHONPATH": str(tmp_path)}, leash=True, timeout=30)
    childs, own = output.splitlines()
    assert status == 0 and own == "/dev/null"
    assert "/dev/null" in childs and childs.count("pipe:") == 2, childs       # its output, twice: what it prints is read


@linux
def test_nvidia_smi_finds_the_null_device(tmp_path, monkeypatch):
    """The driver's own tool is asked while the engine waits for the end of its input."""
    from phenofuse.core.environment import facts

    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nreadlink /proc/self/fd/0\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    ours, (reading, writing) = os.dup(0), os.pipe()
    os.dup2(reading, 0)
    try:
        assert facts.graphics()["driver"] == ["/dev/null"]
    finally:
        os.dup2(ours, 0)
        for descriptor in (ours, reading, writing):
            os.close(descriptor)


@linux
@pytest.mark.parametrize("seconds", [60, 0], ids=["killed", "ended by itself"])
def test_the_whole_tree_ends(seconds):
    """Nothing is left of a program, its child and its grandchild: killed, or when it has ended and left them."""
    process = processes.start([sys.executable, "-c", HEAD, seconds], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    pids = [int(pid) for pid in process.stdout.readline().split()]
    process.stdout.close()
    if not seconds:
        process.wait(10)
        assert runs(pids[2])
    processes.kill(process)
    assert all_gone(pids)


@linux
def test_an_engine_that_is_left_alone_ends_what_it_started(tmp_path):
    """QGIS is killed while a job hears nothing: its input ends, and within three seconds neither it nor its child is there."""
    stubborn = f"""
import subprocess, sys, time
print(subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).pid, flush=True)
time.sleep(60)"""
    with open(tmp_path / "log", "wb") as log:
        process = processes.start(engine_with(stubborn), dict(os.environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log)
    process.stdin.write(b'{"job": "look"}\n')
    process.stdin.flush()
    until = time.monotonic() + 20
    while not (tmp_path / "log").read_bytes().endswith(b"\n") and time.monotonic() < until:
        time.sleep(0.02)
    child = int((tmp_path / "log").read_text())
    process.stdin.close()
    process.wait(3)
    process.stdout.close()
    assert all_gone([process.pid, child], 1.0)


# Windows, by stand-ins. The same was seen with a real Python for Windows: `./dev windows`.


class Windows:
    """What Windows is asked to do, in order; says yes to all but what it is told to refuse."""

    def __init__(self, monkeypatch, refuses=""):
        self.asked, self._refuses = [], refuses
        functions = ("CreateJobObjectW", "SetInformationJobObject", "AssignProcessToJobObject", "TerminateJobObject",
                     "CloseHandle")
        kernel = SimpleNamespace(**{name: self._answering(name, 77) for name in functions})
        system = SimpleNamespace(NtResumeProcess=lambda handle: not self._answering("NtResumeProcess", True)(handle))
        monkeypatch.setattr(jobobject, "_kernel", lambda: kernel)
        monkeypatch.setattr(jobobject, "_system", lambda: system)
        monkeypatch.setattr(jobobject, "subprocess", SimpleNamespace(Popen=self._popen, run=self._run, DEVNULL=subprocess.DEVNULL))
        self.ended, self.flags, self.limits = False, 0, 0

    def _answering(self, name, answer):
        def function(*given):
            self.asked.append(name)
            if name == "SetInformationJobObject":
                self.limits = given[2]._obj.basic.flags
            return 0 if name == self._refuses else answer

        return function

    def _popen(self, command, creationflags, **options):
        self.asked.append("Popen")
        self.flags = creationflags
        return SimpleNamespace(pid=5, _handle=6, poll=lambda: 0 if self.ended else None, kill=lambda: self.asked.append("kill"))

    def _run(self, command, creationflags, **options):
        self.asked.append(" ".join([Path(command[0].replace("\\", "/")).name, *command[1:]]))
        assert creationflags == jobobject.CREATE_NO_WINDOW and options["stdin"] == subprocess.DEVNULL


def test_on_windows_a_program_lies_in_a_job_object_before_it_runs(monkeypatch):
    """It is held until it lies there, shows no window, and closing the object ends all: no second program does that."""
    windows = Windows(monkeypatch)
    process = jobobject.start(["engine"])
    assert windows.asked == ["CreateJobObjectW", "SetInformationJobObject", "Popen", "AssignProcessToJobObject", "NtResumeProcess"]
    assert windows.limits == jobobject.KILL_ON_JOB_CLOSE
    assert windows.flags & jobobject.CREATE_SUSPENDED and windows.flags & jobobject.CREATE_NO_WINDOW
    windows.asked.clear()
    jobobject.kill(process)
    windows.ended = True
    jobobject.kill(process)
    assert windows.asked == ["TerminateJobObject", "CloseHandle"]


@pytest.mark.parametrize("refuses", ["CreateJobObjectW", "SetInformationJobObject", "AssignProcessToJobObject"])
def test_on_windows_without_a_job_object_the_tree_is_ended_by_its_head(monkeypatch, refuses):
    """`taskkill` finds the tree while its head is there; after a job that ended by itself nothing is started at all."""
    windows = Windows(monkeypatch, refuses)
    process = jobobject.start(["engine"])
    held = windows.flags & jobobject.CREATE_SUSPENDED
    assert bool(held) == ("NtResumeProcess" in windows.asked)
    windows.asked.clear()
    jobobject.kill(process)
    assert windows.asked == ["taskkill.exe /F /T /PID 5", "kill"]
    windows.asked.clear()
    windows.ended = True
    jobobject.kill(process)
    assert windows.asked == []


def test_on_windows_a_program_that_cannot_be_set_going_is_ended(monkeypatch):
    """Held for ever would be worse than an error."""
    windows = Windows(monkeypatch, "NtResumeProcess")
    with pytest.raises(OSError, match="set going"):
        jobobject.start(["engine"])
    assert windows.asked[-2:] == ["TerminateJobObject", "CloseHandle"]


def test_on_windows_the_head_of_a_tree_is_not_ended_before_the_tree(monkeypatch):
    """An environment's python.exe is only the parent of the engine: were it ended first, the engine could not be found."""
    asked = []
    process = SimpleNamespace(stdin=SimpleNamespace(close=lambda: asked.append("close")), poll=lambda: None,
                              terminate=lambda: asked.append("terminate"))
    monkeypatch.setattr(engine, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(engine, "SECONDS_TO_STOP", 0.05)
    monkeypatch.setattr(engine.processes, "kill", lambda process: asked.append("kill"))
    engine._end(process)
    assert asked == ["close", "kill"]
