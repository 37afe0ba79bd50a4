"""Simulate gaps: hide known values of a series, so that a fill can be scored at them."""

from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class SimulateGaps(PhenofuseAlgorithm):
    ID, GROUP, NAME = "simulategaps", "prepare", "Simulate gaps"
    SUMMARY = "Hides known values of a time series in the patterns in which clouds take them, and keeps the truth."
    DESCRIPTION = (
        "How well gaps are filled can only be told where the value is known. This hides such values: fill the first "
        "result with the method in question, then give the fill and the truth to 'Assess fill'.\n\n"
        "Patterns, from the easiest to the hardest: random (single values), transplanted (the cloud sequence of "
        "another pixel, moved in time), block (one stretch of GAP_DAYS), tail (the last GAP_DAYS, as in "
        "near-real-time use). Pixels with fewer than six observations are left alone, and every pixel keeps at "
        "least two. The same seed hides the same values, whatever the memory and threads."
    )
    TAGS = ("gap", "cloud", "validation", "cross-validation", "missing", "hide", "ndvi", "time series")
    HELP = {
        "PATTERN": "How values are lost: random, block, transplanted or tail.",
        "GAP_DAYS": "Length of a block, from end to end, or of the tail, in days; the other patterns have lengths "
        "of their own.",
        "FRACTION": "With random gaps: the share of each pixel's observations that is hidden. Otherwise: the share "
        "of the pixels that get a gap.",
        "OUTPUT": "The series without the hidden values: this is what a method is given to fill.",
        "TRUTH": "The hidden values alone, missing everywhere else: the TRUTH of 'Assess fill'.",
    }
    STYLES = {"OUTPUT": ("series", "Series with gaps"), "TRUTH": ("series", "Hidden values")}
    NUMBERS = {"HIDDEN": "Number of hidden values"}

    def parameters(self):
        return [
            p.raster("INPUT", tr("Time series")),
            p.choice("PATTERN", tr("Pattern"), ("random", "block", "transplanted", "tail"), "block"),
            p.number("GAP_DAYS", tr("Length of the gap in days"), 60.0, 1),
            p.number("FRACTION", tr("Fraction"), 0.3, 0.001, 1),
            p.seed(),
            *p.resources(),
            p.raster_output("OUTPUT", tr("Series with gaps")),
            p.raster_output("TRUTH", tr("Hidden values")),
        ]

    def check(self, values):
        if values["PATTERN"] == "random" and values["FRACTION"] >= 1:
            return tr("With random gaps FRACTION must be below 1, for example 0.3: otherwise nothing would be left.")
        return ""
