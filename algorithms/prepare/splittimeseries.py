"""Split time series: one file per date."""

from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class SplitTimeSeries(PhenofuseAlgorithm):
    ID, GROUP, NAME = "splittimeseries", "prepare", "Split time series"
    SUMMARY = "Writes every date of a time series as a raster of its own."
    DESCRIPTION = (
        "The files carry variable and date in their names and tags, so that 'Build time series' joins them again.\n\n"
        "Before QGIS 3.38 a multi-band raster cannot move with the Temporal Controller. There, add these files to the "
        "project, select them, and in the layer properties under Temporal choose a fixed time range: the date in the name."
    )
    TAGS = ("split", "time series", "dates", "temporal controller", "animation")
    HELP = {"FOLDER": "Folder for the files."}
    NUMBERS = {"DATE_COUNT": "Number of dates"}

    def parameters(self):
        return [
            p.raster("INPUT", tr("Time series")),
            *p.resources(scheduler=False),
            p.folder_output("FOLDER", tr("Folder for the files")),
        ]
