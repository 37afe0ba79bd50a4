"""The model file: what goes in comes out, the same bytes each time, and whatever was changed or is foreign is refused."""
from __future__ import annotations

import hashlib
import json
import struct
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from phenofuse.core.errors import InputError, MissingExtraError, OutputError
from phenofuse.core.learning import modelfile
from phenofuse.core.learning.card import FORMAT, Calibration
from phenofuse.core.learning.modelfile import load, load_card, save

sys.path.insert(0, str(Path(__file__).parent))
from evaluations import a_card

safetensors = pytest.importorskip("safetensors.numpy", reason="the engine lacks its extra 'learning' (./dev test says why)")

WEIGHTS = {"encode.weight": np.arange(12, dtype=np.float32).reshape(3, 4), "encode.bias": np.float32([1, -2, 3]),
           "norm.seen": np.array(7, np.int64)}


@pytest.fixture
def path(tmp_path):
    """A good model file."""
    save(tmp_path / "good.phenofuse", a_card(), WEIGHTS)
    return tmp_path / "good.phenofuse"


def members_of(path) -> dict:
    """The bytes of both members."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewrite(path, members, seal=True, compression=zipfile.ZIP_STORED) -> None:
    """Write members (name: bytes, or a list of pairs) as a forger would: with the digest of the card in place."""
    pairs = list(members.items()) if isinstance(members, dict) else members
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in pairs:
            archive.writestr(name, content)
        if seal:
            archive.comment = hashlib.sha256(dict(pairs)["card.json"]).hexdigest().encode()


def forge(path, change, weights=None) -> None:
    """Change the card (a function on its dict), and the weights with their digest where given."""
    members = members_of(path)
    card = json.loads(members["card.json"])
    if weights is not None:
        members["weights.safetensors"] = weights
        card["sha256"] = hashlib.sha256(weights).hexdigest()
    change(card)
    members["card.json"] = json.dumps(card).encode()
    rewrite(path, members)


def refusal(path, monkeypatch) -> str:
    """The one sentence by which a file is refused, by both readers, with no tensor read."""
    monkeypatch.setattr(safetensors, "load", lambda *_: pytest.fail("a tensor was read"))
    with pytest.raises(InputError) as by_load:
        load(path)
    with pytest.raises(InputError) as by_card:
        load_card(path)
    assert by_load.value.text == by_card.value.text and by_load.value.remedy
    assert by_load.value.text.endswith(".") and "\n" not in by_load.value.text and len(by_load.value.text) < 250
    return by_load.value.text


def test_what_goes_in_comes_out(path):
    """Card and weights are equal to the bit, scalars stay scalars, and the card alone can be read."""
    card, weights = load(path)
    assert weights.keys() == WEIGHTS.keys()
    for name, array in WEIGHTS.items():
        assert weights[name].dtype == array.dtype and weights[name].shape == array.shape
        assert weights[name].tobytes() == array.tobytes() and weights[name].flags.writeable
    assert card == load_card(path)
    assert replace(card, weights=(), sha256="") == a_card()


def test_the_same_model_gives_the_same_bytes(path, tmp_path, monkeypatch):
    """Neither the time of writing nor the order of the weights shows in the file."""
    monkeypatch.setattr("time.time", lambda: 2e9)
    save(tmp_path / "again.phenofuse", a_card(), dict(reversed(WEIGHTS.items())))
    assert (tmp_path / "again.phenofuse").read_bytes() == path.read_bytes()


def test_the_card_can_be_read_without_safetensors(path, monkeypatch):
    """Describing a model needs no extra of the engine; loading says which one it needs."""
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    assert load_card(path).architecture == "fusion"
    with pytest.raises(MissingExtraError, match="EXTRAS=learning"):
        load(path)


def test_writing_is_all_or_nothing(path, tmp_path, monkeypatch):
    """A failed write leaves the old file and no part of a new one; a folder that cannot be is a plain error."""
    before = path.read_bytes()
    with monkeypatch.context() as broken:
        broken.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        with pytest.raises(OutputError, match="is full"):
            save(path, a_card(split="time"), WEIGHTS)
    assert path.read_bytes() == before and [one.name for one in tmp_path.iterdir()] == [path.name]
    with pytest.raises(OutputError):
        save(path / "below" / "a.phenofuse", a_card(), WEIGHTS)


@pytest.mark.parametrize("array, said", [(np.float32([1, np.nan]), "no numbers"), (np.complex64([1]), "complex64"),
                                         (np.array(["a"]), "<U1"), (np.array([1.0], ">f4"), ">f4")])
def test_weights_that_no_model_has_are_not_written(tmp_path, array, said):
    """A training that went astray leaves no file."""
    with pytest.raises(InputError, match=said):
        save(tmp_path / "a.phenofuse", a_card(), {"x": array})
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"a pickle, perhaps", bytes(1000)])
def test_what_is_no_zip_is_refused(path, monkeypatch, content):
    """Empty, cut and foreign files."""
    path.write_bytes(content)
    assert "is no model file" in refusal(path, monkeypatch)


def test_a_missing_file_is_named(tmp_path, monkeypatch):
    """The path is in the sentence; a folder is no file."""
    assert str(tmp_path / "none.phenofuse") in refusal(tmp_path / "none.phenofuse", monkeypatch)
    refusal(tmp_path, monkeypatch)


@pytest.mark.parametrize("cut", [0.3, 0.9, 0.999])
def test_a_cut_file_is_refused(path, monkeypatch, cut):
    """A download that stopped."""
    content = path.read_bytes()
    path.write_bytes(content[:int(len(content) * cut)])
    refusal(path, monkeypatch)


def test_every_flipped_byte_is_found_or_harmless(path):
    """Flip each byte in turn: the file is refused, or what comes out is what was written."""
    content, expected = path.read_bytes(), load(path)
    refused = 0
    for place in range(0, len(content), 3):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x55]) + content[place + 1:])
        try:
            card, weights = load(path)
        except InputError:
            refused += 1
        else:
            assert card == expected[0]
            assert all(np.array_equal(weights[name], array) for name, array in expected[1].items())
    assert refused > 0.9 * len(content) / 3


@pytest.mark.parametrize("extra", ["run.py", "../../outside.txt", "/etc/passwd", "weights.pt", "card.json"])
def test_extra_members_are_refused(path, monkeypatch, extra):
    """Other members, paths out of the folder, and a second card; nothing is ever unpacked to disk."""
    members = [*members_of(path).items(), (extra, b"{}")]
    with pytest.warns(UserWarning, match="Duplicate") if extra == "card.json" else monkeypatch.context():
        rewrite(path, members, seal=False)
    assert "does not hold just" in refusal(path, monkeypatch)


@pytest.mark.parametrize("missing", ["card.json", "weights.safetensors"])
def test_missing_and_misplaced_members_are_refused(path, monkeypatch, missing):
    """One member gone, or in a folder."""
    members = members_of(path)
    members["model/" + missing] = members.pop(missing)
    rewrite(path, members, seal=False)
    assert "does not hold just" in refusal(path, monkeypatch)


def test_zip_bombs_are_refused(path, monkeypatch):
    """A member that unpacks to more than a model can be is refused by its size alone, a lie about the size too."""
    monkeypatch.setattr(modelfile, "LARGEST_CARD", 10_000)
    members = {**members_of(path), "card.json": b" " * 10_000_000}
    rewrite(path, members, compression=zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 30_000 and "10,000,000 bytes" in refusal(path, monkeypatch)
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<L", 10_000_000), struct.pack("<L", 5_000)))
    assert "is no model file" in refusal(path, monkeypatch)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_other_packings_are_refused(path, monkeypatch, compression):
    """Models are stored or deflated."""
    rewrite(path, members_of(path), compression=compression)
    assert "packed in a way" in refusal(path, monkeypatch)


def test_a_changed_card_is_refused(path, monkeypatch):
    """A better score written in by hand does not pass."""
    members = members_of(path)
    members["card.json"] = members["card.json"].replace(b'"RMSE": 0.05', b'"RMSE": 0.01')
    rewrite(path, members, seal=False)
    refusal(path, monkeypatch)
    with zipfile.ZipFile(path, "a") as archive:
        archive.comment = hashlib.sha256(members_of(path)["weights.safetensors"]).hexdigest().encode()
    assert "was changed" in refusal(path, monkeypatch)


def test_a_newer_format_says_so(path, monkeypatch):
    """Even with fields that this version does not know."""
    forge(path, lambda card: card.update(format=FORMAT + 1, new_field=1))
    assert f"format {FORMAT + 1}" in refusal(path, monkeypatch)


@pytest.mark.parametrize("change, said", [
    (lambda c: c.update(kind="onnx"), "of kind 'onnx'"),
    (lambda c: c.pop("kind"), "of kind 'None'"),
    (lambda c: c.update(format="1"), "no format version"),
    (lambda c: c.update(format=True), "no format version"),
    (lambda c: c.pop("orbit"), "lacks 'orbit'"),
    (lambda c: c.update(evil=1), "holds 'evil'"),
    (lambda c: c.update(architecture="../os"), "architecture"),
    (lambda c: c.update(architecture=["fusion"]), "architecture"),
    (lambda c: c.update(training=[1]), "'training'"),
    (lambda c: c.update(inputs=[]), "names no input"),
    (lambda c: c.update(inputs="NDVI"), "no list in 'inputs'"),
    (lambda c: c["inputs"].append(c["inputs"][0]), "twice"),
    (lambda c: c["inputs"][0].update(scale=0), "scaling of NDVI"),
    (lambda c: c["inputs"][0].update(scale=10 ** 400), "scaling of NDVI"),
    (lambda c: c["inputs"][0].update(centre=float("nan")), "scaling of NDVI"),
    (lambda c: c["inputs"][0].update(low="0"), "scaling of NDVI"),
    (lambda c: c["inputs"][0].pop("units"), "lacks 'units' in its input"),
    (lambda c: c.update(first_date="2025-01-01"), "from when to when"),
    (lambda c: c.update(last_date=20241026), "from when to when"),
    (lambda c: c.update(dates=-1), "how many dates"),
    (lambda c: c.update(pixel_size=[10]), "size of a pixel"),
    (lambda c: c.update(bounds=[3, 50, 3.2, 91]), "area of training"),
    (lambda c: c.update(split="none"), "no split"),
    (lambda c: c["calibration"].update(factors=[1]), "calibration"),
    (lambda c: c["calibration"].update(edges=[40, 10]), "calibration"),
    (lambda c: c["calibration"].update(factors=[1, 1, 0]), "calibration"),
    (lambda c: c["calibration"].update(factors=[1, 1, float("inf")]), "calibration"),
    (lambda c: c.update(sha256=None), "no digest"),
    (lambda c: c.update(sha256=""), "not those its card"),
    (lambda c: c.update(sha256="0" * 64), "not those its card"),
    (lambda c: c["weights"][0].update(shape=[-3]), "list of weights"),
    (lambda c: c["weights"][0].update(shape="33"), "no list in 'shape'"),
    (lambda c: c["weights"][0].update(dtype={}), "list of weights"),
    (lambda c: c["weights"][0].update(dtype="BOOL"), "list of weights"),
    (lambda c: c["weights"][1].update(shape=[4, 3]), "'encode.weight' differs"),
    (lambda c: c["weights"][1].update(dtype="F64"), "'encode.weight' differs"),
    (lambda c: c["weights"][1].update(name="decode"), "differs"),
    (lambda c: c["weights"].pop(), "'norm.seen' differs"),
    (lambda c: c["weights"].append(c["weights"][0]), "twice"),
])
def test_a_card_that_cannot_be_is_refused(path, monkeypatch, change, said):
    """Each with the thing that is wrong in the sentence."""
    forge(path, change)
    assert said in refusal(path, monkeypatch)


@pytest.mark.parametrize("text", [b"\xff\xfe", b"{", b"[]", b"null", b"[" * 100_000, b'{"format": ' + b"9" * 5000 + b"}"])
def test_a_card_that_is_no_json_is_refused(path, monkeypatch, text):
    """Broken text, nesting without end, endless numbers."""
    rewrite(path, {**members_of(path), "card.json": text})
    refusal(path, monkeypatch)


@pytest.mark.parametrize("spoil, said", [
    (lambda w: b"", "no readable weights"),
    (lambda w: struct.pack("<Q", 2 ** 63) + w[8:], "no readable weights"),
    (lambda w: struct.pack("<Q", 2) + b"[]" + w[10:], "no readable weights"),
    (lambda w: w[:-4], "bytes"),
    (lambda w: w + b"more", "bytes"),
    (lambda w: safetensors.save({**WEIGHTS, "more": np.zeros(2, np.float32)}), "'more' differs"),
    (lambda w: safetensors.save(WEIGHTS, {"run": "me"}), "'__metadata__' differs"),
])
def test_weights_that_do_not_fit_are_refused(path, monkeypatch, spoil, said):
    """Even by a forger who sets the digests right."""
    forge(path, lambda card: None, spoil(members_of(path)["weights.safetensors"]))
    assert said in refusal(path, monkeypatch)


def test_overlapping_tensors_are_refused(path):
    """Offsets are safetensors' own to check; what it finds becomes our sentence."""
    weights = members_of(path)["weights.safetensors"]
    length = int.from_bytes(weights[:8], "little")
    header = json.loads(weights[8:8 + length])
    header["encode.bias"]["data_offsets"] = header["encode.weight"]["data_offsets"]
    spoilt = json.dumps(header, separators=(",", ":")).encode().ljust(length)
    forge(path, lambda card: None, struct.pack("<Q", len(spoilt)) + spoilt + weights[8 + length:])
    with pytest.raises(InputError, match="no readable weights"):
        load(path)


def test_calibration_takes_the_class_of_the_gap():
    """The upper edge belongs to its class, and an endless gap to the last."""
    factors = Calibration((10.0, 40.0), (1.0, 2.0, 3.0)).factor(np.array([1, 10, 10.5, 40, 41, np.inf]))
    assert factors.tolist() == [1, 1, 2, 2, 3, 3]
