"""Describe time series: what is there, where the gaps are, and what radar could tell."""

from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.text import tr


class DescribeTimeSeries(PhenofuseAlgorithm):
    ID, GROUP, NAME = "describetimeseries", "prepare", "Describe time series"
    SUMMARY = "Counts observations and gaps of a time series, and says in words where any method will be weak."
    DESCRIPTION = (
        "Look at this before filling: how much is there by date and by month, how long the gaps are, how the values "
        "lie, and how well radar follows them.\n\n"
        "With radar series as covariates, each date is paired with the nearest radar date (at most 6 days away) and "
        "correlated: over all pairs, by month, by level of NDVI, and within pixels, which tells how well radar "
        "follows changes in time."
    )
    TAGS = ("coverage", "gap", "cloud", "statistics", "correlation", "observations", "ndvi", "sentinel-1", "report")
    HELP = {
        "COVARIATES": "Radar or other series on the same grid, such as VV and VH; their dates may differ.",
        "OBSERVATIONS": "Number of observations of each pixel.",
        "LONGEST_GAP": "Longest time without an observation of each pixel, in days; the ends of the series bound it "
        "too.",
    }
    STYLES = {"OBSERVATIONS": ("count", "Number of observations"), "LONGEST_GAP": ("gap_days", "Longest gap (days)")}
    NUMBERS = {
        "VALID_PERCENT": "Percentage of the values that are there",
        "DATE_COUNT": "Number of dates",
        "CORRELATION": "Correlation with the covariate that goes best with the series",
    }

    def parameters(self):
        return [
            p.raster("INPUT", tr("Time series")),
            p.rasters("COVARIATES", tr("Covariates"), optional=True),
            *p.resources(),
            p.raster_output("OBSERVATIONS", tr("Number of observations"), optional=True),
            p.raster_output("LONGEST_GAP", tr("Longest gap"), optional=True),
            p.report_output(),
        ]
