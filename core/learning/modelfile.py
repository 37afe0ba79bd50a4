"""The model file: one `.phenofuse` zip of ``card.json`` and ``weights.safetensors``, and nothing that could run.

A file is refused by one sentence before any tensor is read: the zip must hold exactly the two members, of sizes within
bounds; the card must be whole and as it was written (its digest is the comment of the zip); the digest of the weights and
the names, kinds and shapes in their header must be those that the card tells. Digests find changes, not forgers: a file
holds only numbers, so that even a forged one can do no more than predict wrongly. The same model gives the same bytes.
"""
from __future__ import annotations

import hashlib
import io
import json
import math
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import files
from ..errors import InputError, MissingExtraError
from .card import DTYPES, REMEDY, Card, Weight

SUFFIX = ".phenofuse"
CARD, WEIGHTS = "card.json", "weights.safetensors"
# A card is some 5 kB, and the largest of our networks some 10 MB; what is far beyond was not written by us.
LARGEST_CARD, LARGEST_WEIGHTS = 2**20, 2**29
LARGEST_FILE = LARGEST_CARD + LARGEST_WEIGHTS
_EPOCH = (1980, 1, 1, 0, 0, 0)  # the zip format's first moment: the same model gives the same bytes
_KIND_OF = {np.dtype(name): kind for kind, name in DTYPES.items()}
_PLAIN = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def save(path, card: Card, weights: dict) -> Card:
    """Write a model file; it appears whole or not at all.

    Parameters
    ----------
    path : path
    card : Card
        Its `weights` and `sha256` are set here.
    weights : dict of str to ndarray
        Float or int64 arrays, all finite.

    Returns
    -------
    Card
        As it was written.

    Raises
    ------
    InputError
        When a weight is not finite or of a kind that model files do not hold.
    OutputError
        When the file cannot be written.
    """
    arrays = {name: np.asarray(array, order="C") for name, array in sorted(weights.items())}
    for name, array in arrays.items():
        if array.dtype not in _KIND_OF:
            raise InputError(f"The weights '{name}' are {array.dtype}; a model file holds {', '.join(DTYPES.values())}.")
        if not np.isfinite(array).all():
            raise InputError(f"The weights '{name}' hold values that are no numbers: the training went astray.",
                             "Train again with another SEED.")
    content = _safetensors().save(arrays)
    told = tuple(Weight(name, _KIND_OF[array.dtype], array.shape) for name, array in arrays.items())
    card = replace(card, weights=told, sha256=hashlib.sha256(content).hexdigest())
    text = json.dumps(card.to_dict(), indent=1, allow_nan=False)
    _write(Path(path), {CARD: text.encode(), WEIGHTS: content})
    return card


def load_card(path) -> Card:
    """The card of a model file whose weights fit it; no tensor is read, and safetensors need not be installed.

    Raises
    ------
    InputError
        When the file is not a model, was changed, or is of a newer Phenofuse.
    """
    return _opened(path)[0]


def load(path) -> tuple[Card, dict]:
    """The card and the weights (name: ndarray) of a model file.

    Raises
    ------
    InputError
        As `load_card`; no tensor is read then.
    """
    card, content = _opened(path)
    reader = _safetensors()
    try:
        return card, {name: array.copy() for name, array in reader.load(content).items()}
    except Exception as problem:  # safetensors has its own checks and its own error
        raise InputError(f"{Path(path).name} holds no readable {WEIGHTS}.", REMEDY) from problem


def _safetensors():
    try:
        import safetensors.numpy
    except ImportError as missing:
        raise MissingExtraError("The engine lacks the package safetensors, which reads and writes models.",
                                "Run 'Set up engine' (phenofuse:setupengine) with EXTRAS=learning.") from missing
    return safetensors.numpy


def _opened(path) -> tuple[Card, bytes]:
    """The card and the bytes of the weights, which fit it."""
    name = Path(path).name
    if not Path(path).is_file():
        raise InputError(f"There is no model file {path}.", "Check the path, or train one with phenofuse:trainmodel.")
    with open(path, "rb") as file:
        packed = file.read(LARGEST_FILE + 1)
    if len(packed) > LARGEST_FILE:
        raise InputError(f"{name} has more than {LARGEST_FILE:,} bytes, which no model has.", REMEDY)
    try:
        with zipfile.ZipFile(io.BytesIO(packed)) as archive:
            members = _members(archive, name)
            text, content = (archive.read(members[one]) for one in (CARD, WEIGHTS))
            seal = archive.comment
    except InputError:
        raise
    except Exception as problem:  # a damaged zip makes its reader stumble in a dozen ways
        raise InputError(f"{name} is no model file, or it is damaged.", REMEDY) from problem
    card = _card(text, seal, name)
    _check_weights(card, content, name)
    return card, content


def _card(text: bytes, seal: bytes, name: str) -> Card:
    """The card, whole and as it was written."""
    try:
        card = Card.from_dict(_json(text, name))
    except InputError as problem:
        raise InputError(f"{name}: {problem.text}", problem.remedy) from problem
    if hashlib.sha256(text).hexdigest().encode() != seal:
        raise InputError(f"The card in {name} was changed after the model was written.", REMEDY)
    return card


def _members(archive, name: str) -> dict:
    """The two members by name; whatever else a zip can hold or pretend is refused."""
    found = archive.infolist()
    if sorted(one.filename for one in found) != [CARD, WEIGHTS]:
        raise InputError(f"{name} does not hold just {CARD} and {WEIGHTS}, as a model does.", REMEDY)
    for one, largest in ((one, LARGEST_CARD if one.filename == CARD else LARGEST_WEIGHTS) for one in found):
        if one.flag_bits & 1 or one.compress_type not in _PLAIN:
            raise InputError(f"{name} is encrypted or packed in a way that models are not.", REMEDY)
        if one.file_size > largest:
            raise InputError(f"{name} holds {one.file_size:,} bytes in {one.filename}; a model has at most {largest:,}.", REMEDY)
    return {one.filename: one for one in found}


def _json(content: bytes, name: str):
    try:
        return json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise InputError(f"{name} holds no readable {CARD}.", REMEDY) from problem


def _check_weights(card: Card, content: bytes, name: str) -> None:
    """Refuse weights that are not those the card tells, by their digest and by the header before them.

    The header (safetensors format: 8 bytes of its length, JSON, numbers) is read here, so that nothing is
    allocated by what a foreign file asks for.
    """
    if hashlib.sha256(content).hexdigest() != card.sha256:
        raise InputError(f"The weights in {name} are not those its card was written for.", REMEDY)
    length = int.from_bytes(content[:8], "little")
    header = _json(content[8:8 + length], name) if 8 + length <= len(content) else None
    if not isinstance(header, dict):
        raise InputError(f"{name} holds no readable {WEIGHTS}.", REMEDY)
    told = {one.name: {"dtype": one.dtype, "shape": list(one.shape)} for one in card.weights}
    found = {key: {"dtype": one.get("dtype"), "shape": one.get("shape")} if isinstance(one, dict) else None
             for key, one in header.items()}
    if found != told:
        wrong = sorted(key for key in {*found, *told} if found.get(key) != told.get(key))[0]
        raise InputError(f"The weights in {name} do not fit its card: '{wrong[:40]}' differs.", REMEDY)
    size = sum(math.prod(one.shape) * np.dtype(DTYPES[one.dtype]).itemsize for one in card.weights)
    if 8 + length + size != len(content):
        raise InputError(f"The weights in {name} are {len(content) - 8 - length:,} bytes; its card tells of {size:,}.", REMEDY)


def _write(path: Path, members: dict) -> None:
    with files.whole(path) as writing, zipfile.ZipFile(writing, "w") as archive:
        archive.comment = hashlib.sha256(members[CARD]).hexdigest().encode()
        for name, content in members.items():
            about = zipfile.ZipInfo(name, _EPOCH)
            about.create_system, about.external_attr = 3, 0o644 << 16  # the same on every system
            archive.writestr(about, content)  # stored: trained numbers hardly shrink
