"""Smoothing by pixel at true dates: the Whittaker smoother, and two simpler ways to compare it with.

* `whittaker` (the default): penalised least squares on second divided differences (`kernel` holds its arithmetic), with a smoothing
  chosen for each pixel (`smoothing`), outliers weighted down, an upper envelope on request, and exact standard deviations.
* `savgol`: Savitzky and Golay's local parabolas, on uneven dates; `linear`: straight lines. Both are in `local`.

`typical` learns from a sample what noise and smoothing are usual, so that a pixel with few observations need not find them alone.
Other topics call `fill` (values, days, output days, options) and perhaps `learn` before; `job` joins rasters and mathematics.
"""
from .methods import CRITERIA, MODES, Filled, Options, fill, learn
from .typical import Typical

__all__ = ["CRITERIA", "MODES", "Filled", "Options", "Typical", "fill", "learn"]
