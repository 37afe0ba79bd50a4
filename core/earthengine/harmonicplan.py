"""The plan of a harmonic interpolation: NDVI of each period, where nothing was seen from a curve through all clear images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import ClassVar

from ..errors import InputError
from ..parameters import given
from ..timeseries import Grid, Period, polygons_on
from ..timeseries.dates import later
from .plan import OPTICAL, Layer, Plan

# Harmonics of a year, as in the scripts that users know: the first whose value is possible is taken.
ORDERS = (10, 5, 1)
SEASON_DAYS = 365.25  # of the first harmonic
IMAGES = ("per_date", "stack")
# Of each fit the service holds, per pixel, a matrix of its unknowns: for 22, 12 and 4 of them 5 kB. 256 x 256 pixels, the
# service's own tile, take 0.3 GB; 1,024 x 1,024 would take 5 GB.
LARGEST_TILE = 256
MOST_BANDS = 1024  # of one request for pixels
# The polygons travel with each request, 20 bytes a corner, and a request may hold 10 MB.
MOST_CORNERS = 20_000
DECIMALS = 2  # of a coordinate in metres: far below a pixel
FIRST_OPTICAL = date(2015, 6, 27)  # first image of the collections


@dataclass(frozen=True)
class HarmonicPlan(Plan):
    """One image per period, or one of all.

    Attributes
    ----------
    days_before, days_after : images of so many more days are used for the curve
    images : per_date or stack
    land : corners of polygons in the grid's reference system, as JSON of a MultiPolygon's coordinates; '' for none
    land_asset : id of a feature collection on the service; '' for none
    """

    days_before: int = 0
    days_after: int = 0
    images: str = "per_date"
    land: str = ""
    land_asset: str = ""

    METHOD: ClassVar[str] = "exportharmonic"
    STEM: ClassVar[str] = "harmonic"
    COUNTS: ClassVar[tuple] = ("quality", "harmonics", "n_s2")
    INTEGERS: ClassVar[dict] = {"quality": "uint8", "harmonics": "int16"}
    SECONDS_PER_REQUEST: ClassVar[float] = 300.0  # then the service ends a request; a regression may come near
    LARGEST_LOOK: ClassVar[int] = 128  # its answer takes the whole regression

    @property
    def kinds(self) -> tuple:
        return (OPTICAL[self.indices[0]], *self.COUNTS)

    @property
    def spans(self) -> tuple:
        return self.dates if self.images == "per_date" else (Period(self.dates[0].start, self.dates[-1].end),)

    @property
    def unit(self) -> str:
        return "periods" if self.images == "per_date" else "images"

    def layers(self, span: Period) -> tuple:
        if self.images == "per_date":
            return super().layers(span)
        return tuple(Layer(f"{kind}_{date.start:%Y%m%d}", kind, date) for date in self.dates for kind in self.kinds)

    @property
    def window(self) -> Period:
        first, last = self.dates[0].start, self.dates[-1].end
        return Period(later(first, -self.days_before), later(last, self.days_after))

    @property
    def largest_tile(self) -> int:
        return LARGEST_TILE

    @property
    def told(self) -> dict:
        return {"cloud_mask": self.cloud_mask, "cloud_threshold": self.cloud_threshold, "orders": list(ORDERS),
                "season_days": SEASON_DAYS, "window": str(self.window), "land_asset": self.land_asset}  # fmt: skip

    @classmethod
    def _own(cls, parameters: dict, grid: Grid) -> dict:
        return {
            "days_before": int(given(parameters, "DAYS_BEFORE", 90)),
            "days_after": int(given(parameters, "DAYS_AFTER", 90)),
            "images": parameters.get("IMAGES") or "per_date",
            "land": _land(parameters["MASK"], grid) if parameters.get("MASK") else "",
            "land_asset": (parameters.get("LAND_ASSET") or "").strip(),
        }

    def _in_key(self, span: Period) -> tuple:
        # The curve of every period leans on the images of all.
        return (str(span), str(self.window), *(map(str, self.dates) if self.images == "stack" else ()))

    def _require_sense(self) -> None:
        super()._require_sense()
        self._require_known(("IMAGES", self.images, IMAGES))
        for key, days in (("DAYS_BEFORE", self.days_before), ("DAYS_AFTER", self.days_after)):
            if days < 0:
                raise InputError(f"{key} is {days}.", "Give a number of days, 0 for none.")
        length = (self.window.end - self.window.start).days
        if length < SEASON_DAYS:
            raise InputError(f"Images of {length} days are used; harmonics of a year need at least a year to be told apart.",
                             "Give longer dates, or more DAYS_BEFORE and DAYS_AFTER.")  # fmt: skip
        if self.window.end <= FIRST_OPTICAL:
            raise InputError(f"The dates end before the first Sentinel-2 image ({FIRST_OPTICAL}).", "Give later dates.")
        if len(self.bands) > MOST_BANDS:
            raise InputError(f"A stack of {len(self.periods)} dates has {len(self.bands)} bands; the service gives {MOST_BANDS}.",
                             "Give fewer dates, or IMAGES = per_date.")  # fmt: skip
        if self.land and self.land_asset:
            raise InputError("Both MASK and LAND_ASSET are given.", "Give only one of them.")


def _land(path: str, grid: Grid) -> str:
    """Polygons of a GeoJSON file in degrees, in the reference system of the grid.

    Raises
    ------
    InputError
        When there are none on the grid, or they have too many corners for a request.
    """
    found = [[ring.round(DECIMALS).tolist() for ring in rings] for rings in polygons_on(path, "EPSG:4326", grid)]
    corners = sum(len(ring) for rings in found for ring in rings)
    if corners > MOST_CORNERS:
        raise InputError(f"The polygons of {Path(path).name} have {corners} corners in the area; a request holds {MOST_CORNERS}.",
                         "Simplify them, or upload them to Earth Engine and give their id as LAND_ASSET.")  # fmt: skip
    return json.dumps(found)
