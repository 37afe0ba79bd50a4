"""Claim: on the simulated scene a network trains within minutes and 2 GB, and fills nearer to the truth than what needs no training.

    python tests/benchmarks/learning_scene.py [--architectures fusion bigru mlp] [--prior scene] [--epochs 50] [--pixels 100000]

Trains on 96 x 96 pixels x 62 dates and prints the scores at held-out values of held-out blocks, from the model's card; fills
the scene, and prints the error against the noise-free truth at all missing values beside what needs no training; then
fills a scene of `--pixels`. Each run is an engine of its own, with its peak memory, wall and processor seconds.
"""
from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # noqa: F401 (links the checkout as package phenofuse)
from measuring import measured, written_inputs
from phenofuse.core.learning.modelfile import load_card
from phenofuse.core.scene.simulate import simulate
from phenofuse.core.timeseries import open_series
from series import linear, pixels

MEMORY_MB = 512
SIDE = 96
UNTRAINED = ("fillharmonic", {}), *(("fillmogpr", {"COVARIANCE": kind}) for kind in ("scene", "shared", "pixel"))


def told(name: str, figures: tuple) -> str:
    """Peak memory, wall and processor seconds of a run in words."""
    return f"{name}: peak {figures[0]:.0f} MB, {figures[1]:.0f} s, {figures[2]:.0f} s of processor time"


def against_truth(path: str, scene) -> str:
    """Error of a filled raster at what was missing."""
    filled, missing = open_series(path).read(), np.isnan(scene.ndvi)
    return f"{np.sqrt(np.mean((filled - scene.ndvi_truth)[missing] ** 2)):.4f}"


def main() -> None:
    """Train, fill, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--architectures", nargs="*", default=["fusion", "bigru", "mlp"])
    parser.add_argument("--prior", default="scene")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--pixels", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    options = parser.parse_args()
    scene, side = simulate(SIDE, 62, 1), round(options.pixels**0.5)
    with tempfile.TemporaryDirectory(prefix="phenofuse-bench-") as folder:
        small, large = written_inputs(folder, "small", scene, SIDE), written_inputs(folder, "large", scene, side)
        filled = str(Path(folder, "filled.tif"))
        line = linear(pixels(scene.ndvi), open_series(small["INPUT"]).days).T.reshape(scene.ndvi.shape)
        missing = np.isnan(scene.ndvi)
        print(f"linear: error of missing values {np.sqrt(np.mean((line - scene.ndvi_truth)[missing] ** 2)):.4f}", flush=True)
        for job, choice in UNTRAINED:
            given = {**small, **choice} if job == "fillmogpr" else {"INPUT": small["INPUT"]}
            figures = measured(job, {**given, "OUTPUT": filled}, MEMORY_MB, options.workers)
            print(f"{' '.join((job, *choice.values()))}: error of missing values {against_truth(filled, scene)}; "
                  + told("learn and fill", figures), flush=True)
        for architecture in options.architectures:
            model = str(Path(folder, f"{architecture}.phenofuse"))
            figures = measured("trainmodel", {**small, "ARCHITECTURE": architecture, "PRIOR": options.prior, "EPOCHS": options.epochs,
                                              "MODEL": model}, MEMORY_MB, options.workers)
            card = load_card(model)
            own, mogpr = card.metrics, card.metrics["mogpr"]
            print(f"{architecture}: held out RMSE {own['rmse']:.4f}, MAE {own['mae']:.4f}, R2 {own['r2']:.3f}, 90 % intervals hold "
                  f"{own['coverage_90']:.3f}; {own['linear']['ratio']:.3f} of linear, {mogpr['ratio']:.3f} of MOGPR "
                  f"({mogpr['lower']:.3f}-{mogpr['upper']:.3f}); without radar {own['without_radar']['rmse']:.4f}, another pixel's "
                  f"{own['permuted_radar']['rmse']:.4f}; {card.training['epochs run']} epochs", flush=True)
            print(told(f"{architecture} training", figures), flush=True)
            measured("fillmodel", {**small, "MODEL": model, "OUTPUT": filled}, MEMORY_MB, options.workers)
            figures = measured("fillmodel", {**large, "MODEL": model, "OUTPUT": str(Path(folder, "large.tif"))}, MEMORY_MB,
                               options.workers)
            print(f"{architecture}: error of missing values {against_truth(filled, scene)}; "
                  + told(f"filling {side * side} pixels", figures), flush=True)


if __name__ == "__main__":
    main()
