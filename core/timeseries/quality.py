"""Reason codes of the QUALITY raster: why a value is as it is, or is missing; `filling.reasons` gives them, for all methods alike."""

NO_DATA = 0
OBSERVED = 1
FILLED_WITH_SAR = 2
FILLED_IN_TIME = 3
BEYOND_MAX_GAP = 4
EXTRAPOLATED = 5
TOO_FEW = 6
INVALID = 7
NOT_CONVERGED = 8

NAMES = {
    NO_DATA: "no data",
    OBSERVED: "observed",
    FILLED_WITH_SAR: "filled with radar support",
    FILLED_IN_TIME: "filled from neighbours in time",
    BEYOND_MAX_GAP: "beyond the longest gap allowed",
    EXTRAPOLATED: "before the first or after the last observation",
    TOO_FEW: "too few observations",
    INVALID: "constant or invalid series",
    NOT_CONVERGED: "did not converge, fallback used",
}
