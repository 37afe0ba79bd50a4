"""How rasters are stored: by what writes them, as the output's name says, and in which numbers, as FORMAT says."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np

from ..errors import InputError
from ..formats import is_cog, is_int16, is_netcdf
from .dates import Period
from .grids import Grid
from .netcdf import NetcdfWriter
from .variables import Variable
from .writing import LARGEST, Header, RasterSpec, RasterWriter, series_spec


def writer(path: str, spec: RasterSpec) -> RasterWriter:
    """What writes a raster in the format that its name says."""
    if is_netcdf(path):
        return NetcdfWriter(path, spec)
    return RasterWriter(path, spec)


def asked(specs: dict, parameters: dict, variable: Variable) -> dict:
    """Path and kind of the rasters that parameters ask for, stored as FORMAT says.

    Parameters
    ----------
    specs : dict of str to RasterSpec
        All that can be made, by key.
    parameters : dict
        Of the job.
    variable : Variable
        Of the series; it says in which steps values, and their standard deviations, are stored as int16.

    Raises
    ------
    InputError
        When int16 is asked for and nothing is known of the variable's range, or NetCDF of a grid that is rotated or has no
        reference system.
    """
    form = parameters.get("FORMAT")
    for key, spec in specs.items():
        lies = spec.grid.crs and not (spec.grid.transform[1] or spec.grid.transform[3])
        if parameters.get(key) and is_netcdf(parameters[key]) and not lies:
            why = "is rotated" if spec.grid.crs else "has no reference system"
            raise InputError(f"{key} is to be NetCDF, but the grid {why}, which NetCDF cannot tell GDAL.",
                             "Let its name end in .tif.")  # fmt: skip
    step = _step(variable) if is_int16(form) else None
    return {key: (parameters[key], replace(spec, cog=is_cog(form), step=step if np.dtype(spec.dtype).kind == "f" else None))
            for key, spec in specs.items() if parameters.get(key)}


def _step(variable: Variable) -> float:
    """The power of ten in whose multiples int16 holds the variable's range: 0.0001 for NDVI, 0.01 for decibels."""
    if variable.valid_range is None:
        raise InputError(f"FORMAT int16 needs to know the range of values, and that of {variable.name} is not known.",
                         "Choose FORMAT = standard.")  # fmt: skip
    largest = max(map(abs, variable.valid_range))
    return 10.0 ** math.ceil(math.log10(largest / LARGEST))


def write_series(
    path: str, values: np.ndarray, grid: Grid, periods: tuple[Period, ...], header: Header, dtype: str = "float32"
) -> None:
    """Write a whole series (dates, rows, columns) at once; large ones are written by tiles (`core.tiles`)."""
    with writer(path, series_spec(grid, periods, header, dtype)) as file:
        file.write(values)
