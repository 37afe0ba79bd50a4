"""The dates on which a result is given: the input's own, a list, or a regular grid."""

from __future__ import annotations

from datetime import timedelta

from ..errors import DateError, InputError
from .dates import Period, dates_given, later, require_increasing


def output_periods(periods, dates: str = "", step_days: int = 0) -> tuple[Period, ...]:
    """Periods of a result.

    Parameters
    ----------
    periods : sequence of Period
        Of the input.
    dates : str
        DATES: a list, or the path of a CSV file; '' for none.
    step_days : int
        STEP_DAYS: one date every so many days from the input's first to its last; where the input holds periods, one
        period of that length after the other. 0 for none.

    Raises
    ------
    DateError, InputError
        When the dates are not dates, do not increase, or both ways are asked for.
    """
    if dates and step_days:
        raise InputError("Both DATES and STEP_DAYS are given.", "Give only one of them.")
    if dates:
        found = dates_given(dates)
        found = tuple(found.values()) if isinstance(found, dict) else found
        if not found:
            raise DateError("DATES holds no date.", "Give dates such as 2024-01-31, 2024-02-29, or leave it empty.")
        require_increasing(found, "DATES")
        return found
    if step_days:
        return _regular(periods[0], periods[-1], step_days)
    return tuple(periods)


def _regular(first: Period, last: Period, step_days: int) -> tuple[Period, ...]:
    if step_days < 0:
        raise InputError(f"STEP_DAYS is {step_days}.", "Give days, or 0 for the input's own dates.")
    length = ((last.end or last.start + timedelta(days=1)) - first.start).days
    starts = [later(first.start, after) for after in range(0, length, step_days)]
    return tuple(Period(start, None if first.end is None else later(start, step_days)) for start in starts)
