"""Files that appear whole or not at all, and one writer at a time: what everything that writes shares.

Only the standard library is used, so that both processes can. A file is written under a temporary name beside its
place and then moved there. `Lock` keeps two runs from writing the same output.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import platform
import time
from datetime import datetime
from pathlib import Path

from .errors import DiskError, OutputError

ON_WINDOWS = os.name == "nt"
# Virus scanners and search indexers open a new file for some tenths of a second, seldom for longer; meanwhile Windows moves nothing.
SECONDS_OF_PATIENCE, SECONDS_BETWEEN_TRIES = 5.0, 0.1
TEMPORARY, OLD, LOCK = ".writing-", ".old-", ".lock"  # in hidden names beside an output, the first two before a process's number
# A byte that Windows locks can be read by nobody else: it lies far behind what the lock's file says of its owner.
LOCKED_BYTE = 2**30
LENGTH_OF_NOTE = 512
NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_HELD_BY_ANOTHER = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)


def replace(source, target) -> None:
    """Give a file or folder another name, in place of what has that name; tried again while Windows keeps it.

    Raises
    ------
    OSError
        When it cannot be.
    """
    until = time.monotonic() + SECONDS_OF_PATIENCE
    while True:
        try:
            os.replace(source, target)
            return
        except PermissionError:
            if not ON_WINDOWS or time.monotonic() > until:
                raise
            time.sleep(SECONDS_BETWEEN_TRIES)


def temporary(path) -> Path:
    """The name under which this process writes a file before it gets its own."""
    return _hidden(path, f"{TEMPORARY}{os.getpid()}")


@contextlib.contextmanager
def whole(path, lasting: bool = True):
    """As `writing`; in the end the file is moved to its place.

    Parameters
    ----------
    path : path
    lasting : bool
        Wait until the disk has it, so that a power failure leaves the old file or the new one. What is checked when it is
        read again needs no waiting.
    """
    with writing(path) as name:
        yield name
        if lasting:
            flush(name)
        replace(name, path)


@contextlib.contextmanager
def writing(path):
    """Yield the temporary name under which a file is written; what has that name in the end is removed.

    Raises
    ------
    DiskError
        When the disk is full.
    OutputError
        When it cannot be written.
    """
    path, name = Path(path), temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield name
    except OutputError:
        raise
    except OSError as problem:
        raise failure(path, problem) from problem
    finally:
        with contextlib.suppress(OSError):
            name.unlink()


def failure(path, problem: OSError) -> OutputError:
    """The error for a file that could not be written or replaced."""
    if problem.errno in NO_ROOM:
        return DiskError(f"The disk of {Path(path).parent} is full.", "Free some room, then run the same call again.")
    return OutputError(
        f"{path} cannot be {'replaced' if os.path.exists(path) else 'written'} ({problem.strerror or problem}).",
        "If it is open in another program, close it there (in QGIS, remove its layer from the project), or choose another name "
        "in a folder that you may write.",
    )


def flush(path) -> None:
    """Wait until the disk has all of a file."""
    with open(path, "rb+") as stream:
        os.fsync(stream.fileno())


class Lock:
    """One run at a time writes an output: a file beside it, locked by the system while the run lives.

    The system lets go of a lock when its process ends, however it ends, so that a killed run locks nothing. The file says
    whose it is; where the system cannot lock (some network drives), that is all there is to go by.

    Parameters
    ----------
    output : path
        The file or folder that is written.
    named : path, optional
        How it is called in messages, if otherwise.
    """

    def __init__(self, output, named=None):
        self._output, self.path = named or output, _hidden(output, LOCK)
        self._file = None

    def __enter__(self) -> Lock:
        while True:
            try:
                file, ours = _opened(self.path)
            except OSError as problem:
                if self.path.exists():  # in a folder that people share
                    raise OutputError(f"Another user's run is writing {self._output}, or was killed at it.",
                                      f"Wait for its end, or have {self.path} deleted.") from problem  # fmt: skip
                raise OutputError(f"The folder {self.path.parent} cannot be written ({problem.strerror}).",
                                  "Choose another place for the output.") from problem  # fmt: skip
            held = _lock(file)
            if held is False or held is None and not ours and _lives(_owner(file)):
                raise self._taken(file, held is None)
            if held is None or _is_still(file, self.path):  # its last owner may have removed it between opening and locking
                break
            os.close(file)
        self._file = file
        # Always of one length: what a killed run said needs no cutting off.
        words = {"process": os.getpid(), "host": platform.node(), "since": datetime.now().strftime("%Y-%m-%d %H:%M")}
        os.lseek(file, 0, os.SEEK_SET)
        os.write(file, json.dumps(words).ljust(LENGTH_OF_NOTE).encode())
        return self

    def __exit__(self, *_) -> None:
        if not ON_WINDOWS:  # as long as it is ours; Windows removes no file that is open
            self._remove()
        os.close(self._file)
        if ON_WINDOWS:
            self._remove()

    def _remove(self) -> None:
        with contextlib.suppress(OSError):  # the next one has it already
            self.path.unlink()

    def _taken(self, file, by_word: bool) -> OutputError:
        owner = _owner(file)
        os.close(file)
        who = f" (process {owner['process']} on {owner['host']}, since {owner['since']})" if owner else ""
        ended = f" If that run has ended, delete {self.path}." if by_word else ""
        return OutputError(f"Another run{who} is writing {self._output}.", f"Wait for its end, or choose another name.{ended}")


def _hidden(path, ending: str) -> Path:
    """A hidden name beside a file or folder."""
    path = Path(os.path.abspath(path))
    return path.parent / f".{path.name}{ending}"


def _opened(path: Path) -> tuple:
    """The file of a lock, open, and whether it was made now."""
    flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0)
    try:
        return os.open(path, flags | os.O_EXCL, 0o666), True
    except FileExistsError:
        return os.open(path, flags, 0o666), False


def _lock(file) -> bool | None:
    """Lock an open file; False when another has it, None where the system cannot lock."""
    try:
        if ON_WINDOWS:
            import msvcrt

            os.lseek(file, LOCKED_BYTE, os.SEEK_SET)
            msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as problem:
        return False if problem.errno in _HELD_BY_ANOTHER else None
    return True


def _is_still(file, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except OSError:
        return False


def _owner(file) -> dict:
    """What a lock's file says of its owner; {} when it says nothing."""
    try:
        os.lseek(file, 0, os.SEEK_SET)
        words = json.loads(os.read(file, LENGTH_OF_NOTE))
        return words if {"process", "host", "since"} <= set(words) else {}
    except (OSError, ValueError, TypeError):
        return {}


def _lives(owner: dict) -> bool:
    """Whether the owner of a lock may still be at work; of other machines nothing is known."""
    if not owner or owner["host"] != platform.node():
        return True
    number = int(owner["process"])
    if ON_WINDOWS:  # os.kill would end it
        import ctypes

        kernel, synchronize, still_running = ctypes.windll.kernel32, 0x00100000, 0x102  # winnt.h, winbase.h
        handle = kernel.OpenProcess(synchronize, False, number)
        try:
            return bool(handle) and kernel.WaitForSingleObject(handle, 0) == still_running
        finally:
            kernel.CloseHandle(handle)
    try:
        os.kill(number, 0)
    except OSError as problem:
        return problem.errno == errno.EPERM
    return True
