"""`fusion`: a small transformer in time, which reads each pixel's clear observations and radar on their own dates.

Every output day is a token, which knows what was seen there and what the prior says; so is every date of the covariates. In each
layer the tokens of output days look at those of the target's dates and at the covariates (Vaswani et al. 2017; any date may be
asked for, as in AnytimeFormer, and in light temporal attention for satellite series, Garnot & Landrieu 2020). Further output
days are looked at by none, so that what is said of a day does not depend on which others are asked for.

What is near in time is looked at first: each head adds to its attention a slope of its own times the distance in days (Press et
al. 2022), and what it learns of distances before and after (Liu et al. 2022, Swin V2). On the sample scene that lowered the error
after 32 epochs by 3 %, and so did output days that look around in every layer, not in the last ones alone.
"""
from __future__ import annotations

import math

import torch
from torch import nn

from .batch import Batch
from .network import Network, correct, head, joined, near_covariates, observed, padded, season, surroundings

WAVES = 3
START_DAYS = (10.0, 30.0, 90.0, 270.0)  # distances at which heads begin to look away
UNIT_DAYS, HIDDEN = 20.0, 32  # of the small network that learns of distances: the distance that counts as one, and its width
NEVER = -1e9  # finite, so that a pixel without any token gets a mean of what is there and no NaN


class Fusion(Network):
    """See the module.

    Parameters
    ----------
    inputs : tuple of Input
    width : int
        Numbers per token.
    heads : int
    layers : int
        Times the output days look around.
    """

    def __init__(self, inputs: tuple, width: int = 64, heads: int = 4, layers: int = 3):
        super().__init__(inputs, width=width, heads=heads, layers=layers)
        covariates = len(inputs) - 1
        self.embed = nn.Linear(padded(8 + 2 * covariates + 2 * WAVES), width)
        if covariates:
            self.embed_covariates = nn.Linear(padded(2 * covariates + 2 * WAVES), width)
            self.encode = Layer(width, heads)
        self.look = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.last = nn.LayerNorm(width)
        self.head = head(width)

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Network`."""
        prior = torch.stack([batch.prior_mean, batch.prior_deviation], -1)
        known = observed(batch), prior, surroundings(batch), *near_covariates(batch)
        tokens = self.embed(joined(*known, season(batch.output_days, WAVES)))
        days, there, others = [batch.target_days], [torch.ones_like(batch.target_seen)], []
        if batch.covariates.shape[1]:
            values = torch.cat([batch.covariates, batch.covariates_seen.to(batch.covariates.dtype)], 1).transpose(1, 2)
            other = self.embed_covariates(joined(values, season(batch.covariate_days, WAVES)))
            days.append(batch.covariate_days)
            there.append(batch.covariates_seen.any(1))
            others.append(self.encode(other, other, days[1], days[1], there[1]))
        dates = (batch.output_days < batch.target_days[:, None]).sum(1)  # where the target's dates lie among the output days
        days, there = torch.cat(days), torch.cat(there, 1)
        for layer in self.look:
            tokens = layer(tokens, torch.cat([tokens[:, dates], *others], 1), batch.output_days, days, there)
        return correct(batch, self.head(self.last(tokens)))


class Layer(nn.Module):
    """Attention from some tokens to others, then a small network of each token; normalised before both (Xiong et al. 2020)."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.norm_query, self.norm_memory, self.norm = (nn.LayerNorm(width) for _ in range(3))
        self.query, self.joined = nn.Linear(width, width), nn.Linear(width, width)
        self.memory = nn.Linear(width, 2 * width)
        self.own = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        starts = torch.tensor([START_DAYS[head % len(START_DAYS)] for head in range(heads)])
        self.log_slope = nn.Parameter(-starts.log())
        self.distance = nn.Sequential(nn.Linear(2, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, heads))
        nn.init.zeros_(self.distance[2].weight)
        nn.init.zeros_(self.distance[2].bias)

    def forward(self, query, memory, query_days, memory_days, there):
        """Tokens (pixels, asking, width) after a look at others (pixels, asked, width), of which some are `there`."""
        key, value = (self._split(part) for part in self.memory(self.norm_memory(memory)).chunk(2, -1))
        asking = self._split(self.query(self.norm_query(query))) * key.shape[-1] ** -0.5
        never = torch.where(there, 0.0, NEVER)[:, None, None, :]
        looks = asking @ key.transpose(-1, -2) + self._nearness(query_days[:, None] - memory_days) + never
        found = looks.softmax(-1) @ value
        query = query + self.joined(found.transpose(1, 2).flatten(2))
        return query + self.own(self.norm(query))

    def _nearness(self, days: torch.Tensor) -> torch.Tensor:
        """What distances in days (asking, asked) add to the attention of each head."""
        far = torch.log1p(days.abs()) / math.log1p(UNIT_DAYS)
        learnt = self.distance(torch.stack([days.sign() * far, far], -1)).permute(2, 0, 1)
        return learnt - self.log_slope.exp()[:, None, None] * days.abs()

    def _split(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)
