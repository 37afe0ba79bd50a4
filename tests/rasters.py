"""Small rasters for tests, written with rasterio itself and not with the code under test."""

from __future__ import annotations

import numpy as np
import rasterio
from rasterio.transform import from_origin


def write(
    path,
    values,
    descriptions=None,
    tags=None,
    band_tags=None,
    nodata=np.nan,
    dtype="float32",
    crs="EPSG:32749",
    origin=(430000, 9240000),
    pixel=50,
    scale=None,
    offset=None,
    **profile,
):
    """Write (bands, rows, columns) and return the path as text."""
    values = np.asarray(values)
    count, height, width = values.shape
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=width,
        height=height,
        count=count,
        dtype=dtype,
        crs=crs,
        transform=from_origin(*origin, pixel, pixel),
        nodata=nodata,
        **profile,
    ) as dst:
        dst.write(values.astype(dtype))
        dst.update_tags(**(tags or {}))
        for i in range(count):
            if descriptions:
                dst.set_band_description(i + 1, descriptions[i])
            if band_tags:
                dst.update_tags(i + 1, **band_tags[i])
        if scale is not None:
            dst.scales = [scale] * count
        if offset is not None:
            dst.offsets = [offset] * count
    return str(path)


def ndvi(dates=3, rows=5, columns=7, seed=0):
    """Plausible NDVI, float32."""
    return np.random.default_rng(seed).uniform(0.05, 0.9, (dates, rows, columns)).astype("float32")


DATES = ["2023-11-01", "2023-11-13", "2023-11-25"]
