"""What rasters are written as: what the dialog offers, and what the engine refuses before any work.

The name of an output says the format, FORMAT how values are stored in it. Both processes read this.
"""

from __future__ import annotations

from pathlib import Path

from .errors import InputError, OutputError

GEOTIFF, NETCDF = (".tif", ".tiff"), (".nc",)
# How values are stored. int16: whole numbers with a scale, half the size. cog: a cloud-optimized GeoTIFF.
FORMATS = ("standard", "int16", "cog", "cog_int16")
_CHOICES = "A time series is written as GeoTIFF (.tif, .tiff) or NetCDF (.nc), every other raster as GeoTIFF"


def require_written(job, parameters: dict) -> None:
    """Refuse the name of a raster that says another format than can be written, and a FORMAT that does not go with it.

    Parameters
    ----------
    job : registry.Job
    parameters : dict
        Of the job.

    Raises
    ------
    OutputError
        When a name says another format, or none.
    InputError
        When FORMAT is none of `FORMATS`, or the name says NetCDF and FORMAT a cloud-optimized GeoTIFF.
    """
    form = parameters.get("FORMAT") or FORMATS[0]
    if form not in FORMATS:
        raise InputError(f"There is no FORMAT '{form}'.", f"Choose one of {', '.join(FORMATS)}.")
    for key, path in job.rasters(parameters).items():
        suffix = path.suffix.lower()
        if suffix not in GEOTIFF and not (suffix in NETCDF and key in job.series):
            said = f"and {suffix} is not written" if suffix else "a name without the ending that says the format"
            raise OutputError(f"{key} is to be {path.name}, {said}.", f"{_CHOICES}: let its name end so.")
        if suffix in NETCDF and is_cog(form):
            raise InputError(f"{key} is to be {path.name}, but FORMAT is {form}, a GeoTIFF.",
                             "Let its name end in .tif, or choose FORMAT = standard or int16.")  # fmt: skip


def is_netcdf(path) -> bool:
    """Whether a name says NetCDF."""
    return Path(path).suffix.lower() in NETCDF


def is_cog(form: str | None) -> bool:
    """Whether this FORMAT is a cloud-optimized GeoTIFF."""
    return (form or "").startswith("cog")


def is_int16(form: str | None) -> bool:
    """Whether this FORMAT stores whole numbers with a scale."""
    return (form or "").endswith("int16")
