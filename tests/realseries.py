"""Real NDVI series as arrays (pixels, dates) with their days, gaps hidden in them, and how well they are filled."""
from __future__ import annotations

import csv

import numpy as np
from series import hide, linear, load, pixels

CLOUD_OR_SNOW = ("2", "3")  # MODIS SummaryQA
MODIS_FILL = -0.3  # the lowest value of the product stands for nothing


def slovenia(data):
    """Sentinel-2 acquisitions of two and a half years (`eolearn_s2_patch`); two of one day are averaged."""
    cube, days = load(data / "eolearn_s2_patch" / "NDVI_masked.tif")
    return pixels(cube), days


def cerrado(data):
    """MODIS, 746 series of one year in Brazil (`sits_modis_ndvi`), on days since the first of each."""
    series = tables(data / "sits_modis_ndvi" / "cerrado_two_classes.csv", "series_id")
    days = [np.array(sorted(one)) - min(one) for one in series.values()]
    values = np.array([[one[day] for day in sorted(one)] for one, own in zip(series.values(), days)
                       if np.array_equal(own, days[0])])
    return np.where(values > MODIS_FILL, values, np.nan), days[0]


def flux_sites(data):
    """MODIS, seven flux towers for eighteen years (`phenofit_mod13a1`); cloud and snow are gaps."""
    series = tables(data / "phenofit_mod13a1" / "series.csv", "site")
    days = sorted({day for one in series.values() for day in one})
    return np.array([[one.get(day, np.nan) for day in days] for one in series.values()]), np.array(days)


SETS = {"eolearn_s2_patch": slovenia, "sits_modis_ndvi": cerrado, "phenofit_mod13a1": flux_sites}


def grassland(data) -> tuple[dict, dict]:
    """Series (days, NDVI) of parcels where they were clear, and the days of their recorded cuts (`cbm_grassland_parcels`)."""
    series, cuts = {}, {}
    for row in _rows(data / "cbm_grassland_parcels" / "parcel_series.csv"):
        if row["variable"] == "NDVI" and float(row["clear_fraction"]) >= 0.95:
            series.setdefault(row["series_id"], []).append((_day(row["date"]), float(row["value"])))
    for row in _rows(data / "cbm_grassland_parcels" / "mowing_events.csv"):
        cuts.setdefault(row["series_id"], []).append(_day(row["event_date"]))
    return {name: np.array(sorted(points)).T for name, points in sorted(series.items())}, cuts


def matched(found, cuts, within: float = 15) -> list:
    """Days by which the nearest found event is late, of every cut that has one so near; each event serves once."""
    left, late = list(found), []
    for cut in cuts:
        near = min(left, key=lambda day: abs(day - cut), default=np.inf)
        if abs(near - cut) <= within:
            left.remove(near)
            late.append(near - cut)
    return late


def tables(path, key: str) -> dict:
    """NDVI by series and day."""
    found: dict = {}
    for row in _rows(path):
        clear = row["NDVI"] not in ("", "NA") and row.get("SummaryQA") not in CLOUD_OR_SNOW
        found.setdefault(row[key], {})[_day(row["date"])] = float(row["NDVI"]) if clear else np.nan
    return found


def _rows(path) -> list:
    with open(path, newline="", encoding="utf-8") as table:
        return list(csv.DictReader(table))


def _day(text: str) -> float:
    return float(np.datetime64(text, "D").astype(int))


def hidden_errors(values, days, gap: float, seeds, fill):
    """Errors of a fill and of lines at hidden values, and the fill's deviations; over all seeds.

    `fill` takes values and returns means and standard deviations (pixels, dates).
    """
    found = []
    for seed in seeds:
        hidden = hide(values, days, gap, seed)
        shown = np.where(hidden, np.nan, values)
        mean, deviation = fill(shown)
        line = linear(shown, days)
        found.append(np.stack([(mean - values)[hidden], (line - values)[hidden], deviation[hidden]]))
    return np.concatenate(found, axis=1)


def root_mean_square(errors) -> float:
    """Root of the mean square."""
    return float(np.sqrt(np.mean(np.square(errors))))
