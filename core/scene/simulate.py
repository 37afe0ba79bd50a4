"""Put the scene together: truth first, then what two satellites would have seen of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from . import fields, radar, seasons
from .chance import smooth_field, stream
from .clouds import PIXEL_SIZE, draw_sky, middle_of, observe
from .fields import lay_out

CRS = "EPSG:32749"  # UTM zone 49 south
CRS_WKT = (
    'PROJCS["WGS 84 / UTM zone 49S",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,'
    'AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]],'
    'PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",111],'
    'PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],PARAMETER["false_northing",10000000],'
    'UNIT["metre",1,AUTHORITY["EPSG","9001"]],AXIS["Easting",EAST],AXIS["Northing",NORTH],AUTHORITY["EPSG","32749"]]'
)
ORIGIN = (460_000.0, 9_238_000.0)  # upper left corner, metres; Demak on Java's north coast

NDVI_NOISE = 0.02  # deviation of clear NDVI: Sentinel-2 reflectance is good to about 5 % (ESA L2A quality report)
VIGOUR = 0.04  # deviation of the amplitude within and between fields, smooth over 6 pixels
# NDVI without crops: mean, deviation between pixels, amplitude of the year (greenest at the end of the rains).
STEADY_NDVI = {fields.TREES: (0.78, 0.03, 0.04), fields.VILLAGE: (0.38, 0.07, 0.05), fields.POND: (-0.08, 0.05, 0.02)}
GREENEST_DAY = 75  # of the year, mid-March


@dataclass(frozen=True)
class Scene:
    """A simulated scene. Nothing in it was ever measured.

    Attributes
    ----------
    starts, ends : dates of the half-open periods
    ndvi : (periods, rows, columns) float32 as observed, NaN under cloud and shadow
    ndvi_truth : the same without noise, cloud or gap, at the middle of each period
    vv, vh : (periods, rows, columns) float32, dB, as observed
    sky : (periods, rows, columns) uint8, codes of `clouds.SKY_NAMES`
    classes : (rows, columns) uint8, codes of `fields.CLASS_NAMES`
    field : (rows, columns) int32, number of the field
    season_start, season_peak, season_end : (seasons, rows, columns) float32, true days since 1970-01-01, in order of
        time; NaN where there is no such season, and a start or an end that lies outside the scene's dates
    crs, transform : the grid; a, b, c, d, e, f of the affine map from column and row to metres
    """

    starts: tuple
    ends: tuple
    ndvi: np.ndarray
    ndvi_truth: np.ndarray
    vv: np.ndarray
    vh: np.ndarray
    sky: np.ndarray
    classes: np.ndarray
    field: np.ndarray
    season_start: np.ndarray
    season_peak: np.ndarray
    season_end: np.ndarray
    crs: str
    transform: tuple


def simulate(
    size: int = 96, periods: int = 62, seed: int = 1, period_days: int = 12, start: date = date(2023, 11, 1)
) -> Scene:
    """Simulate an irrigation scheme of size x size pixels of 50 m near Demak, Java.

    Parameters
    ----------
    size : pixels in each direction, from 1.
    periods, period_days : how many periods of how many days, each from 1.
    seed : the same seed gives the same scene.
    start : first day of the first period.

    Raises
    ------
    ValueError
        For a size, a number of periods or a length below 1.
    """
    if min(size, periods, period_days) < 1:
        raise ValueError(f"size, periods and period_days must be 1 or more, found {size}, {periods}, {period_days}")
    starts = tuple(start + timedelta(days=period_days * number) for number in range(periods))
    ends = tuple(first + timedelta(days=period_days) for first in starts)
    first_day, last_day = (float((day - date(1970, 1, 1)).days) for day in (starts[0], ends[-1]))
    opening = first_day + period_days * np.arange(periods)

    layout = lay_out(size, size, seed)
    crops = seasons.plant(layout, first_day, last_day, seed)
    truth = _ndvi_truth(layout, crops, opening + period_days / 2, seed)
    sky = draw_sky(size, size, [middle_of(*period) for period in zip(starts, ends)], seed)
    noise = NDVI_NOISE * stream(seed, "noise").standard_normal(truth.shape)
    seen = radar.backscatter(layout, crops, opening + min(radar.PASS_DAY, period_days / 2), seed)
    dates = _spread_dates(seasons.season_dates(crops, first_day, last_day), layout)
    return Scene(
        starts=starts,
        ends=ends,
        ndvi=(observe(truth, sky) + noise).clip(-1, 1).astype(np.float32),
        ndvi_truth=truth.astype(np.float32),
        vv=seen["VV"],
        vh=seen["VH"],
        sky=sky.state,
        classes=layout.classes,
        field=layout.field,
        season_start=dates[0],
        season_peak=dates[1],
        season_end=dates[2],
        crs=CRS,
        transform=(PIXEL_SIZE, 0.0, ORIGIN[0], 0.0, -PIXEL_SIZE, ORIGIN[1]),
    )


def _ndvi_truth(layout: fields.Layout, crops: seasons.Crops, days: np.ndarray, seed: int) -> np.ndarray:
    """Return the noise-free NDVI, (days, rows, columns).

    Within a field every pixel follows the field's curve, scaled about its lowest level: this changes the amplitude,
    never the dates, so that the dates of a field are exact for all of its pixels.
    """
    draws = stream(seed, "texture")
    vigour = 1 + VIGOUR * smooth_field(draws, layout.classes.shape, 6.0)
    texture = draws.standard_normal(layout.classes.shape)
    lowest = crops.flooded[layout.field]
    truth = np.moveaxis(seasons.ndvi(crops, days)[layout.field], 2, 0)
    truth = lowest + (truth - lowest) * vigour.clip(0.85, 1.1)
    yearly = np.cos(2 * np.pi * (days - _day_of_year_zero(days) - GREENEST_DAY) / 365.25)
    for code, (mean, deviation, amplitude) in STEADY_NDVI.items():
        here = layout.classes == code
        truth[:, here] = (mean + deviation * texture[here])[None, :] + amplitude * yearly[:, None]
    return truth.clip(-1, 0.98)


def _day_of_year_zero(days: np.ndarray) -> np.ndarray:
    """Return the day before 1 January of each day's year, in mean years since 1970."""
    return 365.25 * np.floor(days / 365.25)


def _spread_dates(dates: np.ndarray, layout: fields.Layout) -> np.ndarray:
    """Give every pixel the dates of its field, (3, seasons, rows, columns) float32; none where no crop grows."""
    spread = np.moveaxis(dates[layout.field], (3, 2), (0, 1)).astype(np.float32)
    spread[:, :, layout.classes > fields.TRIPLE] = np.nan
    return spread
