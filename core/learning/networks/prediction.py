"""A trained network at work: series in, calibrated means and standard deviations out."""
from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import torch

from ...errors import InputError
from ...timeseries.filling import gaps_around
from ..card import Calibration
from ..chips import weight as chips_weight
from . import build
from .batch import batch
from .memory import Portion
from .network import Network

# Pixels given to a network at a time, always so many (the last batch is filled up): the arithmetic of a pixel must not
# depend on how many others there are, or tiles would leave traces.
PIXELS_AT_ONCE = 128
ON_A_GPU = 8192


@dataclass
class Model:
    """A network with its prior and its calibration.

    Parameters
    ----------
    network : Network
    prior : prior
    calibration : Calibration
    device : str
    told : Events, optional
        Warned when a GPU's memory is full.
    """

    network: Network
    prior: object
    calibration: Calibration = Calibration((), (1.0,))
    device: str = "cpu"
    told: object = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _portion: Portion | None = field(default=None, repr=False)  # kept by `again`, as is the lock

    def __post_init__(self):
        self.network.to(self.device).eval()
        torch.backends.cudnn.allow_tf32 = False  # a GPU's short numbers would differ from a processor's by more than 0.001
        self._portion = self._portion or Portion(PIXELS_AT_ONCE if self.device == "cpu" else ON_A_GPU, self.network.side)

    def again(self, values: list, days: tuple, names: tuple, seed: int) -> Model:
        """The same network on its prior learnt from other pixels; see `priors`."""
        return replace(self, prior=self.prior.again(values, days, names, seed))

    def moments(self, values: list, days: tuple, output_days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (pixels, output days) in the target's units, noise included.

        Parameters
        ----------
        values : list of (pixels, dates) float32
            The target, then its covariates in the network's order; NaN where missing. Of a network that looks at chips,
            the pixels of whole ones.
        days : tuple of (dates,)
        output_days : (outputs,)
        """
        both = np.union1d(days[0], output_days)
        mean, deviation = (np.empty((len(values[0]), len(both))) for _ in range(2))

        def ask(part: slice, at_once: int) -> None:
            own = [one[part] for one in values]
            mean[part], deviation[part] = self._some(own, days, both, self.prior.moments(own, days, both), at_once)

        self._in_parts(len(mean), ask)
        wanted = np.searchsorted(both, output_days)
        return mean[:, wanted], deviation[:, wanted]

    def overlapping_moments(self, values: list, days: tuple, output_days: np.ndarray, chips: np.ndarray,
                            pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The same where chips overlap: a pixel's moments are the weighted means of what its chips say of it.

        Parameters
        ----------
        values, days, output_days
            As in `moments`, of a rectangle of pixels.
        chips : (chips, side x side) int
            Numbers of the pixels of each; their order decides the last bits.
        pixels : (pixels,) int
            Numbers of the pixels wanted, each in a chip.
        """
        both = np.union1d(days[0], output_days)
        prior, sums = ([np.zeros((len(values[0]), len(both))) for _ in range(2)] for _ in range(2))
        weights, own_weight = np.zeros(len(values[0])), chips_weight(self.network.side)
        for start in range(0, len(values[0]), PIXELS_AT_ONCE):
            part = slice(start, start + PIXELS_AT_ONCE)
            prior[0][part], prior[1][part] = self.prior.moments([one[part] for one in values], days, both)

        def ask(part: slice, at_once: int) -> None:
            own = chips.ravel()[part]
            found = self._some([one[own] for one in values], days, both, [one[own] for one in prior], at_once)
            for chip, *said in zip(*(one.reshape(-1, chips.shape[1], *one.shape[1:]) for one in (own, *found))):
                weights[chip] += own_weight
                for total, one in zip(sums, said):
                    total[chip] += own_weight[:, None] * one

        self._in_parts(chips.size, ask)
        wanted = np.searchsorted(both, output_days)
        return tuple(one[pixels][:, wanted] / weights[pixels, None] for one in sums)

    def _in_parts(self, count: int, ask) -> None:
        """``ask(part, at_once)`` for all of `count` pixels, `at_once` at a time: as many as the device's memory holds."""
        def next_from(start: int, at_once: int) -> int:
            ask(slice(start, start + at_once), at_once)
            return start + at_once

        start = 0
        while start < count:
            start = self._portion.fitting(partial(next_from, start), self.told)

    def _some(self, values: list, days: tuple, output_days: np.ndarray, prior, at_once: int) -> tuple[np.ndarray, np.ndarray]:
        """Moments of up to `at_once` pixels; on days with an observation, which no network is trained for, the prior's."""
        mean, scale = self._asked(values, days, *prior, output_days, at_once)
        observed, gaps, inside = gaps_around(np.isfinite(values[0]), days[0], output_days)
        target, factor = self.network.inputs[0], self.calibration.factor(np.where(inside, gaps, np.inf))
        return (np.where(observed, prior[0], mean * target.scale + target.centre),
                np.where(observed, prior[1], scale * target.scale * factor))

    @torch.no_grad()
    def _asked(self, values, days, prior_mean, prior_deviation, output_days, at_once) -> list:
        """Standardised mean and scale of up to `at_once` pixels."""
        count = len(prior_mean)
        filled_up = np.arange(at_once) % count
        given = batch([one[filled_up] for one in values], days, prior_mean[filled_up], prior_deviation[filled_up],
                      output_days, self.network.inputs).to(self.device)
        if self.device == "cpu":
            return [one.numpy()[:count] for one in self.network(given)]
        with self._lock:
            return [one.cpu().numpy()[:count] for one in self.network(given)]

    def weights(self) -> dict:
        """All numbers of network and prior, by name."""
        network = {f"network.{name}": value.cpu().numpy() for name, value in self.network.state_dict().items()}
        return network | {f"prior.{name}": value for name, value in self.prior.to_arrays().items()}


def restored(card, weights: dict, prior_kind, device: str, told=None) -> Model:
    """The model of a file.

    Raises
    ------
    InputError
        When weights and card do not make one.
    """
    def part(name: str) -> dict:
        return {key[len(name):]: value for key, value in weights.items() if key.startswith(name)}

    try:
        network = build(card.architecture, card.inputs, card.architecture_options)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in part("network.").items()})
        return Model(network, prior_kind.from_arrays(part("prior.")), card.calibration, device, told)
    except (KeyError, TypeError, ValueError, RuntimeError) as problem:
        raise InputError(f"The weights of this model do not make a network of the kind '{card.architecture}' with its prior.",
                         "Train it again with this version (phenofuse:trainmodel).") from problem
