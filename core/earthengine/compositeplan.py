"""The plan of composites: Sentinel-1 and Sentinel-2 of each period by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import ClassVar

from ..errors import InputError
from ..timeseries import Grid
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
    """

    orbit_direction: str = "DESCENDING"
    relative_orbit: int = 0
    reducer: str = "median"

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
                "relative_orbit": self.relative_orbit or "any"}  # fmt: skip

    @classmethod
    def _own(cls, parameters: dict, grid: Grid) -> dict:
        return {
            "indices": tuple(parameters.get("INDICES") or ("NDVI",)),
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
        if not 0 <= self.relative_orbit <= 175:
            raise InputError(f"RELATIVE_ORBIT is {self.relative_orbit}; Sentinel-1 has 1 to 175.", "0 takes any.")
        if self.window.end <= FIRST_RADAR:
            raise InputError(f"The dates end before the first Sentinel-1 image ({FIRST_RADAR}).", "Give later dates.")
