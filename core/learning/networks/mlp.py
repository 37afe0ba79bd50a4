"""`mlp`: NDVI from the radar of the day and the one before, by a plain network; the way of earlier tools, with right physics.

Ten features: VV, VH, RVI, VV and VH of the date before, their differences, VV/VH, VH/VV and VV x VH. Ratios, the product
and the radar vegetation index (RVI = 4 VH / (VV + VH), Nasirzadehdizaji et al. 2019) are of linear power, differences of
decibels. The network sees neither dates nor the pixel's own observations, nor its prior: it is the yardstick of what radar
alone tells. Its output reaches the whole range of the target.
"""
from __future__ import annotations

import torch
from torch import nn

from ...errors import InputError
from .batch import Batch
from .network import LEAST_SCALE, MOST_LOG_SCALE, Network, joined, nearest_covariates, padded

WIDTHS = (256, 128, 64, 32, 16)
DROPOUT = (0.2, 0.2, 0.2, 0.1, 0.0)
FEATURES = 10


class Mlp(Network):
    """See the module.

    Parameters
    ----------
    inputs : tuple of Input
        VV and VH in decibels among them.

    Raises
    ------
    InputError
        When they are not.
    """

    def __init__(self, inputs: tuple):
        super().__init__(inputs)
        known = {one.name: (number, one) for number, one in enumerate(inputs[1:])}
        for name in ("VV", "VH"):
            if name not in known or known[name][1].units != "dB":
                raise InputError(f"The architecture mlp needs {name} in decibels among the covariates.",
                                 "Give VV and VH as COVARIATES, or choose ARCHITECTURE = fusion.")
        self.places = [known[name][0] for name in ("VV", "VH")]
        self.register_buffer("centre", torch.tensor([[known[name][1].centre] for name in ("VV", "VH")]))
        self.register_buffer("scale", torch.tensor([[known[name][1].scale] for name in ("VV", "VH")]))
        before = padded(FEATURES)
        layers = [nn.BatchNorm1d(before)]
        for width, share in zip(WIDTHS, DROPOUT):
            layers += [nn.Linear(before, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(share)]
            before = width
        self.layers = nn.Sequential(*layers, nn.Linear(before, 2))

    def forward(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """See `Network`."""
        now, day = nearest_covariates(batch)
        earlier, day_before = nearest_covariates(batch, before=day)
        earlier = torch.where(day_before.isnan(), now, earlier)  # the first date has none before it
        vv, vh = (now[:, self.places] * self.scale + self.centre).unbind(1)
        vv_before, vh_before = (earlier[:, self.places] * self.scale + self.centre).unbind(1)
        power_vv, power_vh = 10 ** (vv / 10), 10 ** (vh / 10)
        features = torch.stack([
            vv, vh, 4 * power_vh / (power_vv + power_vh), vv_before, vh_before, vv - vv_before, vh - vh_before,
            power_vv / power_vh, power_vh / power_vv, power_vv * power_vh], -1)
        mean, log_scale = self.layers(joined(features).flatten(0, 1)).unflatten(0, vv.shape).float().unbind(-1)
        return mean, torch.exp(MOST_LOG_SCALE * torch.tanh(log_scale / MOST_LOG_SCALE)) + LEAST_SCALE
