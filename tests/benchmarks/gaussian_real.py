"""Claim: on real series with gaps of 60 and 90 days, `fillmogpr` beats linear interpolation, and radar helps where it can.

    python tests/benchmarks/gaussian_real.py [--seeds 1 2 3 4] [--sets NAME ...] [folder of the real data]

Per real set: clear observations within half a gap of one random observation per pixel are hidden, and filled by the three
covariances, by harmonics, by the scene covariance without radar, and with radar permuted between pixels (which must not beat
that without radar). Prints the error relative to linear interpolation at the same places, and the share inside 90 % intervals.
"""
from __future__ import annotations

import argparse
import csv
import os
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest
from phenofuse.core.gaussian import methods, scene
from phenofuse.core.harmonic import adaptive
from series import hide, linear, load, pixels

SETS = {
    "worldcereal_dekad_france": ("sites_as_pixels/NDVI.tif", "sites_as_pixels/VV.tif", "sites_as_pixels/VH.tif"),
    "worldcereal_belgium_cube": ("NDVI.tif", "VV.tif", "VH.tif"),
    "eolearn_s2_patch": ("NDVI_masked.tif",),
    "treesat_fir_2020": ("NDVI_masked.tif", "VV_asc.tif", "VH_asc.tif", "VV_des.tif", "VH_des.tif"),
    "cbm_grassland_parcels": ("NDVI", "RVI_morning", "RVI_evening"),
}
GAPS = (60, 90)
MOST_PIXELS = 1000
WITHIN_90 = 1.6449


def read(folder: Path, name: str) -> tuple[list, list]:
    """Values (pixels, dates) and days of each variable of a set, the target first."""
    values, days = [], []
    for variable in SETS[name]:
        if name == "cbm_grassland_parcels":
            own, when = parcels(folder / name / "parcel_series.csv", variable)
        else:
            cube, when = load(folder / name / variable)
            own = pixels(cube)
        low, high = (-1, 1) if variable.lower().split("/")[-1].startswith("ndvi") else (-60, 30)
        values.append(np.where((own >= low) & (own <= high), own, np.nan).astype(np.float32))
        days.append(when)
    seen = np.flatnonzero(np.isfinite(values[0]).any(axis=1))
    chosen = np.sort(np.random.default_rng(0).permutation(seen)[:MOST_PIXELS])
    return [one[chosen] for one in values], days


def parcels(path: Path, variable: str) -> tuple[np.ndarray, np.ndarray]:
    """Series (parcels, dates) of a table, and their days."""
    with open(path, encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["variable"] == variable and row["value"]]
    names, dates = (sorted({row[key] for row in rows}) for key in ("series_id", "date"))
    values = np.full((len(names), len(dates)), np.nan)
    for row in rows:
        values[names.index(row["series_id"]), dates.index(row["date"])] = float(row["value"])
    return values, np.array(dates, "datetime64[D]").astype(float)


def by_harmonics(values: list, days: list) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation by the adaptive harmonics."""
    options = adaptive.Options()
    filled = adaptive.fill(values[0], days[0], days[0], adaptive.learn(values[0], days[0], options, 0), options)
    return filled.mean, filled.standard_deviation


def by_covariance(kind: str, values: list, days: list) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation by one of the three covariances."""
    names = tuple(f"variable {i}" for i in range(len(values)))
    model, _ = methods.learn(kind, values, tuple(days), names, 1, methods.Choices())
    values, days = values[:len(model.variables)], tuple(days[:len(model.variables)])
    return scene.moments(values, days, days[0], model) if kind == "scene" else model.moments(values, days)


def fills(shown: list, days: list) -> dict:
    """Mean and standard deviation of every method."""
    found = {"harmonic": by_harmonics(shown, days)}
    for kind in methods.KINDS:
        found[kind] = by_covariance(kind, shown, days)
    if len(shown) > 1:
        permuted = np.random.default_rng(0).permutation(len(shown[0]))
        found["without radar"] = by_covariance("scene", shown[:1], days[:1])
        found["permuted radar"] = by_covariance("scene", [shown[0], *(one[permuted] for one in shown[1:])], days)
    return found


def main() -> None:
    """Print one line per set, gap and method, seeds pooled."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default=Path(os.environ.get("PHENOFUSE_SHARED", conftest.ROOT.parent / "shared"), "data"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    options = parser.parse_args()
    print(f"{'set':26}{'gap':>4}  {'method':16}{'values':>7}{'RMSE':>8}{'ratio':>7}{'in 90':>7}")
    for name in options.sets:
        values, days = read(Path(options.folder), name)
        for gap in GAPS:
            errors, lines = {}, []
            for seed in options.seeds:
                hidden = hide(values[0], days[0], gap, seed)
                shown = [np.where(hidden, np.float32(np.nan), values[0]), *values[1:]]
                lines.append((linear(shown[0], days[0]) - values[0])[hidden])
                for method, (mean, deviation) in fills(shown, days).items():
                    error = (np.clip(mean, -1, 1) - values[0])[hidden]
                    errors.setdefault(method, []).append((error, np.abs(error) < WITHIN_90 * deviation[hidden]))
            line = np.sqrt(np.mean(np.concatenate(lines) ** 2))
            print(f"{name:26}{gap:4}  {'linear':16}{len(np.concatenate(lines)):7}{line:8.4f}{1:7.3f}", flush=True)
            for method, parts in errors.items():
                error, inside = (np.concatenate(part) for part in zip(*parts))
                rmse = np.sqrt(np.mean(error**2))
                print(f"{name:26}{gap:4}  {method:16}{len(error):7}{rmse:8.4f}{rmse / line:7.3f}{inside.mean():7.3f}", flush=True)


if __name__ == "__main__":
    main()
