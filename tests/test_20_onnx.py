"""Export as ONNX: another program computes the same from the file alone, whatever the sizes, and finds the card in it."""
from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="the engine lacks its extra 'learning'")
pytest.importorskip("onnx", reason="the engine lacks its extra 'onnx'")
pytest.importorskip("onnxruntime", reason="the engine lacks its extra 'onnx'")
pytest.importorskip("onnxscript", reason="the engine lacks its extra 'onnx'")
import onnx
import onnxruntime
import torch
from phenofuse.core import jobs
from phenofuse.core.errors import MissingExtraError, OutputError, PhenofuseError
from phenofuse.core.events import Silent
from phenofuse.core.jobs import Resources
from phenofuse.core.learning.card import Card, Input
from phenofuse.core.learning.modelfile import save
from phenofuse.core.learning.networks import ARCHITECTURES, build, export
from phenofuse.core.learning.networks.batch import Batch
from phenofuse.core.learning.priors import Linear

sys.path.insert(0, str(Path(__file__).parent))
from evaluations import a_card

INPUTS = (Input("NDVI", "1", 0.5, 0.2, -0.1, 0.9), Input("VV", "dB", -11.0, 3.0, -20.0, -4.0),
          Input("VH", "dB", -17.0, 3.0, -26.0, -9.0))


def a_network(name: str, inputs=INPUTS):
    """A network in the state of one that has learnt: no weight is zero, batch norms have seen something."""
    torch.manual_seed(1)
    network = build(name, inputs)
    with torch.no_grad():
        for weights in network.parameters():
            if not weights.abs().max():
                torch.nn.init.normal_(weights, std=0.3)
    network.train()
    network(export.example(network, (20, 9, 9, 9), 5))
    return network.eval()


@pytest.fixture(scope="module", params=sorted(ARCHITECTURES))
def exported(request, tmp_path_factory):
    """Each architecture, and the file it was written to."""
    network, path = a_network(request.param), tmp_path_factory.mktemp("onnx") / f"{request.param}.onnx"
    return network, path, export.export(network, a_card(), path)


@pytest.mark.parametrize("sizes", [(3, 7, 11, 6), (1, 1, 1, 0), (40, 73, 60, 200), (2, 8, 9, 3)])
def test_another_program_computes_the_same(exported, sizes):
    """To 1e-5, for sizes that were traced, the smallest, and a year of 5-day dates; with pixels never observed among them."""
    network, path, told = exported
    pixels, *others = sizes
    given = export.example(network, (pixels if network.side == 1 else min(pixels, 3), *others), 7)
    given.target_seen[0] = False
    given = given._replace(target=given.target * given.target_seen)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = session.run(None, {name: tensor.numpy() for name, tensor in given._asdict().items()})
    with torch.no_grad():
        expected = [one.numpy() for one in network(given)]
    for one, other in zip(expected, found):
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-5)
    assert told <= 1e-5


def test_the_file_stands_alone_and_holds_the_card(exported):
    """It passes ONNX's own check; names and free sizes are told; the card is that of the model."""
    _, path, _ = exported
    model = onnx.load(str(path))
    onnx.checker.check_model(model, full_check=True)
    assert [one.name for one in model.graph.input] == list(Batch._fields)
    assert [one.name for one in model.graph.output] == ["mean", "standard_deviation"]
    free = {size.dim_param for one in model.graph.input for size in one.type.tensor_type.shape.dim} - {""}
    assert {"dates", "covariate_dates", "outputs"} <= free
    about = {one.key: one.value for one in model.metadata_props}
    assert Card.from_dict(json.loads(about["phenofuse_card"])) == a_card()
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - {"mlp"}))
def test_a_network_without_covariates_can_be_exported(tmp_path, name):
    """Then the file takes no covariates, or takes empty ones."""
    assert export.export(a_network(name, INPUTS[:1]), a_card(), tmp_path / "alone.onnx") <= 1e-5


def test_a_graph_that_differs_is_not_kept(tmp_path, monkeypatch):
    """Nothing is left behind."""
    monkeypatch.setattr(export, "check", lambda *_: 1e-3)
    with pytest.raises(PhenofuseError, match="differ from the network's by up to 0.001"):
        export.export(a_network("bigru"), a_card(), tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


def test_the_check_sees_a_changed_weight(tmp_path):
    """A network that is not the exported one is found out."""
    network = a_network("bigru")
    export.export(network, a_card(), tmp_path / "a.onnx")
    with torch.no_grad():
        network.head.bias += 1e-3
    assert export.check(network, tmp_path / "a.onnx") > 1e-4


def test_what_stands_in_the_way_is_said(tmp_path, monkeypatch):
    """A missing package, with what to run; a place that cannot be written."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="cannot be written"):
        export.export(a_network("mlp"), a_card(), tmp_path / "file" / "a.onnx")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError, match="EXTRAS=learning,onnx"):
        export.export(a_network("mlp"), a_card(), tmp_path / "a.onnx")


def test_describemodel_writes_it(tmp_path):
    """From a model file: the graph gives what the model's network gives, and the log says how closely."""
    series = [np.random.default_rng(0).normal(0.5, 0.1, (60, 31)).astype("float32") for _ in INPUTS]
    prior = Linear.learn(series, (19_662 + 12.0 * np.arange(31),) * 3, ("NDVI", "VV", "VH"), 1)
    network = a_network("bigru")
    weights = {f"network.{name}": value.numpy() for name, value in network.state_dict().items()}
    weights |= {f"prior.{name}": value for name, value in prior.to_arrays().items()}
    card = replace(a_card(), architecture="bigru", architecture_options=network.options, inputs=INPUTS, training={"prior": "linear"})
    save(tmp_path / "a.phenofuse", card, weights)
    log, events = [], Silent()
    events.info = log.append
    result = jobs.run("describemodel", {"MODEL": str(tmp_path / "a.phenofuse"), "ONNX": str(tmp_path / "a.onnx")}, Resources(), events)
    assert result["outputs"] == {"ONNX": str(tmp_path / "a.onnx")} and "the same values to" in log[-1]
    assert export.check(network, tmp_path / "a.onnx") < 1e-5
