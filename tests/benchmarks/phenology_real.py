"""What phenologymetrics finds on real series: seasons at seven flux towers, recorded cuts of grassland; counts and pictures.

    python tests/benchmarks/phenology_real.py DATA FOLDER

DATA holds `phenofit_mod13a1` and `cbm_grassland_parcels`; FOLDER gets `seasons.png` and `mowing.png`.
"""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import conftest  # noqa: F401 (links the checkout as package phenofuse)
from phenofuse.core.phenology import harvests, seasons
from realseries import grassland, matched, tables

COLOURS = "tab:green", "black", "tab:red"  # of start, peak and end


def main() -> None:
    """Print what is found, and draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    draw_seasons(tables(options.data / "phenofit_mod13a1" / "series.csv", "site"), options.folder / "seasons.png")
    draw_cuts(*grassland(options.data), options.folder / "mowing.png")


def draw_seasons(sites: dict, path: Path) -> None:
    """Seasons per year of every site, and where they lie."""
    figure, axes = plt.subplots(len(sites), figsize=(18, 3 * len(sites)), layout="constrained")
    for axis, (site, points) in zip(axes, sites.items()):
        days, values = np.array(sorted((day, value) for day, value in points.items() if np.isfinite(value))).T
        found = seasons.find(values[None], days, seasons.Options(max_seasons=60))
        count = int(found.count[0])
        print(f"{site}: {count} seasons in {(days[-1] - days[0]) / 365.25:.1f} years")
        axis.plot(dates(days), values, ".-", color="tab:grey", linewidth=0.7, markersize=3)
        for column, colour in enumerate(COLOURS):
            mark(axis, found.metrics[0, :count, column], colour)
        axis.set_title(f"{site}: start green, peak black, end red")
    figure.savefig(path, dpi=55)


def draw_cuts(series: dict, cuts: dict, path: Path) -> None:
    """Precision, recall and days off of the events told, and where they lie."""
    late, told = [], 0
    figure, axes = plt.subplots((len(series) + 1) // 2, 2, figsize=(16, 12), layout="constrained")
    for axis, (parcel, (days, values)) in zip(axes.ravel(), series.items()):
        found = harvests.find(values[None], days, 8)[0]
        found = found[np.isfinite(found)]
        told += len(found)
        late += matched(found, cuts.get(parcel, []))
        axis.plot(dates(days), values, "o-", color="tab:grey")
        mark(axis, cuts.get(parcel, []), "black")
        mark(axis, found, "tab:red", linestyle="--")
        axis.set_title(f"{parcel}: recorded black, found red")
    true = sum(map(len, cuts.values()))
    print(f"mowing: {len(late)} of {true} cuts found (recall {len(late) / true:.2f}), {told} told (precision {len(late) / told:.2f}), "
          f"{np.median(np.abs(late)):.1f} days off in the median, {np.max(np.abs(late)):.0f} at most, "
          f"{np.mean(late):+.1f} late in the mean")
    figure.savefig(path, dpi=55)


def mark(axis, days, colour: str, **style) -> None:
    """Upright lines at days since 1970."""
    for day in days:
        if np.isfinite(day):
            axis.axvline(dates(day), color=colour, linewidth=1, **style)


def dates(days):
    """Dates of days since 1970."""
    return np.asarray(days).astype("datetime64[D]")


if __name__ == "__main__":
    main()
