"""Which Python to make the engine's environment from.

``sys.executable`` inside QGIS is QGIS itself, or whatever ``python3`` is first on the path. The Python that came
with QGIS stands in a place that differs by system; `candidates` knows those places, as a pure function of a
described `Layout`, and `probe` finds out whether one of them runs and has what makes environments. What those can do,
only they know: see `upkeep.examine`.
"""
from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

OLDEST, NEWEST = (3, 9), (3, 14)                # QGIS 3.22 on Windows; the newest with wheels of all packages

# What a candidate tells about itself. It must not need anything that a thinned-out Python may lack.
_QUESTION = """
import json, sys
from importlib.util import find_spec
def has(name):
    spec = find_spec(name)
    return spec is not None and spec.origin is not None      # an empty folder of that name is no module
print(json.dumps({"version": list(sys.version_info[:3]), "bits": 64 if sys.maxsize > 2**32 else 32,
    "venv": has("venv"), "ensurepip": has("ensurepip"), "pip": has("pip")}))
"""
SECONDS_TO_ANSWER = 30.0                        # a first start under a virus scanner takes long


@dataclass(frozen=True)
class Layout:
    """Where a Python program (QGIS or another) stands on its system.

    Parameters
    ----------
    system : str
        ``Linux``, ``Darwin`` or ``Windows``.
    version : tuple of int
        Major and minor version of the running Python.
    prefix : Path
        ``sys.base_prefix``.
    executable : Path
        ``sys.executable``.
    shared : tuple of Path
        Folders where other Pythons are installed, best first.
    search_path : tuple of Path
        The folders of PATH.
    """

    system: str
    version: tuple
    prefix: Path
    executable: Path
    shared: tuple = field(default=())
    search_path: tuple = field(default=())


class Interpreter(NamedTuple):
    """A Python that answered; `problem` says why it cannot be used, or is empty."""

    path: str
    version: tuple
    has_ensurepip: bool
    has_pip: bool
    problem: str


def here() -> Layout:
    """The layout of the running process."""
    system = platform.system()
    variables = os.environ
    if system == "Windows":
        named = [variables.get(name) for name in ("ProgramFiles", "ProgramW6432", "SystemDrive")]
        local = [Path(variables["LOCALAPPDATA"], "Programs", "Python")] if variables.get("LOCALAPPDATA") else []
        shared = tuple(local + [Path(f"{folder}\\") for folder in named if folder])    # "C:" alone is a relative path
    elif system == "Darwin":
        shared = tuple(map(Path, ("/opt/homebrew/bin", "/usr/local/bin", "/opt/local/bin")))
        shared += tuple(sorted(Path("/Library/Frameworks/Python.framework/Versions").glob("3.*/bin"), reverse=True))
        # Apple's /usr/bin/python3 is a stub that opens a window when the developer tools are missing; this is not.
        shared += (Path("/Library/Developer/CommandLineTools/usr/bin"),)
    else:
        shared = (Path("/usr/bin"), Path("/usr/local/bin"))
    search_path = tuple(Path(part) for part in variables.get("PATH", "").split(os.pathsep) if part)
    return Layout(system, sys.version_info[:2], Path(sys.base_prefix), Path(sys.executable or "."), shared, search_path)


def candidates(layout: Layout) -> list:
    """The Pythons of a layout that exist as files, best first: QGIS's own, then others of the system."""
    return own(layout) + [path for path in _existing(_others(layout)) if path not in own(layout)]


def own(layout: Layout) -> list:
    """The Pythons that came with QGIS (or whose programs run it), as files that exist, best first."""
    return _existing({"Windows": _own_on_windows, "Darwin": _own_on_macos}.get(layout.system, _own_on_linux)(layout))


def _existing(listed) -> list:
    return list(dict.fromkeys(path for path in listed if path.is_file() and not is_store_stub(path)))


def is_store_stub(path: Path) -> bool:
    """Whether a file is the Windows Store's placeholder for Python, which opens the shop instead of running."""
    return "windowsapps" in str(path).lower() or path.stat().st_size == 0


def probe(path, run) -> Interpreter:
    """Start a Python and ask what it is and has.

    Parameters
    ----------
    path : str or Path
        The candidate.
    run : callable
        ``run(command, timeout=seconds) -> (status, output)``, as `installer.run`.
    """
    try:
        status, output = run([str(path), "-I", "-c", _QUESTION], timeout=SECONDS_TO_ANSWER)
        answer = json.loads(output.strip().splitlines()[-1]) if status == 0 else {}
    except (OSError, ValueError, IndexError):
        answer = {}
    if not answer:
        return Interpreter(str(path), (), False, False, "it does not run")
    version = tuple(answer["version"])
    return Interpreter(str(path), version, answer["ensurepip"], answer["pip"], _problem(version, answer))


def _problem(version: tuple, answer: dict) -> str:
    shown = ".".join(map(str, version))
    if not OLDEST <= version[:2] <= NEWEST:
        return f"it is Python {shown}; 3.{OLDEST[1]} to 3.{NEWEST[1]} are needed"
    if answer["bits"] != 64:
        return f"it is a 32-bit Python {shown}; the packages exist for 64 bits only"
    if not answer["venv"]:
        return f"Python {shown} has no venv module"
    if not (answer["ensurepip"] or answer["pip"]):
        return f"Python {shown} has neither ensurepip nor pip"
    return ""


def _own_on_windows(layout: Layout) -> list:
    """OSGeo4W and the stand-alone QGIS keep Python in ``<root>/apps/Python312``; QGIS itself is in ``<root>/bin``.

    What is in ``<root>/bin`` comes last, though ``sys.executable`` may name it: it runs only among QGIS's variables.
    """
    root = layout.executable.parent.parent
    listed = [layout.prefix / "python.exe", *_newest(root, "apps/Python3*/python.exe")]
    if layout.executable.name.lower().startswith("python"):
        listed.append(layout.executable)
    return [*listed, layout.executable.parent / "python.exe"]


def _own_on_macos(layout: Layout) -> list:
    """Inside ``QGIS.app/Contents``, in the places where the builds from 3.16 to today have put it."""
    contents = next((parent for parent in layout.executable.parents if parent.name == "Contents"), None)
    folders = []
    if contents:
        folders += [contents / "MacOS" / "bin", contents / "MacOS", contents / "Frameworks" / "bin",
                    contents / "Resources" / "python" / "bin"]
        framework = contents / "Frameworks" / "Python.framework" / "Versions"
        folders += [version / "bin" for version in _newest(framework, "*")]
    return [folder / name for folder in [*folders, layout.prefix / "bin"] for name in _names(layout)]


def _own_on_linux(layout: Layout) -> list:
    """The distribution's Python (QGIS is linked to it), or the one of the conda, flatpak or AppImage prefix."""
    listed = [layout.prefix / "bin" / name for name in _names(layout)]
    return [*listed, layout.executable] if layout.executable.name.startswith("python") else listed


def _others(layout: Layout) -> list:
    """Where the system keeps other Pythons."""
    if layout.system == "Windows":
        patterns = ("Python3*/python.exe", "OSGeo4W*/apps/Python3*/python.exe", "QGIS*/apps/Python3*/python.exe")
        listed = [path for folder in layout.shared for pattern in patterns for path in _newest(folder, pattern)]
        return listed + [folder / "python.exe" for folder in layout.search_path]
    folders = layout.shared if layout.system == "Darwin" else (*layout.shared, *layout.search_path)
    return [folder / name for folder in folders for name in _names(layout)]


def _names(layout: Layout) -> list:
    running = "python" + ".".join(map(str, layout.version))
    usual = [f"python3.{minor}" for minor in (12, 11, 13, 10, 9, 14)]     # widest choice of wheels first
    return [running, "python3"] + [name for name in usual if name != running]


def _newest(folder: Path, pattern: str) -> list:
    """What matches in a folder, the highest version number first (Python312 before Python39)."""
    def number(path):
        return [int(part) for part in "".join(c if c.isdigit() else " " for c in str(path)).split()]
    return sorted(folder.glob(pattern), key=number, reverse=True) if folder.is_dir() else []
