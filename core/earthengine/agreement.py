"""Whether the bands of an image agree with one another: values with their counts, reasons with values."""

from __future__ import annotations

import numpy as np

from ..timeseries import RasterFile, Window, quality, variable_named
from ..validate.findings import Finding
from .harmonic import NONE, OBSERVED
from .plan import OPTICAL, Plan

ROWS_AT_ONCE = 512
FILLED = (quality.OBSERVED, quality.FILLED_IN_TIME, quality.EXTRAPOLATED, quality.INVALID)


def conflicts(file: RasterFile, plan: Plan, span) -> list:
    """A finding for each band of which pixels contradict those of its companion."""
    kinds = {}
    for number, layer in enumerate(plan.layers(span), start=1):
        kinds.setdefault(layer.period, {})[layer.kind] = number
    rules = _rules(plan)
    found = []
    for period, numbers in kinds.items():
        for kind, companion, disagree in rules:
            pairs = zip(strips(file, numbers[kind]), strips(file, numbers[companion]))
            wrong = sum(int(disagree(values, others).sum()) for (_, values), (_, others) in pairs)
            if wrong:
                found.append(Finding("count_conflict", f"{kind} of {period}: {wrong} pixels where {companion} says otherwise.",
                                     variable_named(kind).name, str(period)))  # fmt: skip
    return found


def strips(file: RasterFile, index: int):
    """A band in strips of whole rows: (window, values)."""
    for row in range(0, file.grid.height, ROWS_AT_ONCE):
        window = Window(row, 0, min(ROWS_AT_ONCE, file.grid.height - row), file.grid.width)
        yield window, file.values(index, window)


def _rules(plan: Plan) -> tuple:
    """Which band must agree with which, and where two do not."""
    optical = next(OPTICAL[name] for name in plan.indices if name in OPTICAL)
    if "quality" not in plan.kinds:
        return (("VV", "n_s1", _unseen), (optical, "n_s2", _unseen))
    return (
        (optical, "quality", lambda values, codes: np.isfinite(values) != np.isin(codes, FILLED)),
        ("quality", "n_s2", lambda codes, counts: (codes == quality.OBSERVED) != (counts > 0)),
        ("harmonics", "quality", lambda orders, codes: ((orders == OBSERVED) != (codes == quality.OBSERVED))
         | ((orders == NONE) == np.isin(codes, FILLED))),
    )  # fmt: skip


def _unseen(values, counts):
    """Wherever a band has a value, its sensor must have seen the pixel, and the other way round."""
    return np.isfinite(values) != (counts > 0)
