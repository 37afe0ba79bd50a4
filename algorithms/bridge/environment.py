"""The engine's own Python: which one answers, and the managed environment that setupengine makes for it.

The environment is a plain virtual environment in a folder of ours, one per user and version of the requirements, filled by
pip from the pinned lists in ``resources/requirements``. It never sees QGIS's packages and QGIS never sees its. The
file ``installed.json`` says which parts (the base, then each extra) are whole: it is written anew after each of them, and
what is being installed is never in it. A folder without it is not complete and is continued next time.

Needs the standard library only, and runs without QGIS too::

    python3 environment.py --folder DIR [--extras learning,earthengine,cluster] [--index URL | --wheels FOLDER]
"""
from __future__ import annotations

import argparse
import csv
import functools
import importlib.util
import json
import os
import platform
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

if not __package__:                                  # run as a script: the plugin's folder becomes the package (PEP 366)
    _here = Path(__file__).resolve()
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != _here.parent]
    _spec = importlib.util.spec_from_file_location("phenofuse", _here.parents[2] / "__init__.py",
                                                   submodule_search_locations=[str(_here.parents[2])])
    sys.modules["phenofuse"] = importlib.util.module_from_spec(_spec)
    __package__ = "phenofuse.algorithms.bridge"
from ...core.version import version as plugin_version
from . import failures, installer, interpreters, places, processes, requirements, upkeep
from .failures import Failure, SetupError
from .installer import Source
from .places import ENGINE_VERSION, FORMAT, MARKER, managed_folder, python_of
from .requirements import EXTRAS, LISTS, Size

FROM_INDEX = Source()
OURS = "phenofuse-engine.txt"                        # is there from the first moment: this folder may be emptied

# Packages whose module has another name.
_MODULES = {"earthengine-api": "ee"}
# Asked of a Python: which of the named modules load, in which version; the first that does not ends it.
_VERSIONS = """
import importlib, json, sys
from importlib.metadata import version
found = {}
for package, module in json.loads(sys.argv[1]):
    importlib.import_module(module)
    if package:
        found[package] = version(package)
print(json.dumps(found))
"""
SECONDS_TO_IMPORT = 180.0                            # torch and numba on a cold disk under a virus scanner

# Shares of the bar; installing lies between them.
_MADE, _INSTALLED = 0.05, 0.95
# Failures that tell of damage inside the environment, which a fresh one does not have.
_DAMAGED = ("incomplete", "unknown", "broken python", "no pip", "crash")


class Engine(NamedTuple):
    """A Python that can run the engine: its path, where it comes from (setting, managed, qgis), and why this one.

    `notice` says what was mended on the way, for the user to hear; or is empty.
    """

    python: str
    kind: str
    reason: str
    notice: str = ""


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
    layout = layout or interpreters.here()
    if setting:
        problem, notice = _problem_and_notice(setting, extras, layout)
        if problem:
            folder = Path(setting).parent.parent
            mend = f"Run Set up engine with FOLDER={folder}" if places.record_of(folder) else "Install what is missing there"
            raise SetupError(Failure("setting", f"The setting Engine Python names {setting}, but {problem}.",
                                     f"{mend}, or empty the setting "
                                     "(Settings > Options > Processing > Providers > Phenofuse)."))
        return Engine(setting, "setting", "named in the setting Engine Python", notice)
    folder = managed_folder(base_folder, version)
    record = places.record_of(folder)
    begun = "is not complete" if folder.exists() else "has not been set up yet"
    if record:
        missing = [name for name in extras if name not in record["extras"]]
        problem, notice = upkeep.usable(folder, () if missing else extras, layout)
        if not problem and not missing:
            return Engine(str(python_of(folder)), "managed", f"set up by setupengine in {folder}", notice)
        if not problem:
            raise SetupError(Failure("extra", f"This needs the engine's extra '{missing[0]}', which is not installed.",
                                     f"Run the algorithm Set up engine (phenofuse:setupengine){_wanted(missing)}."))
        begun = f"in {folder} cannot be used: {problem}"
    problems = {}                                    # one file may have several names
    for own in map(str, interpreters.own(layout)):
        problem = problem_of(own, extras)
        if not problem:
            return Engine(own, "qgis", "the Python that runs QGIS has all packages")
        problems.setdefault(problem, own)
    told = "; ".join(f"{own}: {problem}" for problem, own in problems.items())
    because = f" (QGIS's own Python cannot stand in: {told})" if told else ""
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
    return _problem_and_notice(python, extras, interpreters.here())[0]


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
        raise SetupError(Failure("torch", "There is no CUDA on macOS.", "Choose TORCH=cpu: networks run on the processor there."))
    if source.wheels and not any(Path(source.wheels).glob("*.whl")):
        raise SetupError(Failure("wheels", f"The folder {source.wheels} holds no wheel files (*.whl).",
                                 "Fill it on a computer with a network: pip download --only-binary=:all: -r locked/base.txt."))
    try:
        with upkeep.only_one(folder):
            return _complete(folder, extras, source, python, listener, rebuild, lists)
    except OSError as problem:                       # our own files: a full disk, a folder that may not be written
        raise SetupError(failures.classify(str(problem))) from problem


def installed(folder) -> dict:
    """What ``installed.json`` says of a complete environment; empty for one that is incomplete, missing or without its base."""
    return places.record_of(folder) if places.base_of(folder) else {}


def is_current(folder, lists=LISTS) -> bool:
    """Whether a complete environment was made from the lists as they are now, or by a newer Phenofuse."""
    record = installed(folder)
    return bool(record) and (_newer(record) or record["pins"] == requirements.pins(("base", *record["extras"]), lists))


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
    had = places.record_of(folder)
    extras = tuple(name for name in EXTRAS if name in extras or name in had.get("extras", ()))
    parts = ("base", *extras)
    wanted = dict(zip(parts, requirements.pins(parts, lists)))
    working = dict(zip(("base", *had.get("extras", ())), had.get("pins", ())))      # part: what it was installed from
    tended = upkeep.tend(folder)
    if tended.notice:
        listener.message("info", tended.notice)
    fresh = rebuild or _unfit(folder, tended, extras, source)
    if not fresh and _newer(had):
        return _left_to_newer(folder, had, extras, listener)
    if not fresh and working == wanted:
        try:
            record = _conclude(folder, working, lists, listener)
            listener.message("info", f"The environment in {folder} is complete already.")
            return record
        except SetupError as error:
            listener.message("warning", f"The environment is damaged ({error.failure.sentence}); it is mended.")
    _check_paths(folder, parts)
    _check_disk(folder, requirements.size_of(extras, source.torch, lists), source, listener)
    if not fresh:
        working = {part: pins for part, pins in working.items() if _loads(folder, part, pins, lists)}
        try:
            return _install_parts(folder, wanted, working, source, listener, lists)
        except SetupError as error:
            if error.failure.kind not in _DAMAGED or installed(folder):
                raise
            listener.message("warning", "What an earlier run left is damaged; the environment is made afresh.")
    _create(folder, python, source, listener)
    return _install_parts(folder, wanted, {}, source, listener, lists)


def _install_parts(folder: Path, wanted: dict, working: dict, source: Source, listener, lists) -> dict:
    """Install the base, then each extra on its own: one that fails takes nothing away that works.

    Parameters
    ----------
    folder : Path
        The environment's folder.
    wanted, working : dict
        Pins by part: those that are asked for, and those that are there and load.
    source, listener, lists
        As `set_up` takes them.
    """
    touched, failed, start = False, {}, _MADE
    base = requirements.size_of((), source.torch, lists).fetch
    sizes = {part: requirements.size_of([part], source.torch, lists).fetch - base for part in wanted}
    for part, pins in wanted.items():
        end = start + (_INSTALLED - _MADE) * sizes[part] / (sum(sizes.values()) or 1)
        share, start = _Share(listener, start, end), end
        if working.get(part) == pins and not touched:
            continue
        touched = touched or part == "base"          # the extras must get on with the new base
        before = working.pop(part, None)
        _note(folder, working)                       # killed from here on, this part does not count
        try:
            _install(folder, part, sizes[part], source, share, lists)
            _versions(str(python_of(folder)), requirements.lowest_versions([part], lists))
            working[part] = pins
        except SetupError as error:
            if before is not None and _loads(folder, part, before, lists):
                working[part] = before
                _note(folder, working)
            if error.failure.kind == "cancelled" or part == "base" and part not in working:
                raise
            if part == "base":
                still = f"{error.failure.sentence} The engine that was there still works."
                raise SetupError(error.failure._replace(sentence=still), error.output) from error
            failed[part] = error
        _note(folder, working)
    record = _conclude(folder, working, lists, listener)
    if failed:
        raise _of_extras(failed, record)
    return record


def _of_extras(failed: dict, record: dict) -> SetupError:
    """The error of extras that could not be installed: says what works all the same."""
    first = next(iter(failed.values()))
    works = "The base works" + "".join(f", and the extra {name}" for name in record["extras"])
    reasons = " ".join(f"The extra {name} could not be installed: {error.failure.sentence}" for name, error in failed.items())
    return SetupError(first.failure._replace(sentence=f"{works}. {reasons}"),
                      "\n".join(error.output for error in failed.values()))


def _newer(record: dict) -> bool:
    """Whether a newer Phenofuse, in another profile, made the environment: this one's pins would take it back."""
    return requirements.as_numbers(record.get("plugin", "")) > requirements.as_numbers(plugin_version())


def _left_to_newer(folder: Path, record: dict, extras, listener) -> dict:
    """Leave an environment of a newer Phenofuse as it is, if it has what is asked for."""
    made = f"The engine in {folder} was set up by Phenofuse {record['plugin']}, which is newer than this one ({plugin_version()})"
    missing = [name for name in extras if name not in record["extras"]]
    if missing:
        raise SetupError(Failure("newer", f"{made}, and it lacks the extra {missing[0]}.",
                                 "Update Phenofuse in this QGIS profile and run this again, or give FOLDER another place."))
    listener.message("info", f"{made}; it is left as it is.")
    return record


def _unfit(folder: Path, tended: upkeep.Tended, extras, source: Source) -> bool:
    """Whether an environment must be made anew: it does not run, has no pip, or its Python lacks what is needed."""
    if tended.problem or not (places.site_packages(folder) / "pip" / "__init__.py").exists():
        return True
    return bool(upkeep.hindered(tended.lost, extras)) or ("ssl" in tended.lost and not source.wheels)


def _loads(folder: Path, part: str, pins: list, lists) -> bool:
    """Whether all packages of a part that were installed from some pins can be imported."""
    packages = [name for name in requirements.lowest_versions([part], lists) if any(pin.startswith(f"{name}==") for pin in pins)]
    try:
        return bool(_versions(str(python_of(folder)), packages))
    except SetupError:
        return False


def _problem_and_notice(python: str, extras, layout) -> tuple:
    """Why a Python cannot run the engine, or ''; and what was mended, where it is one of our own."""
    folder = Path(python).parent.parent              # one of our own has been tried when it was made
    record, notice = places.record_of(folder), ""
    if record:
        problem, notice = upkeep.usable(folder, extras, layout)
        if problem or set(extras) <= set(record["extras"]):
            return problem, notice
    try:
        return _problem_of(python, tuple(extras), os.stat(python).st_mtime_ns), notice
    except OSError:
        return "there is no such file", ""


@functools.lru_cache(maxsize=16)
def _problem_of(python: str, extras: tuple, changed: int) -> str:
    lowest = requirements.lowest_versions(("base", *extras))
    try:
        versions = _versions(python, lowest, [part for extra in extras for part in upkeep.NEEDED.get(extra, ())])
    except SetupError as error:
        # A machine may just be slow today: a job that lacks something says so itself, and it can be cancelled.
        return "" if error.failure.kind == "slow" else error.failure.sentence.rstrip(".")
    old = [f"{name} {versions[name]} (at least {lowest[name]})" for name in lowest
           if requirements.as_numbers(versions[name]) < requirements.as_numbers(lowest[name])]
    return f"its packages are too old: {', '.join(old)}" if old else ""


def _versions(python: str, packages, parts=()) -> dict:
    """The versions of packages that a Python can import, beside some parts of its own; raises when one fails."""
    asked = json.dumps([("", part) for part in parts] + [(name, _MODULES.get(name, name)) for name in packages])
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
    """Make an empty environment from the first interpreter whose environments have all they need."""
    refused, lacks_parts, emptied = [], False, False
    for path in [Path(python)] if python else interpreters.candidates(interpreters.here()):
        found = interpreters.probe(path, processes.run)
        problem = found.problem or _try(folder, found, source, listener)
        if not problem:                              # what is there now goes only for something that works
            emptied = True
            _claim(folder)
            problem = _make(folder, found, source, listener)
        if not problem:
            shown = ".".join(map(str, found.version))
            listener.message("info", f"Made an environment from Python {shown} ({path}) in {folder}")
            listener.progress(_MADE, None)
            return
        lacks_parts = lacks_parts or "ensurepip" in problem or "venv" in problem
        refused.append(f"{path}: {problem}")
    if emptied:
        shutil.rmtree(folder, ignore_errors=True)
    remedy = "Install Python 3.12 (64 bits) from python.org and name it as PYTHON."
    if lacks_parts and platform.system() == "Linux":
        remedy = "Run: sudo apt install python3-venv. Then run this again."
    reasons = "; ".join(refused) or "none at all"
    raise SetupError(Failure("no python", f"No usable Python was found ({reasons}).", remedy))


def _try(folder: Path, found, source: Source, listener) -> str:
    """Why environments of an interpreter are of no use; asked of a small one that is removed at once."""
    trial = folder.with_name(folder.name + ".trial")
    try:
        status, output = processes.run(processes.module_on_a_leash(found.path, "venv", "--clear", "--without-pip", trial),
                                       cancelled=listener.cancelled, leash=True)
        if status is None:
            installer.require(status, output)
        if status:
            return failures.classify(output, status).sentence.rstrip(".")
        lost = upkeep.examine(trial, found.version[:2])
    finally:
        shutil.rmtree(trial, ignore_errors=True)
    if lost is None:
        # An application bundle's Python may make environments that point at the machine it was built on.
        return "its environments do not run"
    if source.wheels:
        lost.pop("ssl", None)
    return f"in its environments {', '.join(lost)} cannot be loaded ({next(iter(lost.values()))})" if lost else ""


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
    if status or upkeep.examine(folder, found.version[:2]) is None:
        return failures.classify(output, status).sentence.rstrip(".") if status else "its environments do not run"
    if not found.has_ensurepip:                      # its own pip can still put one in
        command = processes.module_on_a_leash(found.path, "pip", "install", "--disable-pip-version-check",
                                              *source.arguments(), "--target", places.site_packages(folder), "pip")
        status, output = processes.run(command, installer.variables(source.variables()), listener.cancelled, leash=True)
        if status is None:
            installer.require(status, output)
        if status:
            return "it has no ensurepip, and its own pip could not fetch another"
    return ""


def _install(folder: Path, part: str, fetch: float, source: Source, listener, lists) -> None:
    """Install one part. The base's list goes with an extra's, so that no extra moves a package of the base."""
    packages, start = places.site_packages(folder), 0.0
    _forget_half_installed(packages)
    for call in source.calls(list(dict.fromkeys(["base", part])), platform.system(), places.version_of(folder), lists):
        installer.install(str(python_of(folder)), call.arguments, source, folder / "fetching", packages, call.share * fetch,
                          _Share(listener, start, start + call.share), call.variables)
        start += call.share


def _note(folder: Path, working: dict, **more) -> dict:
    """Write down which parts of the environment are whole; without the base there is nothing to promise."""
    if "base" not in working:
        (folder / MARKER).unlink(missing_ok=True)
        return {}
    parts = [part for part in ("base", *EXTRAS) if part in working]
    record = {"format": FORMAT, "version": ENGINE_VERSION, "plugin": plugin_version(),
              "python": ".".join(map(str, places.version_of(folder))), "extras": parts[1:],
              "pins": [working[part] for part in parts], **more}
    places.write_record(folder, record)
    return record


def _conclude(folder: Path, working: dict, lists, listener) -> dict:
    """Try all parts together, and write down what they are and what was found out about them."""
    versions = _versions(str(python_of(folder)), requirements.lowest_versions(tuple(working), lists))
    record = _note(folder, working, versions=versions, base=upkeep.identity(folder),
                   lost=upkeep.examine(folder, places.version_of(folder)[:2]))
    listener.message("info", "Installed: " + ", ".join(f"{name} {version}" for name, version in versions.items()))
    listener.progress(1.0, None)
    return record


def _check_paths(folder: Path, parts) -> None:
    """Stop before anything is fetched when paths would become longer than Windows allows."""
    allowed, longest = places.longest_allowed(), places.longest_path(folder, parts)
    if allowed and longest > allowed:
        raise SetupError(Failure("long path", f"In {folder} the engine's files would have paths of up to {longest} characters; "
                                              f"Windows allows {allowed}.",
                                 "Give FOLDER a short path such as C:\\phenofuse, or switch on long paths in Windows."))


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
    for entry in site_packages.iterdir():
        if entry.is_symlink():                       # borrowed from elsewhere: pip would write through it
            entry.unlink()
        elif entry.name.startswith("~"):             # what pip had moved aside
            shutil.rmtree(entry, ignore_errors=True)
        elif entry.name.endswith(".dist-info") and not _whole(entry, site_packages):
            shutil.rmtree(entry)


def _whole(record: Path, site_packages: Path) -> bool:
    """Whether all files of a package are there in the size that its RECORD says."""
    if not (record / "INSTALLER").exists():          # written by pip at the end
        return False
    try:
        with open(record / "RECORD", encoding="utf-8", newline="") as stream:
            for name, _, size in csv.reader(stream):
                compiled = name.endswith(".pyc")     # some wheels bring it, and pip compiles it anew, in another size
                if size and not compiled and os.path.getsize(site_packages / name) != int(size):
                    return False
    except (OSError, ValueError):
        return False
    return True


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
