"""Reading a job's parameters."""
from __future__ import annotations

from .errors import InputError

WHOLE = {"AGGREGATE_DAYS", "QUALITY_BUFFER", "BAND", "DAYS_AFTER", "DAYS_BEFORE", "EPOCHS", "MAX_EVENTS", "MAX_PENDING", "MAX_SEASONS",
         "MIN_OBSERVATIONS", "ORDER", "PERIODS", "PIXELS", "RELATIVE_ORBIT", "SEED", "SIZE", "STEP_DAYS"}
# PERIOD_DAYS is the length of the year's harmonics in one job and of composites in others.
REAL = {"CLOUD_THRESHOLD", "ENVELOPE", "FRACTION", "GAP_DAYS", "GREATEST_DVI", "MAX_GAP_DAYS", "MIN_AMPLITUDE", "MIN_DROP",
        "MIN_DROP_RATE", "MIN_SEASON_DAYS", "MIN_SHARE", "MIN_VALID_PERCENT", "OFFSET", "PERIOD_DAYS", "PLANTING_LAG", "RESOLUTION",
        "SCALE", "SMOOTHING_DAYS", "SUN_ZENITH", "THRESHOLD", "WAIT_MINUTES", "WINDOW_DAYS"}  # fmt: skip
LARGEST_WHOLE, LARGEST_REAL = 2**32 - 1, 1e300  # the largest seed; the dialog's own limit


def given(parameters: dict, key: str, default):
    """A parameter, or its default where it is missing or None (0 and False are values)."""
    value = parameters.get(key)
    return default if value is None else value


def require_numbers(parameters: dict) -> None:
    """Raise `InputError` where a parameter that is a number is none, or beyond all reckoning."""
    for key, value in parameters.items():
        if value is None or key not in WHOLE | REAL:
            continue
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        whole = key in WHOLE
        if not is_number or not abs(value) <= (LARGEST_WHOLE if whole else LARGEST_REAL) or (whole and (value < 0 or value % 1)):
            expected = f"a whole number from 0 to {LARGEST_WHOLE}" if whole else "a number"
            raise InputError(f"{key} is {repr(value)[:40]}; {expected} is expected.", f"Correct {key}.")
