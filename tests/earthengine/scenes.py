"""Small scenes on a grid of UTM zone 49 south, in which cases are planted by date."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

import numpy as np

from .interpreter import stored

CRS, ORIGIN, PIXEL = "EPSG:32749", (430000.0, 9240000.0), 10.0
S2, S1 = "COPERNICUS/S2_SR_HARMONIZED", "COPERNICUS/S1_GRD"
CLOUD_SCORE, CLOUD_PROBABILITY = "GOOGLE/CLOUD_SCORE_PLUS/V1/S2_HARMONIZED", "COPERNICUS/S2_CLOUD_PROBABILITY"
# What covers what: QA60 is empty in products made between these days.
QA60_GAP = (dt.date(2022, 1, 25), dt.date(2024, 2, 28))


@dataclass
class Pass:
    """One image of a catalogue, as plain arrays: the double serves it, and `truth` reads it directly."""

    day: dt.date
    arrays: dict
    properties: dict = field(default_factory=dict)

    @property
    def milliseconds(self) -> int:
        """Time of the pass: 2:50 UTC."""
        return int(dt.datetime(self.day.year, self.day.month, self.day.day, 2, 50, tzinfo=dt.timezone.utc).timestamp() * 1000)


@dataclass
class Scenes:
    """All passes of a place. `without_partner` holds the indices of images that Cloud Score+ lacks."""

    size: int
    optical: list
    radar: list
    without_partner: frozenset = frozenset()

    def catalog(self) -> dict:
        """The collections as the double serves them."""
        transform = (PIXEL, 0.0, ORIGIN[0], 0.0, -PIXEL, ORIGIN[1])
        found = {S2: [], S1: [], CLOUD_SCORE: [], CLOUD_PROBABILITY: []}
        for one in self.optical:
            index = one.properties["system:index"]
            bands = {"system:time_start": one.milliseconds, **one.properties}
            parts = {S2: ("B2", "B3", "B4", "B8", "B11", "SCL", "QA60"), CLOUD_PROBABILITY: ("probability",)}
            if index not in self.without_partner:
                parts[CLOUD_SCORE] = ("cs", "cs_cdf")
            for collection, names in parts.items():
                arrays = {name: one.arrays[name] for name in names}
                found[collection].append(
                    stored(arrays, transform, CRS, {**bands, "system:id": f"{collection}/{index}"}))
        for one in self.radar:
            properties = {"system:time_start": one.milliseconds, **one.properties,
                          "system:id": f"{S1}/{one.properties['system:index']}"}  # fmt: skip
            found[S1].append(stored(one.arrays, transform, CRS, properties))
        return found


def demak(size: int = 40, start=dt.date(2023, 11, 1), days: int = 744, seed: int = 1) -> Scenes:
    """Two years as they were near Demak: Sentinel-2 each fifth day, Sentinel-1 each twelfth, one satellite.

    Planted: three dark targets whose reflectance is 0 or below; every seventh image cloudy all
    over, the others in part; image 9 without Cloud Score+; no optical image at all from day 120 to 144; no descending
    radar pass from day 240 to 252; ascending passes of other angles between; a pass on the last day of a period; the
    seam of a border and water below the noise floor.
    """
    chance = np.random.default_rng(seed)
    optical, radar = [], []
    for number, day in enumerate(range(0, days, 5)):
        if 120 <= day < 144:
            continue
        optical.append(_optical(start + dt.timedelta(days=day), number, size, chance))
    for day in range(11, days, 12):  # the twelfth day of each period
        if not 240 <= day < 252:
            radar.append(_radar(start + dt.timedelta(days=day), "DESCENDING", 76, size, chance))
    for day in range(4, days, 12):
        radar.append(_radar(start + dt.timedelta(days=day), "ASCENDING", 127, size, chance, shift=2.0))
    lost = frozenset(one.properties["system:index"] for one in optical[9:10])
    return Scenes(size, optical, radar, lost)


def _optical(day, number, size, chance) -> Pass:
    season = 0.45 + 0.3 * np.sin(2 * np.pi * day.timetuple().tm_yday / 365.25)
    ndvi = np.clip(season + chance.normal(0, 0.08, (size, size)), -0.3, 0.95)
    red = chance.uniform(300, 1200, (size, size))
    arrays = {"B2": red * 0.8, "B3": red * 0.9, "B4": red, "B8": red * (1 + ndvi) / (1 - ndvi), "B11": red * 1.5}
    arrays["B4"][0, 0], arrays["B8"][0, 1], arrays["B4"][1, 0] = -12, -3, 0  # dark targets after harmonising
    cloud = np.zeros((size, size), bool)
    cloud[:, : size if number % 7 == 3 else size * (number % 4) // 5] = True
    for name in ("B2", "B3", "B4", "B8", "B11"):
        arrays[name][cloud] = 6000 + 400 * (name == "B8")
        arrays[name] = np.round(arrays[name])
    arrays["SCL"] = np.where(cloud, 9.0, 4.0)
    arrays["SCL"][2, :] = 3  # a shadow that Cloud Score+ sees too
    clear = np.where(cloud, chance.uniform(0, 0.55, cloud.shape), chance.uniform(0.61, 1, cloud.shape))
    clear[2, :] = 0.4
    arrays["cs"], arrays["cs_cdf"] = clear, clear
    arrays["cs_cdf"][3, 3] = 0.60  # at the threshold counts as clear
    arrays["probability"] = np.where(cloud, 90.0, 5.0)
    gap = QA60_GAP[0] <= day <= QA60_GAP[1]
    arrays["QA60"] = np.ma.array(np.where(cloud, 1024.0, 0.0), mask=np.full(cloud.shape, gap))
    index = f"{day:%Y%m%d}T025000_T49MDM"
    return Pass(day, arrays, {"system:index": index, "CLOUDY_PIXEL_PERCENTAGE": 100.0 * cloud.mean(),
                             "MEAN_SOLAR_ZENITH_ANGLE": 20 + number % 5 * 7.0})


def _radar(day, direction, orbit, size, chance, shift=0.0) -> Pass:
    fields = np.linspace(-3, 3, size)[None, :]
    vv = -11 + shift + fields + chance.normal(0, 1.5, (size, size))
    vh = vv - 6.5 + chance.normal(0, 1.0, (size, size))
    angle = np.broadcast_to(np.linspace(29.5, 40, size)[:, None], (size, size)).copy()  # the first rows too steep
    vv[-1, :] = -38.0  # the seam of a border
    properties = {"system:index": f"S1A_{day:%Y%m%d}_{orbit}", "instrumentMode": "IW", "resolution_meters": 10,
                  "transmitterReceiverPolarisation": ["VV", "VH"], "orbitProperties_pass": direction,
                  "relativeOrbitNumber_start": orbit}  # fmt: skip
    return Pass(day, {"VV": vv, "VH": vh, "angle": angle}, properties)
