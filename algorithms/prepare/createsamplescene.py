"""Create a sample scene: simulated Sentinel composites of which the truth is known."""

from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class CreateSampleScene(PhenofuseAlgorithm):
    ID, GROUP, NAME = "createsamplescene", "prepare", "Create sample scene"
    SUMMARY = "Writes a simulated irrigation scheme - Sentinel-1 and Sentinel-2 composites and the truth behind them."
    DESCRIPTION = (
        "Nothing in it was ever measured, and its files say so. It is there to learn the plugin with, and to "
        "measure methods: the NDVI below the clouds and the true dates of every season are known.\n\n"
        "The scene shows rice fields with one, two or three crops a year and different planting dates, fish "
        "ponds, trees and villages, at 50 m near Demak, Java (UTM zone 49 south), in 12-day periods from "
        "2023-11-01. VV and VH behave as published for rice (the dip at flooding, the growth of volume) with the "
        "speckle of Sentinel-1; clouds and shadows take most of the rainy season, and some thin cloud is left in.\n\n"
        "The folder holds one GeoTIFF per period with the bands VV, VH and S2ndvi, as an export would bring them:"
        " give it to Validate composites or Build time series. The truth lies in its subfolder truth."
    )
    TAGS = ("simulate", "example", "demo", "test data", "sentinel-1", "sentinel-2", "rice", "truth")
    HELP = {
        "SIZE": "Pixels in each direction.",
        "PERIODS": "Number of 12-day periods; 62 are two years.",
        "SEED": "Which scene: the same seed gives the same scene.",
        "FOLDER": "Where the scene goes. An earlier sample scene is replaced; a folder with other things is refused.",
    }

    def parameters(self):
        return [
            p.integer("SIZE", tr("Pixels in each direction"), 96, 1, 2000),
            p.integer("PERIODS", tr("Periods of 12 days"), 62, 1, 1000),
            p.seed(),
            p.folder_output("FOLDER", tr("Folder of the scene")),
        ]
