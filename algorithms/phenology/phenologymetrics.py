"""Phenology metrics: the seasons of a gap-free series, on absolute dates."""
from __future__ import annotations

from ..bridge import parameters as p
from ..bridge.algorithm import PhenofuseAlgorithm
from ..bridge.rasters import crs_of
from ..bridge.text import tr
from ..bridge.zonal import summed_up

METHODS = ("amplitude", "absolute", "derivative", "logistic")


class PhenologyMetrics(PhenofuseAlgorithm):
    ID, GROUP, NAME = "phenologymetrics", "phenology", "Phenology metrics"
    SUMMARY = "Finds every season of a gap-free time series: start, peak, end, length, amplitude, integrals, and how sure they are."
    DESCRIPTION = (
        "Any number of seasons, on absolute dates, across New Year and in either hemisphere. A season is a rise and a fall that "
        "stand out of the rest of the series; short rebounds and noise do not divide one. Dates lie between those of the "
        "series. Each metric is a raster with one band per season, in order of time; band 1 is the first season of the series, "
        "which need not be the same season of the year everywhere.\n\n"
        "Nothing found is no data, never 0, and QUALITY says why: a season cut by an end of the series, a long gap, too little "
        "change (evergreen, water, bare soil). With the filling's UNCERTAINTY, UNCERTAINTY_DAYS is the standard deviation of "
        "start, peak and end in days: 90 % of the true dates lie within 1.64 of it.\n\n"
        "SEASONS counts the seasons whose peak lies in the series; INTENSITY is that number per year (cropping intensity). "
        "PLANTING and SEASON_TYPE are made for rice. EVENTS finds sudden drops: mowing or harvest. Dates are days since "
        "1970-01-01; as maps they are coloured by the time of year.")
    TAGS = ("phenology", "start of season", "sos", "eos", "season", "crop", "cropping intensity", "planting date", "rice",
            "harvest", "mowing", "timesat", "ndvi")
    HELP = {
        "INPUT": "The time series, best gap-free, as a 'Fill' algorithm makes it. Missing dates are left out.",
        "UNCERTAINTY": "Standard deviations of the filled series (its UNCERTAINTY). Seasons then have to exceed them, and "
                       "UNCERTAINTY_DAYS can be told.",
        "FILL_QUALITY": "Reason codes of the filled series (its QUALITY): what counts as an observation. Empty: every value does.",
        "METHOD": "Where a season starts and ends. amplitude: where the curve passes THRESHOLD as a share of the amplitude, on "
                  "either side of the peak. absolute: where it passes THRESHOLD as a value. derivative: where it changes fastest. "
                  "logistic: as amplitude, on a double logistic fitted to each season (slower; code 11 where it does not fit).",
        "THRESHOLD": "Share of the amplitude (0.2 as in TIMESAT), or with METHOD = absolute the value itself.",
        "MAX_SEASONS": "Bands of each raster: so many seasons are given, the first in time. All are counted.",
        "MIN_AMPLITUDE": "Smaller rises and falls divide no seasons, and make none; in the series' units. 0.15 is for "
        "NDVI; you are told where "
                         "another variable rises by less.",
        "MIN_SHARE": "The same as a share of the pixel's whole range.",
        "MIN_SEASON_DAYS": "Least time between the two valleys of a season; shorter ones are joined to a neighbour.",
        "SMOOTHING_DAYS": "Values up to so many days away smooth a value while seasons are divided; dates are then read from a curve "
                          "smoothed over 0.6 of it. 0: no smoothing.",
        "MAX_GAP_DAYS": "Withhold seasons with a longer time without an observation (QUALITY 8). 0: withhold none.",
        "MIN_OBSERVATIONS": "Withhold seasons with fewer observations from start to end (QUALITY 9).",
        "DATES_AS": "How dates are written. days: days since 1970-01-01, with fractions. day_of_year: 1 to 366, without the year.",
        "CALENDAR": "Windows of the year for SEASON_TYPE: java (three plantings of rice), or windows such as 'winter crop "
                    "10-01/03-31, summer crop 04-01/09-30'.",
        "PLANTING_LAG": "Days from transplanting to the start of the season: PLANTING is the start minus this. Some 20 for "
                        "transplanted rice at THRESHOLD 0.2.",
        "MIN_DROP": "Smallest drop that is an event, in the series' units; smaller rebounds do not end one.",
        "MIN_DROP_RATE": "Slowest drop that is an event, in the series' units a day.",
        "MAX_EVENTS": "Bands of EVENTS: so many are given, the first in time.",
        "ZONES": "Polygons for ZONAL_SUMMARY, in any reference system; of overlapping ones the last counts.",
        "ZONE_FIELD": "Field whose values name the polygons in the table. Empty: their feature ids.",
        "OUTPUT": "Start of each season.",
        "PEAK": "Day of the highest value of each season.",
        "END": "End of each season.",
        "LENGTH": "Days from start to end.",
        "AMPLITUDE": "Peak minus base.",
        "BASE": "Mean of the valleys before and after the season.",
        "PEAK_VALUE": "Highest value of each season.",
        "LARGE_INTEGRAL": "Integral of the curve from start to end, in value times days.",
        "SMALL_INTEGRAL": "Integral of the curve above the base from start to end, in value times days.",
        "RATE_OF_RISE": "Change a day between 20 and 80% of the rise.",
        "RATE_OF_FALL": "Change a day between 80 and 20% of the fall, as a positive number.",
        "SEASONS": "Number of seasons whose peak lies in the series; no data where there are too few dates.",
        "INTENSITY": "Seasons per year: the cropping intensity.",
        "PLANTING": "Planting date of each season: its start minus the planting lag.",
        "SEASON_TYPE": "Number of the calendar's window that holds the start: 1 the first, 0 outside all, no data without a start.",
        "UNCERTAINTY_DAYS": "Standard deviations in days: of the start of each season, then of the peaks, then of the ends.",
        "QUALITY": "What became of each season: complete, cut by an end of the series, withheld, or why there is none.",
        "EVENTS": "Days of sudden drops: mowing or harvest, the middle of each drop's fastest part.",
        "ZONAL_SUMMARY": "A table with one line per polygon: shares by number of seasons, and median start, peak, end, length and "
                         "amplitude, as far as these are written. Join it to the polygons by the column zone.",
        "ZONAL_LAYER": "The polygons themselves with the columns of that table (GeoPackage), in the reference system of the series.",
    }
    STYLES = {
        "OUTPUT": ("series", "Start of season"), "PEAK": ("series", "Peak of season"), "END": ("series", "End of season"),
        "SEASONS": ("seasons", "Number of seasons"), "INTENSITY": ("seasons_per_year", "Seasons per year"),
        "PLANTING": ("series", "Planting date"), "SEASON_TYPE": ("season_type", "Season type"),
        "LENGTH": ("season_days", "Length of season"), "AMPLITUDE": ("amplitude", "Amplitude"), "BASE": ("series", "Base"),
        "PEAK_VALUE": ("series", "Peak value"), "LARGE_INTEGRAL": ("value_days", "Large integral"),
        "SMALL_INTEGRAL": ("value_days", "Small integral"), "RATE_OF_RISE": ("rate", "Rate of rise"),
        "RATE_OF_FALL": ("rate", "Rate of fall"), "UNCERTAINTY_DAYS": ("uncertainty_days", "Standard deviation (days)"),
        "QUALITY": ("season_quality", "Quality of seasons"), "EVENTS": ("series", "Mowing or harvest"),
    }
    NUMBERS = {"SEASONS_PER_YEAR": "Mean number of seasons per year"}

    def parameters(self):
        rasters = [("PEAK", tr("Peak of season"), True), ("END", tr("End of season"), True),
                   ("SEASONS", tr("Number of seasons"), True), ("INTENSITY", tr("Seasons per year"), False),
                   ("PLANTING", tr("Planting date"), False), ("SEASON_TYPE", tr("Season type"), False),
                   ("LENGTH", tr("Length of season"), False), ("AMPLITUDE", tr("Amplitude"), False),
                   ("BASE", tr("Base"), False), ("PEAK_VALUE", tr("Peak value"), False),
                   ("LARGE_INTEGRAL", tr("Large integral"), False), ("SMALL_INTEGRAL", tr("Small integral"), False),
                   ("RATE_OF_RISE", tr("Rate of rise"), False), ("RATE_OF_FALL", tr("Rate of fall"), False),
                   ("UNCERTAINTY_DAYS", tr("Uncertainty in days"), False), ("QUALITY", tr("Quality of seasons"), True),
                   ("EVENTS", tr("Mowing or harvest events"), False)]
        return [
            p.raster("INPUT", tr("Time series")),
            p.raster("UNCERTAINTY", tr("Uncertainty of the fill"), optional=True),
            p.raster("FILL_QUALITY", tr("Quality of the fill"), optional=True),
            p.choice("METHOD", tr("Start and end by"), METHODS, "amplitude"),
            p.number("THRESHOLD", tr("Threshold"), 0.2),
            p.integer("MAX_SEASONS", tr("Most seasons"), 6, 1, 250),
            p.number("MIN_AMPLITUDE", tr("Least amplitude"), 0.15, 0),
            p.choice("DATES_AS", tr("Dates as"), ("days", "day_of_year"), "days"),
            p.mask(),
            p.text("CALENDAR", tr("Calendar of season types"), "java"),
            *p.zones(),
            *(p.advanced(one) for one in (
                p.number("MIN_SHARE", tr("Least amplitude as a share of the range"), 0.25, 0, 1),
                p.integer("MIN_SEASON_DAYS", tr("Shortest season in days"), 45),
                p.integer("SMOOTHING_DAYS", tr("Smoothing in days"), 50),
                p.integer("MAX_GAP_DAYS", tr("Longest time without observation in a season in days"), 0),
                p.integer("MIN_OBSERVATIONS", tr("Fewest observations in a season"), 0),
                p.number("PLANTING_LAG", tr("Days from planting to start"), 20),
                p.number("MIN_DROP", tr("Smallest drop of an event"), 0.15, 0),
                p.number("MIN_DROP_RATE", tr("Slowest drop of an event, a day"), 0.007, 0),
                p.integer("MAX_EVENTS", tr("Most events"), 6, 1, 250))),
            p.seed(),
            *p.resources(),
            p.raster_output("OUTPUT", tr("Start of season")),
            *(p.raster_output(key, text, optional=True, created=created) for key, text, created in rasters),
            p.file_output("ZONAL_SUMMARY", tr("Table by polygon"), tr("CSV files (*.csv)")),
            p.layer_output("ZONAL_LAYER", tr("Polygons with their seasons")),
        ]

    def prepareAlgorithm(self, given, context, feedback):
        self._crs = crs_of(given["INPUT"], context)
        return super().prepareAlgorithm(given, context, feedback)

    def perform(self, values, feedback):
        return summed_up(values, self._crs, lambda given: super(PhenologyMetrics, self).perform(given, feedback))

    def check(self, values):
        if values["METHOD"] in ("amplitude", "logistic") and not 0 < values["THRESHOLD"] < 1:
            return tr("THRESHOLD is a share of the amplitude: between 0 and 1. For a value choose METHOD = absolute.")
        return ""
