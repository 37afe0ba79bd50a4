"""The version of plugin and engine alike: what ``metadata.txt`` says."""
from __future__ import annotations

from pathlib import Path


def version() -> str:
    """The version, for example ``0.1.0``."""
    for line in (Path(__file__).resolve().parents[1] / "metadata.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("version="):
            return line.partition("=")[2].strip()
    return "unknown"
