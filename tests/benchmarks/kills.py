"""Kill engines (kill -9) at random moments of eight algorithms, run the same call again, and compare every file's bytes.

A file that looks finished must be whole, nothing may be left in the end, and what the rerun gives must be, to the last byte,
what an undisturbed run gives: rasters, models, tables, reports and their numbers.

    .dev/engine/bin/python tests/benchmarks/kills.py --kills 50
"""
from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # noqa: F401 (links the checkout as package phenofuse)
from killing import in_engine
from phenofuse.core import jobs
from phenofuse.core.events import Silent
from phenofuse.core.registry import JOBS

SIDE, PERIODS = 96, 40
MEMORY_MB = 64


def scene(folder: Path) -> dict:
    """A sample scene and what algorithms read of it, by name."""
    resources, folder = jobs.Resources(1024, 2), Path(folder)
    jobs.run("createsamplescene", {"FOLDER": str(folder / "scene"), "SIZE": SIDE, "PERIODS": PERIODS, "SEED": 1}, resources, Silent())
    found = {"FOLDER": str(folder / "scene")}
    for name in ("NDVI", "VV", "VH"):
        found[name] = str(folder / f"{name}.tif")
        jobs.run("buildtimeseries", {"FOLDER": found["FOLDER"], "VARIABLE": name, "OUTPUT": found[name]}, resources, Silent())
    found["FILLED"] = str(folder / "filled.tif")
    jobs.run("fillwhittaker", {"INPUT": found["NDVI"], "OUTPUT": found["FILLED"]}, resources, Silent())
    left, top, right, bottom = borders(found["NDVI"])
    ring = [[left, bottom], [right, bottom], [right, top], [left, top], [left, bottom]]
    zone = {"type": "Feature", "properties": {"name": "all"}, "geometry": {"type": "Polygon", "coordinates": [ring]}}
    found["ZONES"] = str(folder / "zones.geojson")
    Path(found["ZONES"]).write_text(json.dumps({"type": "FeatureCollection", "features": [zone]}), encoding="utf-8")
    return found


def borders(path: str) -> tuple:
    """Left, top, right and bottom of a raster."""
    from phenofuse.core.timeseries import RasterFile

    grid = RasterFile.open(path).grid
    width, _, left, _, height, top = grid.transform
    return left, top, left + grid.width * width, top + grid.height * height


def calls(given: dict) -> dict:
    """Parameters by algorithm, without outputs."""
    radar = {"INPUT": given["NDVI"], "COVARIATES": [given["VV"], given["VH"]]}
    return {
        "buildtimeseries": {"FOLDER": given["FOLDER"], "VARIABLE": "NDVI"},
        "describetimeseries": radar,
        "fillharmonic": {"INPUT": given["NDVI"]},
        "fillwhittaker": {"INPUT": given["NDVI"]},
        "fillmogpr": radar,
        "phenologymetrics": {"INPUT": given["FILLED"], "ZONES": given["ZONES"]},
        "comparemethods": {**radar, "PIXELS": 60, "METHODS": ["linear", "whittaker", "mogpr_shared"]},
        "trainmodel": {**radar, "ARCHITECTURE": "mlp", "PRIOR": "linear", "EPOCHS": 2},
    }


ENDINGS = {"REPORT": "html", "CSV": "csv", "ZONAL_SUMMARY": "csv", "FIT": "npz", "MODEL": "phenofuse"}
NOT_WANTED = {"UNCERTAINTY_DAYS"}  # needs standard deviations


class Trials:
    """Kills of one algorithm.

    Parameters
    ----------
    name : str
    parameters : dict
        Without outputs.
    folder : Path
        For its files.
    """

    def __init__(self, name: str, parameters: dict, folder: Path):
        self.name, self._parameters, self._folder = name, parameters, Path(folder) / name
        begun = time.monotonic()
        told = self._run("whole", lambda: False)
        assert '"result"' in told, f"{name}: {told}"
        self.seconds = time.monotonic() - begun
        self.expected = self._files("whole")
        self.kills = self.alive = 0

    def kill(self, after: float) -> bool:
        """Kill after so many seconds, check, run again, check; returns whether the engine was still alive when killed."""
        shutil.rmtree(self._folder / "out", ignore_errors=True)
        begun = time.monotonic()
        told = self._run("out", lambda: time.monotonic() > begun + after)
        alive = '"result"' not in told
        if not alive:  # the machine has become quicker
            self.seconds = time.monotonic() - begun
        for path, content in self._files("out").items():
            if not path.startswith("."):
                assert content == self.expected[path], f"{self.name}: killed after {after:.2f} s, {path} looks finished and is not"
        assert '"result"' in self._run("out", lambda: False), f"{self.name}: killed after {after:.2f} s, the rerun failed"
        found = self._files("out")
        assert sorted(found) == sorted(self.expected), f"{self.name}: killed after {after:.2f} s, there are {sorted(found)}"
        for path, content in found.items():
            assert content == self.expected[path], f"{self.name}: killed after {after:.2f} s, {path} is another one after the rerun"
        self.kills += 1
        self.alive += alive
        return alive

    def _run(self, where: str, due) -> str:
        folder = self._folder / where
        outputs = {key: str(folder / f"{key}.{ENDINGS.get(key, 'tif')}") for key in JOBS[self.name].files if key not in NOT_WANTED}
        return in_engine(self.name, {**self._parameters, **outputs}, MEMORY_MB, due)

    def _files(self, where: str) -> dict:
        folder = self._folder / where
        return {one.relative_to(folder).as_posix(): one.read_bytes() for one in folder.rglob("*") if one.is_file()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    chance = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        trials = [Trials(name, parameters, Path(folder)) for name, parameters in calls(scene(Path(folder))).items()]
        for number in range(options.kills):
            one = trials[number % len(trials)]
            after = chance.uniform(0.1, 1) * one.seconds
            print(f"{number + 1:3d} {one.name:20} after {after:5.1f} s: {'alive' if one.kill(after) else 'ended before'}", flush=True)
        print("algorithm            seconds  kills  alive  files compared")
        for one in trials:
            print(f"{one.name:20} {one.seconds:7.1f} {one.kills:6d} {one.alive:6d}  {', '.join(sorted(one.expected))}")
        print(f"{sum(one.kills for one in trials)} kills, {sum(one.alive for one in trials)} while the engine was alive: "
              "every byte as in an undisturbed run, nothing left behind")


if __name__ == "__main__":
    main()
