"""What `./dev windows` judges by: two results are the same, or it is said what differs; what hangs is ended."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tools" / "windows"))
import compare
import make
import wine


def raster(path: Path, values, **changes) -> Path:
    """Write a small raster with a header and a date."""
    values = np.asarray(values)
    profile = {"driver": "GTiff", "width": 2, "height": 2, "count": 1, "dtype": values.dtype, "crs": "EPSG:32749",
               "transform": rasterio.Affine(10, 0, 0, 0, -10, 0), **changes.pop("profile", {})}  # fmt: skip
    path.parent.mkdir(exist_ok=True)
    with rasterio.open(path, "w", **profile) as target:
        target.write(values[None])
        target.descriptions = (changes.get("date", "2023-11-01"),)
        target.update_tags(PHENOFUSE=json.dumps({"variable": "NDVI", "parents": [str(path)], **changes.get("header", {})}))
    return path


@pytest.fixture
def here(tmp_path) -> Path:
    return raster(tmp_path / "here" / "a.tif", np.float32([[0.1, 0.2], [np.nan, 0.4]]))


def test_the_last_digit_may_differ_and_so_may_names_of_files(here, tmp_path):
    other = raster(tmp_path / "there" / "a.tif", np.float32([[0.1, 0.20001], [np.nan, 0.4]]))
    assert compare.same(here, other) == pytest.approx(1e-5, rel=0.01)
    assert compare.same(here.parent, other.parent) == compare.same(here, other)


@pytest.mark.parametrize("values, changes, said", [
    ([[0.1, 0.201], [np.nan, 0.4]], {}, "33.33% of the values differ, by up to 0.001"),
    ([[0.1, 0.2], [0.3, 0.4]], {}, "other places have no value"),
    ([[0.1, 0.2], [np.nan, 0.4]], {"date": "2023-11-02"}, "descriptions"),
    ([[0.1, 0.2], [np.nan, 0.4]], {"header": {"variable": "VV"}}, "variable is VV in place of NDVI"),
    ([[0.1, 0.2], [np.nan, 0.4]], {"profile": {"crs": "EPSG:32750"}}, "crs"),
])  # fmt: skip
def test_what_differs_is_said(here, tmp_path, values, changes, said):
    other = raster(tmp_path / "there" / "a.tif", np.float32(values), **changes)
    with pytest.raises(compare.Different, match=said):
        compare.same(here, other)


def test_codes_are_equal_or_not(tmp_path):
    ours, theirs = (raster(tmp_path / name / "q.tif", np.uint8([[1, 2], [3, code]])) for name, code in (("here", 4), ("there", 5)))
    assert compare.same(ours, ours) == 0
    with pytest.raises(compare.Different, match="25.00% of the codes"):
        compare.same(ours, theirs)


@pytest.mark.parametrize("name, one, other, said", [
    ("a.csv", "zone,peak\nA,0.5\n", "zone,peak\nA,0.6\n", "peak is 0.6 in place of 0.5"),
    ("a.csv", "zone,peak\nA,0.5\n", "zone,peak\nA,0.5\nB,0.5\n", "in place of"),
    ("a.json", '{"a": [1, {"b": 0.5}]}', '{"a": [1, {"c": 0.5}]}', "other keys"),
    ("a.txt", "One\n", "Two\n", "other words"),
    ("a.html", "<h1>A</h1><svg></svg></html>", "<h1>A</h1></html>", "headings or figures"),
    ("a.html", "<h1>A</h1></html>", "<h1>A</h1>", "ends in the middle"),
    ("a.bin", "x", "x", "nobody compares"),
])  # fmt: skip
def test_tables_reports_and_texts(tmp_path, name, one, other, said):
    for folder, text in (("here", one), ("there", other)):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(text, encoding="utf-8")
    with pytest.raises(compare.Different, match=said):
        compare.same(tmp_path / "here" / name, tmp_path / "there" / name)
    with pytest.raises(compare.Different, match="missing"):
        compare.same(tmp_path / "here" / name, tmp_path / "nowhere" / name)


def test_a_folder_has_the_same_files(here, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(compare.Different, match="a.tif"):
        compare.same(here.parent, tmp_path / "empty")


def test_ends_of_lines_and_measured_times_may_differ(tmp_path):
    (tmp_path / "a.txt").write_bytes(b"One\n")
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "a.txt").write_bytes(b"One\r\n")
    assert compare.same(tmp_path / "a.txt", tmp_path / "b" / "a.txt") == 0
    assert compare.same_numbers({"RMSE": 0.5, "seconds": 1.0}, {"RMSE": 0.5, "seconds": 2.0}) == 0


def test_what_was_learnt_may_be_infinite_or_missing(tmp_path):
    for name, last in (("a", 0.5), ("b", 0.5), ("c", np.inf)):
        np.savez(tmp_path / f"{name}.npz", scales=[np.inf, np.nan, last], card=np.frombuffer(b'{"kind": "scene"}', np.uint8))
    assert compare.same(tmp_path / "a.npz", tmp_path / "b.npz") == 0
    for one, other in (("a", "c"), ("c", "a")):
        with pytest.raises(compare.Different, match=r"scales\[2\]"):
            compare.same(tmp_path / f"{one}.npz", tmp_path / f"{other}.npz")


def test_what_hangs_is_ended_with_all_it_started(tmp_path):
    started = wine.Program(["sh", "-c", "echo begun; sleep 60 & wait"], dict(os.environ), tmp_path)
    assert started.wait(0.5) is None
    began = time.monotonic()
    started.kill()
    assert started.text() == "begun\n" and time.monotonic() - began < wine.SECONDS_TO_READ_ON


@pytest.mark.parametrize("word, known", [
    ("https://example.org/simple", "https://example.org/simple"), ("/etc/ssl/ca.crt", r"Z:\etc\ssl\ca.crt"),
    ("file:///opt/pypi/simple", "file:///Z:/opt/pypi/simple"), ("30", "30"),
])  # fmt: skip
def test_settings_of_pip_are_told_as_windows_knows_them(word, known):
    assert make._in_windows(word) == known
