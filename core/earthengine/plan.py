"""The plan of an export: one frozen value, made without a network, that says everything which decides the pixels.

`Plan` holds what all exports share; `compositeplan` and `harmonicplan` say what each kind adds, and `plans` reads them back.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from typing import ClassVar, NamedTuple

from ..errors import InputError
from ..parameters import given
from ..timeseries import Grid, Period, variable_named
from . import asked

# All indices of `timeseries.spectral` that are made of reflectances, and EVI, whose third band only exports have.
OPTICAL = {"NDVI": "S2ndvi", "EVI": "S2evi", "NDWI": "S2ndwi", "LSWI": "S2lswi", "EVI2": "S2evi2", "NIRv": "S2nirv",
           "kNDVI": "S2kndvi", "PPI": "S2ppi"}  # fmt: skip
JUDGED = ("NDVI", "VV", "VH")  # and compared: other indices are near copies of NDVI by their nature
# Least value (cloudscore) or least probability of cloud (s2cloudless): the values of the data's own catalogue pages.
THRESHOLDS = {"cloudscore": 0.60, "scl": None, "s2cloudless": 65.0, "qa60": None}
# QA60 is empty in products made between these days (catalogue page of the collection); both included.
QA60_GAP = (date(2022, 1, 25), date(2024, 2, 28))
COMPLETE = date(2019, 1, 1)  # before it surface reflectance of Sentinel-2 does not cover the whole world (catalogue page)
DESTINATIONS = ("download", "drive", "asset", "cloudstorage")

VALUE_BYTES, MASK_BYTES = 4, 1  # a float32; the service counts the mask, too
LARGEST_REQUEST = 48 * 2**20  # bytes; limit of one request for pixels
LARGEST_TILE = 1024  # pixels a side: larger ones come near the memory limit with many scenes
# A tile that is too much is halved down to this share of its side: below it something else is wrong.
SMALLEST_SHARE = 8
IN_FLIGHT = 8  # of the 40 requests a project may have at once: others may be at work


class Layer(NamedTuple):
    """A band of an image: its name there, the band's kind (such as ``S2ndvi``), and the period it is of."""

    band: str
    kind: str
    period: Period


@dataclass(frozen=True)
class Plan:
    """What all exports share.

    Attributes
    ----------
    project : Google Cloud project that the requests count for; it does not decide the pixels
    crs, transform, width, height : the grid (`crs` as ``EPSG:n``)
    periods : of (start, end) as ISO dates, half open, in UTC
    indices : of `OPTICAL`, and RVI
    cloud_mask, cloud_threshold : see `THRESHOLDS`
    destination : download, drive, asset or cloudstorage
    place : folder on Drive, asset folder, or ``bucket/folder``
    """

    project: str
    crs: str
    transform: tuple
    width: int
    height: int
    periods: tuple
    indices: tuple = ("NDVI",)
    cloud_mask: str = "cloudscore"
    cloud_threshold: float | None = 0.60
    destination: str = "download"
    place: str = ""

    METHOD: ClassVar[str] = ""  # the algorithm
    STEM: ClassVar[str] = ""  # of file and task names
    COUNTS: ClassVar[tuple] = ()  # kinds that are never missing: 0 where nothing is known
    LATER: ClassVar[tuple] = ()  # fields that older exports did not have: no part of what tells them, unless given
    INTEGERS: ClassVar[dict] = {}  # type of the series of those kinds that are no measurements
    # Time for one request: an assumption for the plan alone. The report shows what it really took.
    SECONDS_PER_REQUEST: ClassVar[float] = 10.0
    LARGEST_LOOK: ClassVar[int] = 1024  # side in pixels of the middle that is judged before anything is fetched

    @classmethod
    def of(cls, parameters: dict) -> Plan:
        """Make a plan of a job's parameters.

        Raises
        ------
        InputError
            When something is missing, contradicts itself or lies outside of what the data cover.
        """
        grid = asked.grid_of(parameters)
        mask = parameters.get("CLOUD_MASK") or "cloudscore"
        plan = cls(
            project=asked.project_of(parameters),
            crs=grid.crs_name, transform=grid.transform, width=grid.width, height=grid.height,
            periods=tuple((str(p.start), str(p.end)) for p in asked.periods_of(parameters)),
            cloud_mask=mask,
            cloud_threshold=given(parameters, "CLOUD_THRESHOLD", THRESHOLDS.get(mask)),
            destination=parameters.get("DESTINATION") or "download",
            place=(parameters.get("PLACE") or "").strip("/ "),
            **cls._own(parameters, grid),
        )  # fmt: skip
        plan._require_sense()
        return plan

    @property
    def text(self) -> str:
        """The plan as JSON that always reads the same."""
        return json.dumps({"method": self.METHOD, **asdict(self)}, sort_keys=True)

    @property
    def grid(self) -> Grid:
        """The grid that all images share."""
        west, north = self.transform[2], self.transform[5]
        pixel = self.transform[0]
        box = (west, north - self.height * pixel, west + self.width * pixel, north)
        return Grid.over(box, self.crs, self.crs, pixel)

    @property
    def kinds(self) -> tuple:
        """Kinds of bands of one period, in their order; every period has every one."""
        raise NotImplementedError

    @property
    def dates(self) -> tuple:
        """The periods as `Period`."""
        return tuple(Period.parse("/".join(ends)) for ends in self.periods)

    @property
    def spans(self) -> tuple:
        """What each image covers, as `Period`: each is one entry of the ledger."""
        return self.dates

    @property
    def unit(self) -> str:
        """What people call its images."""
        return "periods"

    def layers(self, span: Period) -> tuple:
        """The bands of the image of `span`."""
        return tuple(Layer(kind, kind, span) for kind in self.kinds)

    @property
    def bands(self) -> tuple:
        """Names of an image's bands in their order; they are the same in all images."""
        return tuple(layer.band for layer in self.layers(self.spans[0]))

    @property
    def judged(self) -> dict:
        """Bands whose values can be judged by what they must be: {name: `Variable`}."""
        found = {layer.band: variable_named(layer.kind) for layer in self.layers(self.spans[0])}
        return {band: variable for band, variable in found.items() if variable.valid_range and variable.name in JUDGED}

    @property
    def told(self) -> dict:
        """What its rasters say of how they were made."""
        raise NotImplementedError

    def orbit_of(self, kind: str) -> str:
        """Direction of the passes that a kind of band is from; '' where it is not from radar."""
        return ""

    @property
    def window(self) -> Period:
        """From the first to the last day of which images are used."""
        return Period(self.dates[0].start, self.dates[-1].end)

    def key(self, span: Period) -> str:
        """What tells an image of this export from any other: a SHA-256 of all that decides its pixels and their place."""
        content = {name: value for name, value in asdict(self).items()
                   if name not in ("project", "periods") and not (name in self.LATER and value is None)}  # fmt: skip
        return hashlib.sha256(json.dumps([content, *self._in_key(span)], sort_keys=True).encode()).hexdigest()

    @property
    def sha256(self) -> str:
        """The same of all images together."""
        return hashlib.sha256("".join(map(self.key, self.spans)).encode()).hexdigest()

    # What it costs.

    @property
    def bytes_per_pixel(self) -> int:
        """As the service counts a request."""
        return len(self.bands) * (VALUE_BYTES + MASK_BYTES)

    @property
    def largest_tile(self) -> int:
        """Pixels a side that the service's memory suffices for."""
        return LARGEST_TILE

    @property
    def tile_side(self) -> int:
        """Largest side of a square tile within the limits."""
        return min(self.largest_tile, int((0.9 * LARGEST_REQUEST / self.bytes_per_pixel) ** 0.5))

    @property
    def tiles(self) -> int:
        """Requests for the pixels of one image."""
        return -(-self.width // self.tile_side) * -(-self.height // self.tile_side)

    @property
    def requests(self) -> int:
        """All requests: one look at each image, and its pixels or its task."""
        return len(self.spans) * (1 + (self.tiles if self.destination in ("download", "asset") else 1))

    @property
    def bytes(self) -> int:
        """Size of all rasters without compression."""
        return len(self.spans) * self.width * self.height * len(self.bands) * VALUE_BYTES

    @property
    def seconds(self) -> float:
        """A guess of how long direct download takes."""
        return self.requests * self.SECONDS_PER_REQUEST / IN_FLIGHT

    # What a kind adds.

    @classmethod
    def _own(cls, parameters: dict, grid: Grid) -> dict:
        """Values of the fields that only this kind has."""
        return {}

    def _in_key(self, span: Period) -> tuple:
        """What else decides the pixels of `span`, as text."""
        return (str(span),)

    def _require_sense(self) -> None:
        self._require_known(("CLOUD_MASK", self.cloud_mask, THRESHOLDS), ("DESTINATION", self.destination, DESTINATIONS))
        most = {"cloudscore": 1.0, "s2cloudless": 100.0}.get(self.cloud_mask)
        if most and not 0 <= self.cloud_threshold <= most:
            raise InputError(f"CLOUD_THRESHOLD is {self.cloud_threshold:g}; {self.cloud_mask} knows 0 to {most:g}.",
                             f"Leave it empty for {THRESHOLDS[self.cloud_mask]:g}.")  # fmt: skip
        if self.destination in ("asset", "cloudstorage") and not self.place:
            wanted = "an asset folder" if self.destination == "asset" else "a bucket"
            raise InputError(f"DESTINATION is {self.destination}, but PLACE is empty.", f"Give {wanted} as PLACE.")
        self._require_mask()

    def _require_known(self, *choices) -> None:
        for key, value, allowed in choices:
            if value not in allowed:
                raise InputError(f"{key} is '{value}'.", f"Use one of {', '.join(allowed)}.")

    def _require_mask(self) -> None:
        def is_lost(period):
            return period.start <= QA60_GAP[1] and period.end > QA60_GAP[0]

        if self.cloud_mask == "qa60" and is_lost(self.window):
            raise InputError(
                f"QA60 is empty from {QA60_GAP[0]} to {QA60_GAP[1]}: it would mask every pixel then, so in "
                f"{sum(map(is_lost, self.dates))} of {len(self.periods)} periods (images from {self.window.start} to "
                f"{self.window.end} are used).",
                "Choose another CLOUD_MASK; cloudscore covers all dates.",
            )
