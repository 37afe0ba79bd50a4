"""Reason codes of the phenology's QUALITY raster: what became of each season."""

NO_DATA = 0
COMPLETE = 1
CUT_AT_START = 2
CUT_AT_END = 3
CUT_AT_BOTH = 4
NO_MORE = 5
FLAT = 6
TOO_FEW_DATES = 7
LONG_GAP = 8
TOO_FEW_OBSERVATIONS = 9
NEVER_CROSSED = 10
FIT_FAILED = 11

NAMES = {
    NO_DATA: "no data",
    COMPLETE: "complete season",
    CUT_AT_START: "begins before the series: no start",
    CUT_AT_END: "ends after the series: no end",
    CUT_AT_BOTH: "longer than the series: no start, no end",
    NO_MORE: "fewer seasons than this",
    FLAT: "no season: too little change (evergreen, water, bare)",
    TOO_FEW_DATES: "no season: too few dates",
    LONG_GAP: "withheld: too long a gap in the season",
    TOO_FEW_OBSERVATIONS: "withheld: too few observations in the season",
    NEVER_CROSSED: "the threshold is not crossed on both sides",
    FIT_FAILED: "no fit: measured on the curve instead",
}
