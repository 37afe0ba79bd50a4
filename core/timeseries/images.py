"""An image: the bands of one overpass that one value is made of, masked where a quality layer tells of cloud."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .clear import Rule
from .grids import Window
from .raw import read_bands
from .series import Source
from .spectral import Index, plant_phenology_index


@dataclass(frozen=True)
class Quality:
    """A quality layer of an image, on the grid of the series, and the rule that it is read by."""

    source: Source
    rule: Rule
    buffer: int = 0

    def layer(self, window: Window) -> np.ndarray:
        """The layer's own numbers, (rows, columns) float64; NaN missing."""
        return _read(self.source, window, "float64")

    def unclear(self, window: Window, grid) -> np.ndarray:
        """Where the image is not clear, (rows, columns) bool. Clouds beyond the window reach into it by the buffer."""
        wide = _widened(window, grid, self.buffer)
        layer = self.layer(wide)
        inside = np.s_[window.row - wide.row :, window.column - wide.column :]
        return self.rule.unclear(layer, self.buffer)[inside][: window.rows, : window.columns]


@dataclass(frozen=True)
class Image:
    """What a date's value is made of.

    Parameters
    ----------
    bands : tuple of Source
        One, or those of the index in the order of its roles.
    index : Index, optional
    quality : Quality, optional
    decibels : bool
        Whether radar bands are decibels; an index is made of linear power.
    sun_zenith, greatest : float
        Of the plant phenology index, see `spectral.plant_phenology_index`.
    """

    bands: tuple
    grid: object
    index: Index | None = None
    quality: Quality | None = None
    decibels: bool = False
    sun_zenith: float | None = None
    greatest: float | None = None

    @property
    def sources(self) -> tuple[Source, ...]:
        """Everything that is read."""
        return self.bands + ((self.quality.source,) if self.quality else ())

    @property
    def measured(self) -> tuple[Source, ...]:
        """What holds measurements: the bands, not the quality layer."""
        return self.bands

    def without(self, nothing) -> Image:
        """This image with more stored numbers of its bands that are nothing; see `Source.without`."""
        return replace(self, bands=tuple(band.without(nothing) for band in self.bands))

    def read(self, window: Window) -> np.ndarray:
        """Values of a window, (rows, columns) float32; NaN where missing or not clear."""
        values = self.unmasked(window)
        if self.quality:
            values[self.quality.unclear(window, self.grid)] = np.nan
        return values

    def unmasked(self, window: Window) -> np.ndarray:
        """As `read`, but without a look at the quality layer."""
        if self.index is None:
            return _read(self.bands[0], window, "float32")
        return self.computed([_read(band, window, "float64") for band in self.bands]).astype("float32")

    def computed(self, bands: list) -> np.ndarray:
        """The index of bands."""
        if self.decibels:
            bands = [10 ** (band / 10) for band in bands]
        if self.index.formula is None:
            return plant_phenology_index(*bands, self.sun_zenith, self.greatest)
        return self.index.formula(*bands)

    def masked(self, quality: Quality) -> Image:
        """This image with a quality layer."""
        return replace(self, quality=quality)


def _read(source: Source, window: Window, dtype: str) -> np.ndarray:
    part = np.empty((1, window.rows, window.columns), dtype)
    read_bands(source.path, [source.band], window, part, source.aligned_to, source.resampling)
    return part[0]


def _widened(window: Window, grid, pixels: int) -> Window:
    top, left = max(0, window.row - pixels), max(0, window.column - pixels)
    bottom = min(grid.height, window.row + window.rows + pixels)
    right = min(grid.width, window.column + window.columns + pixels)
    return Window(top, left, bottom - top, right - left)
