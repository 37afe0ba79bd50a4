"""What the optical sensor loses: clouds, their shadows, and the thin cloud that the mask overlooks.

A cloud is where a random field with structure from 125 m to 1.2 km stands above a level; the level follows the month.
Java's north coast loses nearly every date of the rainy season from November to March. Its shadow lies where the sun
puts it. Round every cloud a thin veil stays undetected; it lowers the NDVI of vegetation.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import NormalDist

import numpy as np

from .chance import fractal_field, stream

CLEAR, THIN, CLOUD, SHADOW = 0, 1, 2, 3
SKY_NAMES = {CLEAR: "clear", THIN: "thin cloud, not detected", CLOUD: "cloud, removed", SHADOW: "shadow, removed"}

# Share of the area that the best image of a 12-day period still loses to cloud, by month from January to December:
# our reading of the monsoon on Java's north coast (rains November-March, driest July-September).
MONTHLY_COVER = (0.84, 0.84, 0.74, 0.44, 0.29, 0.19, 0.13, 0.09, 0.11, 0.26, 0.57, 0.80)
PERIOD_DEVIATION = 0.55  # of the cloud level between periods of the same month, in standard deviations
STRUCTURE = (24.0, 10.0, 5.0, 2.5)  # pixels of 50 m: from banks of cloud of 1.2 km to puffs of 125 m
THIN_MARGIN = 0.22  # in standard deviations of the field: how far the veil reaches beyond the cloud
THIN_OPACITY = 0.30  # at the edge of the cloud; thicker is detected
CLOUD_REFLECTANCE = 0.45  # of the veil if it were opaque, in red and near infrared alike
GROUND_REFLECTANCE = 0.20  # mean of red and near infrared over cropland
LATITUDE_DEGREES = -6.9  # Demak
OVERPASS_HOUR = 10.0  # local solar time of Sentinel-2 at the equator is about 10:30; 10 over Java
CLOUD_HEIGHT = (600.0, 1500.0)  # metres: base of fair-weather cumulus over a humid coast
PIXEL_SIZE = 50.0  # metres


@dataclass(frozen=True)
class Sky:
    """The state of the sky over every pixel and period.

    Attributes
    ----------
    state : (periods, rows, columns) uint8, codes of `SKY_NAMES`
    opacity : (periods, rows, columns) float32, of the thin cloud that was left in; 0 elsewhere
    """

    state: np.ndarray
    opacity: np.ndarray


def draw_sky(rows: int, columns: int, middles: list, seed: int) -> Sky:
    """Draw the clouds of every period; `middles` are the dates of the middles of the periods."""
    draws = stream(seed, "clouds")
    state = np.zeros((len(middles), rows, columns), dtype=np.uint8)
    opacity = np.zeros(state.shape, dtype=np.float32)
    for period, day in enumerate(middles):
        down, right = shadow_offset(day, draws.uniform(*CLOUD_HEIGHT))
        margin = max(abs(down), abs(right))
        field = fractal_field(draws, (rows + 2 * margin, columns + 2 * margin), STRUCTURE, slope=0.7)
        field += PERIOD_DEVIATION * draws.standard_normal()
        excess = field - NormalDist(0, np.hypot(1, PERIOD_DEVIATION)).inv_cdf(1 - monthly_cover(day))
        above = excess[margin : margin + rows, margin : margin + columns]
        shadow = excess[margin - down : margin - down + rows, margin - right : margin - right + columns] > 0
        veil = THIN_OPACITY * (1 + above / THIN_MARGIN).clip(0, 1)
        state[period] = np.select([above > 0, shadow, veil > 0], [CLOUD, SHADOW, THIN], CLEAR)
        opacity[period] = np.where(state[period] == THIN, veil, 0)
    return Sky(state, opacity)


def observe(truth: np.ndarray, sky: Sky) -> np.ndarray:
    """Return the NDVI seen through the sky: NaN under cloud and shadow, mixed with the veil's under thin cloud.

    The veil adds its own reflectance to red and near infrared alike, so that NDVI shrinks towards 0.
    """
    ground = (1 - sky.opacity) * GROUND_REFLECTANCE
    seen = truth * ground / (ground + sky.opacity * CLOUD_REFLECTANCE)
    return np.where(sky.state >= CLOUD, np.nan, seen)


def monthly_cover(day: date) -> float:
    """Return the expected cloud cover, between the middles of the months by straight lines."""
    middle_of_months = 30.4375 * (np.arange(12) + 0.5)
    return float(np.interp(day.timetuple().tm_yday, middle_of_months, MONTHLY_COVER, period=365.25))


def shadow_offset(day: date, height: float) -> tuple:
    """Return how many pixels down and right of its cloud a shadow falls, from the height of the sun.

    Declination after Cooper (1969, Solar Energy 12, 333-346); no equation of time.
    """
    declination = np.deg2rad(23.45) * np.sin(2 * np.pi * (284 + day.timetuple().tm_yday) / 365)
    hour_angle = np.deg2rad(15 * (OVERPASS_HOUR - 12))
    latitude = np.deg2rad(LATITUDE_DEGREES)
    up = np.sin(latitude) * np.sin(declination) + np.cos(latitude) * np.cos(declination) * np.cos(hour_angle)
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.cos(latitude) * np.sin(declination) - np.sin(latitude) * np.cos(declination) * np.cos(hour_angle)
    # The shadow lies away from the sun: west of the cloud when the sun stands in the east.
    return int(round(height * north / up / PIXEL_SIZE)), int(round(-height * east / up / PIXEL_SIZE))


def middle_of(start: date, end: date) -> date:
    """Return the middle day of a half-open period."""
    return start + timedelta(days=(end - start).days // 2)
