"""A period of a plan as an expression for the service. Only graphs are built here; nothing is asked of the service.

Every image has every band of the plan: a collection gets one wholly masked image more, so that a sensor which did not
pass leaves masked bands and a count of 0 instead of a shorter list of bands. NDVI is never clamped.
"""

from __future__ import annotations

from ..timeseries import Grid, spectral
from .compositeplan import CompositePlan
from .expressions import computed
from .plan import OPTICAL, Plan

S2 = "COPERNICUS/S2_SR_HARMONIZED"  # the others hold a step of 1000 from 2022-01-25 on
S1 = "COPERNICUS/S1_GRD"  # decibels
CLOUD_SCORE = ("GOOGLE/CLOUD_SCORE_PLUS/V1/S2_HARMONIZED", "cs_cdf")
CLOUD_PROBABILITY = ("COPERNICUS/S2_CLOUD_PROBABILITY", "probability")
CLEAR_CLASSES = (4, 5, 6, 7)  # of SCL: vegetation, bare, water, unclassified
OPAQUE, CIRRUS = 1 << 10, 1 << 11  # bits of QA60
REFLECTANCE = 1e-4  # of one count
BANDS = {"green": "B3", "red": "B4", "nir": "B8", "swir1": "B11"}  # of Sentinel-2, as the service names them
SUN = "MEAN_SOLAR_ZENITH_ANGLE"  # of each image, in degrees
# Incidence angles of the interferometric wide swath in degrees (Hird et al. 2017, Remote Sensing 9, 1315) and the
# level below which VV is the seam of a border: it lies 8 dB under the noise floor of the instrument.
ANGLES, BORDER_DB = (30.63993, 45.23993), -30.0
NODATA = -9999.0
TIME = "system:time_start"


def region(ee, plan: Plan, grid: Grid | None = None):
    """The rectangle of the plan's grid (or of a part of it), in the grid's own coordinates."""
    west, south, east, north = (grid or plan.grid).bounds
    return ee.Geometry.Rectangle([west, south, east, north], plan.crs, False)


def image(ee, plan: CompositePlan, period):
    """The composite of a period: float32 bands of the plan, masked where nothing was seen."""
    radar, optical = radar_collection(ee, plan, period), optical_collection(ee, plan, period)
    first = OPTICAL[next(name for name in plan.indices if name in OPTICAL)]
    backscatter = _backscatter(ee, plan, radar)
    found = backscatter.addBands(optical.median().rename(list(_optical_bands(plan))))
    if "RVI" in plan.indices:
        found = found.addBands(_radar_vegetation_index(ee, backscatter))
    for name, collection, band in (("n_s1", radar, "VV"), ("n_s2", optical, first)):
        found = found.addBands(collection.select([band]).count().unmask(0, False).rename([name]))
    return found.select(list(plan.bands)).toFloat()


def pixels(ee, composite):
    """A composite as it is fetched: masked pixels are a number of their own, as the transfer format knows no mask."""
    return composite.unmask(NODATA, False)


def scenes(ee, plan: CompositePlan, period) -> dict:
    """How many images of each sensor touch the area, and how many Sentinel-2 images lack their cloud score."""
    return {"n_s1": _radar_images(ee, plan, period).size(), **optical_scenes(ee, plan, period)}


def optical_scenes(ee, plan: Plan, period) -> dict:
    """The same of Sentinel-2 alone."""
    optical, partner = _optical_images(ee, plan, period), _partner(plan)
    found = {"n_s2": optical.size(), "unmatched": 0}
    if partner:
        others = _within(ee, ee.ImageCollection(partner[0]), plan, period).aggregate_array("system:index")
        found["unmatched"] = optical.filter(ee.Filter.inList("system:index", others).Not()).size()
    return found


def radar_collection(ee, plan: CompositePlan, period):
    """VV and VH in decibels of each pass, without border noise and extreme angles, and one wholly masked image."""

    def cleaned(one):
        angle, vv = one.select("angle"), one.select("VV")
        good = angle.gte(ANGLES[0]).And(angle.lte(ANGLES[1])).And(vv.gte(BORDER_DB))
        return one.select(["VV", "VH"]).updateMask(good).toFloat()

    return _radar_images(ee, plan, period).map(cleaned).merge(_nothing(ee, ["VV", "VH"]))


def optical_collection(ee, plan: Plan, period):
    """The optical indices of each image where it is clear, with its time, and one wholly masked image."""
    collection, partner = _optical_images(ee, plan, period), _partner(plan)
    if partner:
        collection = collection.linkCollection(ee.ImageCollection(partner[0]), [partner[1]])
    names = [name for name in plan.indices if name in OPTICAL]

    def indices(one):
        clear = _clear(plan, one)
        made = None
        for name in names:
            band = _index(ee, plan, one, name).rename([OPTICAL[name]])
            made = band if made is None else made.addBands(band)
        return made.updateMask(clear).toFloat().set(TIME, one.get(TIME))

    return collection.map(indices).merge(_nothing(ee, list(_optical_bands(plan))))


def _radar_images(ee, plan: CompositePlan, period):
    found = (
        _within(ee, ee.ImageCollection(S1), plan, period)
        .filter(ee.Filter.eq("instrumentMode", "IW"))
        .filter(ee.Filter.listContains("transmitterReceiverPolarisation", "VV"))
        .filter(ee.Filter.listContains("transmitterReceiverPolarisation", "VH"))
        .filter(ee.Filter.eq("resolution_meters", 10))
        .filter(ee.Filter.eq("orbitProperties_pass", plan.orbit_direction))
    )
    if plan.relative_orbit:
        found = found.filter(ee.Filter.eq("relativeOrbitNumber_start", plan.relative_orbit))
    return found


def _optical_images(ee, plan: Plan, period):
    return _within(ee, ee.ImageCollection(S2), plan, period)


def _within(ee, collection, plan: Plan, period):
    """Images of the half-open period that touch the area."""
    return collection.filterBounds(region(ee, plan)).filterDate(str(period.start), str(period.end))


def _partner(plan: Plan):
    return {"cloudscore": CLOUD_SCORE, "s2cloudless": CLOUD_PROBABILITY}.get(plan.cloud_mask)


def _optical_bands(plan: Plan) -> tuple:
    return tuple(OPTICAL[name] for name in plan.indices if name in OPTICAL)


def _clear(plan: Plan, one):
    """Where an image is clear; masked where the mask itself is."""
    if plan.cloud_mask == "cloudscore":
        return one.select(CLOUD_SCORE[1]).gte(plan.cloud_threshold)
    if plan.cloud_mask == "s2cloudless":
        return one.select(CLOUD_PROBABILITY[1]).lt(plan.cloud_threshold)
    if plan.cloud_mask == "qa60":
        return one.select("QA60").bitwiseAnd(OPAQUE | CIRRUS).eq(0)
    classes, clear = one.select("SCL"), None
    for number in CLEAR_CLASSES:
        clear = classes.eq(number) if clear is None else clear.Or(classes.eq(number))
    return clear


def _index(ee, plan: Plan, one, name: str):
    """An index of one image; reflectances below 0, as harmonised dark targets have them, mask the pixel."""
    index = spectral.INDICES.get(name)
    if index:
        names = [BANDS[role] for role in index.roles]
        if index.formula is spectral.normalised:
            return one.normalizedDifference(names)
        bands = [one.select(band).multiply(REFLECTANCE) for band in names]
        possible = bands[0].gte(0).And(bands[1].gte(0))
        if index.formula is None:
            found = computed(ee, spectral.plant_phenology_index, *bands, one.metadata(SUN), plan.greatest_dvi)
        else:
            found = computed(ee, index.formula, *bands)
        return found.updateMask(possible)
    near, red, blue = (one.select(band).multiply(REFLECTANCE) for band in ("B8", "B4", "B2"))  # EVI, Huete et al. 2002
    below = near.add(red.multiply(6)).subtract(blue.multiply(7.5)).add(1)
    possible = near.gte(0).And(red.gte(0)).And(blue.gte(0))
    return near.subtract(red).multiply(2.5).divide(below).updateMask(possible)


def _backscatter(ee, plan: CompositePlan, collection):
    """VV and VH of all passes in decibels: the median, or the mean of linear power."""
    if plan.reducer == "median":
        return collection.median().rename(["VV", "VH"])
    power = collection.map(lambda one: ee.Image.constant(10).pow(one.divide(10)).rename(["VV", "VH"]).toFloat())
    return power.mean().log10().multiply(10).rename(["VV", "VH"])


def _radar_vegetation_index(ee, backscatter):
    """``4 VH / (VV + VH)`` on linear power (dual polarisation; Trudel et al. 2012)."""
    power = backscatter.divide(10).multiply(2.302585092994046).exp()
    index = spectral.INDICES["RVI"]
    return computed(ee, index.formula, *(power.select(role) for role in index.roles)).rename(["RVI"])


def _nothing(ee, names: list):
    """A collection of one image that is masked everywhere."""
    return ee.ImageCollection([ee.Image.constant([0.0] * len(names)).rename(names).toFloat().updateMask(0).set(TIME, 0)])
