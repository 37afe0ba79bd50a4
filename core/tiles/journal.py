"""What a job has done already, kept beside its output so that the same call continues.

A journal is a folder ``.<output>.<key>.parts``. It holds one file per finished tile, written under a
temporary name and renamed, and what was learnt once before the tiles. The key is a hash of the job, its
parameters and the state of all files that are read: another call never finds the parts of this one. The journal goes
when everything that was asked for is there, reports included.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np

from .. import files
from ..errors import DiskError
from ..outputs import journals, require_unread
from ..registry import JOBS
from ..timeseries.state import read_with, state_of
from ..version import version


def begin(job: str, parameters: dict, outputs: dict, read=()) -> Journal:
    """The journal of a job, once there is room for what it makes.

    It is known by all that the result depends on: the parameters, but for the names of outputs, and every file that is read,
    found by itself among the parameters' values.

    Parameters
    ----------
    job : str
    parameters : dict
        Of the job.
    outputs : dict of str to (str, RasterSpec)
        The rasters to be made, as `tiles.run` takes them; their number of bands may be less.
    read : iterable of str
        Files that are read though no parameter names them, such as those of a folder.

    Raises
    ------
    DiskError
        When the disk has too little room.
    InputError
        When an output is among `read`.
    """
    wanted = JOBS[job].outputs(parameters)
    given = {key: value for key, value in parameters.items() if key not in wanted}
    walk = cache(read_with)  # every file is opened once, whichever parameter names it
    require_unread(wanted, [path for one in read for path in walk(str(one))[0]])
    values = [one for value in given.values() for one in (value if isinstance(value, (list, tuple)) else [value])]
    behind = [state_of(one, walk) for one in values]
    journal = Journal(next(iter(wanted.values())), [job, given, sorted(outputs), behind, [state_of(one, walk) for one in read]])
    journal.require_room(outputs)
    return journal


class Journal:
    """The memory of one job.

    Parameters
    ----------
    output : str
        The job's first output: the journal lies beside it.
    key : object
        Anything JSON can hold that tells this call from another; see `begin`.
    """

    def __init__(self, output: str, key):
        text = json.dumps([version(), key], sort_keys=True, default=str)
        digest = hashlib.sha256(text.encode()).hexdigest()[:16]
        output = Path(output)
        self.folder = output.with_name(f".{output.name}.{digest}.parts")
        self._output = output

    def require_room(self, outputs: dict) -> None:
        """Raise `DiskError` unless the parts that are still to come, and the outputs, fit on their disks."""
        # Parts lie uncompressed beside the first output; the files are written before the parts go.
        done = _size(self.folder)
        others = sum(map(_size, self._others()))  # they make room before the first part is written
        needed = {}
        for folder, size in [
            (self.folder.parent, max(0, sum(spec.bytes for _, spec in outputs.values()) - done) - others),
            *((Path(path).parent, spec.bytes) for path, spec in outputs.values()),
        ]:
            there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
            disk = needed.setdefault(there.stat().st_dev, [there, 0])
            disk[1] += size
        for there, size in needed.values():
            free = shutil.disk_usage(there).free
            if size > free:
                raise DiskError(
                    f"The outputs need up to {size / 2**20:.1f} MB while they are made, but only "
                    f"{free / 2**20:.1f} MB are free in {there}.",
                    "Free some room or choose another disk for the output.",
                )

    def _others(self) -> list:
        """What runs of other calls left beside the same output."""
        return [one for one in journals(self._output) if one != self.folder]

    def once(self, name: str, make):
        """What `make` returns (anything JSON can hold), made only the first time this call is run."""
        file = self.folder / f"{name}.json"
        if not file.exists():
            content = json.dumps(make()).encode()
            with self._kept(file, lasting=True) as stream:
                stream.write(content)
        return json.loads(file.read_text(encoding="utf-8"))

    def keep(self, tile, arrays: dict) -> None:
        """Remember the outputs of a tile."""
        with self._kept(self.folder / f"{tile.name}.npz", lasting=False) as stream:  # `has` looks whether it is whole
            np.savez(stream, **arrays)

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

    @contextmanager
    def _kept(self, file: Path, lasting: bool):
        """A file of the journal, open for writing; its folder is made only now: a call that is refused leaves nothing behind."""
        if not self.folder.exists():
            for other in self._others():
                shutil.rmtree(other, ignore_errors=True)
        with files.whole(file, lasting) as writing, open(writing, "wb") as stream:
            yield stream


def _size(folder: Path) -> int:
    """Bytes of the finished tiles in a journal."""
    return sum(file.stat().st_size for file in folder.glob("*.npz"))
