"""Train model: a network that learns to fill gaps from the cloudy series themselves."""
from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class TrainModel(PhenofuseAlgorithm):
    ID, GROUP, NAME, EXTRA = "trainmodel", "learn", "Train model", "learning"
    SUMMARY = "Trains a network to fill the gaps of a time series, and scores it at values and places it never saw."
    DESCRIPTION = (
        "No cloud-free images are needed: clear observations are hidden from the network in the ways in which clouds hide them, "
        "some dates in the whole scene, and it learns to say what they were, and how sure it is, from what is left of the pixel's "
        "series and from the covariates. It learns to correct a prior, which needs no training: the scene's Gaussian process, say.\n\n"
        "Blocks of the scene are kept apart: some tell when to stop, some how wide the intervals must be, and some only how good "
        "the result is, beside linear interpolation and MOGPR on the same values. The log and REPORT say in words which of "
        "them to use.\n\n"
        "Some thousand pixels are drawn from all over the scene, so that a large one takes no longer. A run that is stopped leaves "
        "the best model so far, unless a finished one has its name already, and the same call continues. 'Fill with model' applies "
        "the model.")
    TAGS = ("deep learning", "neural network", "training", "transformer", "gru", "gap filling", "sentinel-1", "radar", "ndvi",
            "cloud", "uncertainty", "pytorch")
    HELP = {
        "COVARIATES": "Radar or other series that help, on the same grid; their dates may differ. Filling needs the same variables "
                      "again.",
        "ARCHITECTURE": "fusion: a small transformer that reads all observations and radar on their own dates. bigru: a light "
                        "recurrent network, which learns more in the same time on a machine without a GPU. mlp: NDVI from the radar "
                        "of the day alone, as older tools do; for comparison. unet and vit look at squares of 16 x 16 pixels, a U-Net "
                        "with attention over five dates and a vision transformer over the whole time; where 'Fill with radar' does "
                        "well they have hardly been better.",
        "PRIOR": "What the network starts from and corrects. scene: the scene's Gaussian process, as 'Fill with radar' learns it "
                 "(recommended). whittaker: each pixel's smooth curve, as 'Fill by smoothing' draws it. linear: the line between "
                 "observations.",
        "SPLIT": "Which values are kept for the test. blocks: those of places never seen. time: those of later dates. random: those "
                 "of single pixels among the ones learnt from, which looks better than it is.",
        "EPOCHS": "Rounds of training at most; it ends earlier when the validation error no longer falls. Half as many take half the "
                  "time.",
        "MODEL": "The model file (.phenofuse): network, prior, and a card that says what it needs and how good it is.",
    }
    NUMBERS = {"RMSE": "Root mean square error at held-out values", "MAE": "Mean absolute error",
               "R2": "Share of the variance explained", "COVERAGE": "Share of held-out values inside the 90% interval",
               "RATIO": "RMSE relative to linear interpolation"}

    def parameters(self):
        return [
            p.raster("INPUT", tr("Time series")),
            p.rasters("COVARIATES", tr("Covariates (radar)"), optional=True),
            p.choice("ARCHITECTURE", tr("Architecture"), ("fusion", "bigru", "mlp", "unet", "vit"), "fusion"),
            p.choice("PRIOR", tr("Prior"), ("scene", "whittaker", "linear"), "scene"),
            p.choice("SPLIT", tr("Held-out values"), ("blocks", "time", "random"), "blocks"),
            p.integer("EPOCHS", tr("Epochs at most"), 50, 1, 10000),
            p.mask(),
            p.device(),
            p.seed(),
            *p.resources(scheduler=False),
            p.file_output("MODEL", tr("Model"), tr("Phenofuse models (*.phenofuse)"), optional=False, created=True),
            p.report_output(),
        ]
