"""Harmonic gap filling: a pixel's season as a sum of cosines, at the true dates.

* `adaptive` (the default): the coefficients have a prior learnt from all series of the scene (`learning`, `scene`), and
  an autocorrelated residual follows what the harmonics cannot; mean and standard deviation are exact.
* `cascade`: 10, then 5, then 1 harmonics by plain least squares, for comparison with older work.

`design` holds the columns both share, `kernel` the compiled arithmetic per pixel, `job` joins rasters and mathematics.
Other topics may call the adaptive model: `learn` from pixels, then `fill`.
"""
from .adaptive import Options, fill, learn

__all__ = ["Options", "fill", "learn"]
