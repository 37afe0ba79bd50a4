"""`bigru`: two gated recurrent layers that read the output days forwards and backwards; light, for machines without a GPU.

(Cho et al. 2014; Schuster & Paliwal 1997.) Every output day is a step. It holds the target where it was seen, the nearest
value of every covariate and how far away that is, the prior, and the observations around the gap.
"""
from __future__ import annotations

import torch
from torch import nn

from .batch import Batch
from .network import Network, correct, head, joined, near_covariates, observed, padded, season, surroundings

WAVES = 2


class Bigru(Network):
    """See the module.

    Parameters
    ----------
    inputs : tuple of Input
    width : int
        Numbers that each direction remembers.
    layers : int
    """

    def __init__(self, inputs: tuple, width: int = 64, layers: int = 2):
        super().__init__(inputs, width=width, layers=layers)
        features = 8 + 2 * WAVES + 2 * (len(inputs) - 1)
        self.read = nn.GRU(padded(features), width, layers, batch_first=True, bidirectional=True)
        self.head = head(2 * width)

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Network`."""
        prior = torch.stack([batch.prior_mean, batch.prior_deviation], -1)
        steps = joined(observed(batch), prior, surroundings(batch), season(batch.output_days, WAVES), *near_covariates(batch))
        return correct(batch, self.head(self.read(steps)[0]))
