"""Claim: a GPU trains to the processor's error in a fraction of the time, and fills with the same values.

    python tests/benchmarks/learning_gpu.py [--architectures fusion bigru] [--epochs 50] [--pixels 100000] [--devices cpu gpu]

Trains on the simulated scene of 96 x 96 pixels x 62 dates on each device; prints the seconds until the validation error is
within one percent of the first device's, series per second, the share of time in which the GPU worked, and peak memory; then fills
a scene of `--pixels` with the first device's model on each, and prints the rate and the largest differences.
"""
from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # noqa: F401 (links the checkout as package phenofuse)
from measuring import measured, written_inputs
from phenofuse.core.learning.modelfile import load_card
from phenofuse.core.scene.simulate import simulate
from phenofuse.core.timeseries import open_series

MEMORY_MB = 2048
SIDE = 96
EPOCH = re.compile(r"Epoch (\d+): error on validation pixels (\d\.\d+)")
UNTRAINED = "Error of the prior"
AS_GOOD = 1.01
QUERY = "nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", "--loop-ms=200"


@contextmanager
def watched_gpu():
    """Share of time in which the first GPU worked (percent), and its memory (MB), sampled while the block runs; none without one."""
    samples: list = []
    try:
        process = subprocess.Popen(QUERY, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except FileNotFoundError:
        yield samples
        return
    try:
        yield samples
    finally:
        process.terminate()
        samples += [[float(one) for one in line.split(",")] for line in process.communicate()[0].splitlines() if line[:1].isdigit()]


def curve(told: list) -> list:
    """Seconds since the start and validation error of every epoch."""
    found = ((when, EPOCH.match(event.get("text", ""))) for when, event in told)
    return [(when, float(match[2])) for when, match in found if match]


def main() -> None:
    """Train, fill, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architectures", nargs="*", default=["fusion", "bigru"])
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--pixels", type=int, default=100_000)
    parser.add_argument("--devices", nargs="*", default=["cpu", "gpu"])
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    scene, side = simulate(SIDE, 62, 1), round(options.pixels**0.5)
    with tempfile.TemporaryDirectory(prefix="phenofuse-bench-") as folder:
        small, large = written_inputs(folder, "small", scene, SIDE), written_inputs(folder, "large", scene, side)
        for architecture in options.architectures:
            models, goal, first = [], None, None
            for device in options.devices:
                told, models = [], [*models, str(Path(folder, f"{architecture}-{device}.phenofuse"))]
                with watched_gpu() as use:
                    peak, *_ = measured("trainmodel", {**small, "ARCHITECTURE": architecture, "EPOCHS": options.epochs,
                                                       "MODEL": models[-1]}, MEMORY_MB, options.workers, device, told)
                epochs, card = curve(told), load_card(models[-1])
                goal = goal or AS_GOOD * card.training["validation rmse"]
                reached = next((f"{when:.0f} s" for when, error in epochs if error <= goal), "never")
                began = next(when for when, event in told if event.get("text", "").startswith(UNTRAINED))
                spent = (epochs[-1][0] - began) / len(epochs)
                busy = f"GPU busy {np.mean(use, axis=0)[0]:.0f} %, {np.max(use, axis=0)[1]:.0f} MB of its memory; " if use else ""
                print(f"{architecture} on {device}: held out RMSE {card.metrics['rmse']:.4f}; validation error {goal:.4f} reached "
                      f"after {reached}; {spent:.2f} s per epoch, {card.training['samples']['training'] / spent:.0f} series per second"
                      f"; {busy}peak {peak:.0f} MB", flush=True)
            for device in options.devices:
                filled, deviation = (str(Path(folder, f"{device}-{kind}.tif")) for kind in ("filled", "deviation"))
                peak, wall, _ = measured("fillmodel", {**large, "MODEL": models[0], "OUTPUT": filled, "UNCERTAINTY": deviation},
                                         MEMORY_MB, options.workers, device)
                found = [open_series(path).read() for path in (filled, deviation)]
                first = first or found
                apart = [np.nanmax(np.abs(one - other)) for one, other in zip(found, first)]
                print(f"{architecture} on {device}: {side * side * len(scene.ndvi) / wall / 1e6:.2f} million values per second, "
                      f"peak {peak:.0f} MB; means differ by at most {apart[0]:.1e}, deviations by {apart[1]:.1e}", flush=True)


if __name__ == "__main__":
    main()
