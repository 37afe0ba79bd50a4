"""The time-series raster: the one contract between algorithms.

One GeoTIFF per variable, one band per date or period, float32, NaN where nothing is known;
dates in the band descriptions and tags. Everything that opens or writes a raster does it here:

* `open_series` understands our own rasters, multi-band stacks and NetCDF cubes;
* `collect_series` understands folders and lists of files, one per date or period;
* `write_series` and `RasterWriter` write, under a temporary name until all is well.
"""

from . import quality
from .collecting import collect_series
from .dates import Period, days_of, periods_between
from .grids import Grid, Window
from .masks import polygons_on, read_mask, read_zones, zone_names
from .opening import open_companion, open_series, open_target, open_together
from .places import Pixels, Place, pixels_of, read_places
from .raw import RasterFile, list_rasters
from .series import Series
from .storing import write_series
from .variables import VARIABLES, Variable, variable_named
from .writing import Header, RasterSpec, RasterWriter, series_spec

__all__ = [
    "Grid",
    "Header",
    "Period",
    "Pixels",
    "Place",
    "RasterFile",
    "RasterSpec",
    "RasterWriter",
    "Series",
    "VARIABLES",
    "Variable",
    "Window",
    "collect_series",
    "days_of",
    "list_rasters",
    "open_companion",
    "open_series",
    "open_target",
    "open_together",
    "periods_between",
    "pixels_of",
    "polygons_on",
    "quality",
    "read_mask",
    "read_places",
    "read_zones",
    "series_spec",
    "variable_named",
    "write_series",
    "zone_names",
]
