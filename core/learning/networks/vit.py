"""`vit`: a vision transformer that inpaints a square of pixels over the whole time.

The square is cut into small blocks of 4 x 4 pixels on two dates (Dosovitskiy et al. 2021; two dates as in Arnab et al. 2021).
Each becomes a token with the true middle of its dates and its place. Tokens look at one another along time, then across the
square, in turn (Bertasius et al. 2021): a year of them is cheap enough for a processor. From each token its pixels are made
again, beside what is known of every pixel itself. The mask is among the inputs, and only hidden values are learnt from.
"""
from __future__ import annotations

import torch
from torch import nn

from .batch import Batch
from .frames import dated, features, pictures, pixels
from .fusion import Layer
from .network import CHIP, Network, correct, head, season

PATCH, DATES = 4, 2
WAVES = 3
PIXEL_FEATURES, PIXEL_WIDTH = 8, 32  # what a token says of each of its pixels, and what is made of it


class Vit(Network):
    """See the module.

    Parameters
    ----------
    inputs : tuple of Input
    side : int
        Of a chip; a multiple of 4.
    width : int
        Numbers per token.
    heads, layers : int
    """

    side = CHIP

    def __init__(self, inputs: tuple, side: int = CHIP, width: int = 64, heads: int = 4, layers: int = 3):
        super().__init__(inputs, side=side, width=width, heads=heads, layers=layers)
        self.side = side
        known = dated(len(inputs) - 1) + 6
        block = DATES * PATCH**2
        self.embed = nn.Linear(block * known, width)
        self.date = nn.Linear(2 * WAVES, width)
        self.place = nn.Parameter(0.02 * torch.randn((side // PATCH) ** 2, width))
        self.in_time = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.in_space = nn.ModuleList(nn.TransformerEncoderLayer(width, heads, 2 * width, 0.0, "gelu", batch_first=True,
                                                                 norm_first=True) for _ in range(layers))
        self.last = nn.LayerNorm(width)
        self.pixels = nn.Linear(width, block * PIXEL_FEATURES)
        self.join = nn.Linear(PIXEL_FEATURES + known, PIXEL_WIDTH)
        self.head = head(PIXEL_WIDTH)

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Network`."""
        known, days = features(batch), batch.output_days
        dates = days.shape[0]
        even = torch.arange((dates + DATES - 1) // DATES * DATES, device=days.device).clamp(max=dates - 1)  # the last one twice
        known, middle = known[:, even], days[even].unflatten(0, (-1, DATES)).sum(-1) / DATES
        tokens = self.embed(_blocks(pictures(known, self.side)))
        tokens = tokens + self.place[:, None] + self.date(season(middle, WAVES))
        there = torch.ones(1, middle.shape[0], dtype=torch.bool, device=tokens.device)
        for in_time, in_space in zip(self.in_time, self.in_space):
            series = tokens.flatten(0, 1)
            series = in_time(series, series, middle, middle, there)
            maps = in_space(series.unflatten(0, tokens.shape[:2]).transpose(1, 2).flatten(0, 1))
            tokens = maps.unflatten(0, (tokens.shape[0], -1)).transpose(1, 2)
        said = pixels(_unblocked(self.pixels(self.last(tokens)), self.side))
        found = nn.functional.gelu(self.join(torch.cat([said, known], -1)))[:, :dates]
        return correct(batch, self.head(found))


def _blocks(shown: torch.Tensor) -> torch.Tensor:
    """Pictures (chips, days, features, side, side) as blocks (chips, places, times, numbers)."""
    cut = shown.unflatten(4, (-1, PATCH)).unflatten(3, (-1, PATCH)).unflatten(1, (-1, DATES))
    return cut.permute(0, 4, 6, 1, 2, 3, 5, 7).flatten(4).flatten(1, 2)


def _unblocked(blocks: torch.Tensor, side: int) -> torch.Tensor:
    """The inverse of `_blocks`."""
    cut = blocks.unflatten(3, (DATES, -1, PATCH, PATCH)).unflatten(1, (side // PATCH, side // PATCH))
    return cut.permute(0, 3, 4, 5, 1, 6, 2, 7).flatten(6, 7).flatten(4, 5).flatten(1, 2)
