"""The job describemodel: a card that people can read, without torch, and refusals in one sentence."""
from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from phenofuse.core import jobs
from phenofuse.core.errors import InputError
from phenofuse.core.events import Silent
from phenofuse.core.jobs import Resources
from phenofuse.core.learning.judgement import Judgement
from phenofuse.core.learning.modelfile import save
from phenofuse.core.outputs import numbers_of

sys.path.insert(0, str(Path(__file__).parent))
from evaluations import a_card, an_evaluation

pytest.importorskip("safetensors.numpy", reason="the engine lacks its extra 'learning'")


def described(tmp_path, card, monkeypatch) -> tuple:
    """Save a model, describe it; returns log, result, page and its JSON."""
    save(tmp_path / "rice.phenofuse", card, {"layer.weight": np.zeros((3, 4), "float32"), "layer.bias": np.zeros(3, "float32")})
    log, events = [], Silent()
    events.info = log.append
    for name in ("torch", "safetensors", "safetensors.numpy"):
        monkeypatch.setitem(sys.modules, name, None)
    result = jobs.run("describemodel", {"MODEL": str(tmp_path / "rice.phenofuse"), "REPORT": str(tmp_path / "card.html")},
                      Resources(), events)
    path = Path(result["outputs"]["REPORT"])
    return log, result, path.read_text(encoding="utf-8"), json.loads(numbers_of(path).read_text())


def test_the_card_is_told_without_torch(tmp_path, monkeypatch):
    """What it needs, where and when, how good: in the log, as numbers, on the page and in the JSON."""
    judged = Judgement(an_evaluation())
    training = {"architecture": "fusion", "seed": 3, "samples": {"training": 70, "test": 30}}  # names that others have too
    card = replace(a_card(), metrics=judged.metrics(), training=training)
    log, result, page, content = described(tmp_path, card, monkeypatch)
    assert content["facts"]["Samples"] == "training 70, test 30" and content["facts"]["Seed"] == 3
    assert log == ["It fills NDVI with VV (dB); fusion, 15 numbers.",
                   "Trained on 31 dates from 2023-11-01 to 2024-10-26 in 50.500° N to 50.700° N, 3.000° E to 3.200° E.",
                   judged.advice().sentence]
    assert result["numbers"] == {"RMSE": judged.score().rmse, "RATIO": judged.compared("linear").ratio,
                                 "COVERAGE": judged.score().coverage_90, "CHOICE": "model"}
    assert content["verdict"] == {"level": "good", "text": judged.advice().sentence} and judged.advice().sentence in page
    assert content["tables"]["inputs"] == [
        {"Role": "to be filled", "Series": "NDVI", "Unit": "none", "Trained from": -0.1, "to": 0.95},
        {"Role": "helps", "Series": "VV", "Unit": "dB", "Trained from": -20.0, "to": -4.0}]
    assert content["tables"]["calibration"] == [{"Gap (days)": "up to 10", "Factor": 1.1}, {"Gap (days)": "up to 40", "Factor": 1.0},
                                                {"Gap (days)": "over 40", "Factor": 1.3}]
    assert {row["Method"] for row in content["tables"]["methods"]} == {
        "this model", "linear interpolation", "MOGPR", "without radar", "another pixel's radar"}
    assert "in spatial blocks that served for nothing else (40 blocks)" in page
    assert content["numbers"]["CARD"]["sha256"] in page and "10 x 10 m" in page


def test_limits_follow_from_the_card(tmp_path, monkeypatch):
    """A short season, values held out at random, gaps where the baseline is better, no evaluation at all."""
    card = replace(a_card(), first_date="2024-03-01", last_date="2024-08-01", split="random", bounds=None,
                   metrics={**Judgement(an_evaluation()).metrics(), "worse_gaps": ["≤ 10"]})
    page = described(tmp_path, card, monkeypatch)[2]
    for said in ("It saw 153 days of the year only", "In gaps of ≤ 10 days linear", "in the fields it learnt from", "does not tell"):
        assert said in page


def test_a_model_that_was_never_evaluated_says_so(tmp_path, monkeypatch):
    """No numbers are made up."""
    log, result, page, content = described(tmp_path, replace(a_card(), metrics={}), monkeypatch)
    assert result["numbers"] == {} and content["verdict"]["level"] == "warning" and "nobody knows how good it is" in page


def test_a_foreign_file_is_refused(tmp_path):
    """One sentence, and no report."""
    (tmp_path / "foreign.phenofuse").write_bytes(b"weights, trust me")
    with pytest.raises(InputError, match="is no model file"):
        jobs.run("describemodel", {"MODEL": str(tmp_path / "foreign.phenofuse"), "REPORT": str(tmp_path / "card.html")},
                 Resources(), Silent())
    assert not (tmp_path / "card.html").exists()
