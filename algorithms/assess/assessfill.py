"""Assess fill: score a filled series at values that had been hidden from the method."""
from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class AssessFill(PhenofuseAlgorithm):
    ID, GROUP, NAME = "assessfill", "assess", "Assess fill"
    SUMMARY = "Scores a filled time series at hidden values, beside linear interpolation on the same places."
    DESCRIPTION = (
        "Root mean square error, mean absolute error, bias and R² in all, by gap length, by month and by level of "
        "NDVI; with an uncertainty also the share of true values inside the 50, 80, 90 and 95% intervals and the "
        "continuous ranked probability score (CRPS). Whether the fill beats linear interpolation beyond chance is "
        "judged by a bootstrap of spatial blocks.\n\n"
        "Give the fill as INPUT, the hidden values of 'Simulate gaps' as TRUTH, and the series with gaps (what the "
        "method saw) as OBSERVED: gap lengths and the baseline come from it, and a value it shows is never scored. "
        "Dates are matched by period, never by position.")
    TAGS = ("validation", "rmse", "accuracy", "error", "uncertainty", "gap", "interpolation", "crps", "ndvi")
    HELP = {
        "INPUT": "The filled series to be scored.",
        "TRUTH": "The true values: scored wherever it holds one, such as the hidden values of 'Simulate gaps'.",
        "OBSERVED": "What the method saw: the series with gaps that was filled. Without it, neither gap lengths nor "
                    "linear interpolation can be told.",
        "UNCERTAINTY": "Standard deviations of the fill, to see whether its intervals hold what they promise.",
        "CSV": "All scores as a table: one line per group, class and method. Commas and decimal points; in a spreadsheet of a language "
               "with decimal commas, open it by Data > From text.",
    }
    NUMBERS = {"RMSE": "Root mean square error", "MAE": "Mean absolute error", "BIAS": "Bias (guess minus truth)",
               "R2": "R²", "COVERAGE": "Share of true values inside the 90% interval",
               "RMSE_LINEAR": "Root mean square error of linear interpolation", "RATIO": "RMSE relative to linear "
                              "interpolation",
               "COUNT": "Number of values scored", "MISSING": "Number of true values that were not filled"}

    def parameters(self):
        return [
            p.raster("INPUT", tr("Filled series")),
            p.raster("TRUTH", tr("Hidden true values")),
            p.raster("OBSERVED", tr("Series with gaps, as it was filled"), optional=True),
            p.raster("UNCERTAINTY", tr("Uncertainty of the fill"), optional=True),
            *p.resources(),
            p.report_output(),
            p.file_output("CSV", tr("Table"), tr("CSV files (*.csv)"), created=False),
        ]
