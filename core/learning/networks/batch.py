"""What a network is given: tensors of some pixels' series, standardised, with what is missing marked and set to zero."""
from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch


class Batch(NamedTuple):
    """Series of some pixels. Of chips, pixels are those of whole chips one after the other, each row by row.

    Attributes
    ----------
    target : (pixels, dates)
    target_seen : (pixels, dates) bool
    target_days : (dates,)
        Days since 1970-01-01.
    covariates : (pixels, covariates, covariate dates)
        All on the dates that any of them has.
    covariates_seen : (pixels, covariates, covariate dates) bool
    covariate_days : (covariate dates,)
    prior_mean, prior_deviation : (pixels, outputs)
        What the prior says of the output days, never having seen what is not seen here.
    output_days : (outputs,)
        The target's days, and any others, in order.
    """

    target: torch.Tensor
    target_seen: torch.Tensor
    target_days: torch.Tensor
    covariates: torch.Tensor
    covariates_seen: torch.Tensor
    covariate_days: torch.Tensor
    prior_mean: torch.Tensor
    prior_deviation: torch.Tensor
    output_days: torch.Tensor

    @property
    def pixels(self) -> int:
        """Number of pixels."""
        return len(self.target)

    def take(self, pixels) -> Batch:
        """The same series of some pixels."""
        return Batch(*(getattr(self, name) if name.endswith("days") else getattr(self, name)[pixels] for name in self._fields))

    def shifted(self, days: float) -> Batch:
        """The same, so many days later."""
        return self._replace(**{name: getattr(self, name) + days for name in self._fields if name.endswith("days")})

    def to(self, device) -> Batch:
        """The same on another device."""
        return Batch(*(tensor.to(device) for tensor in self))


def batch(values: list, days: tuple, prior_mean: np.ndarray, prior_deviation: np.ndarray, output_days: np.ndarray,
          inputs: tuple) -> Batch:
    """The batch of some pixels.

    Parameters
    ----------
    values : list of (pixels, dates)
        The target and its covariates in their own units; NaN where missing or hidden.
    days : tuple of (dates,)
        Of each of them.
    prior_mean, prior_deviation : (pixels, outputs)
        In the target's units.
    output_days : (outputs,)
        Increasing, all days of the target among them.
    inputs : tuple of Input
        How each series is standardised.
    """
    scaled = [(np.asarray(one, np.float32) - np.float32(how.centre)) / np.float32(how.scale) for one, how in zip(values, inputs)]
    both = np.unique(np.concatenate([np.empty(0), *days[1:]]))
    others = np.full((len(values[0]), len(values) - 1, len(both)), np.nan, np.float32)
    for number, (own, when) in enumerate(zip(scaled[1:], days[1:])):
        others[:, number, np.searchsorted(both, when)] = own
    target = inputs[0]
    arrays = (*_seen(scaled[0]), days[0], *_seen(others), both,
              (prior_mean - target.centre) / target.scale, prior_deviation / target.scale, output_days)
    return Batch(*(torch.from_numpy(np.ascontiguousarray(one, bool if one.dtype == bool else np.float32)) for one in arrays))


def _seen(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    seen = np.isfinite(values)
    return np.where(seen, values, np.float32(0)), seen
