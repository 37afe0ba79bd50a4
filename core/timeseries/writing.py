"""Writing rasters by the contract: tiled, compressed, dated, and never half finished under their final name."""

from __future__ import annotations

import errno
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import rasterio
import rasterio.shutil
from rasterio.errors import RasterioError

from .. import files
from ..errors import DiskError, OutputError
from ..outputs import SIDECARS, replace_together
from ..version import version
from .grids import Grid, Window
from .raw import TAG
from .variables import variable_named

# Tile side of the contract: 73 bands of 512 x 512 read one band in 3 ms with INTERLEAVE=BAND, in 143 ms with PIXEL.
BLOCK = 256
# Of int16: the lowest number stands for nothing, as in most products.
NOTHING, LARGEST = -32768, 32767
# The COG driver interleaves by pixel and holds a block of all bands at once: a part of the engine's block cache.
COG_BLOCKS, MOST_IN_A_BLOCK = (512, 256, 128, 64, 32, 16), 16 * 2**20


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
    step : float, optional
        Values are stored as int16, in multiples of this.
    cog : bool
        Whether it is a cloud-optimized GeoTIFF.
    """

    grid: Grid
    bands: tuple
    header: Header
    dtype: str = "float32"
    nodata: float | None = float("nan")
    band_tags: tuple = ()
    step: float | None = None
    cog: bool = False

    @property
    def bytes(self) -> int:
        """Size without compression."""
        return self.grid.width * self.grid.height * len(self.bands) * np.dtype(self.dtype).itemsize

    @property
    def stored(self) -> tuple:
        """Type and nodata in the file."""
        return (self.dtype, self.nodata) if self.step is None else ("int16", NOTHING)

    def encoded(self, values: np.ndarray) -> np.ndarray:
        """Values as the file stores them.

        A standard deviation has no upper end: what is too large for int16 is stored as the largest number there is.
        """
        if self.step is None:
            return np.asarray(values, self.dtype)
        steps = np.rint(np.asarray(values, "float64") / self.step)
        return np.where(np.isfinite(steps), np.clip(steps, -LARGEST, LARGEST), NOTHING).astype("int16")


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
        with _write_errors(self.path):
            self._file = self._opened()

    def _opened(self):
        """The file, open, with all that it says of itself."""
        spec, grid, (dtype, nodata) = self.spec, self.spec.grid, self.spec.stored
        file = rasterio.open(
            self.temporary, "w", driver="GTiff", dtype=dtype, nodata=nodata,
            width=grid.width, height=grid.height, count=len(spec.bands),
            crs=grid.crs or None, transform=rasterio.Affine(*grid.transform),
            tiled=True, blockxsize=BLOCK, blockysize=BLOCK, interleave="band",
            compress="deflate", predictor=_predictor(dtype), bigtiff="IF_SAFER",
        )  # fmt: skip
        file.update_tags(**{TAG: spec.header.text, "AREA_OR_POINT": "Area"})
        for index, text in enumerate(spec.bands, start=1):
            file.set_band_description(index, text)
            if spec.band_tags:
                file.update_tags(index, **spec.band_tags[index - 1])
        if spec.step is not None:
            file.scales = [spec.step] * len(spec.bands)
        return file

    def write(self, values: np.ndarray, window: Window | None = None, band: int | list | None = None) -> None:
        """Write (bands, rows, columns) of all or a list of bands, or one band's (rows, columns), at a window; default: everywhere."""
        window = window or self.spec.grid.window
        where = rasterio.windows.Window(window.column, window.row, window.columns, window.rows)
        with _write_errors(self.path):
            self._file.write(self.spec.encoded(values), window=where, indexes=band)

    def close(self) -> None:
        """Complete the temporary file.

        Raises
        ------
        DiskError
            When the disk is full: GDAL tells it only here, so the file is read back once.
        """
        with _write_errors(self.path):
            self._file.close()
            if self.spec.cog:
                self._optimize()
            with rasterio.open(self.temporary) as written:  # a full disk cuts the file short without a word
                written.read(
                    written.count,
                    window=rasterio.windows.Window(max(0, written.width - 1), max(0, written.height - 1), 1, 1),
                )

    def _optimize(self) -> None:
        """Make a cloud-optimized GeoTIFF of the closed file: with overviews, everything about it at its beginning."""
        dtype, _ = self.spec.stored
        width = len(self.spec.bands) * np.dtype(dtype).itemsize
        side = next((side for side in COG_BLOCKS if side**2 * width <= MOST_IN_A_BLOCK), COG_BLOCKS[-1])
        plain = self.temporary.with_name(f"{self.temporary.name}.plain")
        files.replace(self.temporary, plain)
        try:
            rasterio.shutil.copy(
                plain, self.temporary, driver="COG", blocksize=side, compress="deflate", predictor="YES",
                bigtiff="IF_SAFER", overview_resampling="average" if np.dtype(self.spec.dtype).kind == "f" else "nearest",
            )  # fmt: skip
        finally:
            plain.unlink(missing_ok=True)

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


def _predictor(dtype: str) -> int:
    return 3 if np.dtype(dtype).kind == "f" else 2


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
