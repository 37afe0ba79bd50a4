"""A training's memory on disk: where it was after its last epoch, in plain numbers."""
from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from .. import files

FILE = "training.npz"
NUMBERS = "state.json"  # name of the member that holds them


class Checkpoint:
    """The last finished epoch of a training, in the folder of a journal.

    Parameters
    ----------
    folder : Path
    """

    def __init__(self, folder: Path):
        self._file = Path(folder) / FILE

    def keep(self, training) -> None:
        """Write the training's state; a kill at any moment leaves this one or the one before."""
        arrays, numbers = training.to_arrays()
        text = np.frombuffer(json.dumps(numbers).encode(), np.uint8)
        with files.whole(self._file) as writing, open(writing, "wb") as stream:
            np.savez(stream, **{NUMBERS: text}, **arrays)

    def take_up(self, training) -> bool:
        """Go on where an earlier run of the same call stopped; False when there is none."""
        if not self._file.exists():
            return False
        with np.load(self._file, allow_pickle=False) as content:
            arrays = dict(content)
        training.take_up(arrays, json.loads(arrays.pop(NUMBERS).tobytes()))
        return True
