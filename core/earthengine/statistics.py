"""What the service says of a period before its pixels are fetched, judged by the rules that also judge files.

Minimum, maximum, percentiles and counts on the true grid of the export, before any clamping: a mean at another scale
would look plausible whatever the band held.
"""

from __future__ import annotations

import numpy as np

from ..timeseries import Grid, variable_named
from ..validate.checks import COPY_CORRELATION, FEWEST, FEWEST_PAIRS, Layer, check_values
from ..validate.findings import Finding
from ..validate.measure import Measure
from . import composites, plans
from .plan import SMALLEST_SHARE, Plan
from .service import ServiceError

PERCENTS = tuple(range(0, 101, 5))
SPLIT = "__"  # between a band and what is counted of it
MOST_PIXELS = 1e8


def ask(service, plan: Plan, period) -> dict:
    """What the service says of a period: numbers of scenes, and statistics of its middle of ``side`` pixels.

    The service ends requests after five minutes, and files are checked whole on arrival: of larger areas the middle is
    looked at, and a smaller middle where even that is too much.

    Raises
    ------
    ServiceError
        `why` is ``too_large`` when even the smallest middle is.
    """
    side = plan.LARGEST_LOOK
    while True:
        try:
            return {**service.value(asked(service.ee, plan, period, side)), "side": side}
        except ServiceError as problem:
            if problem.why != "too_large" or side <= plan.LARGEST_LOOK // SMALLEST_SHARE:
                raise
        side //= 2


def asked(ee, plan: Plan, period, side: int) -> dict:
    """The question, as one request."""
    expressions = plans.expressions(plan)
    image, judged = expressions.image(ee, plan, period), list(plan.judged)
    part = middle(plan.grid, side)
    place = {"geometry": composites.region(ee, plan, part), "crs": plan.crs, "crsTransform": list(part.transform),
             "maxPixels": MOST_PIXELS}  # fmt: skip
    r = ee.Reducer
    levels = (
        r.minMax()
        .combine(r.mean(), "", True)
        .combine(r.stdDev(), "", True)
        .combine(r.count(), "", True)
        .combine(r.percentile(list(PERCENTS), [f"p{percent}" for percent in PERCENTS]), "", True)
    )
    pairs = {
        f"{a}{SPLIT}{b}": image.select([a, b]).reduceRegion(reducer=r.pearsonsCorrelation(), **place)
        for a, b in _pairs(plan)
    }  # fmt: skip
    measured = image.select(judged)
    flags = _flags(measured, ee, plan)
    if "VV" in judged:
        measured = measured.addBands(image.select("VV").subtract(image.select("VH")).rename(["difference"]))
    return {
        **expressions.scenes(ee, plan, period),
        "levels": measured.reduceRegion(reducer=levels, **place),
        "flags": flags.reduceRegion(reducer=r.sum(), **place),
        "pairs": ee.Dictionary(pairs),
    }


def judged(answer: dict, plan: Plan, period) -> list:
    """Findings about a period from what `ask` brought."""
    part, periods = middle(plan.grid, answer["side"]), {layer.band: layer.period for layer in plan.layers(period)}
    found = []
    for name, variable in plan.judged.items():
        date, measure = periods[name], _measure(answer, name, part.width * part.height)
        layer = Layer(str(date), name, variable.name, date.start, date.end, False, False, variable.units, measure)
        found += check_values(layer)
    return found + _judge_pairs(answer, period)


def middle(grid: Grid, side: int) -> Grid:
    """The grid, or of one that is larger than `side` its middle, on the same pixels."""
    width, height = min(grid.width, side), min(grid.height, side)
    column, row = (grid.width - width) // 2, (grid.height - height) // 2
    a, b, c, d, e, f = grid.transform
    return Grid(grid.crs, (a, b, c + a * column, d, e, f + e * row), width, height)


def _pairs(plan: Plan) -> list:
    """Bands of one period of different variables, none of which may be a copy of another."""
    judged = list(plan.judged.items())
    return [(a, b) for i, (a, first) in enumerate(judged) for b, second in judged[i + 1 :] if first != second]


def _flags(measured, ee, plan: Plan):
    """Of each band one that is 1 where a value lies outside of its range, at either limit, or exactly at 0."""
    lows, highs = (ee.Image.constant([variable.valid_range[end] for variable in plan.judged.values()]) for end in (0, 1))
    made = measured.eq(0).rename([f"{name}{SPLIT}zero" for name in plan.judged])
    for what, flag in (("outside", measured.lt(lows).Or(measured.gt(highs))), ("low", measured.eq(lows)), ("high", measured.eq(highs))):
        made = made.addBands(flag.rename([f"{name}{SPLIT}{what}" for name in plan.judged]))
    return made


def _measure(answer: dict, name: str, pixels: int) -> Measure:
    levels, flags = answer["levels"], answer["flags"]

    def level(what):
        value = levels.get(f"{name}_{what}")
        return float("nan") if value is None else float(value)

    def flag(what):
        return int(flags.get(f"{name}{SPLIT}{what}") or 0)

    sample = np.array([[level(f"p{percent}") for percent in PERCENTS]], "float32")
    return Measure(
        pixels=pixels, finite=int(levels.get(f"{name}_count") or 0), infinite=0, low=level("min"), high=level("max"),
        mean=level("mean"), deviation=level("stdDev"), outside=flag("outside"), at_low=flag("low"), at_high=flag("high"),
        zero=flag("zero"), whole=0, fill=float("nan"), fill_count=0, sample_outside=0, digest="", sample=sample,
    )  # fmt: skip


def _judge_pairs(answer: dict, period) -> list:
    found, levels = [], answer["levels"]
    for pair, result in answer["pairs"].items():
        first, second = (variable_named(name).name for name in pair.split(SPLIT))
        correlation, count = result.get("correlation"), min(levels[f"{name}_count"] or 0 for name in pair.split(SPLIT))
        if correlation is not None and count >= FEWEST_PAIRS and abs(correlation) > COPY_CORRELATION:
            found.append(Finding("copied_band", f"{second} of {period}: it is a copy of {first} (correlation "
                                 f"{correlation:.4f}).", second, str(period)))  # fmt: skip
    median = levels.get("difference_p50")
    if median is not None and levels["difference_count"] >= FEWEST and median < 0:
        found.append(Finding("polarisations_swapped", f"{period}: VH is above VV, by {-median:.2g} in the median; over "
                             "land it lies 5 to 10 dB below.", "VV, VH", str(period)))  # fmt: skip
    return found
