"""Describe model: what a trained network needs, where it was trained, how good it is, and its limits."""
from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class DescribeModel(PhenofuseAlgorithm):
    ID, GROUP, NAME = "describemodel", "learn", "Describe model"
    SUMMARY = "Says what a trained model needs, where and when it was trained, how good it is, and where it may fail."
    DESCRIPTION = (
        "A model file holds the network and its card: the series it reads by name and unit, the dates, area and pixel size of "
        "its training, every choice that was made, and its scores on values it never saw, beside linear interpolation and "
        "MOGPR on the same values. Here the card is shown. Look at it before you use a model that somebody else trained.\n\n"
        "A file that was changed, damaged, or is no model is refused; nothing in a model file can run. No part of the engine "
        "beyond its base is needed, unless the network is to be written as ONNX.")
    TAGS = ("deep learning", "neural network", "model card", "accuracy", "training", "onnx", "gap filling")
    HELP = {
        "MODEL": "The model file (.phenofuse) that 'Train model' wrote.",
        "ONNX": "Also write the network as ONNX, with the card in its metadata, for other programs; it is checked against the "
                "network. Needs the engine's extras learning and onnx.",
        "REPORT": "The card as a page to read, as one HTML file; all of it lies beside it as JSON.",
    }
    NUMBERS = {"RMSE": "Root mean square error at held-out values", "RATIO": "RMSE relative to linear interpolation",
               "COVERAGE": "Share of held-out values inside the 90% interval",
               "CHOICE$": "What the scores advise: model, mogpr, linear or unclear"}

    def parameters(self):
        return [
            p.file("MODEL", tr("Model"), tr("Phenofuse models (*.phenofuse)")),
            p.report_output(),
            p.file_output("ONNX", tr("Network as ONNX"), tr("ONNX (*.onnx)")),
        ]
