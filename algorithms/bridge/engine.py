"""The engine as a child process: one job in, progress and messages out, one result or one plain error.

Standard library only. Cancelling closes the engine's standard input (it stops at its next check), then
terminates it, then kills it with all it started: within three seconds nothing of it is left. It works in an
empty folder of its own: a file of settings that lies in the current folder would change what libraries do.
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from pathlib import Path

from . import processes

CORE = Path(__file__).resolve().parents[2] / "core"
SECONDS_TO_STOP = 1.5  # after standard input closed
SECONDS_TO_TERMINATE = 0.8
SECONDS_BETWEEN_POLLS = 0.1
LOGS_KEPT = 30

# How a process that said nothing ended: POSIX gives minus the signal, Windows an NTSTATUS.
_OUT_OF_MEMORY = {-9, 137, 0xC0000017, 0xC000012D}
_CRASHED = {
    -11: "a segmentation fault",
    -6: "an abort",
    -4: "an illegal instruction",
    -7: "a bus error",
    -8: "an arithmetic fault",
    0xC0000005: "an access violation",
    0xC0000409: "a stack overrun",
    0xC000001D: "an illegal instruction",
    0xC0000135: "a missing DLL",
}
# What libraries say last when they end a process for want of memory: OpenBLAS, LLVM, C++, glibc.
_WANT_OF_MEMORY = re.compile(r"memory allocation|out of memory|cannot allocate|unable to allocate|bad_alloc", re.I)


class EngineError(Exception):
    """A job that failed: `text` says what, `remedy` what to do, `log` where the details are."""

    def __init__(self, kind: str, text: str, remedy: str = "", log: str = ""):
        super().__init__(f"{text} {remedy}".strip())
        self.kind, self.text, self.remedy, self.log = kind, text, remedy, log


class Listener:
    """Hears a running job; the base class keeps quiet and never cancels."""

    def progress(self, fraction: float, eta_s) -> None:
        """A share of the job is done; `eta_s` seconds are left (None: not known yet)."""

    def message(self, level: str, text: str) -> None:
        """The job says something; `level` is ``info`` or ``warning``."""

    def cancelled(self) -> bool:
        """Whether the user wants to stop."""
        return False


def run_job(
    python: str,
    job: str,
    parameters: dict,
    resources: dict,
    listener: Listener,
    logs: str | Path,
    caches: str | Path | None = None,
) -> dict:
    """Run one job in the engine and wait for it.

    Parameters
    ----------
    python : str
        The engine's Python.
    job, parameters, resources
        As `core.jobs.run` takes them; they travel on standard input, never on a command line.
    listener : Listener
        Hears progress and messages; asked ten times a second whether to stop.
    logs : path
        The folder for the log file.
    caches : path, optional
        The folder for compiled functions and matplotlib's list of fonts.

    Returns
    -------
    dict
        ``outputs``, ``numbers`` and ``variables`` (of the output rasters).

    Raises
    ------
    EngineError
        With `kind` ``cancelled`` when the listener stopped it.
    """
    log = _new_log(job, Path(logs))
    with _own_folder(log) as own, open(log, "wb") as errors:
        variables = {**processes.clean_environment(), "MPLCONFIGDIR": os.path.join(caches or own, "matplotlib")}
        if caches:
            variables["NUMBA_CACHE_DIR"] = str(caches)
        try:
            process = processes.start(
                [python, CORE],
                variables,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=own,
            )
        except OSError as problem:
            raise EngineError(
                "start",
                f"The engine's Python {python} cannot be started ({problem.strerror}).",
                "Run 'Set up engine' (phenofuse:setupengine).",
                str(log),
            ) from problem
        try:
            return _converse(
                process, {"job": job, "parameters": parameters, "resources": resources}, listener, str(log)
            )
        finally:
            _end(process)


@contextlib.contextmanager
def _own_folder(log: Path):
    """An empty folder that nobody else may read or write, gone at the end."""
    try:
        folder = tempfile.mkdtemp(prefix="phenofuse-")
    except OSError as problem:
        raise EngineError(
            "temporary",
            f"No temporary folder can be made ({problem.strerror}).",
            "Free some room on the disk of temporary files, or set TMPDIR (on Windows TEMP) to a folder that you may write.",
            str(log),
        ) from problem
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _converse(process, job: dict, listener: Listener, log: str) -> dict:
    lines = queue.Queue()
    threading.Thread(target=_pump, args=(process.stdout, lines), daemon=True).start()
    try:
        process.stdin.write((json.dumps(job) + "\n").encode())
        process.stdin.flush()
    except OSError:
        pass  # it died at once: its exit status tells more
    while True:
        if listener.cancelled():
            raise EngineError("cancelled", "Cancelled.", log=log)
        try:
            line = lines.get(timeout=SECONDS_BETWEEN_POLLS)
        except queue.Empty:
            continue
        if line is None:
            raise _silent_end(process.wait(), log)
        event = _parsed(line)
        kind = event.get("event")
        if kind == "progress":
            listener.progress(event["fraction"], event.get("eta_s"))
        elif kind == "message":
            listener.message(event["level"], event["text"])
        elif kind == "result":
            return {key: event.get(key, {}) for key in ("outputs", "numbers", "variables")}
        elif kind == "error":
            raise EngineError(event["kind"], event["text"], event["remedy"], log)


def _pump(stream, lines: queue.Queue) -> None:
    with stream:
        for line in stream:
            lines.put(line)
    lines.put(None)


def _parsed(line: bytes) -> dict:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _silent_end(code: int, log: str) -> EngineError:
    """The error for an engine that ended without a word."""
    last = _last_line(log)
    if code in _OUT_OF_MEMORY or _WANT_OF_MEMORY.search(last):
        return EngineError(
            "memory",
            "The engine was ended by the system, most likely because memory ran out.",
            "Lower MEMORY_MB or WORKERS, or close other programs.",
            log,
        )
    if code in _CRASHED:
        return EngineError(
            "crash",
            f"The engine crashed ({_CRASHED[code]}).",
            "Run it again: it continues where it stopped. If it crashes again, report it with the log file.",
            log,
        )
    if code < 0:
        return EngineError(
            "killed", f"The engine was ended by signal {-code}.", "Run it again: it continues where it stopped.", log
        )
    return EngineError(
        "start",
        f"The engine ended at once with status {code}: {last}",
        "Run 'Check engine' (phenofuse:checkengine).",
        log,
    )


def _last_line(log: str) -> str:
    try:
        lines = Path(log).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    except OSError:
        lines = []  # somebody has cleared the folder
    return lines[-1] if lines else "it said nothing."


def _end(process) -> None:
    """See to it that neither the engine nor anything it started is left."""
    try:
        process.stdin.close()
    except OSError:
        pass
    if not _ended(process, SECONDS_TO_STOP) and sys.platform != "win32":  # which has no asking, only killing
        process.terminate()
        _ended(process, SECONDS_TO_TERMINATE)
    processes.kill(process)


def _ended(process, seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if process.poll() is not None:
            return True
        time.sleep(0.02)
    return process.poll() is not None


def _new_log(job: str, folder: Path) -> Path:
    """A new log file; the oldest go, but for those that another run still writes or another QGIS removes as well."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for old in sorted(folder.glob("*.log"), key=_changed)[:-LOGS_KEPT]:
            with contextlib.suppress(OSError):
                old.unlink()
        handle, name = tempfile.mkstemp(".log", f"{datetime.now():%Y%m%d-%H%M%S}-{job}-", str(folder))
    except OSError as problem:
        raise EngineError(
            "log",
            f"No log file can be made in {folder} ({problem.strerror}).",
            "Free some room on that disk, and check that you may write in that folder.",
        ) from problem
    os.close(handle)
    return Path(name)


def _changed(log: Path) -> float:
    """When a log was written last; 0 where another QGIS, making room for its own, has just removed it."""
    try:
        return log.stat().st_mtime
    except OSError:
        return 0.0
