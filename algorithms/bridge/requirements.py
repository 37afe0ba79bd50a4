"""The lists of packages in ``resources/requirements``: what they pin, and what installing them costs."""
from __future__ import annotations

import platform
import re
from pathlib import Path
from typing import NamedTuple

EXTRAS = ("learning", "earthengine", "cluster", "onnx")
LISTS = Path(__file__).resolve().parents[2] / "resources" / "requirements"
LOCKED = "locked"                                    # the folder in it that holds the lists with all hashes

_SIZE = re.compile(r"^# Size(?: with TORCH=(\w+))?: (\d+) MB to fetch, (\d+) MB on disk", re.MULTILINE)
_PIN = re.compile(r"^([\w.-]+)==([\w.+]+)", re.MULTILINE)
_ACCEPTED = re.compile(r"^# Accepted of others: ([\w.-]+)>=([\w.+]+)", re.MULTILINE)


class Size(NamedTuple):
    """What an installation costs: megabytes to fetch, and megabytes on disk in the end."""

    fetch: float
    disk: float


def size_of(extras=(), torch: str = "cpu", lists=LISTS) -> Size:
    """What the base and some extras cost, as measured and noted in the lists.

    pip could be asked (``--dry-run``), but on an index without separate metadata that fetches everything: gigabytes
    for torch, measured.
    """
    default = "cuda" if platform.system() == "Linux" else "cpu"
    build, total = default if torch == "default" else torch, Size(0.0, 0.0)
    for name in ("base", *extras):
        found = {choice: Size(float(fetch), float(disk)) for choice, fetch, disk in _SIZE.findall(_text(name, lists))}
        size = found.get(build) or found.get("") or Size(0.0, 0.0)
        total = Size(total.fetch + size.fetch, total.disk + size.disk)
    return total


def lowest_versions(parts=("base",), lists=LISTS) -> dict:
    """The lowest version that some lists pin for any Python or accept, by package: what a Python of the user's own must have."""
    lowest = {}
    for part in parts:
        text = _text(part, lists)
        for package, version in _PIN.findall(text) + _ACCEPTED.findall(text):
            if package not in lowest or as_numbers(version) < as_numbers(lowest[package]):
                lowest[package] = version
    return lowest


def pins(parts, lists=LISTS) -> list:
    """The lines of some lists that pin something, list by list."""
    return [[line.strip() for line in _text(part, lists).splitlines() if line.strip() and not line.startswith("#")]
            for part in parts]


def locked(name: str, lists=LISTS) -> Path:
    """The file that pip installs a list from: all that it needs in turn, each in one version and with the hashes of its files.

    Beside the lists there is one called ``torch``: torch, and what only its CUDA builds need, as the package index has them.
    """
    return Path(lists, LOCKED, f"{name}.txt")


def as_numbers(version: str) -> tuple:
    """A version for comparing: ``2.13.0+cpu`` gives (2, 13, 0)."""
    return tuple(int(part) for part in re.findall(r"\d+", version.split("+")[0]))


def _text(name: str, lists) -> str:
    return Path(lists, f"{name}.txt").read_text(encoding="utf-8")
