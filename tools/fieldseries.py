"""One field's series as a picture: what was observed, what was filled with its 95 % band, and the truth of the simulation.

Runs in the engine's Python; the demo starts it: ``fieldseries.py DEMO_FOLDER PICTURE``.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(os.environ["PHENOFUSE_DEV_HOME"]) / "plugins"))
from phenofuse.core.report.figures import Line, lines
from phenofuse.core.timeseries import open_series

INTERVAL = 1.959964  # standard deviations of a Gaussian's 95 % interval
GREEN = 0.5  # NDVI, half way up a crop's rise


def main(folder: Path, picture: Path) -> None:
    """Draw the series of the pixel in the middle of the doubly cropped land that changes most."""
    observed = open_series(str(folder / "series" / "ndvi.tif"))
    days, seen = observed.days, observed.read()
    filled = open_series(str(folder / "series" / "ndvi_filled.tif")).read()
    deviation = open_series(str(folder / "series" / "ndvi_uncertainty.tif"), check=False).read_unchecked()
    truth = open_series(str(folder / "scene" / "truth" / "NDVI_truth.tif")).read()
    row, column = _doubly_cropped(truth)
    mean, spread = filled[:, row, column], INTERVAL * deviation[:, row, column]
    figure = lines(
        [
            Line("filled, with its 95% interval", days, mean, mean - spread, mean + spread),
            Line("truth (simulated)", days, truth[:, row, column]),
            Line("observed", days, seen[:, row, column], points=True),
        ],
        "NDVI",
    )
    figure.savefig(picture, dpi=110, facecolor="white")


def _doubly_cropped(truth: np.ndarray) -> tuple[int, int]:
    """A pixel of median amplitude among those that turn green four times in the two years."""
    rises = ((truth[:-1] < GREEN) & (truth[1:] >= GREEN)).sum(axis=0)
    inside = rises == 4 if (rises == 4).any() else rises == rises.max()
    amplitude = np.where(inside, np.ptp(truth, axis=0), np.nan)
    order = np.argsort(amplitude, axis=None)[: int(inside.sum())]  # NaN comes last
    return np.unravel_index(order[len(order) // 2], inside.shape)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
