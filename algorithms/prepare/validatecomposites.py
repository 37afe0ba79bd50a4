"""Validate composites: whether exported rasters hold what they say."""

from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class ValidateComposites(PhenofuseAlgorithm):
    ID, GROUP, NAME = "validatecomposites", "prepare", "Validate composites"
    SUMMARY = "Finds and names what is wrong with exported Sentinel composites before anything is computed from them."
    DESCRIPTION = (
        "Looks at every band as the file holds it, before any clamping: names, grids, dates, share of valid "
        "pixels, range, values pressed against limits, spread, copies of one band in another (backscatter in the "
        "NDVI band), VV and VH swapped, linear power in place of decibels, lost scale factors, empty, repeated "
        "and missing periods, infinite values.\n\n"
        "A problem makes results wrong or impossible. A note occurs in sound data too: a date lost to clouds, "
        "two images of one day. The report shows small maps and every layer's figures, and says what to do.\n\n"
        "Takes one file per period (VV, VH, NDVI together), one file per variable with a band per date, or one "
        "file per date."
    )
    TAGS = ("check", "quality", "export", "earth engine", "ndvi", "backscatter", "sentinel-1", "sentinel-2", "report")
    HELP = {
        "LAYERS": "The rasters. Instead, a whole folder can be given below.",
        "FOLDER": "A folder of rasters (GeoTIFF, VRT, NetCDF ...), in place of a list.",
        "SUBFOLDERS": "Look in the folders below as well.",
        "BANDS": "Names of the bands in their order, for files that name none: VV,VH,S2ndvi. Values bear it out.",
        "MIN_VALID_PERCENT": "Every band of every period must have at least this share of valid pixels. 0: a period "
        "lost to clouds is a note.",
        "ON_PROBLEM": "warn: go on and say so (VALID is 0). fail: stop with an error once the report is written.",
    }
    NUMBERS = {"VALID": "1 when there is no problem, else 0", "PROBLEMS": "Number of problems"}

    def parameters(self):
        return [
            p.rasters("LAYERS", tr("Rasters"), optional=True),
            p.folder("FOLDER", tr("or a folder of rasters"), optional=True),
            p.number("MIN_VALID_PERCENT", tr("Least share of valid pixels (%)"), 0, 0, 100),
            p.choice("ON_PROBLEM", tr("When there is a problem"), ("warn", "fail"), "warn"),
            p.advanced(p.switch("SUBFOLDERS", tr("Subfolders as well"), False)),
            p.advanced(p.text("BANDS", tr("Names of the bands"))),
            p.report_output(),
        ]

    def check(self, values):
        if bool(values["LAYERS"]) == bool(values["FOLDER"]):
            return tr("Give either rasters (LAYERS) or a folder (FOLDER).")
        return ""
