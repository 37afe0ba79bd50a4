"""What ended a job, told apart by its cause: whatever happens becomes a kind, a plain sentence and a remedy.

Only what no rule knows is a mistake of our own, and only that asks to be reported.
"""

from __future__ import annotations

import errno
import re

from .errors import PhenofuseError

SET_UP = "Run 'Set up engine' (phenofuse:setupengine), then try again."

# How the system, numpy, OpenBLAS, LLVM, torch and Windows say that there is no memory left. A library that finds no room
# when it is loaded looks like a missing package otherwise, and a thread that finds none for its stack like a mistake.
_WANT_OF_MEMORY = re.compile(
    r"(cannot|can't|unable to|failed to) allocate|failed to map segment|out of memory|memory allocation|bad_alloc"
    r"|not enough memory|paging file is too small|can't start new thread",
    re.IGNORECASE,
)
# Windows: ERROR_NOT_ENOUGH_MEMORY, ERROR_OUTOFMEMORY, ERROR_COMMITMENT_LIMIT
_WINDOWS_WANT_OF_MEMORY = (8, 14, 1455)
_FULL = (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC))
# Loaders that raise no ImportError: ctypes, and llvmlite (numba) with it.
_DOES_NOT_LOAD = re.compile(r"shared object file|cannot open shared object|DLL load failed|could not find module", re.IGNORECASE)
# What GDAL and PROJ say of files, as rasterio calls it; asked by name, as sqlite3 is, since either may not load at all.
_OF_RASTERS = ("CPLE_", "CRSError")


def explained(problem: BaseException) -> tuple:
    """What ended a job.

    Parameters
    ----------
    problem : Exception
        What the job raised.

    Returns
    -------
    tuple of (str, str, str)
        Kind, sentence and remedy, as an ``error`` event takes them.
    """
    if _lacks_memory(problem):
        return "memory", "The engine ran out of memory.", "Lower MEMORY_MB or WORKERS, or close other programs."
    if isinstance(problem, PhenofuseError):
        return problem.kind, problem.text, problem.remedy
    if isinstance(problem, ModuleNotFoundError):
        return "extra", f"The engine's Python lacks the package {problem.name or _line(problem)}.", SET_UP
    if isinstance(problem, ImportError) or (isinstance(problem, OSError) and _DOES_NOT_LOAD.search(str(problem))):
        return "extra", f"A package of the engine's Python does not load: {_line(problem)}", SET_UP
    if isinstance(problem, OSError) and problem.errno in _FULL:
        return ("disk", f"The disk is full: {problem}.",
                "Free some room, then run the same call again: it continues where it stopped.")  # fmt: skip
    if isinstance(problem, OSError) and problem.errno == errno.ENAMETOOLONG:
        return "output", f"The name of a file is too long: {problem.filename}.", "Choose a shorter name or a folder further up."
    if isinstance(problem, OSError):
        return "output", f"{problem}.", "Check that the file exists and that you may read or write it."
    if type(problem).__name__.startswith(_OF_RASTERS):
        return "input", f"A raster cannot be used: {_line(problem)}", "Check the rasters that you gave: open them in QGIS."
    if type(problem).__module__ == "sqlite3":
        return ("input", f"The export's ledger (export.sqlite) cannot be read: {problem}.",
                "Restore it from a copy, or export into a new FOLDER.")  # fmt: skip
    if isinstance(problem, OverflowError):
        return ("input", f"A number among the parameters or in the files is too large to reckon with ({problem}).",
                "Check numbers and dates for a slip of the keyboard.")  # fmt: skip
    if isinstance(problem, RecursionError):
        return "input", "Something in the files is nested too deep to be read.", "Check the files that you gave."
    if isinstance(problem, UnicodeDecodeError):
        return ("input", f"A text among the files is not in UTF-8 ({problem.reason} at byte {problem.start}).",
                "Save it as UTF-8.")  # fmt: skip
    return ("internal", f"The engine failed unexpectedly: {type(problem).__name__}: {problem}.",
            "Please report this with the log file.")  # fmt: skip


def _lacks_memory(problem: BaseException) -> bool:
    """Whether a want of memory is behind it; a sentence of our own stands, but not where it only says that a package lacks."""
    if isinstance(problem, PhenofuseError):
        cause = problem.__cause__ if isinstance(problem, ImportError) else None
        return cause is not None and _lacks_memory(cause)
    if isinstance(problem, MemoryError):
        return True
    if isinstance(problem, OSError) and (
        problem.errno == errno.ENOMEM or getattr(problem, "winerror", None) in _WINDOWS_WANT_OF_MEMORY
    ):
        return True
    return isinstance(problem, (ImportError, OSError, RuntimeError)) and bool(_WANT_OF_MEMORY.search(str(problem)))


def _line(problem: BaseException) -> str:
    """The line that says why: numpy puts it last, below a page of advice."""
    lines = [line.strip() for line in str(problem).splitlines() if line.strip()] or [type(problem).__name__]
    return next((line for line in lines if line.startswith("Original error was:")), lines[0])
