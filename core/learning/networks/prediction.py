"""A trained network at work: series in, calibrated means and standard deviations out."""
from __future__ import annotations

import threading
from dataclasses import dataclass, field

import numpy as np
import torch

from ...errors import InputError, MemoryLimitError
from ...timeseries.filling import gaps_around
from ..card import Calibration
from . import build
from .batch import batch
from .network import Network

# Pixels given to a network at a time, always so many (the last batch is filled up): the arithmetic of a pixel must not
# depend on how many others there are, or tiles would leave traces.
PIXELS_AT_ONCE = 128
ON_A_GPU = 8192
FEWEST_AT_ONCE = 16


@dataclass
class Model:
    """A network with its prior and its calibration.

    Parameters
    ----------
    network : Network
    prior : prior
    calibration : Calibration
    device : str
    """

    network: Network
    prior: object
    calibration: Calibration = Calibration((), (1.0,))
    device: str = "cpu"
    told: object = None
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def __post_init__(self):
        self.network.to(self.device).eval()
        torch.backends.cudnn.allow_tf32 = False  # a GPU's short numbers would differ from a processor's by more than 0.001
        self.at_once = PIXELS_AT_ONCE if self.device == "cpu" else ON_A_GPU

    def moments(self, values: list, days: tuple, output_days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation (pixels, output days) in the target's units, noise included.

        Parameters
        ----------
        values : list of (pixels, dates) float32
            The target, then its covariates in the network's order; NaN where missing.
        days : tuple of (dates,)
        output_days : (outputs,)
        """
        both = np.union1d(days[0], output_days)
        mean, deviation = (np.empty((len(values[0]), len(both))) for _ in range(2))
        start = 0
        while start < len(mean):
            part = slice(start, start + self.at_once)
            try:
                mean[part], deviation[part] = self._some([one[part] for one in values], days, both)
                start = part.stop
            except torch.cuda.OutOfMemoryError:
                self._halve()
        wanted = np.searchsorted(both, output_days)
        return mean[:, wanted], deviation[:, wanted]

    def _some(self, values: list, days: tuple, output_days: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Moments of up to `at_once` pixels; on days with an observation, which no network is trained for, the prior's."""
        prior = self.prior.moments(values, days, output_days)
        mean, scale = self._asked(values, days, *prior, output_days)
        observed, gaps, inside = gaps_around(np.isfinite(values[0]), days[0], output_days)
        target, factor = self.network.inputs[0], self.calibration.factor(np.where(inside, gaps, np.inf))
        return (np.where(observed, prior[0], mean * target.scale + target.centre),
                np.where(observed, prior[1], scale * target.scale * factor))

    @torch.no_grad()
    def _asked(self, values, days, prior_mean, prior_deviation, output_days) -> list:
        """Standardised mean and scale of up to `at_once` pixels."""
        count = len(prior_mean)
        filled_up = np.arange(self.at_once) % count
        given = batch([one[filled_up] for one in values], days, prior_mean[filled_up], prior_deviation[filled_up],
                      output_days, self.network.inputs).to(self.device)
        if self.device == "cpu":
            return [one.numpy()[:count] for one in self.network(given)]
        with self._lock:
            return [one.cpu().numpy()[:count] for one in self.network(given)]

    def _halve(self) -> None:
        """After the GPU's memory was full."""
        torch.cuda.empty_cache()
        if self.at_once <= FEWEST_AT_ONCE:
            raise MemoryLimitError(f"The GPU has too little free memory even for {self.at_once} pixels at a time.",
                                   "Close other programs that use it, or choose DEVICE = cpu.")
        self.at_once //= 2
        if self.told is not None:
            self.told.warning(f"The GPU's memory is full: {self.at_once} pixels at a time from here on.")

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
