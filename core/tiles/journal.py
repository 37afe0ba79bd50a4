"""What a job has done already, kept beside its output so that the same call continues.

A journal is a folder ``.<output>.<key>.parts``. It holds one file per finished tile, written under a
temporary name and renamed, and what was learnt once before the tiles. The key is a hash of the job, its
parameters and the state of its input files: another call never finds the parts of this one.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import zipfile
from glob import escape
from pathlib import Path

import numpy as np

from ..timeseries.writing import require_writable
from ..version import version


def fingerprint(paths) -> list:
    """State of input files: name, size and time of the last change."""
    found = []
    for path in paths:
        file = Path(path)
        state = file.stat() if file.exists() else None
        found.append([str(path), state.st_size, state.st_mtime_ns] if state else [str(path), 0, 0])
    return found


class Journal:
    """The memory of one job.

    Parameters
    ----------
    output : str
        The job's first output: the journal lies beside it.
    key : object
        Anything JSON can hold that tells this call from another: job, parameters, `fingerprint` of the inputs.

    Raises
    ------
    OutputError
        When nothing can be written there.
    """

    def __init__(self, output: str, key):
        text = json.dumps([version(), key], sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        output = Path(output)
        require_writable(output)
        self.folder = output.with_name(f".{output.name}.{digest}.parts")
        for other in output.parent.glob(f".{escape(output.name)}.*.parts"):
            if other != self.folder:
                shutil.rmtree(other, ignore_errors=True)

    def once(self, name: str, make):
        """What `make` returns (anything JSON can hold), made only the first time this call is run."""
        file = self.folder / f"{name}.json"
        if not file.exists():
            content = json.dumps(make()).encode()
            _written(file, lambda f: f.write(content))
        return json.loads(file.read_text(encoding="utf-8"))

    def keep(self, tile, arrays: dict) -> None:
        """Remember the outputs of a tile."""
        _written(self.folder / f"{tile.name}.npz", lambda f: np.savez(f, **arrays))

    def has(self, tile) -> bool:
        """Whether a tile is done and its file is sound."""
        file = self.folder / f"{tile.name}.npz"
        if not file.exists():
            return False
        try:
            with zipfile.ZipFile(file) as part:
                sound = part.testzip() is None
        except (OSError, zipfile.BadZipFile):
            sound = False
        if not sound:
            file.unlink()
        return sound

    def get(self, tile, name: str) -> np.ndarray:
        """One output of a finished tile, (bands, rows, columns)."""
        with np.load(self.folder / f"{tile.name}.npz", allow_pickle=False) as part:
            return part[name]

    def remove(self) -> None:
        """Forget everything: the outputs are complete."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _written(file: Path, write) -> None:
    file.parent.mkdir(exist_ok=True)  # only now: a call that fails on its input leaves nothing behind
    temporary = file.with_name(file.name + ".new")
    with open(temporary, "wb") as stream:
        write(stream)
    os.replace(temporary, file)
