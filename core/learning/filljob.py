"""The job `fillmodel`: fill the gaps of a series with a trained network, tile by tile."""
from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np

from .. import tiles
from ..parameters import given
from ..timeseries import Header, open_together
from ..timeseries.filling import Options, assemble, placed, rasters
from ..timeseries.masks import read_mask
from ..timeseries.outputdates import output_periods
from ..timeseries.sampling import sample_pixels
from ..timeseries.storing import asked
from . import chips, fitness, modelfile
from .applied import adapted, opened
from .device import chosen_device, require_torch

# Pixels that teach the prior (see `priors`), and whose values are compared with those of the training.
SAMPLE_PIXELS = 1000


def run(parameters: dict, resources, events) -> dict:
    """Fill the gaps of a series with a network.

    Parameters
    ----------
    parameters : dict
        INPUT, COVARIATES (a list), MODEL; LEARN_PRIOR, DATES or STEP_DAYS, KEEP_OBSERVED, MAX_GAP_DAYS, MASK, FORMAT; OUTPUT, and
        optionally UNCERTAINTY and QUALITY.
    """
    require_torch()
    import torch

    from .networks import side_of
    torch.set_num_threads(1)  # tiles work side by side, and sums of several threads would depend on their number
    device = chosen_device(resources.device, events)
    path, mask = parameters["MODEL"], parameters.get("MASK") or None
    card = modelfile.load_card(path)
    paths = parameters["INPUT"], *(parameters.get("COVARIATES") or [])
    series = fitness.arranged(card, open_together(paths, events))
    side = side_of(card.architecture, card.architecture_options)
    chips.require_room(series[0], side, card.architecture)
    target = series[0]
    periods = output_periods(target.periods, parameters.get("DATES") or "", int(parameters.get("STEP_DAYS") or 0))
    output_days = np.array([period.middle for period in periods])
    outputs = _outputs(parameters, series, periods)
    journal = tiles.begin("fillmodel", parameters, outputs)
    sample = sample_pixels(series, mask, SAMPLE_PIXELS, 0, events)
    for sentence in fitness.warnings(card, series, sample):
        events.warning(sentence)
    if not card.metrics:
        events.warning("The training of this model was stopped before its end: nothing is known of its errors, and its "
                       "standard deviations are not calibrated.")
    options = Options(target.variable.limits, bool(given(parameters, "KEEP_OBSERVED", True)),
                      float(given(parameters, "MAX_GAP_DAYS", 0)))
    plan = tiles.plan(target.grid, _bytes_per_pixel(sum(one.count for one in series), len(periods), side), resources,
                      side if side > 1 else 0)
    prior = _prior(path, series, sample, events) if given(parameters, "LEARN_PRIOR", True) else None
    asked = _Asked(path, card.sha256, device, str(journal.folder), prior)
    work = partial(_tile, series, mask, output_days, asked, options, tuple(outputs))
    _model(asked).told = events  # workers of a cluster have nobody to tell
    tiles.run(plan, work, outputs, journal, resources, events)
    return {"outputs": {key: path for key, (path, _) in outputs.items()}, "numbers": {}}


def _outputs(parameters: dict, series: list, periods) -> dict:
    """Path and kind of every raster asked for."""
    target = series[0]
    told = {key: parameters[key] for key in ("MODEL", "LEARN_PRIOR", "KEEP_OBSERVED", "MAX_GAP_DAYS")
            if parameters.get(key) is not None}
    header = partial(Header, method="fillmodel", parameters=told, parents=tuple(one.paths[0] for one in series))
    return asked(rasters(target, periods, header), parameters, target.variable)


def _bytes_per_pixel(values: int, outputs: int, side: int) -> int:
    # The series as read and pixel by pixel, and where they are finite; mean and standard deviation in float64, and with
    # their code pixel by pixel and band by band. Where chips overlap, the sums of both and the prior's as well.
    overlapping = 4 * 8 * (values + outputs) if side > 1 else 0
    return (4 + 4 + 1) * values + (2 * (4 + 4 + 1) + 6 * 8) * outputs + overlapping


def _prior(path: str, series: list, sample: list, events):
    """The model's prior, as a sample of the scene teaches it; None where it cannot."""
    card, model = opened(path, "cpu")
    taught = adapted(card, model, sample, tuple(one.days for one in series))
    if taught is model:
        events.warning(f"Too few pixels hold enough observations to teach the prior ({len(sample[0])} hold any): it stays that of "
                       "the training.")
        return None
    events.info(f"Learnt the prior ({card.training['prior']}) from {len(sample[0])} pixels.")
    return taught.prior


@dataclass(frozen=True)
class _Asked:
    """Which model is asked, by what no other one shares, and the prior that this scene taught it; None for that of the training."""

    path: str
    sha256: str
    device: str
    run: str
    prior: object = field(compare=False)


@lru_cache(maxsize=2)
def _model(asked: _Asked):
    """The model, once per process."""
    model = opened(asked.path, asked.device)[1]
    return model if asked.prior is None else replace(model, prior=asked.prior)


def _tile(series: list, mask, output_days, which: _Asked, options: Options, names: tuple, tile) -> dict:
    """The outputs of one tile, (bands, rows, columns) each."""
    inside = read_mask(mask, series[0].grid, tile.window) if mask else np.ones(tile.window[2:], bool)
    days = tuple(one.days for one in series)
    asked = _model(which)
    moments = _moments_of_pixels if asked.network.side == 1 else _moments_of_chips
    values, mean, deviation = moments(asked, series, mask, days, output_days, tile, inside)
    found = assemble(values, days, output_days, mean, deviation, asked.prior.noise_deviation, options)
    arrays = {"OUTPUT": found.mean, "UNCERTAINTY": found.standard_deviation, "QUALITY": found.quality}
    return placed({name: arrays[name] for name in names}, inside.ravel(), tile.window)


def _moments_of_pixels(asked, series, mask, days, output_days, tile, inside) -> tuple:
    """Values, means and standard deviations of the pixels inside, each by itself."""
    values = [chips.pixel_by_pixel(one, tile.window)[inside.ravel()] for one in series]
    return values, *asked.moments(values, days, output_days)


def _moments_of_chips(asked, series, mask, days, output_days, tile, inside) -> tuple:
    """The same by all chips that hold one of them."""
    grid, context = series[0].grid, tile.context
    values = [chips.pixel_by_pixel(one, context) for one in series]
    if mask:
        values[0][~read_mask(mask, grid, context).ravel()] = np.nan  # as in training
    own = np.arange(len(values[0])).reshape(context[2:])[tile.inner][inside]
    covering = chips.covering(grid, tile.window, context, asked.network.side)
    covering = covering[np.isin(covering, own).any(axis=1)]
    return [one[own] for one in values], *asked.overlapping_moments(values, days, output_days, covering, own)
