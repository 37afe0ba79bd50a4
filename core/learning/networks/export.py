"""Export of a trained network as ONNX, for programs that know nothing of Phenofuse or torch.

The graph is the network alone. In go the fields of a `Batch`: standardised series with what is missing marked and zero,
their days, and the prior of the output days. Out come the standardised mean and standard deviation of the output days,
before calibration. How to standardise, and by what to multiply, says the card, which travels in the file's metadata.
Any number of pixels (of chips, where the network looks at them), dates and output days will do. In what is traced, sizes are
asked of `shape`, not by `len`, and divided without a minus sign, since ONNX rounds towards zero.
"""
from __future__ import annotations

import copy
import importlib
import json
import logging
import warnings

import numpy as np
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from ... import files
from ...errors import MissingExtraError, PhenofuseError
from ..card import Card
from .batch import Batch
from .network import Network

KEY = "phenofuse_card"  # of the metadata
OUTPUTS = ("mean", "standard_deviation")
OPSET = 20
# By how much the graph may differ from the network on standardised values, relative to 1 or the value itself where that is
# larger: single precision, with sums in another order.
MOST_DIFFERENCE = 1e-5
# Pixels (or chips), dates, covariate dates and further output days of the example that is traced, and of another by which
# the graph is checked: what would be traced as a constant does not fit the second one.
TRACED, CHECKED = (3, 7, 11, 6), (5, 17, 8, 4)


def export(network: Network, card: Card, path) -> float:
    """Write a network as ONNX; the file appears after a check against the network, or not at all.

    Returns
    -------
    float
        Largest difference between network and graph, see `MOST_DIFFERENCE`.

    Raises
    ------
    MissingExtraError
        When the packages for it are not installed.
    PhenofuseError
        When the graph does not give what the network gives.
    OutputError
        When the file cannot be written.
    """
    for package in ("onnx", "onnxscript", "onnxruntime"):
        _require(package)
    network = copy.deepcopy(network).cpu().eval()
    graph = _graph(network)
    graph.model.metadata_props[KEY] = json.dumps(card.to_dict(), allow_nan=False)
    graph.model.doc_string = __doc__
    with files.whole(path) as writing:
        graph.save(str(writing), external_data=False)
        difference = check(network, writing)
        if not difference <= MOST_DIFFERENCE:
            raise PhenofuseError(f"The ONNX graph gives values that differ from the network's by up to {difference:.2g}; rounding "
                                 f"explains {MOST_DIFFERENCE:g}.", "Use the model file itself, and please report this.")
    return difference


def check(network: Network, path) -> float:
    """Largest difference between a network and the graph in a file, on a made-up batch of other sizes than were traced."""
    session = _require("onnxruntime").InferenceSession(str(path), providers=["CPUExecutionProvider"])
    given = example(network, CHECKED, 2)
    found = session.run(list(OUTPUTS), {name: tensor.numpy() for name, tensor in given._asdict().items()})
    with torch.no_grad():
        expected = [one.numpy() for one in network(given)]
    return max(float((np.abs(one - other) / np.maximum(np.abs(one), 1)).max()) for one, other in zip(expected, found))


def example(network: Network, sizes: tuple, seed: int) -> Batch:
    """A batch of made-up series for a network; of `sizes` (pixels or chips, dates, covariate dates, further output days)."""
    chance = np.random.default_rng(seed)
    pixels, dates, others, more = sizes
    pixels, year = pixels * network.side**2, 19_600.0 + np.arange(400)
    days, covariate_days = (np.sort(chance.choice(year, count, replace=False)) for count in (dates, others))
    output_days = np.sort(np.concatenate([days, chance.choice(np.setdiff1d(year, days), more, replace=False)]))
    shapes = (pixels, dates), (pixels, len(network.inputs) - 1, others)
    (target, seen), (covariates, covariates_seen) = ((chance.normal(size=shape), chance.random(shape) < 0.6) for shape in shapes)
    mean, deviation = chance.normal(size=(2, pixels, len(output_days)))  # a prior mostly knows more than all values' spread, 1
    arrays = (target * seen, seen, days, covariates * covariates_seen, covariates_seen, covariate_days, mean, np.exp(deviation - 1),
              output_days)
    return Batch(*(torch.from_numpy(one if one.dtype == bool else one.astype(np.float32)) for one in arrays))


class Graph(torch.nn.Module):
    """A network that takes the tensors of a batch one by one, with its recurrent layers as ONNX has them."""

    def __init__(self, network: Network):
        super().__init__()
        self.network = copy.deepcopy(network)
        for name, layer in list(self.network.named_modules()):
            if isinstance(layer, torch.nn.GRU):
                self.network.set_submodule(name, Gru(layer))

    def forward(self, target, target_seen, target_days, covariates, covariates_seen, covariate_days, prior_mean, prior_deviation,
                output_days):
        """Mean and standard deviation."""
        return self.network(Batch(target, target_seen, target_days, covariates, covariates_seen, covariate_days, prior_mean,
                                  prior_deviation, output_days))


class Gru(torch.nn.Module):
    """Bidirectional gated recurrent layers as ONNX operators; torch would unroll them for one number of steps."""

    def __init__(self, layers: torch.nn.GRU):
        super().__init__()
        self.width, self.count = layers.hidden_size, layers.num_layers
        for number in range(self.count):
            kinds = [torch.stack([self._gates(layers, kind, number, way) for way in ("", "_reverse")])
                     for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
            self.register_buffer(f"input{number}", kinds[0])
            self.register_buffer(f"own{number}", kinds[1])
            self.register_buffer(f"bias{number}", torch.cat(kinds[2:], 1))

    @staticmethod
    def _gates(layers, kind: str, number: int, way: str) -> torch.Tensor:
        """The gates in ONNX's order (update, reset, new); torch has reset before update."""
        reset, update, new = getattr(layers, f"{kind}_l{number}{way}").detach().chunk(3)
        return torch.cat([update, reset, new])

    def forward(self, steps: torch.Tensor):
        """(pixels, steps, features) to (pixels, steps, 2 width), and nothing for the last state."""
        pixels, count = steps.shape[0], steps.shape[1]
        steps = steps.transpose(0, 1)
        for number in range(self.count):
            given = steps, *(getattr(self, f"{name}{number}") for name in ("input", "own", "bias"))
            found = torch.onnx.ops.symbolic(
                "GRU", given, attrs={"hidden_size": self.width, "direction": "bidirectional", "linear_before_reset": 1},
                dtype=steps.dtype, shape=(count, 2, pixels, self.width), version=OPSET)
            steps = found.transpose(1, 2).reshape(count, pixels, 2 * self.width)
        return steps.transpose(0, 1), None


def _graph(network: Network):
    """The traced network."""
    free = {name: torch.export.Dim(name, min=1) for name in ("dates", "covariate_dates", "outputs")}
    chips = torch.export.Dim("pixels" if network.side == 1 else "chips", min=1)
    pixels = chips if network.side == 1 else network.side**2 * chips
    dates, others, outputs = free.values()
    sizes = ({0: pixels, 1: dates}, {0: pixels, 1: dates}, {0: dates}, {0: pixels, 2: others}, {0: pixels, 2: others}, {0: others},
             {0: pixels, 1: outputs}, {0: pixels, 1: outputs}, {0: outputs})
    log = logging.getLogger("torch.onnx")
    level = log.level
    log.setLevel(logging.ERROR)  # it tells of packages for pictures that nobody needs
    try:
        with warnings.catch_warnings(), sdpa_kernel(SDPBackend.MATH):  # attention in operators that ONNX knows
            warnings.simplefilter("ignore")
            return torch.onnx.export(
                Graph(network), tuple(example(network, TRACED, 1)), dynamo=True, dynamic_shapes=sizes, opset_version=OPSET,
                input_names=list(Batch._fields), output_names=list(OUTPUTS), verbose=False)
    finally:
        log.setLevel(level)


def _require(package: str):
    try:
        return importlib.import_module(package)
    except ImportError as missing:
        raise MissingExtraError(f"Export to ONNX needs the package {package}, which the engine lacks.",
                                "Run 'Set up engine' (phenofuse:setupengine) with EXTRAS=learning,onnx.") from missing
