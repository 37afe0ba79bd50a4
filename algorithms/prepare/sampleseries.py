"""Sample series: values at points, or statistics of polygons, date by date as a table."""
from __future__ import annotations

import os

from qgis.core import QgsProcessingException, QgsProcessingUtils

from ...core import outputs
from ...core.errors import OutputError
from ..bridge import mask, sampled, settings
from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr

STATISTICS = ("mean", "median")


class SampleSeries(PhenofuseAlgorithm):
    ID, GROUP, NAME = "sampleseries", "prepare", "Sample series"
    SUMMARY = "Gives the values of one or several time series at points, or their means over polygons, as a table with a row per date."
    DESCRIPTION = (
        "One row per place, series and date: id, series, variable, date (and the first day after it where it is a period), value, "
        "sd (standard deviation), kind (observed, filled, extrapolated, doubtful, missing). Join it to the places by id, chart it, or "
        "go on in a spreadsheet or in R. Series may have different grids, dates and reference systems. A place outside, or on pixels "
        "without a value, has rows without a value, kind missing; how many is said.\n\n"
        "A point has the value of the pixel it lies in. A polygon has those of the pixels whose middle lies inside; where these are "
        "fewer than 10, all pixels it touches, each by the share of it that is covered. Beside the value stand spread (standard "
        "deviation among the pixels), clear_share (share of the pixels observed on that date) and pixels (how many have a value). "
        "kind is mixed where pixels differ. Overlapping polygons are each complete.\n\n"
        "sd comes from UNCERTAINTIES: by how much clear observations may differ. Pixels of one field err alike, so that the mean "
        "of 100 is not ten times as sure as one: how much alike is estimated for each polygon from its observed values, each hidden "
        "from a line between observations as far apart as its gaps are (intraclass correlation; the design effect of Kish). Where "
        "that cannot be told, without QUALITIES or with fewer than 8 dates, the pixels are taken to err as one, the most it can be. "
        "sd is of the pixels that have a value; what the others would have changed is not in it: look at clear_share and pixels too.")
    TAGS = ("sample", "extract", "zonal statistics", "zonal", "profile", "points", "polygons", "field", "mean", "median", "csv",
            "table", "chart", "time series")
    HELP = {
        "SERIES": "One or several time series, observed or filled, of any variables.",
        "UNCERTAINTIES": "UNCERTAINTY rasters of any of them, in any order: they say of which run they are.",
        "QUALITIES": "QUALITY rasters of any of them, in any order: they tell observed values from filled ones.",
        "PLACES": "Points or polygons in any reference system; all, or those selected.",
        "ID_FIELD": "Field whose values are the ids in the table. Empty: the feature ids.",
        "STATISTIC": "What is taken of a polygon's pixels: their mean or their median. Points have one pixel.",
        "START_DATE": "First day wanted. Empty: from the start.",
        "END_DATE": "Last day wanted. Empty: to the end.",
        "TABLE": "The table as a layer without geometry.",
        "CSV": "The table as a file. Commas and decimal points; in a spreadsheet of a language with decimal commas, open it by Data > "
               "From text.",
    }
    NUMBERS = {"COUNT": "Number of rows with a value", "MISSING": "Number of rows without a value", "PLACES_COUNT": "Number of places",
               "OUTSIDE": "Number of places outside all series"}

    def parameters(self):
        return [
            p.rasters("SERIES", tr("Time series")),
            p.rasters("UNCERTAINTIES", tr("Their uncertainties"), optional=True),
            p.rasters("QUALITIES", tr("Their qualities"), optional=True),
            *p.places(),
            p.choice("STATISTIC", tr("Statistic of polygons"), STATISTICS, STATISTICS[0]),
            p.day("START_DATE", tr("First day")),
            p.day("END_DATE", tr("Last day")),
            *p.resources(),
            p.table_output("TABLE", tr("Values by place and date")),
            p.file_output("CSV", tr("Table as a file"), tr("CSV files (*.csv)")),
        ]

    def check(self, values):
        if values["START_DATE"] and values["END_DATE"] and values["START_DATE"] > values["END_DATE"]:
            return tr("START_DATE lies after END_DATE. Exchange them.")
        return ""

    def prepareAlgorithm(self, given, context, feedback):
        super().prepareAlgorithm(given, context, feedback)
        source, field = self._values.pop("PLACES"), self._values.pop("ID_FIELD") or ""
        if source is None:
            raise QgsProcessingException(self.invalidSourceError(given, "PLACES"))
        layer = self.parameterAsVectorLayer(given, "PLACES", context)
        self._polygons["PLACES"] = p.layer_file(layer) if layer else None
        self._id_type = sampled.id_type(source, field)
        crs = self.parameterAsLayerList(given, "SERIES", context)[0].crs()
        self._values["PLACES"] = mask.places_file(source, crs, context, str(settings.home() / "masks"), field)
        return True

    def processAlgorithm(self, given, context, feedback):
        table = given.get("TABLE")
        self._require_writable(sampled.sink_file(table))
        result = super().processAlgorithm(given, context, feedback)
        try:
            if table:
                result["TABLE"] = sampled.write_table(self, given, "TABLE", context, self._csv, self._id_type)
        finally:
            if "CSV" not in result:  # nobody asked for it
                os.remove(self._csv)
        return result

    def perform(self, values, feedback):
        self._csv = values.get("CSV") or QgsProcessingUtils.generateTempFilename("samples.csv")
        result = super().perform({**values, "CSV": self._csv}, feedback)
        if not values.get("CSV"):
            del result["outputs"]["CSV"]
        return result

    def _require_writable(self, file: str) -> None:
        """Refuse a table in the place of what is read, before any work."""
        clash = outputs.clash({**self._values, **self._polygons, "TABLE": file}, {"TABLE": file}) if file else ()
        if clash:
            raise QgsProcessingException(tr("{} and {} are the same file. Choose another name.").format(*clash))
        try:
            if file:
                outputs.require_replaceable(file)
        except OutputError as problem:
            raise QgsProcessingException(str(problem)) from problem
