"""The job `fillharmonic`: learn once from a sample of the scene, then fill tile by tile."""
from __future__ import annotations

from functools import partial

import numpy as np

from .. import tiles
from ..errors import InputError
from ..parameters import given
from ..timeseries import Header, RasterSpec, Series, open_target, quality, series_spec
from ..timeseries.filling import rasters
from ..timeseries.masks import read_mask
from ..timeseries.outputdates import output_periods
from ..timeseries.sampling import sample_pixels
from ..timeseries.storing import asked
from . import adaptive, cascade

ROBUST_ROUNDS = 3


def run(parameters: dict, resources, events) -> dict:
    """Fill the gaps of a series with harmonics.

    Parameters
    ----------
    parameters : dict
        INPUT; MODEL (``adaptive`` or ``cascade``), ORDER, PERIOD_DAYS, TREND, ROBUST, SEED; DATES or STEP_DAYS,
        KEEP_OBSERVED, MAX_GAP_DAYS, MASK, FORMAT; OUTPUT, and optionally UNCERTAINTY, QUALITY, HARMONICS, AMPLITUDE_PHASE.
    """
    series = open_target(parameters["INPUT"], events)
    periods = output_periods(series.periods, parameters.get("DATES") or "", int(parameters.get("STEP_DAYS") or 0))
    days = np.array([period.middle for period in periods])
    mask = parameters.get("MASK") or None
    model = parameters.get("MODEL") or "adaptive"
    if model not in ("adaptive", "cascade"):
        raise InputError(f"There is no model '{model}'.", "Choose MODEL = adaptive or cascade.")
    if model == "cascade" and parameters.get("AMPLITUDE_PHASE"):
        raise InputError("The cascade has no single set of harmonics, so there is no AMPLITUDE_PHASE.",
                         "Choose MODEL = adaptive, or leave AMPLITUDE_PHASE empty.")
    options = _options(parameters, series)
    outputs = _outputs(parameters, series, periods, options.order)
    journal = tiles.begin("fillharmonic", parameters, outputs)
    if model == "adaptive":
        learn = partial(_learn, series, mask, options, int(parameters.get("SEED") or 0), events)
        scene = adaptive.Scene.from_dict(journal.once("scene", learn))
        events.info(_learnt(scene, series))
        wants_harmonics = bool(parameters.get("AMPLITUDE_PHASE"))
        outputs = _outputs(parameters, series, periods, scene.mean.order)
        fill = partial(_fill_adaptive, days, scene, options, wants_harmonics)
    else:
        events.warning("The cascade is there for comparison: in long gaps it is usually worse than linear interpolation.")
        fill = partial(_fill_cascade, days, _cascade_options(parameters, series))
    plan = tiles.plan(series.grid, _bytes_per_pixel(series.count, len(periods)), resources)
    work = partial(_tile, series, mask, fill, tuple(outputs))
    tiles.run(plan, work, outputs, journal, resources, events.step(0.05, 1))
    return {"outputs": {key: path for key, (path, _) in outputs.items()}, "numbers": {}}


def _options(parameters: dict, series: Series) -> adaptive.Options:
    default = adaptive.Options()
    return adaptive.Options(
        order=int(given(parameters, "ORDER", default.order)),
        period_days=float(given(parameters, "PERIOD_DAYS", default.period_days)),
        trend=given(parameters, "TREND", default.trend),
        robust_rounds=ROBUST_ROUNDS if given(parameters, "ROBUST", True) else 0,
        valid_range=series.variable.limits,
        max_gap_days=float(given(parameters, "MAX_GAP_DAYS", 0)),
        keep_observed=bool(given(parameters, "KEEP_OBSERVED", True)))


def _cascade_options(parameters: dict, series: Series) -> cascade.Options:
    return cascade.Options(
        period_days=float(given(parameters, "PERIOD_DAYS", cascade.Options().period_days)),
        valid_range=series.variable.limits,
        max_gap_days=float(given(parameters, "MAX_GAP_DAYS", 0)),
        keep_observed=bool(given(parameters, "KEEP_OBSERVED", True)))


def _learn(series: Series, mask, options, seed: int, events) -> dict:
    """What the scene teaches, as plain numbers."""
    events.info("Learning from the scene's own series.")
    return adaptive.learn(sample_pixels([series], mask, None, seed, events)[0], series.days, options, seed).to_dict()


def _learnt(scene, series: Series) -> str:
    unit = "" if series.units == "1" else f" {series.units}"
    trend = "with" if scene.mean.trend else "without"
    return (f"Learnt from {scene.pixels} pixels: {scene.mean.order} harmonics {trend} trend; "
            f"noise {scene.noise_variance ** 0.5:.3g}{unit}; residual {scene.residual_variance ** 0.5:.3g}{unit} "
            f"over {scene.length_scale:.0f} days.")


def _outputs(parameters: dict, series: Series, periods, order: int) -> dict:
    """Path and kind of every raster asked for."""
    told = {key: parameters[key] for key in ("MODEL", "ORDER", "PERIOD_DAYS", "TREND", "ROBUST", "KEEP_OBSERVED",
                                             "MAX_GAP_DAYS", "SEED") if parameters.get(key) is not None}
    header = partial(Header, method="fillharmonic", parameters=told, parents=series.paths[:3])
    specs = {
        **rasters(series, periods, header),
        "HARMONICS": series_spec(series.grid, periods, header("harmonics", ""), "int16"),
        "AMPLITUDE_PHASE": RasterSpec(series.grid, _names("amplitude", order) + _names("phase", order),
                                      header("amplitude and phase", series.units)),
    }
    return asked(specs, parameters, series.variable)


def _names(what: str, order: int) -> tuple:
    return tuple(f"{what} {harmonic}" for harmonic in range(1, order + 1))


def _bytes_per_pixel(dates: int, outputs: int) -> int:
    # The series as read and pixel by pixel; mean, standard deviation, code and order pixel by pixel and band by band.
    return 2 * 4 * dates + 2 * (4 + 4 + 1 + 2) * outputs


def _tile(series: Series, mask, fill, names: tuple, tile) -> dict:
    """The outputs of one tile, (bands, rows, columns) each."""
    values = series.read(tile.window).reshape(series.count, -1)
    inside = read_mask(mask, series.grid, tile.window).ravel() if mask else None
    if inside is not None:
        values[:, ~inside] = np.nan
    found = fill(np.ascontiguousarray(values.T), series.days)
    shape = tile.window.rows, tile.window.columns
    return {name: np.ascontiguousarray(found[name].T).reshape(-1, *shape) for name in names}


def _fill_adaptive(output_days, scene, options, wants_harmonics: bool, values, days) -> dict:
    filled = adaptive.fill(values, days, output_days, scene, options, wants_harmonics)
    order = np.where(np.isfinite(filled.mean), np.int16(scene.mean.order), np.int16(cascade.NONE))
    order[filled.quality == quality.OBSERVED] = cascade.OBSERVED
    found = {"OUTPUT": filled.mean, "UNCERTAINTY": filled.standard_deviation, "QUALITY": filled.quality, "HARMONICS": order}
    if wants_harmonics:
        found["AMPLITUDE_PHASE"] = np.concatenate([filled.amplitude, filled.phase], axis=1)
    return found


def _fill_cascade(output_days, options, values, days) -> dict:
    filled = cascade.fill(values, days, output_days, options)
    return {"OUTPUT": filled.mean, "UNCERTAINTY": filled.standard_deviation, "QUALITY": filled.quality,
            "HARMONICS": filled.harmonics}
