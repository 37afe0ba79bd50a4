"""What a scene taught as a file: arrays as numpy's ``.npz`` and a card of words in JSON, nothing that could be executed.

Format 1 holds one covariance. Format 2 holds the stretches of a long series, each like a file of format 1 whose names begin
with the stretch's number.
"""
from __future__ import annotations

import json
import zipfile

import numpy as np

from .. import files
from ..errors import InputError
from .calibration import Calibration
from .long_scene import LongScene
from .scene import ARRAYS, SceneCovariance

FORMATS = "phenofuse scene covariance 1", "phenofuse scene covariance 2"


def packed(model) -> tuple[dict, dict]:
    """What was learnt, as a card of words and numbers, and as arrays by name.

    Parameters
    ----------
    model : SceneCovariance or LongScene
    """
    card = _words(model)
    if isinstance(model, LongScene):
        parts = [(f"{number}_", stretch) for number, stretch in enumerate(model.stretches)]
        card |= {"format": FORMATS[1], "stretches": [_words(stretch) for stretch in model.stretches]}
        arrays = {"spans": model.spans, "borders": model.borders}
    else:
        parts, arrays = [("", model)], {}
        card["format"] = FORMATS[0]
    for prefix, scene in parts:
        arrays |= {f"{prefix}days_{i}": days for i, days in enumerate(scene.days)}
        arrays |= {prefix + name: getattr(scene, name) for name in ARRAYS}
    return card, arrays


def unpacked(card: dict, arrays):
    """The model that `packed` told; of `arrays`, those asked for are read."""
    if card["format"] == FORMATS[0]:
        return _scene(arrays, "", card)
    stretches = tuple(_scene(arrays, f"{number}_", words) for number, words in enumerate(card["stretches"]))
    return LongScene(tuple(card["variables"]), stretches, arrays["spans"], arrays["borders"], Calibration(**card["calibration"]),
                     tuple(card["digests"]))


def save(model, path: str, told: dict) -> None:
    """Write what was learnt.

    Parameters
    ----------
    model : SceneCovariance or LongScene
    path : str
    told : dict
        What the card says besides: inputs, dates, version.
    """
    card, arrays = packed(model)
    with files.whole(path) as writing, open(writing, "wb") as stream:
        np.savez_compressed(stream, card=np.frombuffer(json.dumps({**card, **told}).encode(), np.uint8), **arrays)


def load(path: str):
    """Read a file of `save`.

    Returns
    -------
    SceneCovariance or LongScene

    Raises
    ------
    InputError
        When the file is none of ours.
    """
    try:
        with np.load(path, allow_pickle=False) as content:
            card = json.loads(content["card"].tobytes().decode())
            if card["format"] not in FORMATS:
                raise ValueError(card["format"])
            return unpacked(card, content)
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as problem:
        raise InputError(f"{path} holds no scene covariance ({problem}).",
                         "Give a file that an earlier run wrote as FIT, or leave APPLY empty.") from problem


def _words(scene) -> dict:
    return {"variables": list(scene.variables), "pixels": scene.pixels, "calibration": scene.calibration.to_dict(),
            "digests": list(scene.digests)}


def _scene(content, prefix: str, words: dict) -> SceneCovariance:
    days = tuple(content[f"{prefix}days_{i}"] for i in range(len(words["variables"])))
    return SceneCovariance(tuple(words["variables"]), days, pixels=int(words["pixels"]),
                           calibration=Calibration(**words["calibration"]), digests=tuple(words["digests"]),
                           **{name: content[prefix + name] for name in ARRAYS})
