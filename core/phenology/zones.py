"""Seasons summed up by polygon, as a table.

Seasons are averaged over the pixels that have the polygon's most common number of seasons: where a neighbour has one more,
its third season is not the others' third. Medians come from counts of rounded values, which add up over tiles in any order.
"""
from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np

from .. import tables
from ..report import write_whole
from ..tiles.gather import gather
from ..timeseries import RasterFile, read_zones, zone_names

# What values are rounded to: half a day, and what a map of the others could still show.
RESOLUTION = {"start": 0.5, "peak": 0.5, "end": 0.5, "length": 0.5, "amplitude": 0.005}
DATES = ("start", "peak", "end")


def summarise(path: str, zones: str, seasons: str, metrics: dict, plan, resources, events) -> None:
    """Write one line per polygon.

    Parameters
    ----------
    path : str
        The CSV file.
    zones : str
        GeoJSON polygons in the grid's reference system.
    seasons : str
        The SEASONS raster.
    metrics : dict of str to str
        Rasters of some of the keys of ``RESOLUTION``, one band per season.
    plan, resources, events
        As of `tiles.gather`.
    """
    names = zone_names(zones)
    raster = RasterFile.open(seasons)
    files = {name: RasterFile.open(file) for name, file in metrics.items()}
    counted = _merged(gather(plan, partial(_counts, zones, raster), resources, events.step(0, 0.4)), 2)
    usual = _usual(counted, len(names))
    found = gather(plan, partial(_values, zones, raster, files, usual), resources, events.step(0.4, 1))
    medians = _medians(_merged(found, 4), tuple(files), len(names), max(len(f.bands) for f in files.values()))
    write_whole({Path(path): _table(names, counted, usual, medians, tuple(files))})


def _counts(zones: str, seasons: RasterFile, tile) -> np.ndarray:
    """Rows of zone, number of seasons (-1: unknown), pixels."""
    zone = read_zones(zones, seasons.grid, tile.window)
    count = seasons.values(1, tile.window)
    keys = np.stack([zone, np.where(np.isfinite(count), count, -1)], axis=-1)[zone > 0].astype(np.int64)
    return _grouped(keys, np.ones(len(keys), np.int64))


def _values(zones: str, seasons: RasterFile, files: dict, usual: np.ndarray, tile) -> np.ndarray:
    """Rows of zone, metric, season, rounded value, pixels: of the pixels with their zone's usual number of seasons."""
    zone = read_zones(zones, seasons.grid, tile.window)
    chosen = (zone > 0) & (seasons.values(1, tile.window) == usual[zone])
    parts = [np.empty((0, 5), np.int64)]
    for metric, (name, file) in enumerate(files.items()):
        for band in file.bands if chosen.any() else ():
            values = file.values(band.index, tile.window)
            known = chosen & np.isfinite(values)
            rounded = np.rint(values[known] / RESOLUTION[name]).astype(np.int64)
            keys = np.stack([zone[known], np.full(len(rounded), metric), np.full(len(rounded), band.index), rounded], axis=-1)
            parts.append(_grouped(keys.astype(np.int64), np.ones(len(keys), np.int64)))
    return np.concatenate(parts)


def _grouped(keys: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Equal keys (rows of integers) once, in order, with their pixels added in a last column."""
    if not len(keys):
        return np.empty((0, keys.shape[1] + 1), np.int64)
    unique, place = np.unique(keys, axis=0, return_inverse=True)
    return np.column_stack([unique, np.bincount(place.ravel(), pixels).astype(np.int64)])


def _merged(parts, width: int) -> np.ndarray:
    rows = np.concatenate([np.empty((0, width + 1), np.int64), *parts])
    return _grouped(rows[:, :-1], rows[:, -1])


def _usual(counted: np.ndarray, zones: int) -> np.ndarray:
    """The most common number of seasons of each zone (the smaller of equals), by its number; -2 where it has none."""
    usual, most = np.full(zones + 1, -2), np.zeros(zones + 1, np.int64)
    for zone, count, pixels in counted:
        if count >= 0 and pixels > most[zone]:
            usual[zone], most[zone] = count, pixels
    return usual


def _medians(rows: np.ndarray, names: tuple, zones: int, seasons: int) -> np.ndarray:
    """(zones + 1, metrics, seasons), NaN where there is none."""
    out = np.full((zones + 1, len(names), seasons), np.nan)
    edges = np.flatnonzero(np.r_[True, np.any(rows[1:, :3] != rows[:-1, :3], axis=1), True]) if len(rows) else [0]
    for first, last in zip(edges[:-1], edges[1:]):
        zone, metric, season = rows[first, :3]
        reached = np.cumsum(rows[first:last, 4])
        # The mean of the middle two where their number is even.
        low, high = np.searchsorted(reached, [(reached[-1] + 1) // 2, reached[-1] // 2 + 1])
        out[zone, metric, season - 1] = RESOLUTION[names[metric]] * 0.5 * (rows[first + low, 3] + rows[first + high, 3])
    return out


def _table(names: list, counted: np.ndarray, usual: np.ndarray, medians: np.ndarray, metrics: tuple) -> str:
    most = int(max(counted[:, 1], default=0))
    shown = medians.shape[2]
    rows = [["zone", "pixels", "unknown_percent", *(f"seasons_{n}_percent" for n in range(most + 1)), "usual_seasons",
             *(f"{metric}_{season}" for season in range(1, shown + 1) for metric in metrics)]]
    for zone, name in enumerate(names, start=1):
        of = {int(count): int(pixels) for number, count, pixels in counted if number == zone}
        total = sum(of.values())
        shares = [f"{100 * of.get(n, 0) / total:.1f}" if total else "" for n in range(-1, most + 1)]
        values = [_text(metric, medians[zone, place, season])
                  for season in range(shown) for place, metric in enumerate(metrics)]
        rows.append([name, total, *shares, usual[zone] if usual[zone] >= 0 else "", *values])
    return tables.written(rows)


def _text(metric: str, value: float) -> str:
    if not np.isfinite(value):
        return ""
    return str(np.datetime64(int(np.floor(value)), "D")) if metric in DATES else f"{value:g}"
