"""Where networks run: on the processor, or on an NVIDIA GPU when there is one that torch can work on.

Apple's GPUs are left alone: torch reaches them by code of its own, which nobody could try here, and a network that is wrong
in silence is worse than a slow one.
"""
from __future__ import annotations

import os
import re

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
        Told which it is, and why a GPU that is there is not used.

    Raises
    ------
    InputError
        When a GPU is asked for and there is none, or none that torch can work on.
    """
    import torch
    problem = "" if wanted == "cpu" else "torch finds no NVIDIA GPU here" if not torch.cuda.is_available() else gpu_problem()
    if wanted == "gpu" and problem:
        raise InputError(f"DEVICE is gpu, but {problem}.",
                         "Choose DEVICE = auto or cpu, or give the engine a torch that is built for this GPU.")
    if problem and torch.cuda.is_available():
        events.warning(f"The GPU is not used: {problem}.")
    device = "cpu" if problem or wanted == "cpu" else "cuda"
    events.info(f"Working on the GPU {torch.cuda.get_device_name()}." if device == "cuda" else "Working on the processor.")
    return device


def gpu_problem() -> str:
    """Why torch cannot work on the GPU that it finds; empty when it can. A build of torch leaves out older and newer cards."""
    import torch
    try:
        capability = torch.cuda.get_device_capability()
        if not _has_code_for(capability, torch.cuda.get_arch_list()):
            return (f"this torch holds no code for the {torch.cuda.get_device_name()} "
                    f"(compute capability {'.'.join(map(str, capability))})")
        _try_a_step(torch)
    except RuntimeError as problem:  # a broken driver, a card that is full or that another program has to itself
        return f"a trial step on the GPU failed ({str(problem).strip().splitlines()[0]})"
    return ""


def _has_code_for(capability: tuple, built_for: list) -> bool:
    """Whether a build has code for a card: made for its generation and none later, or (``compute_``) to be translated for it.

    Code for one card alone ends in a letter: ``sm_90a``. What is not named in this way (AMD's) is left to the trial.
    """
    named = [found.groups() for found in (re.fullmatch(r"(sm|compute)_(\d+)(\d)([a-z]?)", one) for one in built_for) if found]
    for kind, major, minor, alone in named:
        own = int(major), int(minor)
        if own == capability or (not alone and own < capability and (kind == "compute" or own[0] == capability[0])):
            return True
    return not named


def _try_a_step(torch, where: str = "cuda") -> None:
    """What a step of training is made of, in the smallest: layers, short numbers, a gradient that arrives here."""
    network = torch.nn.Sequential(torch.nn.Conv1d(1, 2, 3), torch.nn.GRU(6, 2)).to(where)
    with torch.autocast(where, torch.bfloat16):
        said, _ = network(torch.ones(1, 1, 8, device=where))
    said.float().square().mean().backward()
    network[0].weight.grad.sum().item()
