"""A trained network among other methods: it fills pixels that are given to it as arrays."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from ..errors import InputError
from ..timeseries.filling import Filled, Options, assemble
from . import fitness, modelfile
from .device import chosen_device, require_torch
from .priors import learnt_for, prior_of


def opened(path: str, device: str, told=None):
    """The card of a model file, and its network ready to be asked (`networks.prediction.Model`)."""
    require_torch()
    from .networks.prediction import restored
    card, weights = modelfile.load(path)
    return card, restored(card, weights, prior_of(card.training["prior"]), device, told)


def adapted(card, model, values: list, days: tuple):
    """The model on a prior that these series teach (see `priors.learnt_for`); itself where they have too few pixels."""
    return learnt_for(model, values, days, tuple(one.name for one in card.inputs), card.training["seed"])


class Applied:
    """A model file that suits some series.

    Parameters
    ----------
    path : str
    series : list of Series
        The target, then covariates in any order.
    device : str
        ``auto``, ``cpu`` or ``gpu``.
    events : Events
        Told what the model was never tried on.

    Raises
    ------
    InputError
        When the model lacks a series, or looks at chips: single pixels tell it too little.
    MissingExtraError
        When the engine has no torch.
    """

    def __init__(self, path: str, series: list, device: str, events):
        self.name = Path(path).name
        card = modelfile.load_card(path)
        chosen = fitness.arranged(card, series)
        require_torch()
        self._card, self._model = opened(path, chosen_device(device, events), events)
        if self._model.network.side > 1:
            raise InputError(f"{self.name} is a network of the kind {card.architecture}, which looks at chips, not at single pixels.",
                             "Leave it out, and assess its fill with 'Assess fill' (phenofuse:assessfill).")
        for sentence in fitness.warnings(card, chosen):
            events.warning(f"{self.name}: {sentence}")
        self._order = [next(i for i, one in enumerate(series) if one is own) for own in chosen]
        self.taught_here = fitness.taught_here(card, chosen)

    def fill(self, values: list, days: tuple, valid_range: tuple) -> Filled:
        """Fill pixels on the dates of the target; they teach the prior.

        Parameters
        ----------
        values : list of (pixels, dates) float32
            Of all the series, in the order in which they were given.
        days : tuple of (dates,)
        valid_range : (low, high)
            Of the target.
        """
        values, days = ([np.asarray(ones[i]) for i in self._order] for ones in (values, days))
        model = adapted(self._card, self._model, values, tuple(days))
        moments = model.moments(values, tuple(days), days[0])
        return assemble(values, tuple(days), days[0], *moments, model.prior.noise_deviation, Options(valid_range))
