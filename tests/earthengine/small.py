"""A small export of three periods: what it gives undisturbed, ways to disturb it, and whether two of them are the same."""

from __future__ import annotations

import contextlib
import json

import pytest
import rasterio
from phenofuse.core.earthengine.ledger import Ledger

from .helpers import call, double, export, finished

PERIODS = 3
END, ONE = "2023-12-07", "2023-11-13"  # of three periods, and of one


def rasters_of(folder) -> dict:
    """Export the three periods into a folder; returns its rasters."""
    with double() as found:
        export(call(found, folder, END_DATE=END))
    return finished(folder)


@contextlib.contextmanager
def crash_before(state):
    """Let a run die at the moment when it would write down that a period is in a state."""

    class Crash(BaseException):
        pass

    def crashing(self, item, after, note="", **known):
        if after == state:
            raise Crash
        return original(self, item, after, note, **known)

    original = Ledger.move
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Crash):
        patch.setattr(Ledger, "move", crashing)
        yield


def foreign(found, description) -> None:
    """A task that is not ours."""
    name = f"projects/loop-back/operations/F{len(found.operations):023X}"
    found.operations[name] = {"name": name, "done": False, "_body": {}, "metadata": {
        "state": "RUNNING", "type": "EXPORT_IMAGE", "description": description}}  # fmt: skip
    found._export = lambda operation, export=found._export: export(operation) if operation["_body"] else None


def is_of(files: dict, others: dict) -> bool:
    """Whether there are files, and each equals the one of its name among the others."""
    return bool(files) and files.items() <= others.items()


def pixels(folder) -> dict:
    return pixels_of(finished(folder))


def pixels_of(files: dict) -> dict:
    """Names and values of the bands of each file, as one comparable text."""
    found = {}
    for name, content in files.items():
        with rasterio.MemoryFile(content) as file, file.open() as source:
            found[name] = json.dumps([source.descriptions, source.read().tobytes().hex()])
    return found
