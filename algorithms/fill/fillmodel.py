"""Fill with model: gaps closed by a trained network."""
from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class FillModel(PhenofuseAlgorithm):
    ID, GROUP, NAME, EXTRA = "fillmodel", "fill", "Fill with model", "learning"
    SUMMARY = "Fills the gaps of a time series with a trained network, and says how sure it is."
    DESCRIPTION = (
        "Applies a model that 'Train model' made. The series and its covariates are matched by name and unit; what the model was "
        "never tried on (another season, place, pixel size or range of values) is said as a warning, and what it cannot work with "
        "is refused.\n\n"
        "What the network corrects (the prior: the scene's Gaussian process, say) is learnt again from the series itself, so that "
        "other fields and other years are met as they are; from fewer than 100 pixels it cannot be, and stays that of the "
        "training.\n\n"
        "Only gaps are filled, unless asked otherwise. UNCERTAINTY is the standard deviation of what a clear observation would "
        "have shown, calibrated on pixels that the network did not learn from. The result does not depend on tiles, memory or threads; "
        "a GPU and a processor agree within 0.001.")
    TAGS = ("deep learning", "neural network", "gap filling", "sentinel-1", "radar", "fusion", "ndvi", "cloud", "uncertainty",
            "time series", "inference")
    HELP = {
        "COVARIATES": "The series the model was trained with, on the grid of the input; their dates may differ. 'Describe model' "
                      "names them.",
        "MODEL": "The model file (.phenofuse) that 'Train model' wrote.",
        "LEARN_PRIOR": "Learn what the network corrects from this series. Off: take it as the training learnt it, so that parts of "
                       "a scene that are filled by themselves get the values that they get in the whole.",
        "KEEP_OBSERVED": "Observed values come back unchanged, to the last bit. Off: they become what the model's prior says of "
                         "them.",
        "MAX_GAP_DAYS": "Leave gaps longer than this unfilled (quality code 4); at both ends the distance to the nearest "
                        "observation counts. 0: fill all.",
        "OUTPUT": "The filled series.",
    }
    STYLES = {"OUTPUT": ("series", "Filled"), "UNCERTAINTY": ("uncertainty", "Standard deviation"),
              "QUALITY": ("quality", "Quality")}

    def parameters(self):
        return [
            p.raster("INPUT", tr("Time series")),
            p.rasters("COVARIATES", tr("Covariates (radar)"), optional=True),
            p.file("MODEL", tr("Model"), tr("Phenofuse models (*.phenofuse)")),
            p.switch("LEARN_PRIOR", tr("Learn the prior from this series"), True),
            *p.output_dates(),
            p.switch("KEEP_OBSERVED", tr("Keep observed values"), True),
            p.integer("MAX_GAP_DAYS", tr("Longest gap to fill in days"), 0),
            p.mask(),
            p.device(),
            p.form(),
            *p.resources(),
            p.raster_output("OUTPUT", tr("Filled series")),
            p.raster_output("UNCERTAINTY", tr("Uncertainty"), optional=True),
            p.raster_output("QUALITY", tr("Quality"), optional=True),
        ]

    def check(self, values):
        if values["DATES"] and values["STEP_DAYS"]:
            return tr("Both DATES and STEP_DAYS are given. Give only one of them.")
        return ""
