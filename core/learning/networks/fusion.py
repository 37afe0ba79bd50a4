"""`fusion`: a small transformer in time, which reads each pixel's clear observations and radar on their own dates.

Every clear observation of the target is a token, and so is every date of the covariates. They look at one another, then
each output day asks all of them (Vaswani et al. 2017; asking for any date as in AnytimeFormer, and in light temporal
attention for satellite series, Garnot & Landrieu 2020). What is near in time is looked at first: each head adds to its
attention a slope of its own times the distance in days (Press et al. 2022), which it may learn to forget.
"""
from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention

from .batch import Batch
from .network import Network, correct, head, joined, near_covariates, padded, season, surroundings

WAVES = 3
START_DAYS = (10.0, 30.0, 90.0, 270.0)  # distances at which heads begin to look away
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
        Times the output days ask.
    dropout : float
    """

    def __init__(self, inputs: tuple, width: int = 64, heads: int = 4, layers: int = 2, dropout: float = 0.1):
        super().__init__(inputs, width=width, heads=heads, layers=layers, dropout=dropout)
        covariates = len(inputs) - 1
        self.embed_target = nn.Linear(padded(1 + 2 * WAVES), width)
        self.embed_covariates = nn.Linear(padded(2 * covariates + 2 * WAVES), width) if covariates else None
        self.embed_query = nn.Linear(padded(6 + 2 * WAVES + 2 * covariates), width)
        self.encode = nn.ModuleList(Layer(width, heads, dropout) for _ in range(2 if covariates else 1))
        self.ask = nn.ModuleList(Layer(width, heads, dropout) for _ in range(layers))
        self.last = nn.LayerNorm(width)
        self.head = head(width)

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Network`."""
        tokens = [self.embed_target(joined(batch.target[..., None], season(batch.target_days, WAVES)))]
        seen, days = [batch.target_seen], [batch.target_days]
        if self.embed_covariates is not None:
            values = torch.cat([batch.covariates, batch.covariates_seen.float()], 1).transpose(1, 2)
            tokens.append(self.embed_covariates(joined(values, season(batch.covariate_days, WAVES))))
            seen.append(batch.covariates_seen.any(1))
            days.append(batch.covariate_days)
        tokens = [layer(own, own, when, when, there) for layer, own, when, there in zip(self.encode, tokens, days, seen)]
        memory, when, there = torch.cat(tokens, 1), torch.cat(days), torch.cat(seen, 1)
        known = torch.stack([batch.prior_mean, batch.prior_deviation], -1)
        query = self.embed_query(joined(known, surroundings(batch), *near_covariates(batch), season(batch.output_days, WAVES)))
        for layer in self.ask:
            query = layer(query, memory, batch.output_days, when, there)
        return correct(batch, self.head(self.last(query)))


class Layer(nn.Module):
    """Attention from some tokens to others, then a small network of each token; normalised before both (Xiong et al. 2020)."""

    def __init__(self, width: int, heads: int, dropout: float):
        super().__init__()
        self.heads = heads
        self.norm_query, self.norm_memory, self.norm = (nn.LayerNorm(width) for _ in range(3))
        self.query, self.joined = nn.Linear(width, width), nn.Linear(width, width)
        self.memory = nn.Linear(width, 2 * width)
        self.own = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.drop = nn.Dropout(dropout)
        starts = torch.tensor([START_DAYS[head % len(START_DAYS)] for head in range(heads)])
        self.log_slope = nn.Parameter(-starts.log())

    def forward(self, query, memory, query_days, memory_days, there):
        """Tokens (pixels, asking, width) after a look at others (pixels, asked, width), of which some are `there`."""
        asked = self.norm_memory(memory)
        key, value = (self._split(part) for part in self.memory(asked).chunk(2, -1))
        distance = (query_days[:, None] - memory_days[None, :]).abs()
        bias = -self.log_slope.exp()[:, None, None] * distance
        mask = torch.where(there[:, None, None, :], bias, NEVER)
        found = scaled_dot_product_attention(self._split(self.query(self.norm_query(query))), key, value, mask.to(key.dtype))
        query = query + self.drop(self.joined(found.transpose(1, 2).flatten(2)))
        return query + self.drop(self.own(self.norm(query)))

    def _split(self, tokens: torch.Tensor) -> torch.Tensor:
        return tokens.unflatten(2, (self.heads, -1)).transpose(1, 2)
