"""The one interface of all networks, and what several of them look at."""
from __future__ import annotations

import math

import torch
from torch import nn

from .batch import Batch

DAYS_PER_YEAR = 365.25
FAR_DAYS = 365.0  # stands for "there is none": beyond every gap that can be filled
# Scales stay within a factor of e^3 of the prior's: wider ones have never been called for, and a wild step cannot overflow.
MOST_LOG_SCALE = 3.0
# Features are filled up with zeros to a multiple of this: with odd numbers of them, matrix products round a pixel's values
# differently in different places of a batch (MKL, float32), and tiles would leave traces.
FEATURE_STEP = 16
# Pixels along the sides of a chip, of networks that look at neighbours: small, so that a small scene has enough of them to keep
# some for the test, and so that a processor can learn from them. Published ones have 32 to 128.
CHIP = 16
LEAST_SCALE = 0.02  # of the target's standard deviation; observations are never so exact


class Network(nn.Module):
    """A network that corrects a prior.

    A subclass takes `inputs` and its own options by name, holds ``self.options`` (what builds it again) and ``self.side``,
    and gives features from which `correct` makes mean and scale, so that an untrained network returns its prior.

    `side` is the number of pixels along each side of the chips the network looks at: 1 for a network that looks at one
    pixel's series alone. Of a chip network the pixels of a batch are those of whole chips, and it may reshape them to
    (chips, side, side, ...); who makes its batches cuts chips and joins what comes back.
    """

    side = 1

    def __init__(self, inputs: tuple, **options):
        super().__init__()
        self.inputs, self.options = tuple(inputs), options

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and standard deviation (pixels, outputs) of what a clear observation would show, standardised."""
        raise NotImplementedError


def whole_chips(pixels: int, side: int) -> int:
    """About so many pixels, in whole chips; one chip at the least."""
    return max(1, pixels // side**2) * side**2


def head(width: int) -> nn.Linear:
    """The last layer: two numbers per output day, zero until something is learnt."""
    layer = nn.Linear(width, 2)
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)
    return layer


def correct(batch: Batch, raw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The prior, moved by so many of its standard deviations and with another scale; `raw` is (pixels, outputs, 2)."""
    shift, log_scale = raw.float().unbind(-1)
    mean = batch.prior_mean + batch.prior_deviation * shift
    scale = batch.prior_deviation * torch.exp(MOST_LOG_SCALE * torch.tanh(log_scale / MOST_LOG_SCALE))
    return mean, scale + LEAST_SCALE


def joined(*parts: torch.Tensor) -> torch.Tensor:
    """Features (pixels, tokens, any) side by side, of the first part's pixels, filled up with zeros; see `padded`."""
    features = torch.cat([part.expand(parts[0].shape[0], -1, -1) for part in parts], -1)
    return nn.functional.pad(features, (0, padded(features.shape[-1]) - features.shape[-1]))


def padded(features: int) -> int:
    """How many numbers so many features become in `joined`."""
    return -(-features // FEATURE_STEP) * FEATURE_STEP


def season(days: torch.Tensor, waves: int = 3) -> torch.Tensor:
    """Sine and cosine of the time of year and its harmonics, (..., 2 waves)."""
    phase = days[..., None] * (2 * math.pi / DAYS_PER_YEAR) * torch.arange(1, waves + 1, device=days.device)
    return torch.cat([phase.sin(), phase.cos()], -1)


def observed(batch: Batch) -> torch.Tensor:
    """What was seen of the target on every output day, 0 where nothing was, and whether it was; (pixels, outputs, 2)."""
    own = (batch.target_days[:, None] == batch.output_days[None, :]).to(batch.target.dtype)
    return torch.stack([batch.target @ own, batch.target_seen.to(own.dtype) @ own], -1)


def surroundings(batch: Batch) -> torch.Tensor:
    """Of every output day (pixels, outputs, 4): the observations before and after it, and how far away they are.

    An observation on the day itself is both. Where there is none, the value is 0 and the distance 1; distances grow
    with the logarithm of days, from 0 to 1.
    """
    early, late = batch.target_days[None, :] <= batch.output_days[:, None], batch.target_days[None, :] >= batch.output_days[:, None]
    dates = batch.target_days.shape[0]  # not its len(): an exported graph would take that for a constant
    index = torch.arange(dates, device=batch.target.device)
    seen = batch.target_seen[:, None, :]
    before = torch.where(seen & early, index, -1).amax(-1)
    after = torch.where(seen & late, index, dates).amin(-1)
    parts = []
    for where, there in ((before, before >= 0), (after, after < dates)):
        where = where.clamp(0, dates - 1)
        value = torch.where(there, batch.target.gather(1, where), 0.0)
        distance = torch.where(there, (batch.target_days[where] - batch.output_days).abs(), FAR_DAYS)
        parts += [value, torch.log1p(distance) / math.log1p(FAR_DAYS)]
    return torch.stack(parts, -1)


def nearest_covariates(batch: Batch, before: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
    """Of every covariate the value seen nearest to each output day, and its day; both (pixels, covariates, outputs).

    Parameters
    ----------
    batch : Batch
    before : (pixels, covariates, outputs), optional
        Only values seen before these days count.

    Returns
    -------
    value, day
        0 and NaN where none was seen.
    """
    lags = (batch.covariate_days[None, :] - batch.output_days[:, None]).abs()
    usable = batch.covariates_seen[:, :, None, :]
    if before is not None:
        usable = usable & (batch.covariate_days < before[..., None])
    distance, where = torch.where(usable, lags, torch.inf).min(-1)
    there = torch.isfinite(distance)
    value = torch.where(there, batch.covariates.gather(2, where), 0.0)
    return value, torch.where(there, batch.covariate_days[where], torch.nan)


def near_covariates(batch: Batch) -> list[torch.Tensor]:
    """Features of `nearest_covariates` (pixels, outputs, any): the values, and how far away they are, as in `surroundings`."""
    if not batch.covariates.shape[1]:
        return []
    value, day = nearest_covariates(batch)
    lag = (day - batch.output_days).abs().nan_to_num(FAR_DAYS)
    return [value.transpose(1, 2), torch.log1p(lag).transpose(1, 2) / math.log1p(FAR_DAYS)]
