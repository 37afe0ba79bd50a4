"""Writing rasters by the contract: tiled, compressed, dated, and never half finished under their final name."""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
from rasterio.errors import RasterioError

from .. import files
from ..errors import DiskError, OutputError
from ..outputs import SIDECARS, replace_together
from ..version import version
from .dates import Period
from .grids import Grid, Window
from .raw import TAG
from .variables import variable_named

# Tile side of the contract: 73 bands of 512 x 512 read one band in 3 ms with INTERLEAVE=BAND, in 143 ms with PIXEL.
BLOCK = 256


@dataclass(frozen=True)
class Header:
    """What a raster says of itself in its ``PHENOFUSE`` tag. It holds no dates: those would lie after a band subset."""

    variable: str
    units: str = ""
    method: str = ""
    parameters: dict = field(default_factory=dict)
    parents: tuple = ()
    orbit: str = ""
    extra: dict = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The JSON object."""
        content = {
            "variable": self.variable,
            "units": self.units,
            "scale": 1,
            "orbit": self.orbit,
            "method": self.method,
            "parameters": self.parameters,
            "version": version(),
            "parents": [Path(p).name for p in self.parents],
            **self.extra,
        }
        return json.dumps({k: v for k, v in content.items() if v not in ("", {}, [])})


@dataclass(frozen=True)
class RasterSpec:
    """A raster to be written: grid, band names, type.

    Parameters
    ----------
    bands : tuple of str
        Band descriptions.
    band_tags : tuple of dict, optional
        Tags per band.
    dtype, nodata
        ``float32`` with NaN, or for example ``uint8`` with None.
    """

    grid: Grid
    bands: tuple
    header: Header
    dtype: str = "float32"
    nodata: float | None = float("nan")
    band_tags: tuple = ()

    @property
    def bytes(self) -> int:
        """Size without compression."""
        return self.grid.width * self.grid.height * len(self.bands) * np.dtype(self.dtype).itemsize


def series_spec(grid: Grid, periods, header: Header, dtype: str = "float32") -> RasterSpec:
    """The raster of a time series: one band per period; integer rasters have no nodata."""
    return RasterSpec(
        grid,
        tuple(map(str, periods)),
        header,
        dtype,
        float("nan") if np.dtype(dtype).kind == "f" else None,
        tuple(p.tags for p in periods),
    )


class RasterWriter:
    """Writes a raster under a temporary name; `finish` gives it its own, `moves` says how to do so with several.

    Used as a context manager it finishes when all went well and leaves nothing otherwise.

    Parameters
    ----------
    path : str
        Final name.
    spec : RasterSpec
        What to write.
    """

    def __init__(self, path: str, spec: RasterSpec):
        self.path, self.spec = Path(path), spec
        self.temporary = files.temporary(self.path)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise files.failure(self.path, problem) from problem
        grid = spec.grid
        profile = {
            "driver": "GTiff", "dtype": spec.dtype, "nodata": spec.nodata,
            "width": grid.width, "height": grid.height, "count": len(spec.bands),
            "crs": grid.crs or None, "transform": rasterio.Affine(*grid.transform),
            "tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "interleave": "band",
            "compress": "deflate", "predictor": 3 if np.dtype(spec.dtype).kind == "f" else 2, "bigtiff": "IF_SAFER",
        }  # fmt: skip
        with _write_errors(self.path):
            self._file = rasterio.open(self.temporary, "w", **profile)
            self._file.update_tags(**{TAG: spec.header.text, "AREA_OR_POINT": "Area"})
            for index, text in enumerate(spec.bands, start=1):
                self._file.set_band_description(index, text)
                if spec.band_tags:
                    self._file.update_tags(index, **spec.band_tags[index - 1])

    def write(self, values: np.ndarray, window: Window | None = None, band: int | list | None = None) -> None:
        """Write (bands, rows, columns) of all or a list of bands, or one band's (rows, columns), at a window; default: everywhere."""
        window = window or self.spec.grid.window
        where = rasterio.windows.Window(window.column, window.row, window.columns, window.rows)
        with _write_errors(self.path):
            self._file.write(np.asarray(values, self.spec.dtype), window=where, indexes=band)

    def close(self) -> None:
        """Complete the temporary file.

        Raises
        ------
        DiskError
            When the disk is full: GDAL tells it only here, so the file is read back once.
        """
        with _write_errors(self.path):
            self._file.close()
            with rasterio.open(self.temporary) as written:  # a full disk cuts the file short without a word
                written.read(
                    written.count,
                    window=rasterio.windows.Window(max(0, written.width - 1), max(0, written.height - 1), 1, 1),
                )

    @property
    def moves(self) -> list:
        """What `replace_together` has to do to finish: the closed file gets its name, what lay beside the old one goes."""
        gone = [self.path.with_name(self.path.name + ending) for ending in SIDECARS]
        return [(self.temporary, self.path), *((None, path) for path in gone if path.exists())]

    def finish(self) -> None:
        """Give the closed file its final name."""
        replace_together(self.moves)

    def discard(self) -> None:
        """Remove the temporary file."""
        try:
            self._file.close()
        except RasterioError:
            pass
        self.temporary.unlink(missing_ok=True)

    def __enter__(self) -> RasterWriter:
        return self

    def __exit__(self, kind, problem, trace) -> None:
        if kind is not None:
            self.discard()
            return
        try:
            self.close()
            self.finish()
        except BaseException:
            self.discard()
            raise


def write_series(
    path: str, values: np.ndarray, grid: Grid, periods: tuple[Period, ...], header: Header, dtype: str = "float32"
) -> None:
    """Write a whole series (dates, rows, columns) at once; large ones are written by tiles (`core.tiles`)."""
    with RasterWriter(path, series_spec(grid, periods, header, dtype)) as writer:
        writer.write(values)


def variable_header(name: str, **rest) -> Header:
    """The header of a known variable, with its units."""
    return Header(name, variable_named(name).units, **rest)


class _write_errors:
    """Turns what GDAL says on a failed write into our errors."""

    def __init__(self, path: Path):
        self.path = path

    def __enter__(self):
        return self

    def __exit__(self, kind, problem, trace):
        if isinstance(problem, OSError) and problem.errno == errno.ENOSPC or "No space left" in str(problem):
            raise DiskError(
                f"The disk of {self.path.parent} is full.", "Free some room, then run the same call again."
            ) from problem
        if isinstance(problem, RasterioError):
            raise OutputError(
                f"{self.path} could not be written ({problem}).",
                "Check that the disk is not full and the folder can be written.",
            ) from problem
        return False
