"""Harmonic interpolation as an expression for the service: the cascade of `core.harmonic`, computed where the images are.

Every clear observation of the widened window counts at its own time. Its NDVI is regressed on a constant, a trend and 10,
then 5, then 1 harmonics of a year, by least squares; a fit exists where more days were seen than there are unknowns (two
tiles of the collection that overlap both hold one pass: counted as two, they would leave the regression singular). A
period with a clear observation keeps its median, which is that of `composites`; any other takes, at its middle, the fit
with most harmonics whose value there is possible.

Time is counted in years from the middle of the window: milliseconds since 1970 beside cosines would leave the fit few digits.
"""

from __future__ import annotations

import json
import math

from ..timeseries import quality, variable_named
from . import composites
from .harmonicplan import ORDERS, SEASON_DAYS, HarmonicPlan

OBSERVED, NONE = -1, 0  # in place of a number of harmonics, as `core.harmonic` has them
MILLISECONDS = 1000 * 86400.0  # of a day
# Lets the service hold less in memory at a time, at the price of time; its documentation names 2 and 4 as the first to try.
PARALLEL_SCALE = 4
CANDIDATE = ["value", "quality", "harmonics"]


def image(ee, plan: HarmonicPlan, span):
    """The bands of the image of `span`, float32: all periods of a stack share their regressions."""
    rows = _rows(ee, plan)
    days = rows.select(["day"]).reduce(ee.Reducer.countDistinct(), PARALLEL_SCALE)
    fits = {order: _fit(ee, rows, days, order) for order in ORDERS}
    time, value = rows.select(["c1"]), rows.select(["value"])
    seen = {"first": time.min(), "last": time.max(), "constant": value.min().eq(value.max())}
    dates = [_date(ee, plan, layer.period, fits, seen) for layer in plan.layers(span)[:: len(plan.kinds)]]
    return ee.ImageCollection(dates).toBands().rename(list(plan.bands)).toFloat()


def scenes(ee, plan: HarmonicPlan, span) -> dict:
    """How many images the curves lean on, and how many of them lack their cloud score."""
    return composites.optical_scenes(ee, plan, plan.window)


def row(years: float, order: int) -> list:
    """A line of the regression: 1, time, cosines, sines."""
    angles = [2 * math.pi * harmonic * years for harmonic in range(1, order + 1)]
    return [1.0, years, *map(math.cos, angles), *map(math.sin, angles)]


def years(plan: HarmonicPlan, days: float) -> float:
    """Days since 1970 as years from the middle of the window."""
    return (days - plan.window.middle) / SEASON_DAYS


def _rows(ee, plan: HarmonicPlan):
    """Of each clear observation a line of the largest regression, columns c0, c1 ..., its value, and its day since 1970."""
    most = max(ORDERS)
    turns = ee.Image.constant([2 * math.pi * harmonic for harmonic in range(1, most + 1)])
    names = [f"c{column}" for column in range(2 + 2 * most)] + ["value", "day"]

    def line(one):
        value = one.select(0)
        days = one.metadata(composites.TIME).divide(MILLISECONDS)
        time = days.subtract(plan.window.middle).divide(SEASON_DAYS)
        angles = time.multiply(turns)
        columns = ee.Image.constant(1).addBands(time).addBands(angles.cos()).addBands(angles.sin())
        return columns.addBands(value).addBands(days.floor()).rename(names).toDouble().updateMask(value.mask())

    return composites.optical_collection(ee, plan, plan.window).map(line)


def _columns(order: int) -> list:
    """Names of the columns that a fit of some harmonics uses, in the order of `row`."""
    most = max(ORDERS)
    waves = [f"c{first + harmonic}" for first in (2, 2 + most) for harmonic in range(order)]
    return ["c0", "c1", *waves]


def _fit(ee, rows, days, order: int):
    """Coefficients as one array per pixel, masked where no more days were seen than there are unknowns."""
    columns = _columns(order)
    reducer = ee.Reducer.linearRegression(len(columns), 1)
    fitted = rows.select([*columns, "value"]).reduce(reducer, PARALLEL_SCALE)
    return fitted.select(["coefficients"]).arrayProject([0]).updateMask(days.gt(len(columns)))


def _date(ee, plan: HarmonicPlan, period, fits: dict, seen: dict):
    """Value, reason, harmonics and number of clear images of one period."""
    observed = composites.optical_collection(ee, plan, period)
    count = observed.count().unmask(0, False)
    time = years(plan, period.middle)
    inside = seen["first"].lte(time).And(seen["last"].gte(time))
    filled = inside.multiply(quality.FILLED_IN_TIME - quality.EXTRAPOLATED).add(quality.EXTRAPOLATED)
    filled = filled.max(seen["constant"].multiply(quality.INVALID))  # the larger code, as `timeseries.filling` has it
    found = [_candidate(ee, _curve(ee, fits[order], time, order), filled, order) for order in sorted(ORDERS)]
    found.append(_candidate(ee, observed.median(), ee.Image.constant(quality.OBSERVED), OBSERVED))
    best = ee.ImageCollection(found).mosaic()  # the last that is there
    unfilled = seen["first"].mask().multiply(quality.TOO_FEW)
    reason = best.select(["quality"]).unmask(unfilled, False)
    codes = reason.addBands(best.select(["harmonics"]).unmask(NONE, False)).addBands(count)
    value = best.select(["value"])
    land = _land(ee, plan)
    return value.addBands(codes) if land is None else value.updateMask(land).addBands(codes.updateMask(land).unmask(0, False))


def _candidate(ee, value, reason, harmonics: int):
    bands = value.addBands(reason).addBands(ee.Image.constant(harmonics)).rename(CANDIDATE)
    return bands.toDouble().updateMask(value.mask())


def _curve(ee, fit, time: float, order: int):
    """A fit's value at a time, masked where it is impossible."""
    low, high = variable_named("NDVI").valid_range
    value = fit.arrayDotProduct(ee.Image.constant(ee.Array(row(time, order))))
    return value.updateMask(value.gt(low).And(value.lt(high)))


def _land(ee, plan: HarmonicPlan):
    """1 where the middle of a pixel lies on land, else 0; None where all counts as land."""
    if not plan.land and not plan.land_asset:
        return None
    if plan.land_asset:
        polygons = ee.FeatureCollection(plan.land_asset)
    else:
        shape = ee.Geometry.MultiPolygon(json.loads(plan.land), plan.crs, False)
        polygons = ee.FeatureCollection([ee.Feature(shape)])
    return ee.Image.constant(0).paint(polygons, 1)
