"""The job `describemodel`: the card of a model for people. It needs no torch."""
from __future__ import annotations

from pathlib import Path

from . import description, modelfile


def run(parameters: dict, resources, events) -> dict:
    """Say what a model is.

    Parameters
    ----------
    parameters : dict
        MODEL (a ``.phenofuse`` file); optionally REPORT.
    """
    card = modelfile.load_card(parameters["MODEL"])
    for sentence in description.sentences(card):
        events.info(sentence)
    found = {}
    if parameters.get("REPORT"):
        description.page(card, Path(parameters["MODEL"]).name).save(parameters["REPORT"])
        found["REPORT"] = parameters["REPORT"]
    return {"outputs": found, "numbers": description.numbers(card)}
