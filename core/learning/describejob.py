"""The job `describemodel`: the card of a model for people, and its network for other programs. Only the latter needs torch."""
from __future__ import annotations

from pathlib import Path

from . import description, modelfile
from .device import require_torch
from .priors import prior_of


def run(parameters: dict, resources, events) -> dict:
    """Say what a model is.

    Parameters
    ----------
    parameters : dict
        MODEL (a ``.phenofuse`` file); optionally REPORT, and ONNX (the network for other programs; this needs torch).
    """
    card = modelfile.load_card(parameters["MODEL"])
    for sentence in description.sentences(card):
        events.info(sentence)
    found = {}
    if parameters.get("REPORT"):
        description.page(card, Path(parameters["MODEL"]).name).save(parameters["REPORT"])
        found["REPORT"] = parameters["REPORT"]
    if parameters.get("ONNX"):
        found["ONNX"] = _exported(parameters, events)
    return {"outputs": found, "numbers": description.numbers(card)}


def _exported(parameters: dict, events) -> str:
    """Write the network as ONNX."""
    require_torch()
    from .networks.export import export
    from .networks.prediction import restored
    card, weights = modelfile.load(parameters["MODEL"])
    difference = export(restored(card, weights, prior_of(card.training["prior"]), "cpu").network, card, parameters["ONNX"])
    events.info(f"Wrote the network as ONNX; run by itself it gives the same values to {difference:.1g}.")
    return parameters["ONNX"]
