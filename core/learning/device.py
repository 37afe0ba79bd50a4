"""Where networks run: on the processor, or on a GPU when there is one."""
from __future__ import annotations

import os

from ..errors import InputError, MissingExtraError


def require_torch() -> None:
    """Load torch; raise `MissingExtraError` when the engine has none.

    Its threads spin for some microseconds while they wait for one another, then sleep. Spinning on, as they would, two of them
    were twenty times slower on a machine with other work to do; sleeping at once, no faster than one.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read when torch is loaded
    os.environ.setdefault("GOMP_SPINCOUNT", "10000")  # which on Linux overrules it
    try:
        import torch  # noqa: F401
    except ImportError as missing:
        raise MissingExtraError("Deep learning needs the package torch, which the engine lacks.",
                                "Run 'Set up engine' (phenofuse:setupengine) with EXTRAS=learning.") from missing


def chosen_device(wanted: str, events) -> str:
    """``cpu`` or ``cuda``.

    Parameters
    ----------
    wanted : str
        ``auto``, ``cpu`` or ``gpu``.
    events : Events

    Raises
    ------
    InputError
        When a GPU is asked for and there is none.
    """
    import torch
    there = torch.cuda.is_available()
    if wanted == "gpu" and not there:
        raise InputError("DEVICE is gpu, but torch finds no GPU here.", "Choose DEVICE = auto or cpu, or install a torch with CUDA.")
    device = "cuda" if there and wanted != "cpu" else "cpu"
    events.info(f"Working on the GPU {torch.cuda.get_device_name()}." if device == "cuda" else "Working on the processor.")
    return device
