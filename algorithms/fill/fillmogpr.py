"""Fill with radar: multi-output Gaussian process regression, gaps closed by what the scene and the radar know."""
from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class FillMogpr(PhenofuseAlgorithm):
    ID, GROUP, NAME = "fillmogpr", "fill", "Fill with radar (MOGPR)"
    SUMMARY = "Fills the gaps of a time series with the help of radar by Gaussian processes, and says how sure it is."
    DESCRIPTION = (
        "Multi-output Gaussian process regression: the series and its covariates (Sentinel-1 VV and VH, say, each on its own "
        "dates) are one random field in time. How their values go together, between any two dates, is learnt from a sample of "
        "all series of the scene, for a few classes of pixels where that pays; each gap then holds what is to be expected given "
        "all that was seen of the pixel. Without covariates it works too.\n\n"
        "UNCERTAINTY is the standard deviation of what a clear observation would have shown, noise included. Every run checks "
        "itself: it hides gaps of 30, 60 and 90 days from the sample, and REPORT shows the error there beside linear "
        "interpolation, and how many hidden values lie inside the intervals. Observed values come back unchanged.\n\n"
        "What was learnt can be kept (FIT) and used for the next season or for a neighbouring scene (APPLY).")
    TAGS = ("gap filling", "mogpr", "gaussian process", "sentinel-1", "radar", "sar", "fusion", "ndvi", "interpolation",
            "cloud", "uncertainty", "time series", "kriging")
    HELP = {
        "COVARIATES": "Radar or other series that help, on the same grid; their dates may differ. VV and VH in decibels are best "
                      "given as they are. Those that do not lower the error in hidden gaps are left out (scene), and the log says "
                      "so. Empty: the series alone.",
        "COVARIANCE": "scene: learnt freely from the scene's own series (recommended). shared: smooth processes of a few "
                      "length-scales, one model for the scene. pixel: such a model for each pixel, as older MOGPR tools have it.",
        "NOISE_PER_PIXEL": "With COVARIANCE = shared: every pixel has noise of its own.",
        "MAXIMUM_LIKELIHOOD": "With COVARIANCE = pixel: fit each pixel by maximum likelihood alone. Off: shrunk towards the scene's "
                              "model, which is better with few observations.",
        "MAX_GAP_DAYS": "Leave gaps longer than this unfilled (quality code 4); at both ends the distance to the nearest "
                        "observation counts. 0: fill all.",
        "STEP_DAYS": "Give the result on a regular grid of so many days from the first to the last date. 0: on the input's own dates.",
        "APPLY": "Use what an earlier run learnt (its FIT) instead of learning: for a scene just begun, a whole year earlier say. "
                 "Applied to observations that it was learnt from, the check flatters, and log and report say so.",
        "FIT": "Keep what was learnt in this file, for APPLY.",
        "OUTPUT": "The filled series.",
    }
    STYLES = {"OUTPUT": ("series", "Filled"), "UNCERTAINTY": ("uncertainty", "Standard deviation"),
              "QUALITY": ("quality", "Quality")}
    NUMBERS = {"RMSE": "Root mean square error at hidden values", "RMSE_LINEAR": "The same of linear interpolation",
               "RATIO": "RMSE relative to linear interpolation", "COVERAGE": "Share of hidden values inside the 90% interval"}

    def parameters(self):
        kinds = tr("Scene covariance (*.npz)")
        return [
            p.raster("INPUT", tr("Time series")),
            p.rasters("COVARIATES", tr("Covariates (radar)"), optional=True),
            p.choice("COVARIANCE", tr("Covariance"), ("scene", "shared", "pixel"), "scene"),
            *p.output_dates(),
            p.switch("KEEP_OBSERVED", tr("Keep observed values"), True),
            p.integer("MAX_GAP_DAYS", tr("Longest gap to fill in days"), 0),
            p.mask(),
            p.advanced(p.file("APPLY", tr("Apply what was learnt before"), kinds, optional=True)),
            p.advanced(p.switch("NOISE_PER_PIXEL", tr("Noise of each pixel (shared)"), False)),
            p.advanced(p.switch("MAXIMUM_LIKELIHOOD", tr("Maximum likelihood (pixel)"), False)),
            p.seed(),
            p.form(),
            *p.resources(),
            p.raster_output("OUTPUT", tr("Filled series")),
            p.raster_output("UNCERTAINTY", tr("Uncertainty"), optional=True),
            p.raster_output("QUALITY", tr("Quality"), optional=True),
            p.report_output(),
            p.file_output("FIT", tr("What was learnt"), kinds),
        ]

    def check(self, values):
        if values["DATES"] and values["STEP_DAYS"]:
            return tr("Both DATES and STEP_DAYS are given. Give only one of them.")
        if values["APPLY"] and values["COVARIANCE"] != "scene":
            return tr("APPLY holds the covariance of a scene. Choose COVARIANCE = scene, or leave APPLY empty.")
        return ""
