"""What a job writes is its own: whatever can be known to go wrong with an output is refused before any work.

An output is a regular file, or nothing is there yet; it can be replaced now; it is no input and no other output, nor what
lies beside one; its name says a format that is written; and no other run writes it. `claimed` sees to all of it and holds the
outputs until the job has ended.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import shutil
import stat
import sys
from glob import escape
from pathlib import Path

from . import files, formats
from .errors import InputError, OutputError
from .registry import Job

# GDAL reads these beside a raster. They belong to the raster that was there before, and go with it.
SIDECARS = (".aux.xml", ".ovr", ".msk")
# Pages and tables replace none but their like: a raster of that name may be what is read, in a folder.
KINDS = {"REPORT": (".html", ".htm"), "CSV": (".csv", ".txt"), "ZONAL_SUMMARY": (".csv", ".txt")}
NUMBERS = ".json"  # after the whole name of a report: its numbers
NUMBERS_BEGIN = b'{\n "phenofuse": "report"'  # how that file begins when it is one of ours
PARTS = re.compile(r"\.[0-9a-f]{16}\.parts")  # after the name of an output: the folder of what is done already
_KINDS = ((stat.S_ISREG, ""), (stat.S_ISDIR, "a folder"), (stat.S_ISLNK, "a symbolic link"), (stat.S_ISFIFO, "a pipe"),
          (stat.S_ISSOCK, "a socket"))  # fmt: skip
# netcdf:/folder/file.nc:NDVI, NETCDF:"C:\folder\file.nc":NDVI, HDF5:"file.nc"://NDVI
# and HDF4_EOS:EOS_GRID:"file.hdf":grid:"250m 16 days NDVI"; a variable in a group goes by its own name, a table of a
# GeoPackage too
PART_OF_FILE = re.compile(
    r'^(?P<driver>netcdf|hdf5|gpkg|(?P<hdf4>hdf4\w*:\w+)):"?(?P<file>.+?)"?:(?(hdf4)(?:[^:"/\\]*:)?"?|(?:[^:"]*/)?)'
    r'(?P<name>[^:/\\"]+)"?$', re.IGNORECASE)  # fmt: skip
_GDALS_OWN = re.compile(r"vrt://|[A-Z][A-Z0-9_]+:(?!//)", re.IGNORECASE)  # longer than the letter of a drive
_VIRTUAL = re.compile(r"^(/vsi\w+/)+")  # /vsizip//folder/file.zip/raster.tif, /vsigzip/...


@contextlib.contextmanager
def claimed(job: Job, parameters: dict):
    """Hold the outputs of a job; folders that were made for them and stay empty go again.

    Raises
    ------
    InputError
        When an output is an input or another output.
    OutputError
        When an output cannot be written, its name says a format that is not written, or another run is writing it.
    """
    wanted = job.outputs(parameters)
    twice = clash(parameters, wanted)
    if twice:
        raise InputError("{} and {} are the same file.".format(*twice), "Choose another name.")
    for key, path in wanted.items():
        for one in (path, *beside(path)[: len(SIDECARS)]):
            require_replaceable(one)
        if key in KINDS and path.exists() and path.suffix.lower() not in KINDS[key]:
            raise OutputError(f"{key} is {path}, which is there and no {KINDS[key][0]} file.", "Choose another name.")
        if key == "REPORT":
            require_our_numbers(path)
    formats.require_written(job, parameters)
    with contextlib.ExitStack() as stack:
        for path in wanted.values():
            stack.enter_context(_folder(path.parent))
            stack.enter_context(files.Lock(path))
        for folder in (Path(parameters[key]) for key in (job.folder, job.scene) if key):
            _require_folder(folder)
            within = folder / "folder" if job.folder else Path(os.path.realpath(folder))
            stack.enter_context(_folder(within.parent))
            stack.enter_context(files.Lock(within, folder))
        for path in (*wanted.values(), *([os.path.realpath(parameters[job.scene])] if job.scene else [])):
            clear(path)
        yield
        for path in wanted.values():
            for journal in journals(path):
                shutil.rmtree(journal, ignore_errors=True)


def beside(path) -> list[Path]:
    """Files that are written, or go, together with an output."""
    path = Path(path)
    return [path.with_name(path.name + ending) for ending in (*SIDECARS, NUMBERS) if path.name]


def clash(values: dict, outputs) -> tuple:
    """Two keys of `values` that name one file, or what lies beside it, at least one of them in `outputs`; () when there are none."""
    users = {}
    for key, value in values.items():
        for text in value if isinstance(value, (list, tuple)) else [value]:
            file = Path(text) if text and key in outputs else file_of(text)
            if file is None or not (key in outputs or os.path.exists(file)):
                continue
            for one in (file, *beside(file)):
                other = users.setdefault(_identity(one), key)
                if other != key and (key in outputs or other in outputs):
                    return other, key
    return ()


def require_unread(wanted: dict, read, behind: str = "an input") -> None:
    """Raise `InputError` when an output is among the files that are read.

    Parameters
    ----------
    wanted : dict of str to path
        Outputs by key.
    read : iterable of str
        Files.
    behind : str
        What is read from them.
    """
    known = {_identity(Path(path)) for path in read}
    for key, path in wanted.items():
        if _identity(Path(path)) in known:
            raise InputError(f"{key} is {path}, and {behind} is read from it.", "Choose another name.")


def numbers_of(report) -> Path:
    """Where the numbers of a report go."""
    return Path(report).with_name(Path(report).name + NUMBERS)


def read_by_gdal(value) -> bool:
    """Whether a parameter's value is one of GDAL's own names (``vrt://file?bands=1``, ``GTIFF_DIR:1:file``), whose files GDAL knows."""
    return isinstance(value, str) and bool(_GDALS_OWN.match(value))


def file_of(value) -> Path | None:
    """The file or folder that a parameter's value names: a path, a part of a NetCDF file, something in an archive; else None."""
    if not isinstance(value, (str, os.PathLike)) or not str(value).strip() or "\0" in str(value):
        return None
    text = str(value)
    part = PART_OF_FILE.match(text)
    text = part["file"] if part else _file_in(text) if read_by_gdal(text) else text
    if not _VIRTUAL.match(text):
        return Path(text) if os.path.isabs(text) or os.path.exists(text) else None
    inside = Path(_VIRTUAL.sub("", text).replace("{", "").replace("}", ""))
    return next((one for one in (inside, *inside.parents) if one.is_file()), None)


def _file_in(address: str) -> str:
    """The file in one of GDAL's own names (GPKG:file.gpkg:table, GTIFF_DIR:1:file.tif); the name where no file is found in it."""
    pieces = re.sub(r"^vrt://|\?.*$", "", address).split(":")
    spans = (":".join(pieces[start:end]).strip('"') for start in range(len(pieces)) for end in range(len(pieces), start, -1))
    return next((one for one in spans if os.path.isfile(one)), address)


def require_replaceable(path) -> None:
    """Raise `OutputError` unless nothing is there, or a regular file that can be replaced now."""
    try:
        state = os.lstat(path)
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError) as problem:
        raise OutputError(f"{path} cannot be written ({problem}).", "Choose another name.") from problem
    kind = next((name for fits, name in _KINDS if fits(state.st_mode)), "a device")
    if kind:
        raise OutputError(f"{path} is {kind}, and a file is to be written there.", "Choose another name.")
    if not os.access(path, os.W_OK):
        raise OutputError(f"{path} is write-protected.", "Choose another name, or allow writing to it.")
    try:
        _try_to_replace(Path(path), state)
    except OSError as problem:
        raise files.failure(path, problem) from problem


def replace_together(moves) -> None:
    """Give finished files their names, all of them or none: after a failure everything is as it was.

    Parameters
    ----------
    moves : iterable of (path or None, path)
        A finished file and the name it gets; None where what has that name only goes.

    Raises
    ------
    OutputError
        Naming the file that could not be replaced.
    """
    moves, kept, placed = [(source, Path(target)) for source, target in moves], [], []
    target = moves[0][1]
    try:
        for source in (one for one, _ in moves if one is not None and os.path.isfile(one)):
            files.flush(source)  # a power failure leaves no file under its name that the disk has half of
        for source, target in moves:
            if os.path.lexists(target):
                kept.append((_put_aside(target), target))
            elif source is not None:
                placed.append(target)
            if source is not None:
                files.replace(source, target)
            else:
                target.unlink(missing_ok=True)
    except OSError as problem:
        for path in placed:
            _remove(path)
        for old, path in kept:
            if os.path.exists(path) and os.path.samefile(old, path):  # it was not replaced
                _remove(old)
            else:
                files.replace(old, path)
        raise files.failure(target, problem) from problem
    for old, _ in kept:
        _remove(old)


def clear(path) -> None:
    """Remove what killed runs were writing under the name of an output, and give back what they had put aside."""
    path = Path(path)
    for old in _left(path, files.OLD):
        if not path.exists():
            files.replace(old, path)
    for left in (*_left(path, files.TEMPORARY), *_left(path, files.OLD)):
        _remove(left)


def journals(path) -> list[Path]:
    """The folders in which runs remember what they have done of an output."""
    path, start = Path(path), f".{Path(path).name}"
    return [one for one in path.parent.glob(f"{escape(start)}.*.parts") if PARTS.fullmatch(one.name[len(start) :])]


def _left(path: Path, kind: str) -> list[Path]:
    """What processes of the past left beside an output."""
    found = path.parent.glob(f"{escape(f'.{path.name}{kind}')}*")
    # GDAL writes overviews beside what it makes: the number, then .ovr.tmp.
    return [one for one in found if one.name[len(path.name) + 1 + len(kind) :].partition(".")[0].isdigit()]


def _remove(path: Path) -> None:
    """Remove a file or folder of ours; what cannot be removed now goes with the next run."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with contextlib.suppress(OSError):
            path.unlink()


def _put_aside(target: Path) -> Path:
    """A second name for what is there, so that nothing is missing at any moment; where files have one name only, another one."""
    old = target.with_name(f".{target.name}{files.OLD}{os.getpid()}")
    _remove(old)
    try:
        os.link(target, old)
    except OSError:
        files.replace(target, old)
    return old


def _try_to_replace(path: Path, state) -> None:
    """Ask the system what replacing a file will ask of it."""
    if files.ON_WINDOWS:  # refused while any program has it open
        files.replace(path, path)
        return
    folder = path.parent.stat()
    if folder.st_mode & stat.S_ISVTX and os.geteuid() not in (0, state.st_uid, folder.st_uid):
        raise PermissionError(errno.EPERM, "it belongs to another user")


def _require_folder(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder} is a file.", "Choose a folder.")


def require_our_numbers(report: Path) -> None:
    """Raise `OutputError` when a file that is not of ours has the name that a report's numbers get."""
    numbers = numbers_of(report)
    if report.suffix.lower() == NUMBERS:
        raise OutputError(f"The report is to be named {report.name}, which is a name for numbers.", "Let its name end in .html.")
    require_replaceable(numbers)
    if not numbers.exists():
        return
    with open(numbers, "rb") as file:
        ours = file.read(len(NUMBERS_BEGIN)) == NUMBERS_BEGIN
    if not ours:
        raise OutputError(f"{numbers.name}, where the numbers of the report go, is no file of Phenofuse's.",
                          f"Move {numbers} away, or choose another name for the report.")  # fmt: skip


def _identity(path: Path) -> str:
    """What two names of one file share."""
    text = os.path.normcase(os.path.realpath(path))
    return text.casefold() if sys.platform == "darwin" else text


@contextlib.contextmanager
def _folder(folder: Path):
    """Make a folder; in the end, what was made of it and is still empty goes again."""
    missing = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(f"The folder {folder} cannot be made ({problem.strerror}).",
                          "Choose another place for the output.") from problem  # fmt: skip
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            for one in missing:
                one.rmdir()
