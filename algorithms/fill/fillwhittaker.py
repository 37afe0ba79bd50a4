"""Fill by smoothing: the Whittaker smoother at true dates, Savitzky and Golay's parabolas, or straight lines."""
from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class FillWhittaker(PhenofuseAlgorithm):
    ID, GROUP, NAME = "fillwhittaker", "fill", "Fill by smoothing (Whittaker)"
    SUMMARY = "Smooths each pixel's series at its true dates, finds by itself how much, fills the gaps, and says how sure it is."
    DESCRIPTION = (
        "The Whittaker smoother draws the curve that is close to the observations and bends little. It knows the true dates, so "
        "uneven ones are no trouble and a straight trend is left as it is. How smooth each pixel is, it finds by predicting every "
        "observation from the others; the choice is kept in LAMBDA and can be given back (LAMBDA_INPUT), for a later run on "
        "a longer series say. Single outliers, mostly clouds left in, lose their weight. The curve never leaves the range of a "
        "pixel's observations by more than 5 % of it, however long the gap.\n\n"
        "UNCERTAINTY is the standard deviation of what a clear observation would have shown, noise included; it grows with the gap. "
        "Observed values come back unchanged unless KEEP_OBSERVED is off. Pixels with fewer than three observations stay "
        "empty (quality code 6).\n\n"
        "Simpler modes: savgol (Savitzky-Golay: a parabola through the observations around each date) and linear (straight lines).")
    TAGS = ("gap filling", "smoothing", "whittaker", "savitzky-golay", "savgol", "linear", "interpolation", "spline", "ndvi",
            "envelope", "lambda", "v-curve", "time series", "cloud")
    HELP = {
        "MODE": "whittaker: smooth curve with a smoothing of its own per pixel (recommended). savgol: local parabolas. linear: "
                "straight lines between observations.",
        "SMOOTHING": "auto: each pixel its own. Or one number for all, in days to the third power (the lambda of daily data): 100 "
                     "follows weeks, 10000 months, 1000000 the year.",
        "CRITERION": "How auto chooses: leave_one_out predicts each observation from the others (recommended), gcv is its usual "
                     "approximation, v_curve looks where more smoothing begins to cost fit.",
        "LAMBDA_INPUT": "The LAMBDA of an earlier run: those smoothings are used; where it is empty they are chosen.",
        "ENVELOPE": "0.5: through the middle of the observations. 0.9: along their upper envelope, where clouds were left in; switch "
                    "off KEEP_OBSERVED to have the envelope on observed dates too.",
        "ROBUST": "Lower the weight of outliers such as clouds left in (whittaker).",
        "WEIGHTS": "A series with the same dates that says how far to trust each value: 1 as usual, 0 not at all; empty counts as 0. A "
                   "value of weight 0 counts as missing.",
        "WINDOW_DAYS": "Width of the window of savgol; it always holds three observations on each side, however far.",
        "MAX_GAP_DAYS": "Leave gaps longer than this unfilled (quality code 4); at both ends the distance to the nearest "
                        "observation counts. 0: fill all.",
        "STEP_DAYS": "Give the result on a regular grid of so many days from the first to the last date. 0: on the input's own dates.",
        "OUTPUT": "The filled series.",
        "LAMBDA": "How smooth each pixel is, in days to the third power: one band.",
    }
    STYLES = {"OUTPUT": ("series", "Smoothed"), "UNCERTAINTY": ("uncertainty", "Standard deviation"),
              "QUALITY": ("quality", "Quality"), "LAMBDA": ("smoothing", "Smoothing")}

    def parameters(self):
        return [
            p.raster("INPUT", tr("Time series")),
            p.choice("MODE", tr("Mode"), ("whittaker", "savgol", "linear"), "whittaker"),
            p.text("SMOOTHING", tr("Smoothing (auto, or a number)"), "auto"),
            p.number("ENVELOPE", tr("Envelope (0.5: none)"), 0.5, 0.001, 0.999),
            *p.output_dates(),
            p.switch("KEEP_OBSERVED", tr("Keep observed values"), True),
            p.integer("MAX_GAP_DAYS", tr("Longest gap to fill in days (0: all)"), 0),
            p.mask(),
            p.raster("WEIGHTS", tr("Weights"), optional=True),
            p.advanced(p.choice("CRITERION", tr("Criterion of auto"), ("leave_one_out", "gcv", "v_curve"), "leave_one_out")),
            p.advanced(p.raster("LAMBDA_INPUT", tr("Smoothing of an earlier run"), optional=True)),
            p.advanced(p.switch("ROBUST", tr("Robust against outliers"), True)),
            p.advanced(p.number("WINDOW_DAYS", tr("Window of savgol in days"), 90, 1)),
            p.seed(),
            p.form(),
            *p.resources(),
            p.raster_output("OUTPUT", tr("Filled series")),
            p.raster_output("UNCERTAINTY", tr("Uncertainty"), optional=True),
            p.raster_output("QUALITY", tr("Quality"), optional=True),
            p.raster_output("LAMBDA", tr("Smoothing of each pixel"), optional=True, created=False),
        ]

    def check(self, values):
        if values["DATES"] and values["STEP_DAYS"]:
            return tr("Both DATES and STEP_DAYS are given. Give only one of them.")
        return ""
