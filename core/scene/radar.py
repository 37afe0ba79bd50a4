"""Sentinel-1 backscatter of the scene: VV and VH in dB, from one orbit, with speckle.

A rice field is a water cloud (Attema & Ulaby 1978, Radio Science 13, 357-364): canopy over a surface, the surface
seen through the canopy. The surface changes from smooth water to soil, the canopy from nothing to a dense stand,
and over water the stems reflect VV twice. This gives what is observed over irrigated rice at C band (Bouvet & Le Toan
2011, Remote Sensing of Environment 115, 1090-1101; Nguyen et al. 2016, Remote Sensing Letters 7, 1209-1218; Phan et
al. 2021, Remote Sensing 13, 921): a dip at flooding and transplanting; VH rising steadily by 6-9 dB until heading and
staying high until harvest; VV rising fast to a maximum before heading, then falling back as the stand attenuates it.
The radar sees wet biomass and water, NDVI sees green cover: they rise together and part ways as the crop ripens.

All arithmetic is on linear power; dB only at the end.
"""

from __future__ import annotations

import numpy as np

from . import fields
from .chance import smooth_field, stream
from .fields import Layout
from .seasons import Crops, flooding, logistic, over_seasons

EQUIVALENT_LOOKS = 4.4  # Sentinel-1 IW GRD high resolution, ESA Sentinel-1 product definition
PASS_DAY = 4.0  # the one relative orbit passes on the same day of every 12-day period
NOISE_FLOOR_DB = -30.0  # of thermal noise what its removal leaves; it matters over calm water alone

# dB of the surface without a crop and of the canopy without a surface; typical levels of the profiles cited above.
WATER_DB = {"VV": -17.0, "VH": -24.5}
SOIL_DB = {"VV": -11.5, "VH": -18.5}
CANOPY_DB = {"VV": -11.5, "VH": -15.0}
ATTENUATION = {"VV": 2.2, "VH": 1.6}  # two-way, of a full stand: upright stems dampen VV more (Le Toan et al. 1997)
DOUBLE_BOUNCE_DB = {"VV": -4.5, "VH": -21.0}  # of stems over water, before attenuation
CANOPY_MIDDLE, CANOPY_RATE = 0.42, 0.11  # biomass rises later than green cover, and until heading
RIPENING_LOSS = 0.35  # of the canopy's water is gone at harvest
STEADY_DB = {
    fields.TREES: {"VV": -9.0, "VH": -14.5},
    fields.VILLAGE: {"VV": -5.0, "VH": -12.5},
    fields.POND: {"VV": -18.0, "VH": -25.5},
}
# Deviations in dB: between fields for good (rows, roughness, slope); field and date (rain, wind on water, weeds).
FIELD_DEVIATION_DB, DATE_DEVIATION_DB, POND_DATE_DEVIATION_DB = 0.8, 0.9, 1.6
TEXTURE_DEVIATION_DB = {fields.TREES: 0.7, fields.VILLAGE: 1.6, fields.POND: 0.4}


def backscatter(layout: Layout, crops: Crops, days: np.ndarray, seed: int) -> dict:
    """Return {'VV', 'VH'}: (days, rows, columns) float32 in dB, with speckle.

    The speckle of a pass is gamma distributed with mean 1 and 4.4 equivalent looks, independent between pixels,
    passes and the two polarisations.
    """
    draws = stream(seed, "radar")
    field_power = _field_power(crops, days)
    field_change = FIELD_DEVIATION_DB * draws.standard_normal((crops.flooded.size, 1))
    field_change = field_change + DATE_DEVIATION_DB * draws.standard_normal((crops.flooded.size, days.size))
    pond_change = POND_DATE_DEVIATION_DB * draws.standard_normal(days.size)
    texture = smooth_field(draws, layout.classes.shape, 1.5)
    observed = {}
    for polarisation, power in field_power.items():
        of_field = 10 * np.log10(power) + field_change
        level = np.moveaxis(of_field[layout.field], 2, 0)
        for code, steady in STEADY_DB.items():
            here = layout.classes == code
            level[:, here] = steady[polarisation] + TEXTURE_DEVIATION_DB[code] * texture[here]
            if code == fields.POND:
                level[:, here] += pond_change[:, None]
        speckle = draws.gamma(EQUIVALENT_LOOKS, 1 / EQUIVALENT_LOOKS, size=level.shape)
        observed[polarisation] = (10 * np.log10((_power(level) + _power(NOISE_FLOOR_DB)) * speckle)).astype(
            np.float32
        )
    return observed


def _field_power(crops: Crops, days: np.ndarray) -> dict:
    """Return the speckle-free linear power of every field's crop, {polarisation: (fields, days)}."""
    water = flooding(crops, days)
    canopy = over_seasons(crops, days, _canopy)
    power = {}
    for polarisation in ("VV", "VH"):
        surface = water * _power(WATER_DB[polarisation]) + (1 - water) * _power(SOIL_DB[polarisation])
        passes = np.exp(-ATTENUATION[polarisation] * canopy)
        full = 1 - np.exp(-ATTENUATION[polarisation])
        volume = _power(CANOPY_DB[polarisation]) * (1 - passes) / full
        power[polarisation] = volume + passes * (surface + _power(DOUBLE_BOUNCE_DB[polarisation]) * canopy * water)
    return power


def _canopy(age: np.ndarray, duration: np.ndarray) -> np.ndarray:
    """Return the wet biomass of a stand, 0 at transplanting to 1 at heading, less when ripe, none after harvest."""
    ripening = 1 - RIPENING_LOSS * logistic(0.2 * (age - 0.85 * duration))
    return logistic(CANOPY_RATE * (age - CANOPY_MIDDLE * duration)) * ripening * logistic(1.5 * (duration - age))


def _power(decibels):
    return 10 ** (np.asarray(decibels) / 10)
