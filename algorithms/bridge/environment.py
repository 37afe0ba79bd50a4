"""The engine's own Python: which one answers, and the managed environment that setupengine makes for it.

The environment is a plain virtual environment in a folder of ours, one per version of the requirements, filled by
pip from the pinned lists in ``resources/requirements``. It never sees QGIS's packages and QGIS never sees its. The
file ``installed.json`` is written last: a folder without it is not complete and is continued next time.

Needs the standard library only, and runs without QGIS too::

    python3 environment.py --folder DIR [--extras learning,earthengine,cluster] [--index URL | --wheels FOLDER]
"""
from __future__ import annotations

import argparse
import contextlib
import csv
import functools
import json
import os
import platform
import re
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

if not __package__:                                  # run as a script: its folder becomes a package (PEP 366)
    sys.path[0] = str(Path(__file__).resolve().parents[1])
    __package__ = "bridge"
from . import failures, installer, interpreters, processes, requirements
from .failures import Failure, SetupError
from .installer import Source
from .requirements import EXTRAS, LISTS, Size

# Raised when the pins change so much that an environment must be made afresh beside the old one.
ENGINE_VERSION = "1"
FROM_INDEX = Source()
MARKER = "installed.json"
OURS = "phenofuse-engine.txt"                        # is there from the first moment: this folder may be emptied
FORMAT = 1

# Packages whose module has another name.
_MODULES = {"earthengine-api": "ee"}
# Asked of a Python: which of the named modules load, in which version; the first that does not ends it.
_VERSIONS = """
import importlib, json, sys
from importlib.metadata import version
found = {}
for package, module in json.loads(sys.argv[1]):
    importlib.import_module(module)
    found[package] = version(package)
print(json.dumps(found))
"""
SECONDS_TO_IMPORT = 180.0                            # torch and numba on a cold disk under a virus scanner

# Shares of the bar; installing lies between them.
_MADE, _INSTALLED = 0.05, 0.95


class Engine(NamedTuple):
    """A Python that can run the engine: its path, where it comes from (setting, managed, qgis), and why this one."""

    python: str
    kind: str
    reason: str


def managed_folder(base_folder, version: str = ENGINE_VERSION) -> Path:
    """The folder of the managed environment of a version."""
    return Path(base_folder) / f"engine-{version}"


def python_of(folder) -> Path:
    """The Python of an environment."""
    return Path(folder, "Scripts", "python.exe") if os.name == "nt" else Path(folder, "bin", "python")


def find_engine(setting: str = "", base_folder="", version: str = ENGINE_VERSION, extras=(), layout=None) -> Engine:
    """The first Python that can run the engine.

    In order: the one that the user named in the setting *Engine Python*; the managed environment; the Python that
    runs QGIS, when it can import the base set in sufficient versions (a distribution's own packages).

    Parameters
    ----------
    setting : str
        The setting's value, or ''.
    base_folder : path
        The folder that holds the managed environments.
    version : str
        The version of the managed environment.
    extras : sequence of str
        What the job needs besides the base.
    layout : interpreters.Layout, optional
        Where QGIS stands; by default this process's own.

    Raises
    ------
    SetupError
        When none answers, or the one that the user named does not; says what to run.
    """
    if setting:
        problem = problem_of(setting, extras)
        if problem:
            raise SetupError(Failure("setting", f"The setting Engine Python names {setting}, but {problem}.",
                                     "Install what is missing there, or empty the setting "
                                     "(Settings > Options > Processing > Providers > Phenofuse)."))
        return Engine(setting, "setting", "named in the setting Engine Python")
    folder = managed_folder(base_folder, version)
    record = installed(folder)
    missing = [name for name in extras if name not in record.get("extras", ())]
    if record and not missing:
        return Engine(str(python_of(folder)), "managed", f"set up by setupengine in {folder}")
    if record:
        raise SetupError(Failure("extra", f"This needs the engine's extra '{missing[0]}', which is not installed.",
                                 f"Run the algorithm Set up engine (phenofuse:setupengine){_wanted(missing)}."))
    own = interpreters.candidates(layout or interpreters.here())[:1]
    problems = [problem_of(str(path), extras) for path in own]
    if own and not problems[0]:
        return Engine(str(own[0]), "qgis", "the Python that runs QGIS has all packages")
    begun = "is not complete" if folder.exists() else "has not been set up yet"
    because = f" (QGIS's own Python {own[0]} cannot stand in: {problems[0]})" if own else ""
    raise SetupError(Failure("no engine", f"Phenofuse's engine {begun}{because}.",
                             f"Run the algorithm Set up engine (phenofuse:setupengine){_wanted(extras)} once."))


def _wanted(extras) -> str:
    """What to ask of setupengine, and what it costs."""
    if not extras:
        return ""
    base, whole = requirements.size_of(), requirements.size_of(extras)
    return (f" with EXTRAS={','.join(extras)} (about {whole.fetch - base.fetch:.0f} MB to fetch and "
            f"{whole.disk - base.disk:.0f} MB on disk)")


def problem_of(python: str, extras=()) -> str:
    """Why a Python cannot run the engine; empty when it can. Each file is asked once as long as it does not change."""
    record = installed(Path(python).parent.parent)    # one of our own has been tried when it was made
    if record and set(extras) <= set(record["extras"]):
        return ""
    try:
        return _problem_of(python, tuple(extras), os.stat(python).st_mtime_ns)
    except OSError:
        return "there is no such file"


def set_up(folder, extras=(), source: Source = FROM_INDEX, python: str = "", listener=None, rebuild: bool = False,
           lists=LISTS) -> dict:
    """Make the environment, continue an incomplete one, or add extras to a complete one.

    Parameters
    ----------
    folder : path
        The environment's folder.
    extras : sequence of str
        Any of `EXTRAS`; what is there already stays.
    source : Source
        Where packages come from.
    python : str
        The Python to make it from; by default the first usable one of this system.
    listener : object
        With ``progress(fraction, eta_s)``, ``message(level, text)`` and ``cancelled()``.
    rebuild : bool
        Start afresh even when the environment looks well.
    lists : path
        The folder of the lists of requirements.

    Returns
    -------
    dict
        The content of ``installed.json``: python, extras, versions of packages.

    Raises
    ------
    SetupError
        With the reason and the remedy.
    """
    folder, listener = Path(folder).absolute(), listener or Quiet()
    unknown = [name for name in extras if name not in EXTRAS]
    if unknown:
        raise SetupError(Failure("extras", f"There is no extra called {unknown[0]}.",
                                 f"Choose from {', '.join(EXTRAS)}."))
    if source.torch == "cuda" and platform.system() == "Darwin":
        raise SetupError(Failure("torch", "There is no CUDA on macOS.", "Choose TORCH=cpu; it also uses Apple's GPU."))
    if source.wheels and not any(Path(source.wheels).glob("*.whl")):
        raise SetupError(Failure("wheels", f"The folder {source.wheels} holds no wheel files (*.whl).",
                                 "Fill it on a computer with a network: pip download -r base.txt -d FOLDER."))
    try:
        with _only_one(folder):
            return _complete(folder, extras, source, python, listener, rebuild, lists)
    except OSError as problem:                       # our own files: a full disk, a folder that may not be written
        raise SetupError(failures.classify(str(problem))) from problem


def installed(folder) -> dict:
    """What ``installed.json`` says of a complete environment; empty for an incomplete or missing one."""
    try:
        record = json.loads(Path(folder, MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if record.get("format") == FORMAT and python_of(folder).exists() and _base_exists(folder) else {}


def is_current(folder, lists=LISTS) -> bool:
    """Whether a complete environment was made from the lists as they are now."""
    record = installed(folder)
    return bool(record) and record["pins"] == requirements.pins(("base", *record["extras"]), lists)


class Quiet:
    """A listener that hears nothing and never cancels."""

    def progress(self, fraction: float, eta_s) -> None:
        """How far it is."""

    def message(self, level: str, text: str) -> None:
        """What happens."""

    def cancelled(self) -> bool:
        """Whether to stop."""
        return False


class _Share:
    """A listener whose bar is a part of another's."""

    def __init__(self, listener, start: float, end: float):
        self._listener, self._start, self._end = listener, start, end
        self.message, self.cancelled = listener.message, listener.cancelled

    def progress(self, fraction: float, eta_s) -> None:
        self._listener.progress(self._start + fraction * (self._end - self._start), eta_s)


def _complete(folder: Path, extras, source: Source, python: str, listener, rebuild: bool, lists) -> dict:
    """Bring a folder to the state that is asked for, with as little as its present state needs."""
    _refuse_foreign(folder)
    before = {} if rebuild else installed(folder)
    extras = tuple(name for name in EXTRAS if name in extras or name in before.get("extras", ()))
    pins = requirements.pins(("base", *extras), lists)
    if before and before["pins"] == pins:
        try:
            record = _conclude(folder, extras, pins, lists, listener)
            listener.message("info", f"The environment in {folder} is complete already.")
            return record
        except SetupError as error:
            listener.message("warning", f"The environment is damaged ({error.failure.sentence}); it is mended.")
            before = {}
    _check_disk(folder, requirements.size_of(extras, source.torch, lists), source, listener)
    if before.get("pins", [])[:1] != pins[:1]:       # the base itself changes: not usable until it is done
        (folder / MARKER).unlink(missing_ok=True)
    fresh = rebuild or not _runs(folder)
    if not fresh:
        try:
            _install(folder, extras, source, listener, lists)
            return _conclude(folder, extras, pins, lists, listener)
        except SetupError as error:
            if error.failure.kind not in ("incomplete", "unknown", "broken python", "no pip", "crash"):
                raise
            listener.message("warning", "What an earlier run left is damaged; the environment is made afresh.")
    _create(folder, python, source, listener)
    _install(folder, extras, source, listener, lists)
    return _conclude(folder, extras, pins, lists, listener)


@functools.lru_cache(maxsize=16)
def _problem_of(python: str, extras: tuple, changed: int) -> str:
    lowest = requirements.lowest_versions(("base", *extras))
    try:
        versions = _versions(python, lowest)
    except SetupError as error:
        # A machine may just be slow today: a job that lacks something says so itself, and it can be cancelled.
        return "" if error.failure.kind == "slow" else error.failure.sentence.rstrip(".")
    old = [f"{name} {versions[name]} (at least {lowest[name]})" for name in lowest
           if requirements.as_numbers(versions[name]) < requirements.as_numbers(lowest[name])]
    return f"its packages are too old: {', '.join(old)}" if old else ""


def _versions(python: str, packages) -> dict:
    """The versions of packages that a Python can import; raises when one fails."""
    asked = json.dumps([(name, _MODULES.get(name, name)) for name in packages])
    try:
        status, output = processes.run([python, "-I", "-c", _VERSIONS, asked], timeout=SECONDS_TO_IMPORT)
    except OSError as problem:
        raise SetupError(Failure("broken python", f"The Python {python} cannot be started ({problem.strerror}).",
                                 "Choose another PYTHON.")) from problem
    if status is None:
        raise SetupError(Failure("slow", "The packages could not be loaded within three minutes.",
                                 "Except the folder from the virus scanner, then run it again."))
    installer.require(status, output)
    return json.loads(output.strip().splitlines()[-1])


def _create(folder: Path, python: str, source: Source, listener) -> None:
    """Make an empty environment from the first interpreter that manages it."""
    refused, lacks_parts = [], False
    for path in [Path(python)] if python else interpreters.candidates(interpreters.here()):
        found = interpreters.probe(path, processes.run)
        problem = found.problem or ("" if found.has_ssl or source.wheels else "it cannot speak HTTPS")
        _claim(folder)
        problem = problem or _make(folder, found, source, listener)
        if not problem:
            shown = ".".join(map(str, found.version))
            listener.message("info", f"Made an environment from Python {shown} ({path}) in {folder}")
            listener.progress(_MADE, None)
            return
        lacks_parts = lacks_parts or "ensurepip" in problem or "venv" in problem
        refused.append(f"{path}: {problem}")
        _claim(folder)
    shutil.rmtree(folder, ignore_errors=True)
    remedy = "Install Python 3.12 (64 bits) from python.org and name it as PYTHON."
    if lacks_parts and platform.system() == "Linux":
        remedy = "Run: sudo apt install python3-venv. Then run this again."
    reasons = "; ".join(refused) or "none at all"
    raise SetupError(Failure("no python", f"No usable Python was found ({reasons}).", remedy))


def _claim(folder: Path) -> None:
    """Mark the folder as ours, then empty it: killed in the middle of that, it is still ours."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / OURS).write_text("The Python environment of Phenofuse's engine. It may be deleted; "
                               "the algorithm 'Set up engine' makes it again.\n", encoding="utf-8")
    for entry in folder.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        elif entry.name != OURS:
            entry.unlink()


def _refuse_foreign(folder: Path) -> None:
    """Stop at a folder that somebody else filled: an environment of the user's own, or no environment at all."""
    if folder.exists() and any(folder.iterdir()) and not ((folder / OURS).exists() or (folder / MARKER).exists()):
        raise SetupError(Failure("folder", f"The folder {folder} holds something that Phenofuse did not make.",
                                 "Give FOLDER an empty or a new folder."))


def _make(folder: Path, found, source: Source, listener) -> str:
    """Make an environment from one interpreter; returns what is wrong with the result."""
    without = [] if found.has_ensurepip else ["--without-pip"]
    status, output = processes.run(processes.module_on_a_leash(found.path, "venv", *without, folder),
                                   cancelled=listener.cancelled, leash=True)
    if status is None:
        installer.require(status, output)
    if status or not _runs(folder, need_pip=found.has_ensurepip):
        # An application bundle's Python may make environments that point at the machine it was built on.
        return failures.classify(output, status).sentence.rstrip(".") if status else "its environments do not run"
    if not found.has_ensurepip:                      # its own pip can still put one in
        command = processes.module_on_a_leash(found.path, "pip", "install", "--disable-pip-version-check",
                                              *source.arguments(), "--target", _site_packages(folder), "pip")
        status, output = processes.run(command, installer.variables(source.variables()), listener.cancelled, leash=True)
        if status is None:
            installer.require(status, output)
        if status:
            return "it has no ensurepip, and its own pip could not fetch another"
    return ""


def _runs(folder: Path, need_pip: bool = True) -> bool:
    """Whether an environment's Python (and its pip) start at all."""
    if not python_of(folder).exists() or not (folder / "pyvenv.cfg").exists():
        return False
    needed = "import encodings, json" + (", pip" if need_pip else "")
    try:
        return processes.run([python_of(folder), "-I", "-c", needed], timeout=interpreters.SECONDS_TO_ANSWER)[0] == 0
    except OSError:
        return False


def _install(folder: Path, extras, source: Source, listener, lists) -> None:
    """Fill the environment: the base and the small extras together, torch from its own index after them."""
    _forget_half_installed(_site_packages(folder))
    python = str(python_of(folder))
    version = _version_of(folder)
    small = ["base", *(name for name in extras if name != "learning")]
    runs = [(small, [], {})]
    if "learning" in extras:
        kept = source.torch_constraints(requirements.pins(["learning"], lists)[0], platform.system(), platform.machine())
        constraints = folder / "constraints.txt"
        constraints.write_text("\n".join(kept), encoding="utf-8")
        runs.append((["base", "learning"], ["-c", str(constraints)], source.torch_variables(platform.system(), version)))
    sizes = [requirements.size_of(names[1:], source.torch, lists).fetch for names, _, _ in runs]
    start = _MADE
    for (names, more, variables), fetch in zip(runs, sizes):
        end = start + (_INSTALLED - _MADE) * fetch / (sum(sizes) or 1)
        wanted = [*more, *(part for name in names for part in ("-r", str(Path(lists, f"{name}.txt"))))]
        installer.install(python, wanted, source, folder / "fetching", _site_packages(folder), fetch,
                          _Share(listener, start, end), variables)
        start = end


def _conclude(folder: Path, extras, pins, lists, listener) -> dict:
    """Try every package, then write ``installed.json`` in one stroke."""
    versions = _versions(str(python_of(folder)), requirements.lowest_versions(("base", *extras), lists))
    record = {"format": FORMAT, "version": ENGINE_VERSION, "python": ".".join(map(str, _version_of(folder))),
              "extras": list(extras), "pins": pins, "versions": versions}
    unfinished = folder / (MARKER + ".new")
    unfinished.write_text(json.dumps(record, indent=1), encoding="utf-8")
    os.replace(unfinished, folder / MARKER)
    listener.message("info", "Installed: " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    listener.progress(1.0, None)
    return record


def _check_disk(folder: Path, size: Size, source: Source, listener) -> None:
    """Say what it costs, and stop when there is no room for it."""
    place = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free = shutil.disk_usage(place).free / 1e6
    fetched = 0.0 if source.wheels else size.fetch
    there = installer.folder_megabytes(folder) if folder.exists() else 0.0
    # What is fetched is on disk twice until the end: in pip's cache, and where it is unpacked from.
    needed = max(0.0, size.disk + 2 * fetched - there)
    listener.message("info", f"About {fetched:.0f} MB to fetch and {size.disk:.0f} MB on disk in {folder} "
                             f"({free:.0f} MB are free there).")
    if free < needed:
        raise SetupError(Failure("disk full",
                                 f"There are {free:.0f} MB free for {folder}; about {needed:.0f} MB are needed.",
                                 "Free some space, or give FOLDER a place on a larger disk."))


def _forget_half_installed(site_packages: Path) -> None:
    """Drop the record of packages of which a killed run left only a part, so that pip installs them again."""
    for record in site_packages.glob("*.dist-info"):
        if not _whole(record, site_packages):
            shutil.rmtree(record)
    for remains in site_packages.glob("~*"):         # what pip had moved aside
        shutil.rmtree(remains, ignore_errors=True)


def _whole(record: Path, site_packages: Path) -> bool:
    """Whether all files of a package are there in the size that its RECORD says."""
    if not (record / "INSTALLER").exists():          # written by pip at the end
        return False
    try:
        with open(record / "RECORD", encoding="utf-8", newline="") as stream:
            for name, _, size in csv.reader(stream):
                if size and os.path.getsize(site_packages / name) != int(size):
                    return False
    except (OSError, ValueError):
        return False
    return True


def _site_packages(folder: Path) -> Path:
    if os.name == "nt":
        return folder / "Lib" / "site-packages"
    return next(folder.glob("lib/python3*/site-packages"))


def _base_exists(folder) -> bool:
    """Whether the Python that an environment was made from is still there; on Windows the copy in it cannot tell."""
    try:
        found = re.search(r"^home\s*=\s*(.+)$", Path(folder, "pyvenv.cfg").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        return False
    return bool(found) and Path(found.group(1).strip()).is_dir()


def _version_of(folder: Path) -> tuple:
    """The Python version of an environment, as its pyvenv.cfg says."""
    text = (folder / "pyvenv.cfg").read_text(encoding="utf-8")
    return tuple(int(part) for part in re.search(r"^version\w*\s*=\s*(\d+)\.(\d+)\.(\d+)", text, re.MULTILINE).groups())


@contextlib.contextmanager
def _only_one(folder: Path):
    """Keep two runs from filling one folder at once; the system lets go of the lock when a run is killed."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = open(folder.parent / f"{folder.name}.lock", "w", encoding="utf-8")
    except OSError as problem:
        raise SetupError(Failure("permission", f"The folder {folder.parent} cannot be written ({problem.strerror}).",
                                 "Give FOLDER a place that you may write to.")) from problem
    with lock:
        try:
            _lock(lock)
        except OSError as problem:
            raise SetupError(Failure("busy", f"Another run is setting up {folder} right now.",
                                     "Wait until it has finished.")) from problem
        yield


def _lock(stream) -> None:
    if os.name == "nt":
        import msvcrt
        msvcrt.locking(stream.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)


class _Console(Quiet):
    """A listener that prints."""

    def message(self, level: str, text: str) -> None:
        print(text, flush=True)


def main(arguments=None) -> int:
    """Set up an environment from a shell; returns the exit status."""
    parser = argparse.ArgumentParser(description="Set up the Python environment of Phenofuse's engine.")
    parser.add_argument("--folder", required=True, help="the environment's folder")
    parser.add_argument("--extras", default="", help="comma-separated: " + ", ".join(EXTRAS))
    parser.add_argument("--torch", default="cpu", choices=("cpu", "cuda", "default"), help="which build of torch")
    parser.add_argument("--index", default="", help="address of another package index")
    parser.add_argument("--wheels", default="", help="a folder of wheel files: nothing is fetched")
    parser.add_argument("--python", default="", help="the Python to make it from")
    parser.add_argument("--rebuild", action="store_true", help="start afresh")
    given = parser.parse_args(arguments)
    try:
        set_up(given.folder, tuple(filter(None, given.extras.split(","))),
               Source(given.index, given.wheels, given.torch), given.python, _Console(), given.rebuild)
    except SetupError as error:
        print(f"{error.failure.sentence}\n{error.failure.remedy}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted; run it again to continue.", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
