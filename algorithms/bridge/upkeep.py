"""An environment asked what only it can answer, and mended where its base Python has changed.

A Python that runs well may make environments that lack something. OSGeo4W's finds the libraries of ssl and sqlite3
through a ``sitecustomize`` of its own, which no environment sees. And an update of QGIS takes away the Python that an
environment was made from. `examine` asks the environment itself; `tend` puts right what can be put right in place.
"""
from __future__ import annotations

import contextlib
import json
import os
from pathlib import Path
from typing import NamedTuple

from ...core.errors import OutputError
from ...core.files import Lock
from . import interpreters, places, processes
from .failures import Failure, SetupError

# What every whole Python loads, and what needs a library that the base may find by ways of its own.
PARTS = ("ssl", "sqlite3", "bz2", "lzma", "ctypes")
# Those that an extra cannot do without: https, and the ledger of an export.
NEEDED = {"earthengine": ("ssl", "sqlite3")}

_QUESTION = """
import json, sys
lost = {}
for part in sys.argv[1:]:
    try:
        __import__(part)
    except Exception as problem:
        lost[part] = str(problem)
print(json.dumps({"version": list(sys.version_info[:2]), "lost": lost}))
"""
# Asked of the base: in which folders of its own does it look for libraries besides those that every Python knows?
# Its site is started by hand, so that what sitecustomize and .pth files add is heard. They may add all of PATH: what
# was there before and does not belong to this Python is left out.
_FOLDERS = """
import json, os, sys
heard, path = [], os.environ.get("PATH", "")
if hasattr(os, "add_dll_directory"):
    add = os.add_dll_directory
    def listen(folder):
        heard.append(os.fspath(folder))
        return add(folder)
    os.add_dll_directory = listen
    import site
    site.main()
    heard += os.environ.get("PATH", "").split(os.pathsep)
root = os.path.normcase(os.path.dirname(os.path.dirname(sys.base_prefix)))
before = path.split(os.pathsep)
own = [f for f in heard if os.path.isdir(f) and (f not in before or os.path.normcase(f).startswith(root + os.sep))]
print(json.dumps(list(dict.fromkeys(own))))
"""
LIBRARIES = "phenofuse-libraries.pth"


class Tended(NamedTuple):
    """The state of an environment after upkeep: why it cannot run, which `PARTS` it lacks and why, and what was done."""

    problem: str
    lost: dict
    notice: str = ""


def usable(folder, extras=(), layout: interpreters.Layout | None = None) -> tuple:
    """Why a complete environment cannot serve some extras, or ''; and what was mended for it, or ''.

    It is asked only when its base Python is another than the one that ``installed.json`` was written for: one that was
    set up before anybody asked such things is asked once.
    """
    record, tended = places.record_of(folder), Tended("", {})
    if record.get("base") and record["base"] == identity(folder):
        lost = record["lost"]
    else:
        try:
            with only_one(folder):
                tended = tend(folder, layout)
                if not tended.problem:
                    places.write_record(folder, {**places.record_of(folder), "base": identity(folder), "lost": tended.lost})
        except (OSError, SetupError):                # another QGIS is at it, or it is not ours to write: only look
            lost = examine(folder, places.version_of(folder)[:2])
            tended = Tended("it does not run" if lost is None else "", lost or {})
        lost = tended.lost
    missing = hindered(lost, extras)
    problem = f"its Python cannot load {missing[0]} ({lost[missing[0]]})" if missing else ""
    return tended.problem or problem, tended.notice


def hindered(lost: dict, extras) -> list:
    """The parts that do not load and that some extras need."""
    return [part for extra in extras for part in NEEDED.get(extra, ()) if part in lost]


def examine(folder, version: tuple) -> dict | None:
    """Which of `PARTS` an environment does not load, and why, once it knows its base's folders of libraries.

    None when it does not run, or with another minor version of Python than `version`.
    """
    lost = _ask(folder, version)
    return _ask(folder, version) if lost and _add_libraries(folder) else lost


def identity(folder) -> list | None:
    """What tells one state of the base Python from another; None when it is gone."""
    base = places.base_of(folder)
    if base is None:
        return None
    state = base.stat()
    return [str(base), state.st_size, state.st_mtime_ns]


def tend(folder, layout: interpreters.Layout | None = None) -> Tended:
    """Examine an environment; where its base Python is gone, put another of the same minor version in its place."""
    home, version = places.home_of(folder), places.version_of(folder)
    if home is None or not version:
        return Tended("it is not complete", {})
    lost = examine(folder, version[:2])
    if lost is not None:
        return Tended("", lost)
    layout = layout or interpreters.here()
    for path in interpreters.candidates(layout):
        other = interpreters.probe(path, processes.run)
        if other.problem or other.version[:2] != version[:2] or not _move(folder, path):
            continue
        lost = examine(folder, version[:2])
        if lost is not None:
            return Tended("", lost, f"QGIS or its Python was updated; the engine now uses {path}.")
    made, running = (".".join(map(str, one[:2])) for one in (version, layout.version))
    why = f"the Python of QGIS is {running} now" if made != running else f"no other Python {made} was found"
    return Tended(f"the Python {made} that it was made from ({home}) does not run any more, and {why}", {})


@contextlib.contextmanager
def only_one(folder):
    """Keep two runs from filling one folder at once; the system lets go of the lock when a run is killed."""
    with contextlib.ExitStack() as stack:
        try:
            Path(folder).parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(Lock(folder))
        except OutputError as problem:
            if problem.__cause__ is None:
                raise SetupError(Failure("busy", problem.text, "Wait until it has finished.")) from problem
            raise SetupError(Failure("permission", problem.text, "Give FOLDER a place that you may write to.")) from problem
        except OSError as problem:
            raise SetupError(Failure("permission", f"The folder {Path(folder).parent} cannot be written ({problem.strerror}).",
                                     "Give FOLDER a place that you may write to.")) from problem
        yield


def _ask(folder, version: tuple) -> dict | None:
    try:
        status, output = processes.run([places.python_of(folder), "-I", "-c", _QUESTION, *PARTS],
                                       timeout=interpreters.SECONDS_TO_ANSWER)
        answer = json.loads(output.strip().splitlines()[-1]) if status == 0 else None
    except (OSError, ValueError, IndexError):
        return None
    return answer["lost"] if answer and tuple(answer["version"]) == tuple(version) else None


def _add_libraries(folder) -> bool:
    """Tell an environment the folders of libraries that its base adds for itself; False where there is none."""
    base = places.base_of(folder)
    try:
        status, output = processes.run([base, "-I", "-S", "-c", _FOLDERS], timeout=interpreters.SECONDS_TO_ANSWER)
        folders = json.loads(output.strip().splitlines()[-1]) if status == 0 else []
    except (OSError, ValueError, IndexError):
        return False
    if folders:
        # One line that begins with "import": site runs it at every start of the environment, under -I too. In ASCII, as
        # older Pythons read it in the system's code page; a folder that is gone is passed over.
        named = ", ".join(map(ascii, folders))
        line = f"import os; list(map(os.add_dll_directory, filter(os.path.isdir, [{named}])))\n"
        (places.site_packages(folder) / LIBRARIES).write_text(line, encoding="ascii")
    return bool(folders)


def _move(folder, base) -> bool:
    """Have an environment use another base Python; what is installed in it stays."""
    if os.name != "nt":                              # venv leaves links that lead nowhere as they are
        for link in Path(folder, "bin").glob("python*"):
            if link.is_symlink():
                link.unlink()
    command = processes.module_on_a_leash(base, "venv", "--upgrade", "--without-pip", folder)
    return processes.run(command, timeout=interpreters.SECONDS_TO_ANSWER, leash=True)[0] == 0
