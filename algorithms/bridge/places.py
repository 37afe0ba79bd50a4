"""Where the engine's environments lie, what is in them, and how long their paths may become.

An environment belongs to the user, not to a QGIS profile: all profiles and versions of QGIS share one per version of
the requirements. On Windows that is the *local* data folder: the QGIS settings are in the roaming one, which a domain
copies at every log-on, and their path alone is so long that torch's files exceed what Windows allows.
"""
from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

from ...core.files import replace

# Raised when the pins change so much that an environment must be made afresh beside the old one.
ENGINE_VERSION = "1"
MARKER = "installed.json"
FORMAT = 1

# Windows' MAX_PATH of 260, less the zero at its end; a folder must leave room for a name of twelve characters in it,
# which the longest files below (LICENSE.txt, 11) do.
LONGEST_ON_WINDOWS = 259
# The longest path inside site-packages, in characters: measured on the wheels for Windows of all pins and what they depend
# on, for Python 3.9 and 3.12, compiled files included.
LONGEST_INSIDE = {"base": 94, "earthengine": 103, "cluster": 86, "learning": 167, "onnx": 134}


def shared() -> Path:
    """The folder of the managed environments in this user's own data folder."""
    if os.name == "nt":
        data = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"
    elif sys.platform == "darwin":
        data = Path.home() / "Library" / "Application Support"
    else:
        data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(data, "phenofuse")


def where_set_up(before) -> Path:
    """`shared`, unless the only complete environment is in the folder `before` where an earlier Phenofuse put it."""
    now = shared()
    return Path(before) if record_of(managed_folder(before)) and not record_of(managed_folder(now)) else now


def managed_folder(base_folder, version: str = ENGINE_VERSION) -> Path:
    """The folder of the managed environment of a version."""
    return Path(base_folder) / f"engine-{version}"


def python_of(folder) -> Path:
    """The Python of an environment."""
    return Path(folder, "Scripts", "python.exe") if os.name == "nt" else Path(folder, "bin", "python")


def site_packages(folder) -> Path:
    """Where an environment's packages are."""
    if os.name == "nt":
        return Path(folder, "Lib", "site-packages")
    return Path(folder, "lib", "python{}.{}".format(*version_of(folder)), "site-packages")


def record_of(folder) -> dict:
    """What ``installed.json`` says of an environment; empty where it is not complete."""
    try:
        record = json.loads(Path(folder, MARKER).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) and record.get("format") == FORMAT else {}


def write_record(folder, record: dict) -> None:
    """Write ``installed.json`` in one stroke."""
    unfinished = Path(folder, MARKER + ".new")
    unfinished.write_text(json.dumps(record, indent=1), encoding="utf-8")
    replace(unfinished, Path(folder, MARKER))


def version_of(folder) -> tuple:
    """The Python version of an environment, as its pyvenv.cfg says; empty where it says nothing."""
    return tuple(map(int, re.findall(r"\d+", _configured(folder, r"version\w*"))[:3]))


def home_of(folder) -> Path | None:
    """The folder of the Python that an environment was made from, as its pyvenv.cfg says."""
    home = _configured(folder, "home")
    return Path(home) if home else None


def base_of(folder) -> Path | None:
    """The Python that an environment was made from, where it is still there."""
    home = home_of(folder)
    if home is None:
        return None
    # On Windows the environment's own python.exe only starts that one; elsewhere it is a link to it.
    base = home / "python.exe" if os.name == "nt" else Path(os.path.realpath(python_of(folder)))
    return base if home.is_dir() and python_of(folder).exists() and base.is_file() else None


def longest_path(folder, parts) -> int:
    """How many characters the longest path of an environment with these parts will have on Windows."""
    return len(f"{folder}\\Lib\\site-packages\\") + max(LONGEST_INSIDE.get(part, 0) for part in parts)


def longest_allowed() -> int | None:
    """How many characters a path may have here; None where there is no limit that matters."""
    if os.name != "nt":
        return None
    import winreg
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            return None if winreg.QueryValueEx(key, "LongPathsEnabled")[0] else LONGEST_ON_WINDOWS
    except OSError:                                  # a Windows that does not know the switch
        return LONGEST_ON_WINDOWS


def _configured(folder, key: str) -> str:
    """A value of an environment's pyvenv.cfg; '' where there is none."""
    try:
        text = Path(folder, "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return ""
    found = re.search(rf"^{key}\s*=\s*(.+)$", text, re.MULTILINE)
    return found.group(1).strip() if found else ""
