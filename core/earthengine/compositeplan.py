"""The plan of composites: Sentinel-1 and Sentinel-2 of each period by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from ..errors import InputError
from ..parameters import given
from ..timeseries import Grid
from ..timeseries.spectral import LEAST_GREATEST, MOST_GREATEST
from .plan import OPTICAL, Plan

RADAR_INDICES = ("RVI",)
FIRST_RADAR = date(2014, 10, 3)  # first image of the collection
DIRECTIONS, REDUCERS = ("ASCENDING", "DESCENDING"), ("median", "mean")


@dataclass(frozen=True)
class CompositePlan(Plan):
    """One image per period.

    Attributes
    ----------
    orbit_direction, relative_orbit : passes of Sentinel-1 (0: any relative orbit)
    reducer : median, or mean of linear power
    greatest_dvi : of PPI, see `timeseries.spectral.plant_phenology_index`; None without it
    """

    orbit_direction: str = "DESCENDING"
    relative_orbit: int = 0
    reducer: str = "median"
    greatest_dvi: float | None = None

    LATER: ClassVar[tuple] = ("greatest_dvi",)
    METHOD: ClassVar[str] = "exportcomposites"
    STEM: ClassVar[str] = "S1S2"
    COUNTS: ClassVar[tuple] = ("n_s1", "n_s2")

    @property
    def kinds(self) -> tuple:
        optical = tuple(OPTICAL[name] for name in self.indices if name in OPTICAL)
        return ("VV", "VH", *optical, *(name for name in self.indices if name in RADAR_INDICES), *self.COUNTS)

    def orbit_of(self, kind: str) -> str:
        return self.orbit_direction.lower() if kind in ("VV", "VH", "RVI", "n_s1") else ""

    @property
    def told(self) -> dict:
        return {"cloud_mask": self.cloud_mask, "cloud_threshold": self.cloud_threshold, "s1_reducer": self.reducer,
                "relative_orbit": self.relative_orbit or "any",
                **({"greatest_dvi": self.greatest_dvi} if "PPI" in self.indices else {})}  # fmt: skip

    @classmethod
    def _own(cls, parameters: dict, grid: Grid) -> dict:
        indices = tuple(parameters.get("INDICES") or ("NDVI",))
        return {
            "indices": indices,
            "greatest_dvi": given(parameters, "GREATEST_DVI", None) if "PPI" in indices else None,
            "orbit_direction": parameters.get("ORBIT_DIRECTION") or "DESCENDING",
            "relative_orbit": int(parameters.get("RELATIVE_ORBIT") or 0),
            "reducer": parameters.get("S1_REDUCER") or "median",
        }

    def _require_sense(self) -> None:
        super()._require_sense()
        self._require_known(
            ("ORBIT_DIRECTION", self.orbit_direction, DIRECTIONS), ("S1_REDUCER", self.reducer, REDUCERS),
            *(("INDICES", name, (*OPTICAL, *RADAR_INDICES)) for name in self.indices),
        )  # fmt: skip
        if not any(name in OPTICAL for name in self.indices):
            raise InputError("No optical index was chosen.", f"Choose at least one of {', '.join(OPTICAL)} as INDICES.")
        if "PPI" in self.indices and not LEAST_GREATEST < (self.greatest_dvi or 0) < MOST_GREATEST:
            what = "empty" if self.greatest_dvi is None else f"{self.greatest_dvi:g}"
            raise InputError(f"PPI needs the greatest nir - red that a closed canopy of the area has, and GREATEST_DVI is {what}.",
                             f"Give a reflectance between {LEAST_GREATEST:g} and {MOST_GREATEST:g}; 'Build time series' "
                             "with INDEX = PPI tells that of a scene.")  # fmt: skip
        if not 0 <= self.relative_orbit <= 175:
            raise InputError(f"RELATIVE_ORBIT is {self.relative_orbit}; Sentinel-1 has 1 to 175.", "0 takes any.")
        if self.window.end <= FIRST_RADAR:
            raise InputError(f"The dates end before the first Sentinel-1 image ({FIRST_RADAR}).", "Give later dates.")
