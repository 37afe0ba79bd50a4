"""The job `comparemethods`: hide values of a sample of the scene, have every method fill them, say which one to take."""
from __future__ import annotations

from functools import partial

import numpy as np

from ..errors import InputError
from ..parameters import given
from ..report import write_whole
from ..tiles.scores import block_side
from ..timeseries import Header, RasterSpec, RasterWriter, Series, open_together
from ..timeseries.sampling import sample_places
from ..timeseries.series import distinct_names
from ..version import version
from . import hiding, methods, summary
from .advice import advise, diagnosis
from .outcome import ask, outcome
from .winners import cells, winners

# Differences of a few percent between methods show beyond chance with the some thousand values that are hidden of so many.
PIXELS = 600
FEWEST_PIXELS = 5  # the least that any of the methods can learn from


def run(parameters: dict, resources, events) -> dict:
    """Compare methods on one scene.

    Parameters
    ----------
    parameters : dict
        INPUT, COVARIATES (a list); METHODS (a list, see `methods`; linear always takes part); MODELS (files of trained networks);
        PATTERN, GAP_DAYS (see `hiding`); PIXELS, SEED, MASK; REPORT, CSV, WINNER (all optional).
    """
    asked = _asked(parameters)
    series = open_together([parameters["INPUT"], *(parameters.get("COVARIATES") or [])], events)
    models = methods.models(parameters.get("MODELS") or [], series, resources.device, events)
    chosen = methods.in_order(asked, tuple(models))
    target, days, seed = series[0], tuple(one.days for one in series), int(given(parameters, "SEED", 1))
    ways = hiding.ways(days[0], parameters.get("PATTERN") or "all", float(given(parameters, "GAP_DAYS", 0)))
    values, row, column = sample_places(series, parameters.get("MASK") or None, int(given(parameters, "PIXELS", PIXELS)), seed, events)
    if len(values[0]) < FEWEST_PIXELS:
        raise InputError(f"Only {len(values[0])} pixels of {target.name} hold observations; {FEWEST_PIXELS} are needed.",
                         "Give a larger scene or a wider MASK.")
    draws = hiding.draws(values[0], days[0], ways, seed)
    events.info(f"{sum(int(draw.hidden.sum()) for draw in draws)} values of {len(values[0])} pixels are hidden from "
                f"{len(chosen)} methods.")
    names = tuple(distinct_names(series))
    fill = partial(_fill, models=models, days=days, names=names, valid_range=target.variable.limits, seed=seed)
    answers = ask(fill, chosen, values, days[0], draws, events.step(0.05, 0.9))
    found = outcome(values, days[0], draws, tuple(map(hiding.label, ways)), _blocks(target, row, column), answers,
                    tuple(name for name, model in models.items() if model.taught_here))
    if not len(found.truth):
        raise InputError("No hidden value was filled by all methods.", "Compare fewer methods, or give a longer series.")
    advice = advise(found, target.variable.name == "NDVI")
    said = diagnosis(values, days, names)
    (events.info if advice.level == "good" else events.warning)(advice.sentence)
    outputs = {key: parameters[key] for key in ("REPORT", "CSV", "WINNER") if parameters.get(key)}
    where = cells(target.grid)
    map_ = winners(found, row, column, where)
    if "REPORT" in outputs:
        facts = {"Input": target.paths[0], "Covariates": [one.paths[0] for one in series[1:]] or "none", "Grid": target.grid.text,
                 "Hidden": ", ".join(found.ways), "Seed": seed, "Phenofuse": version()}
        summary.report(found, advice, said, map_, target, len(values[0]), facts).save(outputs["REPORT"])
    if "CSV" in outputs:
        write_whole({outputs["CSV"]: summary.table(found)})
    if "WINNER" in outputs:
        _write(outputs["WINNER"], map_, where, target, chosen)
    return {"outputs": outputs, "numbers": summary.numbers(found, advice)}


def _asked(parameters: dict) -> list:
    """The methods asked for, all by default."""
    asked = parameters.get("METHODS") or list(methods.METHODS)
    unknown = [one for one in asked if one not in methods.METHODS]
    if unknown:
        raise InputError(f"There is no method '{unknown[0]}'.", f"Choose among {', '.join(methods.METHODS)}.")
    return asked


def _fill(method: str, values: list, models: dict, days: tuple, names: tuple, valid_range: tuple, seed: int) -> tuple:
    if method in models:
        found = models[method].fill(values, days, valid_range)
        return found.mean, found.standard_deviation
    return methods.fill(method, values, days, names, valid_range, seed)


def _blocks(target: Series, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    """Number of each pixel's spatial block, counted from 0 without holes."""
    side = block_side(target.grid.height, target.grid.width)
    return np.unique(row // side * target.grid.width + column // side, return_inverse=True)[1]


def _write(path: str, map_: np.ndarray, where, target: Series, chosen: tuple) -> None:
    told = {"METHODS": list(chosen)}
    header = Header("winner", "", "comparemethods", told, target.paths[:3], extra={"classes": summary.codes(chosen)})
    with RasterWriter(path, RasterSpec(where.grid, ("winner",), header, "uint8", None)) as writer:
        writer.write(map_[None])
