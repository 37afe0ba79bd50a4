"""Export composites: Sentinel-1 and Sentinel-2 by periods from Google Earth Engine, checked, as series ready to use."""

from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr

# Those of 'Build time series', and EVI; the first five as they were: places are what older calls may have kept.
INDICES = ("NDVI", "EVI", "NDWI", "LSWI", "RVI", "EVI2", "NIRv", "kNDVI", "PPI")


class ExportComposites(PhenofuseAlgorithm):
    ID, GROUP, NAME = "exportcomposites", "earthengine", "Export composites"
    EXTRA = "earthengine"
    SUMMARY = "Brings Sentinel-1 and Sentinel-2 composites of regular periods from Google Earth Engine, checked on arrival."
    DESCRIPTION = (
        "One raster per period with VV, VH (dB), NDVI and the number of images behind each pixel, and one series per "
        "variable, ready for Fill with radar. Every period has every band: where a sensor saw nothing, the band is empty "
        "and the count 0. NDVI is never clamped, orbits are never mixed, periods are half open.\n\n"
        "Begin with DRY_RUN: it shows periods, grid, requests and size, and needs neither account nor network.\n\n"
        "Whatever happens (QGIS closed, network gone, cancelled), nothing is lost and nothing is done twice: the same call, "
        "or Continue export, goes on. The folder holds a report of every period.\n\n"
        "download fetches the pixels at once and suits areas up to some 50 million pixels; asset, drive and cloudstorage "
        "start tasks on Earth Engine for larger ones, which Continue export follows.\n\n"
        "Needs an account with Earth Engine and the engine's extra part: run Set up engine with EXTRAS=earthengine."
    )
    TAGS = ("earth engine", "gee", "download", "export", "composite", "sentinel-1", "sentinel-2", "ndvi", "backscatter",
            "cloud score", "google")  # fmt: skip
    HELP = {
        "EXTENT": "The area. It is widened to whole pixels.",
        "CRS": "Projected reference system in metres. Empty: the UTM zone of the area's middle.",
        "RESOLUTION": "Side of a pixel in metres.",
        "START_DATE": "First day of the first period.",
        "END_DATE": "First day that is no longer exported. Days that fill no whole period are left out.",
        "PERIOD_DAYS": "Days of a period. 12 is the repeat of one Sentinel-1 satellite. 0: calendar months.",
        "INDICES": "Indices: NDVI, EVI, NDWI, LSWI, EVI2, NIRv, kNDVI and PPI of Sentinel-2, RVI of Sentinel-1; the formulas are those "
        "of Build time series. PPI takes the angle of the sun of each image, and GREATEST_DVI.",
        "GREATEST_DVI": "For PPI: the greatest near infrared - red reflectance that a closed canopy of the area has. Build time series "
        "with INDEX = PPI tells it of a scene.",
        "CLOUD_MASK": "cloudscore: Cloud Score+, also for shadows (recommended). scl: the scene classification. s2cloudless: "
        "probability of cloud, no shadows. qa60: refused from 2022-01-25 to 2024-02-28, where it is empty.",
        "CLOUD_THRESHOLD": "cloudscore: least clearness (0.60; 0.50 to 0.65 is sensible). s2cloudless: clear below this "
        "probability (65). Empty: the usual one.",
        "ORBIT_DIRECTION": "Only passes of one direction: both mixed leave steps in the series.",
        "RELATIVE_ORBIT": "Only one relative orbit of Sentinel-1 (1 to 175), for the steadiest series. 0: any of the direction.",
        "S1_REDUCER": "median of decibels, or mean of linear power.",
        "DESTINATION": "download: files here, at once. asset: tasks on Earth Engine, then files here (the assets stay until you "
        "delete them). drive, cloudstorage: tasks, whose files you put into a folder for Continue export.",
        "PLACE": "drive: the folder's name. asset: the asset folder. cloudstorage: bucket or bucket/folder.",
        "DRY_RUN": "Only show the plan in REPORT. Nothing is asked of the service.",
        "FOLDER": "Where rasters, report and memory of the export go. It holds one export.",
    }
    STYLES = {"NDVI": ("series", "NDVI"), "VV": ("series", "VV"), "VH": ("series", "VH")}
    RASTERS = {"NDVI": "NDVI series", "VV": "VV series", "VH": "VH series"}
    NUMBERS = {"PERIODS": "Number of periods", "REQUESTS": "Number of requests", "SIZE_MB": "Size without compression in MB",
               "DONE": "Periods done", "PENDING": "Periods to come", "FAILED": "Periods failed"}  # fmt: skip

    def parameters(self):
        return [
            p.extent("EXTENT", tr("Area")),
            p.day("START_DATE", tr("First day"), optional=False),
            p.day("END_DATE", tr("End (excluded)"), optional=False),
            p.integer("PERIOD_DAYS", tr("Days of a period"), 12, 0, 366),
            p.text("PROJECT", tr("Google Cloud project")),
            *p.account(),
            p.switch("DRY_RUN", tr("Only show the plan"), False),
            p.choice("DESTINATION", tr("Destination"), ("download", "drive", "asset", "cloudstorage"), "download"),
            p.text("PLACE", tr("Folder on Drive, asset folder or bucket")),
            p.number("RESOLUTION", tr("Pixel in metres"), 10, 1, 10000),
            p.crs("CRS", tr("Reference system")),
            p.choice("INDICES", tr("Indices"), INDICES, "NDVI", multiple=True),
            p.advanced(p.number("GREATEST_DVI", tr("Greatest DVI, for PPI"), None, 0, 1)),
            p.choice("CLOUD_MASK", tr("Cloud mask"), ("cloudscore", "scl", "s2cloudless", "qa60"), "cloudscore"),
            p.advanced(p.number("CLOUD_THRESHOLD", tr("Threshold of the cloud mask"), None, 0, 100)),
            p.choice("ORBIT_DIRECTION", tr("Orbit direction"), ("DESCENDING", "ASCENDING"), "DESCENDING"),
            p.advanced(p.integer("RELATIVE_ORBIT", tr("Relative orbit"), 0, 0, 175)),
            p.advanced(p.choice("S1_REDUCER", tr("Composite of radar"), ("median", "mean"), "median")),
            p.advanced(p.integer("MAX_PENDING", tr("Tasks at a time"), 10, 1, 1000)),
            p.advanced(p.switch("LOAD", tr("Open the series"), True)),
            *p.resources(scheduler=False),
            p.folder_output("FOLDER", tr("Folder of the export")),
            p.report_output(),
        ]

    def check(self, values):
        if not values["DRY_RUN"] and not values["PROJECT"]:
            return tr("PROJECT is empty. Give the id of your Google Cloud project, or choose DRY_RUN to see the plan only.")
        return ""
