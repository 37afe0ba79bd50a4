"""Indices from bands: their formulas, and which band of which sensor is red, near infrared and so on."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ..errors import InputError


@dataclass(frozen=True)
class Index:
    """An index: the bands it is made of, and what it needs to know of them.

    Parameters
    ----------
    name : str
        A key of `VARIABLES`.
    roles : tuple of str
        ``green``, ``red``, ``nir``, ``swir1``, ``VV``, ``VH``; its bands in the order that `formula` takes them.
    formula : callable
        Arrays of reflectances, or of backscatter as linear power, to the index.
    absolute : bool
        Whether reflectances must be reflectances, 0 to 1, and not a multiple of them.
    """

    name: str
    roles: tuple
    formula: object
    absolute: bool = False


def normalised(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(a - b) / (a + b); NaN where both are nothing."""
    with np.errstate(invalid="ignore", divide="ignore"):
        total = a + b
        return np.where(total != 0, (a - b) / total, np.nan)


def _evi2(nir, red):
    with np.errstate(invalid="ignore", divide="ignore"):
        return 2.5 * (nir - red) / (nir + 2.4 * red + 1)


def _nirv(nir, red):
    return normalised(nir, red) * nir


def _kndvi(nir, red):
    return np.tanh(normalised(nir, red) ** 2)


def _rvi(vh, vv):
    with np.errstate(invalid="ignore", divide="ignore"):
        return 4 * vh / (vv + vh)


# Sources: EVI2 Jiang et al. 2008; NIRv Badgley et al. 2017, without its offset, as it is used since; kNDVI Camps-Valls et al.
# 2021 with sigma = (nir + red) / 2; LSWI Xiao et al. 2002; NDWI McFeeters 1996; RVI Nasirzadehdizaji et al. 2019.
INDICES = {
    index.name: index
    for index in (
        Index("NDVI", ("nir", "red"), normalised),
        Index("EVI2", ("nir", "red"), _evi2, absolute=True),
        Index("NIRv", ("nir", "red"), _nirv, absolute=True),
        Index("kNDVI", ("nir", "red"), _kndvi),
        Index("LSWI", ("nir", "swir1"), normalised),
        Index("NDWI", ("green", "nir"), normalised),
        Index("PPI", ("nir", "red"), None, absolute=True),
        Index("RVI", ("VH", "VV"), _rvi),
    )
}

# PPI, Jin and Eklundh 2014 (Remote Sensing of Environment 152): DVI of bare soil, extinction of a canopy of spherical leaf
# angles, and what is added to the greatest DVI of the scene.
SOIL_DVI, LEAF_ANGLES, ABOVE_GREATEST = 0.09, 0.5, 0.005
# Between these the greatest DVI lies: a canopy is above bare soil, and what is reflected below what comes in.
LEAST_GREATEST, MOST_GREATEST = SOIL_DVI + ABOVE_GREATEST, 1.0


def plant_phenology_index(nir: np.ndarray, red: np.ndarray, sun_zenith: float, greatest: float) -> np.ndarray:
    """PPI of reflectances.

    Parameters
    ----------
    nir, red : ndarray
        Reflectances, 0 to 1.
    sun_zenith : float
        Angle of the sun from the zenith in degrees.
    greatest : float
        The greatest nir - red that a closed canopy of the scene has.

    Returns
    -------
    ndarray
        What lies above the greatest counts as the greatest: the formula has no value there.
    """
    difference = np.minimum(nir - red, greatest - ABOVE_GREATEST)
    cosine = np.cos(np.radians(sun_zenith))
    diffuse = np.minimum(0.0336 + 0.0477 / cosine, 1)
    extinction = diffuse + (1 - diffuse) * LEAF_ANGLES / cosine
    gain = (1 + greatest) / (1 - greatest) / (4 * extinction)
    with np.errstate(invalid="ignore", divide="ignore"):
        return -gain * np.log((greatest - difference) / (greatest - SOIL_DVI))


# Numbers of bands by sensor, from the sensors' handbooks; where no name tells the sensor they are taken for Sentinel-2's, aloud.
_SENSORS = (
    ("Landsat 8 and 9", re.compile(r"(?<![A-Z0-9])(?:L[COT]0?[89]|HLS[._ -]?L30|L30|OLI|LANDSAT[_ -]?0?[89])(?![0-9])", re.IGNORECASE),
     {"B02": "blue", "B03": "green", "B04": "red", "B05": "nir", "B06": "swir1", "B07": "swir2"}),
    ("Landsat 4 to 7", re.compile(r"(?<![A-Z0-9])(?:L[ETM]0?[4-7]|ETM|LANDSAT[_ -]?0?[4-7])(?![0-9])", re.IGNORECASE),
     {"B01": "blue", "B02": "green", "B03": "red", "B04": "nir", "B05": "swir1", "B07": "swir2"}),
    ("MODIS", re.compile(r"(?<![A-Z0-9])(?:M[OYC]D\d\d|MODIS|SUR_REFL)", re.IGNORECASE),
     {"B01": "red", "B02": "nir", "B03": "blue", "B04": "green", "B06": "swir1", "B07": "swir2"}),
    ("Sentinel-2", re.compile(r"(?<![A-Z0-9])(?:S2[A-D]?|SENTINEL[-_ ]?2[A-D]?|HLS[._ -]?S30|S30|MSI|MSIL[12][AC]|SEN2[ABL]?|S2A2A"
                              r"|T\d\d[C-HJ-NP-X][A-HJ-NP-Z]{2})(?![A-Z0-9])", re.IGNORECASE),
     {"B02": "blue", "B03": "green", "B04": "red", "B08": "nir", "B8A": "nir narrow", "B11": "swir1", "B12": "swir2"}),
)  # fmt: skip


GUESSED = ("Sentinel-2", next(bands for name, _, bands in _SENSORS if name == "Sentinel-2"))


def sensor_of(*texts: str) -> tuple[str, dict]:
    """Name of the sensor that the first of some names speaks of, and what its bands are; ('', those of `GUESSED`) where none does."""
    for text in texts:
        for name, pattern, bands in _SENSORS:
            if pattern.search(text):
                return name, bands
    return "", GUESSED[1]


def role_of(names: frozenset, *texts: str) -> str:
    """What a band is for an index: ``red``, ``nir``, ``VV`` ...; '' where its names say nothing of it.

    Parameters
    ----------
    names : frozenset of str
        That the band goes by.
    texts : str
        Names that may tell the sensor, see `sensor_of`.
    """
    if len(names) != 1:
        return ""
    name = next(iter(names))
    if name in ("VV", "VH", "blue", "green", "red", "nir", "nir broad", "nir narrow", "swir1", "swir2"):
        return name
    return sensor_of(*texts)[1].get(name, "")


def index_named(name: str) -> Index:
    """The index of that name.

    Raises
    ------
    InputError
        When there is none.
    """
    for known, index in INDICES.items():
        if known.upper() == name.strip().upper():
            return index
    raise InputError(f"There is no index '{name}'.", f"Use one of {', '.join(INDICES)} as INDEX.")
