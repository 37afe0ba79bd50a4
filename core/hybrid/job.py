"""The job `fillhybrid`: merge filled series tile by tile."""
from __future__ import annotations

from functools import partial

import numpy as np

from .. import tiles
from ..errors import InputError
from ..parameters import given
from ..timeseries import Header, Series, open_series, series_spec
from ..timeseries.filling import rasters
from ..timeseries.storing import asked
from .inputs import open_beside, open_fills
from .merging import RULES, merge

THRESHOLD = 0.5  # of the rule clear_share: half of the dates clear, as in the hybrid that this rule comes from
QUALITIES_REMEDY = "Give the QUALITY rasters of the fills as QUALITIES, or leave QUALITY empty."


def run(parameters: dict, resources, events) -> dict:
    """Merge filled series.

    Parameters
    ----------
    parameters : dict
        SERIES, UNCERTAINTIES and QUALITIES (lists in the same order; QUALITIES optional); RULE (see `merging`); OBSERVED and
        THRESHOLD (for ``clear_share``); FORMAT; OUTPUT, and optionally UNCERTAINTY, QUALITY, SOURCE.
    """
    rule = _rule(parameters)
    fills = open_fills(parameters.get("SERIES") or [], events)
    deviations = _beside("UNCERTAINTIES", "standard deviation", parameters, fills)
    codes = _beside("QUALITIES", "quality", parameters, fills)
    observed = _observed(parameters, rule, fills, events)
    threshold = float(given(parameters, "THRESHOLD", THRESHOLD))
    outputs = _outputs(parameters, fills)
    journal = tiles.begin("fillhybrid", parameters, outputs)
    plan = tiles.plan(fills[0].grid, _bytes_per_pixel(len(fills), fills[0].count, observed), resources)
    work = partial(_tile, rule, fills, deviations, codes, observed, threshold, tuple(outputs))
    tiles.run(plan, work, outputs, journal, resources, events)
    return {"outputs": {key: path for key, (path, _) in outputs.items()}, "numbers": {}}


def _rule(parameters: dict) -> str:
    """The rule, after a look at what it needs."""
    rule = parameters.get("RULE") or RULES[0]
    if rule not in RULES:
        raise InputError(f"There is no RULE '{rule}'.", f"Choose one of {', '.join(RULES)}.")
    if rule == "clear_share":
        count = len(parameters.get("SERIES") or [])
        if count != 2:
            raise InputError(f"The rule clear_share chooses between two series, but SERIES holds {count}.",
                             "Give first the series for pixels with many clear dates, then the one for the others.")
        threshold = float(given(parameters, "THRESHOLD", THRESHOLD))
        if not 0 <= threshold <= 1:
            raise InputError(f"THRESHOLD is {threshold:g}; it must lie between 0 and 1.", "0.5 stands for half of the dates.")
        if not parameters.get("OBSERVED"):
            raise InputError("The rule clear_share needs to know which values were observed.",
                             "Give the series with gaps as OBSERVED, or choose another RULE.")
    elif not parameters.get("UNCERTAINTIES"):
        raise InputError(f"The rule {rule} needs to know how sure each series is.",
                         "Give the UNCERTAINTY rasters of the fills as UNCERTAINTIES, or choose RULE = clear_share.")
    if parameters.get("UNCERTAINTY") and not parameters.get("UNCERTAINTIES"):
        raise InputError("UNCERTAINTY can only be told from those of the series.",
                         "Give UNCERTAINTIES, or leave UNCERTAINTY empty.")
    if parameters.get("QUALITY") and not parameters.get("QUALITIES"):
        raise InputError("QUALITY can only be told from that of the series.", QUALITIES_REMEDY)
    return rule


def _beside(key: str, variable: str, parameters: dict, fills: list) -> list[Series]:
    paths = parameters.get(key) or []
    return open_beside(key, variable, paths, fills) if paths else []


def _observed(parameters: dict, rule: str, fills: list, events) -> Series | None:
    """The series with gaps, where the rule asks for it."""
    if rule != "clear_share":
        return None
    series = open_series(parameters["OBSERVED"], events=events)
    fills[0].require_same_grid(series)
    return series


def _outputs(parameters: dict, fills: list) -> dict:
    """Path and kind of every raster asked for."""
    target = fills[0]
    told = {key: parameters[key] for key in ("RULE", "THRESHOLD") if parameters.get(key) is not None}
    header = partial(Header, method="fillhybrid", parameters=told, parents=tuple(one.paths[0] for one in fills))
    specs = {**rasters(target, target.periods, header),
             "SOURCE": series_spec(target.grid, target.periods, header("source", ""), "uint8")}
    return asked(specs, parameters, target.variable)


def _bytes_per_pixel(fills: int, dates: int, observed: Series | None) -> int:
    # Per fill: mean, deviation and code as read and stacked, then values, precision, weights and variances in float64;
    # results in float64 and as written; the observed series.
    return dates * (fills * (2 * (4 + 4 + 4) + 5 * 8) + 6 * 8 + 10) + (8 * observed.count if observed else 0)


def _tile(rule: str, fills: list, deviations: list, codes: list, observed, threshold: float, names: tuple, tile) -> dict:
    """The outputs of one tile, (bands, rows, columns) each."""
    def stacked(series):
        return np.stack([one.read(tile.window) for one in series]) if series else None

    first = None
    if observed is not None:
        share = np.isfinite(observed.read(tile.window)).mean(axis=0)
        first = np.broadcast_to(share > threshold, (fills[0].count, *share.shape))
    reasons = stacked(codes)
    found = merge(rule, stacked(fills), stacked(deviations), None if reasons is None else reasons.astype(np.uint8), first)
    arrays = {"OUTPUT": found.mean, "UNCERTAINTY": found.deviation, "QUALITY": found.code, "SOURCE": found.source}
    return {name: arrays[name] for name in names}
