"""Build time series: files of any shape into one raster with one date per band."""

from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr

INDICES = ("none", "NDVI", "EVI2", "NIRv", "kNDVI", "LSWI", "NDWI", "PPI", "RVI")
QUALITY_LAYERS = (
    "none", "SCL", "QA60", "CLM", "CLP", "FMASK", "QA_PIXEL", "MODIS_VI", "RELIABILITY", "CLOUD_SCORE", "other",
)  # fmt: skip

class BuildTimeSeries(PhenofuseAlgorithm):
    ID, GROUP, NAME = "buildtimeseries", "prepare", "Build time series"
    SUMMARY = "Joins rasters of any shape into one time-series raster with one date per band."
    DESCRIPTION = (
        "Takes one file per date, one file per period that holds several variables (VV, VH, NDVI), multi-band stacks, or "
        "NetCDF cubes. Dates are found in band tags, band names, file names, a list or a CSV file. Bands are matched by "
        "name, never by position.\n\n"
        "Scale, offset and nodata are applied; linear radar power becomes decibels; impossible values become missing; "
        "tiles, orbits and hours of one day are merged, and you are told; other rasters of one day are refused. What says that it "
        "is something else (EVI, SCL, quality) stays out.\n\n"
        "An index can be made of the bands of each image, and the quality layers beside them can take away what "
        "clouds hide. Tiles that lie side by side on the same pixels are joined as "
        "they are; rasters on other grids are an error, unless a reference raster is given onto whose grid everything is brought."
    )
    TAGS = ("stack", "time series", "ndvi", "sentinel-1", "sentinel-2", "netcdf", "dates", "merge", "align")
    HELP = {
        "LAYERS": "The rasters: layers, files, or GDAL's names of what is in a file; what a layer's properties call an additional no "
        "data value is missing. Instead, a whole folder can be given below.",
        "FOLDER": "A folder of rasters (GeoTIFF, VRT, NetCDF, HDF5, GeoPackage, ENVI, archives of them ...), in place of a list.",
        "SUBFOLDERS": "Look in the folders below as well. Where no file name holds a date, the names of these folders are read: "
        "2020-01-04/NDVI.tif; and where they do not say what they are: B04/2020-01-04.tif.",
        "PATTERN": "Which files of the folder: a pattern such as *NDVI*.tif.",
        "VARIABLE": "What to take: NDVI, VV, VH, the name of a band or NetCDF variable, or a part of the names such as NDVI_masked. "
        "Empty: what the files say, where all say the same.",
        "INDEX": "Make this index of the bands of each image, which are known by their names (B04, red, nir ...). "
        "NDVI, EVI2, NIRv, kNDVI and "
        "PPI need red and near infrared, LSWI near and short-wave infrared, NDWI green and near infrared, RVI the "
        "radar bands VV and VH.",
        "QUALITY_LAYERS": "Take away what these layers beside the images tell of cloud, shadow or snow. SCL: "
        "Sentinel-2 scene classes; QA60: its "
        "cloud mask; CLM, CLP: s2cloudless; FMASK: HLS; QA_PIXEL: Landsat; MODIS_VI, RELIABILITY: MODIS vegetation "
        "indices; CLOUD_SCORE: "
        "Cloud Score+; other: the layer that the rule names.",
        "QUALITY_BUFFER": "So many pixels around what is taken away go as well.",
        "QUALITY_RULE": "In place of the ready rule: values 3,8-11 (these go), clear 4,5 (all others go), bits 1,3 (any of them set), "
        "bits 0-1 = 2,3, below 0.6, above 40; several are parted by ';'. With other, the layer's name first: cloudmask: values 1.",
        "QUALITY_FOLDER": "Where these layers are, when not among the rasters; its subfolders too, where SUBFOLDERS says so.",
        "ORBIT": "Of radar, take only this: ascending, descending, or the number of a relative orbit, as names or "
        "tags say. Empty: all.",
        "MERGE": "How tiles, orbits or hours of one day become one value where they overlap. The mean of radar is that of its power.",
        "SUN_ZENITH": "For PPI: the angle of the sun from the zenith at the overpass, in degrees.",
        "BAND": "Number of the band to take of each file, where bands have no names. Empty: by name.",
        "DATE_SOURCE": "Where dates are: auto (band tags, band names, file names, then DATES, then regular periods), metadata, "
        "name (of the files, or of their folders), given (DATES), or regular (START_DATE and PERIOD_DAYS).",
        "DATES": "Dates, one per band in order, separated by commas; periods as 2023-11-01/2023-11-13. Or a CSV file with "
        "dates, or with file names and dates, as a spreadsheet saves it too (best with cells as yyyy-mm-dd).",
        "DATE_PATTERN": "How dates are written in the names of files, bands or folders, where they are not found or not plain: %d%m%Y, "
        "%Y_%j, NDVI_%d-%b-%y. %Y year (%y its last two digits), %m month (%b Jan), %d day, %j day of the year, %H %M %S "
        "the clock. Without a day it is the month.",
        "START_DATE": "First day of the first period, for files without dates that follow one another in the order of their names.",
        "PERIOD_DAYS": "Length of these periods in days.",
        "SCALE": "Factor for stored numbers, such as 0.0001 for NDVI x 10000. Empty: as the files declare.",
        "OFFSET": "Added after the factor. Empty: as the files declare.",
        "REFERENCE": "Bring everything onto the grid of this raster (reference system, pixels, extent).",
        "RESAMPLING": "How, where grids differ.",
        "NODATA": "Stored numbers that stand for nothing, before scale: 0, or 0,-9999, or 251..255. What files, masks and alpha "
        "bands declare is missing anyhow, and so is what a look at the numbers shows to be nothing, which is told; "
        "none: only what is declared.",
        "VALID_RANGE": "Lowest and highest value that can be right, after scale, such as -0.2,1. Empty: what is known of the variable.",
        "OUTSIDE_RANGE": "What values outside of that range are. refuse: missing, but an error where they are more than 1 %; "
        "missing: missing, however many; clip: the nearest value inside.",
        "AGGREGATE": "Make one band of the dates of each period: dekads (from the 1st, 11th and 21st of a month), months, or days "
        "(AGGREGATE_DAYS each, from START_DATE or else from the first date). A period without a date stays as an empty band.",
        "AGGREGATE_DAYS": "Length of the periods of AGGREGATE = days.",
        "AGGREGATE_BY": "How: of the values of a pixel in a period the median, mean, smallest or largest, or how many there are. Means "
        "and medians of radar backscatter are those of its power.",
        "OUTPUT": "The time series as GeoTIFF (.tif): float32, NaN where missing, dates in band names and tags. Or as NetCDF (.nc).",
    }
    NODATA_OF = "LAYERS"
    STYLES = {"OUTPUT": ("series", "Time series")}
    NUMBERS = {"DATE_COUNT": "Number of dates"}

    def parameters(self):
        return [
            p.rasters("LAYERS", tr("Rasters"), optional=True),
            p.folder("FOLDER", tr("or a folder of rasters"), optional=True),
            p.text("VARIABLE", tr("Variable")),
            p.choice("INDEX", tr("Index to make of bands"), INDICES, "none"),
            p.choice("QUALITY_LAYERS", tr("Quality layers"), QUALITY_LAYERS, "none"),
            p.choice("DATE_SOURCE", tr("Where dates are"), ("auto", "metadata", "name", "given", "regular"), "auto"),
            p.text("DATES", tr("Dates")),
            p.day("START_DATE", tr("First day of regular periods")),
            p.integer("PERIOD_DAYS", tr("Length of regular periods in days"), None, 1),
            p.raster("REFERENCE", tr("Reference raster"), optional=True),
            p.advanced(p.integer("QUALITY_BUFFER", tr("Pixels around clouds that go as well"), 0, 0, 100)),
            p.advanced(p.text("QUALITY_RULE", tr("Rule for quality layers"))),
            p.advanced(p.folder("QUALITY_FOLDER", tr("Folder of quality layers"), optional=True)),
            p.advanced(p.choice("MERGE", tr("Tiles, orbits and hours of one day"), ("mean", "first", "last", "max", "median"), "mean")),
            p.advanced(p.text("ORBIT", tr("Orbit of radar"))),
            p.advanced(p.number("SUN_ZENITH", tr("Angle of the sun from the zenith"), None, 0, 85)),
            p.advanced(p.text("PATTERN", tr("Files of the folder"), "*")),
            p.advanced(p.switch("SUBFOLDERS", tr("Subfolders as well"), False)),
            p.advanced(p.text("DATE_PATTERN", tr("How dates are written in names"))),
            p.advanced(p.integer("BAND", tr("Band number"), None, 1)),
            p.advanced(p.number("SCALE", tr("Scale"))),
            p.advanced(p.number("OFFSET", tr("Offset"))),
            p.advanced(
                p.choice("RESAMPLING", tr("Resampling"), ("bilinear", "nearest", "cubic", "average"), "bilinear")
            ),
            p.advanced(p.text("NODATA", tr("Stored numbers that stand for nothing"))),
            p.advanced(p.text("VALID_RANGE", tr("Range of values that can be right"))),
            p.advanced(p.choice("OUTSIDE_RANGE", tr("Values outside of the range"), ("refuse", "missing", "clip"), "refuse")),
            p.advanced(p.choice("AGGREGATE", tr("Composites"), ("none", "dekads", "months", "days"), "none")),
            p.advanced(p.integer("AGGREGATE_DAYS", tr("Length of composites in days"), None, 1)),
            p.advanced(p.choice("AGGREGATE_BY", tr("Composites by"), ("median", "mean", "min", "max", "count"), "median")),
            p.form(),
            *p.resources(),
            p.raster_output("OUTPUT", tr("Time series")),
        ]

    def check(self, values):
        if bool(values["LAYERS"]) == bool(values["FOLDER"]):
            return tr("Give either rasters (LAYERS) or a folder (FOLDER).")
        if values["DATE_SOURCE"] == "given" and not values["DATES"]:
            return tr("The dates are to be given, but DATES is empty.")
        if values["DATE_PATTERN"] and values["DATE_SOURCE"] not in ("auto", "name"):
            return tr("DATE_PATTERN says how names hold dates: with it, DATE_SOURCE is auto or name.")
        if values["DATE_SOURCE"] == "regular" and not (values["START_DATE"] and values["PERIOD_DAYS"]):
            return tr("Regular periods need START_DATE and PERIOD_DAYS.")
        if values["QUALITY_LAYERS"] == "other" and not values["QUALITY_RULE"]:
            return tr("Other quality layers need a rule (QUALITY_RULE), such as cloudmask: values 1.")
        if values["INDEX"] == "PPI" and values["SUN_ZENITH"] is None:
            return tr("PPI needs the angle of the sun (SUN_ZENITH).")
        if values["AGGREGATE"] == "days" and not values["AGGREGATE_DAYS"]:
            return tr("Composites of so many days need AGGREGATE_DAYS.")
        return ""
