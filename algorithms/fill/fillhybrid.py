"""Merge fills: one series out of several fills of the same values."""
from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr

RULES = ("inverse_variance", "best", "clear_share")


class FillHybrid(PhenofuseAlgorithm):
    ID, GROUP, NAME = "fillhybrid", "fill", "Merge fills (hybrid)"
    SUMMARY = "Makes one series of several fills of the same values, each trusted as far as it is sure, and says where each came from."
    DESCRIPTION = (
        "Fills of different methods are good at different things. This merges them value by value: weighted by their uncertainty "
        "(inverse_variance), the surest one alone (best), or per pixel the first series where enough dates are clear and the second "
        "elsewhere (clear_share: for example MOGPR where there is much to learn from, a network where there is little).\n\n"
        "The fills come from the same observations and so err alike. UNCERTAINTY therefore never counts them as independent "
        "witnesses: a weighted mean is as uncertain as its fills are on average, and more where they disagree. With best it is the "
        "uncertainty of the chosen fill, which is a little too small, as choosing the smallest always is. SOURCE tells the fill with "
        "the largest weight; values that all fills kept as observed come back unchanged.\n\n"
        "All series need the same variable, grid and dates. Give UNCERTAINTIES and QUALITIES in the order of SERIES; what another "
        "method made than the series beside it is refused.")
    TAGS = ("gap filling", "ensemble", "merge", "combine", "fusion", "uncertainty", "ndvi", "time series", "mogpr", "deep learning")
    HELP = {
        "SERIES": "The filled series: two to six, of the same variable, grid and dates.",
        "UNCERTAINTIES": "Their UNCERTAINTY rasters, in the same order. Only clear_share works without.",
        "QUALITIES": "Their QUALITY rasters, in the same order: needed for QUALITY. Without them a value counts as observed where all "
                     "series hold the same.",
        "RULE": "inverse_variance: the mean weighted by 1 / variance. best: the value of the surest. clear_share: per pixel the first "
                "series where the share of clear dates exceeds THRESHOLD, else the second.",
        "OBSERVED": "The series with gaps that was filled: the share of clear dates is counted in it (clear_share).",
        "THRESHOLD": "Share of clear dates above which the first series is taken (clear_share).",
        "OUTPUT": "The merged series.",
        "QUALITY": "Why each value is as it is: the code of the fill with the largest weight.",
        "SOURCE": "Where each value came from: 0 none, 1 to 6 the number of the series (with the largest weight), 7 observed.",
    }
    STYLES = {"OUTPUT": ("series", "Merged"), "UNCERTAINTY": ("uncertainty", "Standard deviation"),
              "QUALITY": ("quality", "Quality"), "SOURCE": ("source", "Source")}

    def parameters(self):
        return [
            p.rasters("SERIES", tr("Filled series")),
            p.rasters("UNCERTAINTIES", tr("Their uncertainties, in the same order"), optional=True),
            p.rasters("QUALITIES", tr("Their qualities, in the same order"), optional=True),
            p.choice("RULE", tr("Rule"), RULES, RULES[0]),
            p.raster("OBSERVED", tr("Series with gaps (clear_share)"), optional=True),
            p.number("THRESHOLD", tr("Share of clear dates (clear_share)"), 0.5, 0, 1),
            p.form(),
            *p.resources(),
            p.raster_output("OUTPUT", tr("Merged series")),
            p.raster_output("UNCERTAINTY", tr("Uncertainty"), optional=True, created=False),
            p.raster_output("QUALITY", tr("Quality"), optional=True, created=False),
            p.raster_output("SOURCE", tr("Source"), optional=True),
        ]

    def check(self, values):
        series, rule = len(values["SERIES"]), values["RULE"]
        if series < 2:
            return tr("SERIES needs at least two fills of the same series.")
        for key in ("UNCERTAINTIES", "QUALITIES"):
            if values[key] and len(values[key]) != series:
                return tr("{} holds {} rasters, SERIES {}. Give one for each series, in the same order.").format(
                    key, len(values[key]), series)
        if rule == "clear_share" and (series != 2 or not values["OBSERVED"]):
            return tr("The rule clear_share needs two series, and the series with gaps as OBSERVED.")
        if rule != "clear_share" and not values["UNCERTAINTIES"]:
            return tr("The rule {} needs UNCERTAINTIES. Give them, or choose clear_share.").format(rule)
        return ""
