"""Which method to take, in words: the quick one if good enough, the most accurate if that is better, else a diagnosis.

The bands are those of the decision tree that users of such scenes work with (R² above 0.65: use it; above 0.50: with
care; above 0.35: weak; below: look at the data), here always on values that were hidden. Where a scene hardly changes R² says
little, so for NDVI a small mean absolute error counts as well.
"""
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..timeseries.filling import SUPPORT_DAYS
from .hiding import SCENE
from .methods import BASELINE, calls
from .outcome import Outcome

GOOD, CARE, WEAK = (0.65, 0.06), (0.50, 0.08), (0.35, 0.10)  # R² at least, or mean absolute error of NDVI at most
AS_GOOD = 1.05  # an error at most 5 % above the smallest is as good: users would not wait longer for less
SCARCE = 0.25  # with a smaller share of values observed, seasons are mostly guessed
FEWEST_TO_JUDGE = 30  # values; from fewer nothing is concluded
FAINT = 0.3  # radar less correlated with the target than this hardly helps


class Advice(NamedTuple):
    """The method to take, how good that is (a level of `Report.verdict`), and why."""

    method: str
    level: str
    sentence: str


def advise(outcome: Outcome, is_ndvi: bool) -> Advice:
    """Walk the decision tree by the errors expected where values are missing; models taught the hidden values are left out."""
    errors = {method: outcome.expected(method)[0] for method in outcome.fair}
    best = min(errors, key=errors.get)
    close = [method for method, error in errors.items() if error <= AS_GOOD * errors[best]]
    quick = min(close, key=outcome.methods.index)
    for band, level, words in ((GOOD, "good", "good enough"), (CARE, "warning", "usable with care"),
                               (WEAK, "warning", "weak: use it for patterns, not for single dates")):
        if _within(outcome, quick, band, is_ndvi):
            sentences = (f"Take {quick} ({calls(quick)}): {_told(outcome, quick)}, {words}.", _why(outcome, quick, best),
                         _where_whole_dates_are_lost(outcome, quick))
            return Advice(quick, level, " ".join(filter(None, sentences)))
    return Advice(best, "bad", f"No method is good enough here; {best} errs least ({_told(outcome, best)}). "
                               "Look at the data before filling.")


def diagnosis(values: list, days: tuple, names: tuple) -> list[str]:
    """What about the data may keep every method from filling well.

    Parameters
    ----------
    values : list of (pixels, dates)
        The target, then its covariates.
    days : tuple of (dates,)
    names : tuple of str
    """
    said = []
    share = np.isfinite(values[0]).mean()
    if share < SCARCE:
        said.append(f"Only {share:.0%} of the values of {names[0]} were observed: use longer periods, or a milder cloud mask.")
    if len(values) == 1:
        said.append("No radar was given: with VV and VH as COVARIATES long gaps can be filled better.")
    else:
        strength = {name: _correlation(values[0], days[0], one, own) for name, one, own in zip(names[1:], values[1:], days[1:])}
        if all(not abs(one) >= FAINT for one in strength.values()):
            told = ", ".join(f"{name} {one:+.2f}" for name, one in strength.items())
            said.append(f"The covariates hardly follow {names[0]} (correlation {told}): check orbit, speckle and dates.")
    said.append("'Describe time series' and 'Validate composites' say where clouds were left in, dates are empty or grids differ.")
    return said


def _within(outcome: Outcome, method: str, band: tuple, is_ndvi: bool) -> bool:
    _, mae, r2 = outcome.expected(method)
    return r2 >= band[0] or (is_ndvi and mae <= band[1])


def _told(outcome: Outcome, method: str) -> str:
    rmse, _, r2 = outcome.expected(method)
    return f"root mean square error {rmse:.3f}, R² {r2:.2f}, by {len(outcome.truth):,} hidden values"


def _why(outcome: Outcome, quick: str, best: str) -> str:
    if quick != best:
        more = outcome.expected(quick)[0] / outcome.expected(best)[0] - 1
        return f"{best} errs least, but {quick} is quicker and errs only {more:.1%} more."
    others = [m for m in outcome.fair if m != best]
    if not others:
        return "No other method was compared."
    second = min(others, key=lambda method: outcome.expected(method)[0])
    compared = outcome.compared(best, second, outcome.weight)
    sure = "beyond chance" if compared.upper < 1 else "which may be chance"
    return f"It errs {1 - compared.ratio:.0%} less than {second}, the next, {sure}."


def _where_whole_dates_are_lost(outcome: Outcome, method: str) -> str:
    """What is left of the advantage over lines where no other pixel shows the date either."""
    chosen = outcome.way == outcome.ways.index(SCENE) if SCENE in outcome.ways else np.zeros(len(outcome.truth), bool)
    if method == BASELINE or chosen.sum() < FEWEST_TO_JUDGE:
        return ""
    ratio, lower, upper, _ = outcome.compared(method, BASELINE, chosen)
    if not (upper < 1 or lower > 1):
        return "Where the clouds of the whole scene were moved it is not better than straight lines beyond chance."
    return (f"Where the clouds of the whole scene were moved it errs {abs(1 - ratio):.0%} {'less' if ratio < 1 else 'more'} than "
            "straight lines.")


def _correlation(target, days, other, other_days) -> float:
    """Over all pixels, of values of the target with the nearest of the other in time; NaN where none is near."""
    nearest = np.abs(other_days[:, None] - days).argmin(axis=0)
    near = np.abs(other_days[nearest] - days) <= SUPPORT_DAYS
    first, second = target[:, near].ravel(), other[:, nearest[near]].ravel()
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 3 or not (np.ptp(first[both]) and np.ptp(second[both])):
        return float("nan")
    return float(np.corrcoef(first[both], second[both])[0, 1])
