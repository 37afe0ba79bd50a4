"""Claim: with COVARIANCE = scene, `fillmogpr` needs time in proportion to the length of a series and to pixels, and less to variables.

    python tests/benchmarks/gaussian_growth.py [--plot docs/images/growth.png]

Seconds of processor time on the simulated sample scene every 12 days: to learn from 200 pixels, and per pixel to fill, by the
scene's covariance and by the shared one (of each pixel's own, see `gaussian_pixel.py`). Prints a table and draws it.
"""
from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest
from phenofuse.core.gaussian import methods
from phenofuse.core.report.figures import COLOURS
from phenofuse.core.scene.simulate import simulate
from phenofuse.core.timeseries.filling import Options
from series import pixels

DATES, PIXELS, VARIABLES = (62, 124, 186, 310, 620), (1_000, 10_000, 100_000), (1, 2, 3, 5)
USUAL_DATES, USUAL_VARIABLES, SIDE, TAUGHT = 62, 3, 32, 200
# Pixels filled to measure one, and the longest series, by covariance.
MEASURED = {"scene": (1024, 620), "shared": (256, 310)}


def series(count: int, variables: int) -> tuple[list, tuple]:
    """Values (pixels, dates) of so many dates and variables: NDVI, VV, VH, and noisier copies of both radars."""
    drawn = simulate(SIDE, count, 1)
    rng = np.random.default_rng(0)
    cubes = [drawn.ndvi, drawn.vv, drawn.vh, *(cube + rng.normal(0, 1, cube.shape) for cube in (drawn.vv, drawn.vh))]
    return [np.ascontiguousarray(pixels(cube), np.float32) for cube in cubes[:variables]], (12.0 * np.arange(count),) * variables


def measured(kind: str, count: int, variables: int, filled: int) -> tuple[float, float]:
    """Seconds to learn and check, and to fill so many pixels (copies of one another beyond the scene's)."""
    values, days = series(count, variables)
    names = tuple(f"variable {i}" for i in range(variables))
    chosen = np.flatnonzero(np.isfinite(values[0]).any(axis=1))[::SIDE * SIDE // TAUGHT]
    started = time.process_time()
    model, _ = methods.learn(kind, [one[chosen] for one in values], days, names, 1, methods.Choices())
    learnt = time.process_time() - started
    days = days[:len(model.variables)]
    values = [np.resize(one, (filled, count)) for one in values[:len(days)]]
    methods.fill(model, [one[:64] for one in values], days, days[0], Options((-1, 1)))
    started = time.process_time()
    methods.fill(model, values, days, days[0], Options((-1, 1)))
    return learnt, time.process_time() - started


def main() -> None:
    """Print and draw everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--plot", type=Path, default=conftest.ROOT / "docs" / "images" / "growth.png")
    options = parser.parse_args()
    figure, axes = plt.subplots(1, 4, figsize=(12, 3), layout="constrained")
    print(f"{'covariance':12}{'dates':>6}{'variables':>10}{'pixels':>9}{'learn s':>9}{'fill us/pixel':>14}")
    for colour, (kind, (few, longest)) in zip(COLOURS, MEASURED.items()):
        measured(kind, 31, USUAL_VARIABLES, 64)  # compiles
        steps = [count for count in DATES if count <= longest]
        found = [told(kind, count, USUAL_VARIABLES, few) for count in steps]
        draw(axes[0], steps, [fill / few * 1e3 for _, fill in found], kind, colour)
        draw(axes[1], steps, [learn for learn, _ in found], kind, colour)
        found = [told(kind, USUAL_DATES, variables, few)[1] / few * 1e3 for variables in VARIABLES]
        draw(axes[2], VARIABLES, found, kind, colour)
        if kind == "scene":
            draw(axes[3], PIXELS, [told(kind, USUAL_DATES, USUAL_VARIABLES, count)[1] for count in PIXELS], kind, colour)
    for one in axes[:3]:
        one.set_ylim(bottom=0)
    for one, x, y in zip(axes, ("dates", "dates", "variables", "pixels"),
                         ("ms per pixel to fill", "s to learn and check", "ms per pixel to fill", "s to fill")):
        one.set(xlabel=x, ylabel=y)
        one.grid(alpha=0.3)
    axes[3].set(xscale="log", yscale="log")
    axes[0].legend(frameon=False)
    figure.savefig(options.plot, dpi=80)


def told(kind: str, count: int, variables: int, filled: int) -> tuple[float, float]:
    """Measure, and print a line."""
    learn, fill = measured(kind, count, variables, filled)
    print(f"{kind:12}{count:6}{variables:10}{filled:9}{learn:9.2f}{fill / filled * 1e6:14.0f}", flush=True)
    return learn, fill


def draw(axes, x, y: list, label: str, colour: str) -> None:
    """One curve with its points."""
    axes.plot(x, y, "o-", color=colour, label=label)


if __name__ == "__main__":
    main()
