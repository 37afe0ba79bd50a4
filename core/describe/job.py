"""The job `describetimeseries`: counts, gaps and relations of a series, as rasters and a report."""
from __future__ import annotations

from functools import partial

import numpy as np

from .. import tiles
from ..errors import InputError
from ..tiles.gather import gather
from ..timeseries import Header, RasterSpec, Series, open_series
from ..timeseries.looks import clouds_left
from . import words
from .statistics import Statistics, longest_gaps, nearest_dates, observation_counts

# Bytes that one value needs while it is worked on: the values, masks, helper arrays of the longest gap, and for each
# covariate its values and the pairs in float64.
BYTES, BYTES_OF_COVARIATE = 32, 48


def run(parameters: dict, resources, events) -> dict:
    """Describe a series.

    Parameters
    ----------
    parameters : dict
        INPUT; COVARIATES (paths, optional); OBSERVATIONS and LONGEST_GAP (rasters), REPORT, each optional.
    """
    series = open_series(parameters["INPUT"], events=events)
    covariates = _covariates(series, parameters.get("COVARIATES") or [], events)
    pairs = {name: nearest_dates(series.days, other.days) for name, other in covariates.items()}
    offsets = {name: offset for name, (_, offset) in pairs.items()}
    near = {name: position for name, (position, _) in pairs.items()}
    names = [*covariates, *(["VH − VV"] if {"VV", "VH"} <= set(covariates) else [])]
    empty = partial(Statistics, series.days, series.grid.height, series.grid.width,
                    series.variable.valid_range or (-1.0, 1.0), tuple(names))
    plan = tiles.plan(series.grid, series.count * (BYTES + BYTES_OF_COVARIATE * len(names)), resources)
    wanted = _wanted(series, parameters)
    journal = tiles.begin("describetimeseries", parameters, wanted) if wanted else None
    statistics = empty()
    for part in gather(plan, partial(_statistics, series, covariates, near, empty), resources, events.step(0, 0.6)):
        statistics.merge(part)
    if wanted:
        tiles.run(plan, partial(_maps, series, tuple(wanted)), wanted, journal, resources, events.step(0.6, 1))
    outputs = {key: path for key, (path, _) in wanted.items()}
    cautions = [text for text in (clouds_left(series),) if text]
    if parameters.get("REPORT"):
        facts = {"Input": series.paths[0], "Covariates": [other.paths[0] for other in covariates.values()] or "none",
                 "Grid": series.grid.text}
        page = words.report(statistics, series.variable.name or "the series", offsets, facts,
                            series.variable.valid_range is not None, cautions)
        outputs["REPORT"] = str(page.save(parameters["REPORT"]))
    for weakness in words.weaknesses(statistics, offsets, cautions):
        events.info(weakness.text)
    numbers = {"VALID_PERCENT": 100 * statistics.valid_share, "DATE_COUNT": series.count,
               "CORRELATION": words.best_relation(statistics)[1]}
    return {"outputs": outputs, "numbers": {key: value for key, value in numbers.items() if value == value}}


def _covariates(series: Series, paths, events) -> dict[str, Series]:
    """The covariates by name of their variable, on the grid of the series."""
    found = {}
    for path in paths:
        other = open_series(path, events=events)
        series.require_same_grid(other)
        name = other.variable.name or other.name
        if name in found:
            raise InputError(f"{found[name].name} and {other.name} both hold {name}.",
                             "Give each covariate once; of two orbits, one.")
        found[name] = other
    return found


def _statistics(series: Series, covariates: dict, near: dict, empty, tile) -> Statistics:
    values = series.read(tile.window)
    at_dates = {name: _nearest(other, near[name], tile.window) for name, other in covariates.items()}
    if {"VV", "VH"} <= set(at_dates):
        at_dates["VH − VV"] = at_dates["VH"] - at_dates["VV"]
    part = empty()
    part.add(values, at_dates, tile.window.row, tile.window.column)
    return part


def _nearest(other: Series, position: np.ndarray, window) -> np.ndarray:
    """The covariate at the dates of the series (dates, rows, columns); NaN where it has none near."""
    out = np.full((len(position), window.rows, window.columns), np.nan, np.float32)
    known = position >= 0
    if known.any():
        wanted, back = np.unique(position[known], return_inverse=True)
        out[known] = other.read(window, dates=wanted.tolist())[back]
    return out


def _wanted(series: Series, parameters: dict) -> dict:
    """Path and kind of the maps that are wanted."""
    kinds = {"OBSERVATIONS": ("count", "1"), "LONGEST_GAP": ("gap", "days")}
    wanted = {}
    for key, (variable, units) in kinds.items():
        if parameters.get(key):
            header = Header(variable, units, "describetimeseries", parents=series.paths[:3])
            wanted[key] = (parameters[key], RasterSpec(series.grid, (key.lower(),), header))
    return wanted


def _maps(series: Series, wanted: tuple, tile) -> dict:
    values = series.read(tile.window)
    found = {"OBSERVATIONS": observation_counts(values), "LONGEST_GAP": longest_gaps(values, series.days)}
    return {key: found[key][None].astype(np.float32) for key in wanted}
