"""Compare methods: which way of filling suits this scene."""
from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr

METHODS = ("linear", "whittaker", "harmonic", "mogpr_scene", "mogpr_shared", "mogpr_pixel")


class CompareMethods(PhenofuseAlgorithm):
    ID, GROUP, NAME = "comparemethods", "assess", "Compare methods"
    SUMMARY = "Hides the same values of your own series from every method, and says which one to take."
    DESCRIPTION = (
        "No method is best everywhere. This takes a sample of pixels, hides observed values as the scene's own clouds would take "
        "them and in stretches of 20 to 120 days, has every method learn and fill without them, and compares. All are asked for the "
        "same places; what is beyond chance is told by a bootstrap of spatial blocks.\n\n"
        "The report gives errors and the share of true values inside the 90% interval, also by gap length, month and level of NDVI, "
        "the time of each method, and a map of which one wins where. The recommendation goes by the error expected where values are "
        "missing: hidden values are weighed as the missing ones lie. It is the quickest method whose error is at most 5% above the "
        "smallest, if that is good enough (R² above 0.65 on hidden values, or a mean absolute error of NDVI of "
        "0.06); else it says how weak the best one is and what about the data may be the reason.\n\n"
        "Where values are hidden pixel by pixel, other pixels still show the date, which flatters methods that learn from them "
        "(harmonic, mogpr); the clouds of the whole scene, moved in time, do not. Hidden values were observed, so they tell nothing "
        "of places that were never seen clearly.")
    TAGS = ("validation", "comparison", "benchmark", "recommendation", "rmse", "accuracy", "gap filling", "cloud", "ndvi", "bootstrap",
            "whittaker", "harmonic", "mogpr")
    HELP = {
        "INPUT": "The series with its gaps, not filled.",
        "METHODS": "Which methods take part: lines, Whittaker, harmonics, and MOGPR with its three covariances. Lines always do, as "
                   "the baseline.",
        "MODELS": "Trained networks (.phenofuse) that take part too, each under the name of its file. One that was trained at this "
                  "place in this time knows what is hidden: it is marked, and not recommended. Needs EXTRAS=learning.",
        "PATTERN": "What is hidden. transplanted: what the clouds of other pixels, moved in time, would take. scene: what the clouds "
                   "of the whole scene, moved in time, would take. block: stretches of 20 to 120 days. all: each of them.",
        "GAP_DAYS": "Length of the stretches in days. 0: 20, 40, 60, 90 and 120 take turns.",
        "PIXELS": "How many pixels the sample holds. More tell smaller differences and take longer.",
        "CSV": "All scores as a table: one line per group, class and method. Commas and decimal points; in a spreadsheet of a language "
               "with decimal commas, open it by Data > From text.",
        "WINNER": "Which method errs least beyond chance in each part of the scene: 0 too few hidden values, 1 linear, 2 whittaker, "
                  "3 harmonic, 4 to 6 mogpr scene, shared and pixel, 7 too close to call, from 8 on the models. Its cells "
                  "are coarse.",
    }
    STYLES = {"WINNER": ("winner", "Winner")}
    NUMBERS = {"BEST$": "The method to take", "RMSE": "Its root mean square error", "COVERAGE": "Share of true values inside its 90% "
               "interval", "COUNT": "Number of values scored",
               **{f"RMSE_{method.upper()}": f"Root mean square error of {method}" for method in METHODS},
               "RMSE_MODEL": "Root mean square error of the best model"}

    def parameters(self):
        return [
            p.raster("INPUT", tr("Time series")),
            p.rasters("COVARIATES", tr("Covariates (radar)"), optional=True),
            p.choice("METHODS", tr("Methods"), METHODS, list(METHODS), multiple=True),
            p.files("MODELS", tr("Models"), optional=True),
            p.choice("PATTERN", tr("What is hidden"), ("all", "transplanted", "scene", "block"), "all"),
            p.number("GAP_DAYS", tr("Length of the stretches in days (0: 20 to 120)"), 0, 0),
            p.mask(),
            p.advanced(p.integer("PIXELS", tr("Pixels in the sample"), 600, 5)),
            p.seed(),
            p.device(),
            p.report_output(),
            p.file_output("CSV", tr("Table"), tr("CSV files (*.csv)"), created=False),
            p.raster_output("WINNER", tr("Winner by part of the scene"), optional=True, created=False),
        ]
