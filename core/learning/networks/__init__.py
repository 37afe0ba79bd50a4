"""All of deep learning that needs torch: networks, what they are given, how they are trained and asked.

Each architecture has a file of its own and one interface (`network`); `ARCHITECTURES` knows them by name. `batch` makes
tensors of series, `training` is the loop, `prediction` asks a trained network, and `memory` is what to do when a GPU is full.
The modules of this room import torch, so other rooms import them only inside the functions that use them.
"""
from __future__ import annotations

import importlib

from ...errors import InputError

ARCHITECTURES = {"fusion": "fusion:Fusion", "bigru": "bigru:Bigru", "mlp": "mlp:Mlp",
                 "unet": "unet:Unet", "vit": "vit:Vit"}


def build(name: str, inputs: tuple, options: dict | None = None):
    """A new network.

    Parameters
    ----------
    name : str
        One of `ARCHITECTURES`.
    inputs : tuple of Input
        The target first, then its covariates.
    options : dict, optional
        Sizes and switches where they differ from the architecture's own.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        When there is no such architecture, or it cannot work with these inputs.
    """
    return _kind(name)(inputs, **(options or {}))


def side_of(name: str, options: dict | None = None) -> int:
    """Pixels along each side of the chips that an architecture looks at; 1 when it looks at single pixels."""
    return (options or {}).get("side", _kind(name).side)


def _kind(name: str):
    if name not in ARCHITECTURES:
        raise InputError(f"There is no architecture '{name}'.", f"Choose one of {', '.join(ARCHITECTURES)}.")
    module, kind = ARCHITECTURES[name].split(":")
    return getattr(importlib.import_module(f".{module}", __package__), kind)
