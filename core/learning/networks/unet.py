"""`unet`: a U-Net with attention gates that looks at a square of pixels on five dates, and says what the middle one shows.

(Ronneberger et al. 2015; gates: Oktay et al. 2018.) The five are the output day itself, which need not be a date of the target,
and the two dates of the target before and after it. What the network says is a correction of the prior on the day itself.
"""
from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn.functional import avg_pool2d, gelu, interpolate

from .batch import Batch
from .frames import dated, features, pictures, pixels
from .network import CHIP, FAR_DAYS, Network, correct, head, season

ASIDE = 2  # dates before and after the middle one
WAVES = 2


class Unet(Network):
    """See the module.

    Parameters
    ----------
    inputs : tuple of Input
    side : int
        Of a chip; a multiple of 2 to the power of one less than the levels.
    widths : sequence of int
        Features per level; each level has half the resolution of the one before.
    """

    side = CHIP

    def __init__(self, inputs: tuple, side: int = CHIP, widths=(16, 32, 64)):
        super().__init__(inputs, side=side, widths=list(widths))
        self.side, self.seen = side, dated(len(inputs) - 1)
        first = self.seen * (1 + 2 * ASIDE) + 6 + 2 * ASIDE + 2 * WAVES
        self.down = nn.ModuleList(Block(before, width) for before, width in zip((first, *widths), widths))
        self.gates = nn.ModuleList(Gate(width, deep) for width, deep in zip(widths, widths[1:]))
        self.up = nn.ModuleList(Block(width + deep, width) for width, deep in zip(widths, widths[1:]))
        self.head = head(widths[0])

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Network`."""
        shown = pictures(features(batch), self.side)
        around, there, lags = _around(batch.target_days, batch.output_days)
        days = torch.cat([lags, season(batch.output_days, WAVES)], -1)[None, :, :, None, None]
        days = days.expand(shown.shape[0], -1, -1, self.side, self.side)
        beside = shown[:, around, :self.seen] * there[:, :, None, None, None]
        found = self._seen_through(torch.cat([shown, beside.flatten(2, 3), days], 2).flatten(0, 1))
        return correct(batch, self.head(pixels(found.unflatten(0, shown.shape[:2]))))

    def _seen_through(self, pictures: torch.Tensor) -> torch.Tensor:
        skips = []
        for block in self.down:
            skips.append(block(avg_pool2d(skips[-1], 2) if skips else pictures))
        deep = skips.pop()
        for gate, block in zip(reversed(self.gates), reversed(self.up)):
            deep = interpolate(deep, scale_factor=2)  # then convolved: without the pattern that transposed convolutions leave
            deep = block(torch.cat([gate(skips.pop(), deep), deep], 1))
        return deep


class Block(nn.Module):
    """Two convolutions, the second on top of the first, without normalisation, which would take a picture's level away.

    First weights keep the size of what passes (He et al. 2015): with torch's own, which shrink it, networks learnt half as much
    in the same time; with group normalisation still less.
    """

    def __init__(self, before: int, width: int):
        super().__init__()
        self.first, self.second = nn.Conv2d(before, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
        for layer in (self.first, self.second):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)

    def forward(self, pictures):
        """Pictures (any, features, rows, columns) with other features."""
        found = gelu(self.first(pictures))
        return found + gelu(self.second(found))


class Gate(nn.Module):
    """Lets through what the deeper level finds worth attention (additive attention)."""

    def __init__(self, width: int, deep: int):
        super().__init__()
        self.own, self.deep, self.open = nn.Conv2d(width, width, 1), nn.Conv2d(deep, width, 1), nn.Conv2d(width, 1, 1)

    def forward(self, skipped, deep):
        """The skipped pictures, each pixel times a number from 0 to 1."""
        return skipped * torch.sigmoid(self.open(torch.relu(self.own(skipped) + self.deep(deep))))


def _around(target_days: torch.Tensor, output_days: torch.Tensor) -> tuple:
    """The target's dates around every output day: where they lie among output days, whether there are any, how far they are.

    All are (outputs, 2 ASIDE); distances grow with the logarithm of days, to 1 where there is none.
    """
    step = torch.arange(1, ASIDE + 1, device=output_days.device)
    before = (target_days < output_days[:, None]).sum(1, keepdim=True) - step
    after = (target_days <= output_days[:, None]).sum(1, keepdim=True) - 1 + step
    date = torch.cat([before, after], 1)
    there = (date >= 0) & (date < target_days.shape[0])
    date = date.clamp(0, target_days.shape[0] - 1)
    lag = torch.where(there, (target_days[date] - output_days[:, None]).abs(), FAR_DAYS)
    return (output_days < target_days[:, None]).sum(1)[date], there, torch.log1p(lag) / math.log1p(FAR_DAYS)
