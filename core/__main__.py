"""The engine as a process: one JSON job on standard input, JSON lines on standard output.

Started by path (``python .../core``), so that the folder the plugin lies in may have any name.
The job is the first line of standard input. When standard input closes, the job is cancelled;
a job that does not stop within two seconds is ended with all it started. Nothing but JSON lines
reaches standard output: whatever a library prints goes to standard error, hence to the log.
Both streams are ours alone: libraries and other programs find the null device and standard error in their place.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

SECONDS_TO_STOP = 2.0  # the border allows 3 s from the click to an empty process table
EXIT_FAILED, EXIT_CANCELLED = 1, 130
BYTES_PER_READ = 1 << 16  # what a pipe holds on Linux
# What the base takes when it is loaded (500 MB are too little, 600 are enough), most of it never used; and some room to work.
LEAST_ADDRESS_SPACE = 700 * 1000 * 1000
STD_INPUT_HANDLE = 0xFFFFFFF6  # Windows's -10, as the unsigned number it takes
# Workers are threads over tiles. Threads inside the algebra of small matrices would only wait for one another, spinning: beside
# other work, two of them took ten times as long as one. Read when numpy and torch are loaded; Dask's workers do the same.
QUIET_THREADS = {"OPENBLAS_NUM_THREADS": "1", "OMP_WAIT_POLICY": "PASSIVE"}


def main() -> int:
    """Read one job, run it, say how it ended; returns the exit status."""
    source = _claim_standard_input()
    for name, value in QUIET_THREADS.items():
        os.environ.setdefault(name, value)
    _separate_compiled_code()
    core = _package()
    stream = _claim_standard_output()
    events = core.events.Events(stream)
    line = _first_line(source)
    try:
        threading.Thread(target=_cancel_when_input_closes, args=(source, events), daemon=True).start()
        _require_address_space(core)
        events.result(**core.jobs.run(*core.jobs.read(line), events))
        return 0
    except Exception as problem:  # the border: whatever happens becomes a sentence, the rest goes to the log
        events.error(*core.causes.explained(problem))
        if isinstance(problem, core.errors.Cancelled):
            return EXIT_CANCELLED
        traceback.print_exc()
    return EXIT_FAILED


def _require_address_space(core) -> None:
    """Refuse a limit (``ulimit -v``, a batch system's) below which libraries do not load: some then wait for ever."""
    if sys.platform == "win32":
        return
    import resource

    allowed = resource.getrlimit(resource.RLIMIT_AS)[0]
    if allowed != resource.RLIM_INFINITY and allowed < LEAST_ADDRESS_SPACE:
        raise core.errors.MemoryLimitError(
            f"The engine may use only {allowed / 1e6:.0f} MB of memory here; it needs at least {LEAST_ADDRESS_SPACE / 1e6:.0f} MB.",
            "Raise the limit (ulimit -v, or what the batch system grants), then run it again.",
        )


def _package():
    """Import this folder as ``phenofuse.core``, whatever its parent is called."""
    root = Path(__file__).resolve().parents[1]
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != root / "core"]
    if "phenofuse" not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            "phenofuse", root / "__init__.py", submodule_search_locations=[str(root)]
        )
        sys.modules["phenofuse"] = importlib.util.module_from_spec(spec)
    for name in ("causes", "errors", "events", "jobs"):
        importlib.import_module(f"phenofuse.core.{name}")
    return sys.modules["phenofuse.core"]


def _separate_compiled_code() -> None:
    """Keep compiled functions by the state of the code: numba looks only at a function's own file, not at those it calls."""
    folder = os.environ.get("NUMBA_CACHE_DIR")
    if folder:
        newest = max(file.stat().st_mtime_ns for file in Path(__file__).parent.rglob("*.py"))
        os.environ["NUMBA_CACHE_DIR"] = os.path.join(folder, str(newest))


def _claim_standard_input() -> int:
    """Keep standard input for ourselves and give everybody else the null device; returns the descriptor to read from.

    A thread waits in a read of it as long as the job runs. On Windows whoever else touches that pipe meanwhile waits as well,
    for ever: numpy's libraries when they load, and every program that inherits it. Hence before anything is loaded.
    """
    own = _kept(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    if sys.platform == "win32":
        _tell_windows_of_standard_input()
    return own


def _tell_windows_of_standard_input() -> None:
    """Programs inherit Windows's own standard handle, which follows descriptor 0 only where Python is a console program."""
    import ctypes
    import msvcrt

    kernel = ctypes.WinDLL("kernel32")
    kernel.SetStdHandle.argtypes = (ctypes.c_uint32, ctypes.c_void_p)
    kernel.SetStdHandle(STD_INPUT_HANDLE, msvcrt.get_osfhandle(0))


def _claim_standard_output():
    """Keep standard output for ourselves and send everybody else's prints to standard error."""
    stream = os.fdopen(_kept(1), "w", encoding="utf-8", newline="\n")
    os.dup2(2, 1)
    log = io.TextIOWrapper(_Log(2, "w", closefd=False), "utf-8", "backslashreplace", write_through=True)
    sys.stdout = sys.stderr = log
    return stream


class _Log(io.FileIO):
    """Standard error for Python: a log that has no room left ends no job."""

    def write(self, data) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _kept(descriptor: int) -> int:
    """A duplicate that no other program inherits; Windows lets the duplicate of a standard stream be inherited unless told."""
    own = os.dup(descriptor)
    os.set_inheritable(own, False)
    return own


def _first_line(source: int) -> bytes:
    """Read up to the first end of a line; nothing follows it but the end of input."""
    parts = []
    while not parts or b"\n" not in parts[-1]:
        parts.append(os.read(source, BYTES_PER_READ))
        if not parts[-1]:
            break
    return b"".join(parts).partition(b"\n")[0]


def _cancel_when_input_closes(source: int, events) -> None:
    while os.read(source, BYTES_PER_READ):
        pass
    events.cancel()
    time.sleep(SECONDS_TO_STOP)
    _leave(EXIT_CANCELLED)


def _leave(code: int) -> None:
    """End at once: worker threads may still hold a tile that nobody wants any more.

    Cancelled, it ends all it started, too: QGIS may be gone and can't. (On Windows its job object does that.)
    """
    if code == EXIT_CANCELLED and sys.platform != "win32" and os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(code)


if __name__ == "__main__":
    _leave(main())
