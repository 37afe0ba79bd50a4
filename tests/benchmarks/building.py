"""Claim: knowing bands by what they say costs no time: 10 years of days build as fast as before, and in as little memory.

Three sets of NDVI with gaps and nothing but names: one file of 3,650 daily bands, as float32 and as int16 with a factor, and
1,500 float32 files of one date each. All are built by this tree and by the one of `--against`, in turn, each time in an
engine of its own: wall seconds, processor seconds and
peak memory of the whole process (medians), and the median of the ratios run by run. What both write must be equal.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from statistics import median

import numpy as np
import rasterio

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # noqa: F401 (links the checkout as package phenofuse)
from measuring import CORE, measured

BEFORE = "67cf604"  # the last commit that took bands for what was asked for
BANDS, FILES, FIRST = 3650, 1500, date(2013, 1, 1)
UTM = {"crs": "EPSG:32749", "transform": rasterio.Affine(10, 0, 430000, 0, -10, 9240000)}


def values(day: int, side: int, chance) -> np.ndarray:
    """NDVI of a day: a season, some noise, clouds."""
    found = 0.5 + 0.3 * np.sin(2 * np.pi * day / 365.25) + chance.normal(0, 0.05, (side, side))
    found[chance.uniform(size=found.shape) < 0.4] = np.nan
    return found.astype("float32")


def write(path: Path, days: range, side: int, packed: bool = False) -> None:
    """Write a raster of some days, whose bands are named by them where there are several."""
    chance = np.random.default_rng(days[0])
    kind = {"dtype": "int16", "nodata": -32768} if packed else {"dtype": "float32", "nodata": np.nan}
    with rasterio.open(path, "w", driver="GTiff", width=side, height=side, count=len(days), interleave="band", **kind, **UTM) as out:
        for number, day in enumerate(days, 1):
            found = values(day, side, chance)
            out.write(np.nan_to_num(np.round(found * 10000), nan=-32768).astype("int16") if packed else found, number)
            if len(days) > 1:
                out.set_band_description(number, str(FIRST + timedelta(day)))
        if packed:
            out.scales = (1e-4,) * len(days)


def inputs(folder: Path, side: int, bands: int, files: int) -> dict:
    """Parameters of both calls by what they build."""
    stack, packed, single = folder / "NDVI_daily.tif", folder / "NDVI_packed.tif", folder / "single"
    single.mkdir()
    write(stack, range(bands), side)
    write(packed, range(bands), side, packed=True)
    for day in range(files):
        write(single / f"NDVI_{FIRST + timedelta(day):%Y%m%d}.tif", range(day, day + 1), side)
    return {f"one file of {bands} bands": {"LAYERS": [str(stack)]}, "the same as int16": {"LAYERS": [str(packed)]},
            f"{files} files": {"FOLDER": str(single)}}  # fmt: skip


def content(path: str) -> str:
    """A hash of the values."""
    with rasterio.open(path) as source:
        return hashlib.sha256(b"".join(source.read(i).tobytes() for i in source.indexes)).hexdigest()


def main() -> None:
    """Write the sets, build them by both trees in turn, print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", default=BEFORE, help="commit of the other tree")
    parser.add_argument("--side", type=int, default=64)
    parser.add_argument("--bands", type=int, default=BANDS)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--runs", type=int, default=5, help="counted ones; one more warms up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="phenofuse-bench-") as name:
        folder = Path(name)
        other = folder / "before" / "core"
        archive = subprocess.run(["git", "-C", str(CORE.parent), "archive", options.against, "core", "metadata.txt"],
                                 check=True, stdout=subprocess.PIPE)
        other.parent.mkdir()
        subprocess.run(["tar", "-x", "-C", str(other.parent)], input=archive.stdout, check=True)
        trees = {"now": CORE, "before": other}
        for title, parameters in inputs(folder, options.side, options.bands, options.files).items():
            found = {tree: [] for tree in trees}
            for run in range(options.runs + 1):
                for tree, core in trees.items():
                    output = str(folder / f"{tree}.tif")
                    Path(output).unlink(missing_ok=True)
                    figures = measured("buildtimeseries", {**parameters, "OUTPUT": output}, 512, 2, core=core)
                    if run:
                        found[tree].append(figures)
            assert content(str(folder / "now.tif")) == content(str(folder / "before.tif")), f"{title}: the values differ"
            print(f"{title}, {options.side} x {options.side} pixels, median of {options.runs}:")
            for number, figure in enumerate(("peak memory in MB", "seconds", "seconds of processors")):
                now, before = ([run[number] for run in found[tree]] for tree in trees)
                ratio = median(a / b for a, b in zip(now, before))
                print(f"  {figure:22} {median(now):8.1f} now, {median(before):8.1f} before ({options.against}), ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
