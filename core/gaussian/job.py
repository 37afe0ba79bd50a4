"""The job `fillmogpr`: learn once from a sample of the scene, check on hidden gaps, then fill tile by tile."""
from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from .. import tiles
from ..errors import InputError
from ..parameters import given
from ..tiles.gather import gather
from ..timeseries import Header, Series, open_companion, open_together, quality
from ..timeseries.filling import Options, placed, rasters
from ..timeseries.masks import read_mask
from ..timeseries.outputdates import output_periods
from ..timeseries.sampling import sample_pixels, varies
from ..timeseries.series import distinct_names
from ..timeseries.storing import asked
from ..version import version
from . import long_scene, methods, scene_file, summary
from .long_scene import LongScene
from .scene_learning import check
from .self_check import Check

# Enough to tell eight classes apart; more only take longer (learning needs some 5 ms per pixel).
SAMPLE_PIXELS = 1000


def run(parameters: dict, resources, events) -> dict:
    """Fill the gaps of a series with the help of others.

    Parameters
    ----------
    parameters : dict
        INPUT, COVARIATES (a list); COVARIANCE (``scene``, ``shared`` or ``pixel``), NOISE_PER_PIXEL (for ``shared``),
        MAXIMUM_LIKELIHOOD (for ``pixel``); DATES or STEP_DAYS, KEEP_OBSERVED, MAX_GAP_DAYS, MASK, SEED, FORMAT; OUTPUT, and optionally
        UNCERTAINTY, QUALITY, REPORT; FIT (write what was learnt) and APPLY (use what was learnt), both for ``scene``.
    """
    kind = _kind(parameters)
    series = open_together([parameters["INPUT"], *(parameters.get("COVARIATES") or [])], events)
    target = series[0]
    mask = parameters.get("MASK") or None
    periods = output_periods(target.periods, parameters.get("DATES") or "", int(parameters.get("STEP_DAYS") or 0))
    output_days = np.array([period.middle for period in periods])
    outputs = _outputs(parameters, series, periods)
    journal = tiles.begin("fillmogpr", parameters, outputs)
    learnt = journal.once("model", partial(_learnt, parameters, series, mask, events))
    model, checked = methods.from_dict(kind, learnt["model"]), Check.from_dict(learnt["check"])
    for sentence in summary.sentences(model, checked, target):
        events.info(sentence)
    if checked.dates_learnt:
        events.warning(summary.flattering(checked, target))
    by_name = dict(zip(distinct_names(series), series))
    used = [target, *(by_name[name] for name in model.variables[1:])]
    options = Options(target.variable.limits, bool(given(parameters, "KEEP_OBSERVED", True)),
                      float(given(parameters, "MAX_GAP_DAYS", 0)))
    bytes_per_pixel = _bytes_per_pixel(sum(one.count for one in used), len(periods), isinstance(model, LongScene))
    plan = tiles.plan(target.grid, bytes_per_pixel, resources)
    work = partial(_tile, used, mask, output_days, model, options, tuple(outputs))
    tiles.run(plan, work, outputs, journal, resources, events.step(0.05, 0.97))
    counts = _counts(outputs, plan, resources, events.step(0.97, 1))
    found = {key: path for key, (path, _) in outputs.items()}
    if parameters.get("REPORT"):
        summary.report(model, checked, counts, series, parameters).save(parameters["REPORT"])
        found["REPORT"] = parameters["REPORT"]
    if parameters.get("FIT"):
        scene_file.save(model, parameters["FIT"], {"target": target.name, "first": str(target.periods[0]),
                                                   "last": str(target.periods[-1]), "phenofuse": version()})
        found["FIT"] = parameters["FIT"]
    return {"outputs": found, "numbers": checked.numbers}


def _kind(parameters: dict) -> str:
    """Which covariance, after a look at what goes together."""
    kind = parameters.get("COVARIANCE") or "scene"
    if kind not in methods.KINDS:
        raise InputError(f"There is no covariance '{kind}'.", f"Choose one of {', '.join(methods.KINDS)}.")
    for key in ("FIT", "APPLY"):
        if parameters.get(key) and kind != "scene":
            raise InputError(f"{key} holds the covariance of a scene, but COVARIANCE is {kind}.",
                             f"Choose COVARIANCE = scene, or leave {key} empty.")
    return kind


def _learnt(parameters: dict, series: list, mask, events) -> dict:
    """What the scene teaches, or what an earlier run learnt, with its score on hidden values; as plain numbers."""
    seed = int(given(parameters, "SEED", 1))
    names = distinct_names(series)
    known = scene_file.load(parameters["APPLY"]) if parameters.get("APPLY") else None
    if known is not None:
        series, names = _known_ones(known, series, names, events)
    values = sample_pixels(series, mask, SAMPLE_PIXELS, seed, events)
    if not len(values[0]):
        raise InputError(f"{series[0].name} holds no observation" + (" inside the mask." if mask else "."),
                         "Check the series with 'Describe time series' (phenofuse:describetimeseries).")
    days = tuple(one.days for one in series)
    if known is not None:
        scene = long_scene.apply(known, tuple(names), days)
        learnt = sum(digest != "" and digest in known.digests for digest in series[0].digests())
        return {"model": scene.to_dict(), "check": replace(check(scene, values, days, seed), dates_learnt=learnt).to_dict()}
    telling = [i == 0 or varies(one) for i, one in enumerate(values)]
    for name in (name for name, tells in zip(names, telling) if not tells):
        events.warning(f"{name} has no values, or is the same everywhere: it is left out.")
    values, days, names = ([one for one, tells in zip(ones, telling) if tells] for ones in (values, days, names))
    events.info(f"Learning from {len(values[0])} pixels.")
    choices = methods.Choices(bool(parameters.get("NOISE_PER_PIXEL")), bool(parameters.get("MAXIMUM_LIKELIHOOD")))
    model, checked = methods.learn(_kind(parameters), values, tuple(days), tuple(names), seed, choices)
    if _kind(parameters) == "scene":
        model = replace(model, digests=series[0].digests())
    return {"model": model.to_dict(), "check": checked.to_dict()}


def _known_ones(scene, series: list, names: list, events) -> tuple[list, list]:
    """The series that a learnt scene knows."""
    if names[0] != scene.variables[0]:
        raise InputError(f"APPLY was learnt for {scene.variables[0]}, but INPUT ({series[0].name}) holds {names[0]}.",
                         "Give what an earlier run learnt for the same variable, or leave APPLY empty.")
    for name in names:
        if name not in scene.variables:
            events.warning(f"APPLY was learnt without {name}: it is left out.")
    kept = [(one, name) for one, name in zip(series, names) if name in scene.variables]
    return [one for one, _ in kept], [name for _, name in kept]


def _outputs(parameters: dict, series: list, periods) -> dict:
    """Path and kind of every raster asked for."""
    target = series[0]
    told = {key: parameters[key] for key in
            ("COVARIANCE", "NOISE_PER_PIXEL", "MAXIMUM_LIKELIHOOD", "KEEP_OBSERVED", "MAX_GAP_DAYS", "SEED")
            if parameters.get(key) is not None}
    header = partial(Header, method="fillmogpr", parameters=told, parents=tuple(one.paths[0] for one in series))
    return asked(rasters(target, periods, header), parameters, target.variable)


def _bytes_per_pixel(values: int, outputs: int, is_long: bool) -> int:
    # The series as read and pixel by pixel, and where they are finite; mean, standard deviation and code pixel by pixel
    # and band by band; of a long series also the sums of mean and square over its stretches.
    return (4 + 4 + 1) * values + 2 * (4 + 4 + 1) * outputs + (8 + 8) * outputs * is_long


def _tile(series: list, mask, output_days, model, options: Options, names: tuple, tile) -> dict:
    """The outputs of one tile, (bands, rows, columns) each."""
    inside = read_mask(mask, series[0].grid, tile.window).ravel() if mask else slice(None)
    values = [np.ascontiguousarray(one.read(tile.window).reshape(one.count, -1)[:, inside].T) for one in series]
    found = methods.fill(model, values, tuple(one.days for one in series), output_days, options)
    arrays = {"OUTPUT": found.mean, "UNCERTAINTY": found.standard_deviation, "QUALITY": found.quality}
    return placed({name: arrays[name] for name in names}, inside, tile.window)


def _counts(outputs: dict, plan, resources, events) -> dict:
    """How many values have each reason code, where QUALITY was asked for."""
    if "QUALITY" not in outputs:
        return {}
    codes = open_companion(outputs["QUALITY"][0], "quality")
    return summary.counted(sum(gather(plan, partial(_count, codes), resources, events)), events)


def _count(codes: Series, tile) -> np.ndarray:
    return np.bincount(codes.read(tile.window).astype(np.uint8).ravel(), minlength=len(quality.NAMES))
