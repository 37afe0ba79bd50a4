"""Series of chips as pictures: one of every output day, all covariates brought to it.

A covariate's picture of a day holds each pixel's nearest value within 12 days (the repeat of a Sentinel-1 orbit) and whether
there is one: a value further away is of another state of the field.
"""
from __future__ import annotations

import torch

from ...timeseries.filling import SUPPORT_DAYS
from .batch import Batch
from .network import nearest_covariates, observed, surroundings


def dated(covariates: int) -> int:
    """How many of the features that `features` gives are what was seen on the day; they come first."""
    return 2 + 2 * covariates


def features(batch: Batch) -> torch.Tensor:
    """What is known of every pixel on every output day, (pixels, outputs, features).

    The target and whether it was seen; every covariate, and whether it was; then the prior's mean and standard deviation,
    and the observations around the gap (see `network.surroundings`).
    """
    parts = [observed(batch)]
    if batch.covariates.shape[1]:
        near, day = nearest_covariates(batch)
        there = (day - batch.output_days).abs() <= SUPPORT_DAYS  # never where the day is NaN
        parts += [torch.where(there, near, 0.0).transpose(1, 2), there.to(near.dtype).transpose(1, 2)]
    return torch.cat([*parts, batch.prior_mean[..., None], batch.prior_deviation[..., None], surroundings(batch)], -1)


def pictures(known: torch.Tensor, side: int) -> torch.Tensor:
    """Features (pixels, outputs, features) as pictures (chips, outputs, features, side, side)."""
    return known.unflatten(0, (-1, side, side)).permute(0, 3, 4, 1, 2)


def pixels(shown: torch.Tensor) -> torch.Tensor:
    """The inverse of `pictures`."""
    return shown.permute(0, 3, 4, 1, 2).flatten(0, 2)
