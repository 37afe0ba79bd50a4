"""The job `phenologymetrics`: the seasons of a series as rasters, one per metric with a band per season, and as a table."""
from __future__ import annotations

from functools import partial

import numpy as np

from .. import tiles
from ..errors import InputError
from ..tiles.gather import gather
from ..timeseries import Header, RasterFile, RasterSpec, Series, Window, open_companion, open_series, quality, read_mask
from ..timeseries.masks import read_zones
from . import calendar, harvests, metrics, proportion, reasons, seasons, uncertainty, zones

METRICS = {"OUTPUT": metrics.START, "PEAK": metrics.PEAK, "END": metrics.END, "LENGTH": metrics.LENGTH,
           "AMPLITUDE": metrics.AMPLITUDE_OF_SEASON, "BASE": metrics.BASE, "PEAK_VALUE": metrics.PEAK_VALUE,
           "LARGE_INTEGRAL": metrics.LARGE_INTEGRAL, "SMALL_INTEGRAL": metrics.SMALL_INTEGRAL,
           "RATE_OF_RISE": metrics.RISE, "RATE_OF_FALL": metrics.FALL}
DATES = ("OUTPUT", "PEAK", "END", "PLANTING", "EVENTS")
NO_SEASON = 255  # of SEASON_TYPE, whose 0 is a season outside all windows
DAYS_A_YEAR = 365.25
CORNER = Window(0, 0, 1, 1)
MOST_SEASONS = 250


def run(parameters: dict, resources, events) -> dict:
    """Find and measure the seasons of a series.

    Parameters
    ----------
    parameters : dict
        INPUT; UNCERTAINTY and FILL_QUALITY (of the filling), MASK; METHOD, THRESHOLD, MAX_SEASONS, MIN_AMPLITUDE,
        MIN_SHARE, MIN_SEASON_DAYS, SMOOTHING_DAYS, MAX_GAP_DAYS, MIN_OBSERVATIONS, SEED; DATES_AS (``days`` since
        1970-01-01 or ``day_of_year``), CALENDAR, PLANTING_LAG; MIN_DROP, MIN_DROP_RATE, MAX_EVENTS; ZONES (GeoJSON);
        OUTPUT (starts) and, each optional, the other keys of ``METRICS``, SEASONS, INTENSITY, PLANTING, SEASON_TYPE,
        UNCERTAINTY_DAYS, QUALITY, EVENTS, ZONAL_SUMMARY (CSV).
    """
    series = open_series(parameters["INPUT"], events=events)
    spread = _beside(series, parameters.get("UNCERTAINTY"), "standard deviation")
    codes = _beside(series, parameters.get("FILL_QUALITY"), "quality")
    _require(parameters, spread)
    options = _options(parameters)
    told = proportion.caution(series, options.least_amplitude)
    if told:
        events.warning(told)
    windows = calendar.parse(parameters.get("CALENDAR") or "java")
    mask = parameters.get("MASK") or None
    if mask:
        read_mask(mask, series.grid, CORNER)  # what is wrong with it is said before any work
    if parameters.get("ZONAL_SUMMARY"):
        read_zones(parameters["ZONES"], series.grid, CORNER)
    draws = uncertainty.draw(series.days, int(_given(parameters, "SEED", 1))) if parameters.get("UNCERTAINTY_DAYS") else None
    # Numbers and table need the counts, whether they are asked for as a raster or not.
    outputs = _outputs({**parameters, "SEASONS": parameters.get("SEASONS") or parameters["OUTPUT"]}, series, options, windows)
    journal = tiles.begin("phenologymetrics", parameters, outputs)
    counts = parameters.get("SEASONS") or str(journal.folder / "seasons.tif")
    outputs["SEASONS"] = counts, outputs["SEASONS"][1]
    plan = tiles.plan(series.grid, _bytes_per_pixel(series.count, bool(spread), options.max_seasons), resources)
    work = partial(_tile, series, spread, codes, mask, options, draws, windows, _choices(parameters), tuple(outputs))
    tiles.run(plan, work, outputs, journal, resources, events.step(0, 0.9))
    found = {key: path for key, (path, _) in outputs.items()}
    numbers = _numbers(counts, series, options, plan, resources, events.step(0.9, 0.93))
    if parameters.get("ZONAL_SUMMARY"):
        rasters = {"start": "OUTPUT", "peak": "PEAK", "end": "END", "length": "LENGTH", "amplitude": "AMPLITUDE"}
        rasters = {name: found[key] for name, key in rasters.items() if key in found}
        zones.summarise(parameters["ZONAL_SUMMARY"], parameters["ZONES"], counts, rasters, plan, resources,
                        events.step(0.93, 1))
        found["ZONAL_SUMMARY"] = parameters["ZONAL_SUMMARY"]
    if not parameters.get("SEASONS"):
        del found["SEASONS"]
    return {"outputs": found, "numbers": numbers}


def _beside(series: Series, path, variable: str) -> Series | None:
    """A raster parallel to the series: same grid, same dates."""
    if not path:
        return None
    other = open_companion(path, variable)
    series.require_same_grid(other)
    if other.periods != series.periods:
        raise InputError(f"{other.name} does not have the dates of {series.name}.",
                         f"Give the {variable} raster that was made together with it.")
    return other


def _require(parameters: dict, spread) -> None:
    """What goes together."""
    if parameters.get("UNCERTAINTY_DAYS") and spread is None:
        raise InputError("UNCERTAINTY_DAYS needs the standard deviations of the filled series.",
                         "Give them as UNCERTAINTY, or leave UNCERTAINTY_DAYS empty.")
    if parameters.get("ZONAL_SUMMARY"):
        if not parameters.get("ZONES"):
            raise InputError("ZONAL_SUMMARY needs polygons.", "Give them as ZONES, or leave ZONAL_SUMMARY empty.")
        if parameters.get("DATES_AS") == "day_of_year":
            raise InputError("ZONAL_SUMMARY gives dates, but DATES_AS = day_of_year leaves no year.",
                             "Choose DATES_AS = days, or leave ZONAL_SUMMARY empty.")


def _options(parameters: dict) -> seasons.Options:
    default = seasons.Options()
    options = seasons.Options(
        method=parameters.get("METHOD") or default.method,
        threshold=float(_given(parameters, "THRESHOLD", default.threshold)),
        max_seasons=int(_given(parameters, "MAX_SEASONS", default.max_seasons)),
        smoothing_days=float(_given(parameters, "SMOOTHING_DAYS", default.smoothing_days)),
        least_amplitude=float(_given(parameters, "MIN_AMPLITUDE", default.least_amplitude)),
        least_share=float(_given(parameters, "MIN_SHARE", default.least_share)),
        least_days=float(_given(parameters, "MIN_SEASON_DAYS", default.least_days)),
        max_gap_days=float(_given(parameters, "MAX_GAP_DAYS", default.max_gap_days)),
        least_observations=int(_given(parameters, "MIN_OBSERVATIONS", default.least_observations)))
    if options.method not in metrics.METHODS:
        raise InputError(f"There is no method '{options.method}'.", f"Choose one of {', '.join(metrics.METHODS)}.")
    if options.method in ("amplitude", "logistic") and not 0 < options.threshold < 1:
        raise InputError(f"THRESHOLD is {options.threshold:g}; as a share of the amplitude it lies between 0 and 1.",
                         "Choose 0.2, say, or METHOD = absolute for a value.")
    if not 1 <= options.max_seasons <= MOST_SEASONS:
        raise InputError(f"MAX_SEASONS is {options.max_seasons}; expected 1 to {MOST_SEASONS}.", "Choose a number between.")
    return options


def _given(parameters: dict, key: str, default):
    """A parameter, or its default where it is missing or None (0 and False are values)."""
    value = parameters.get(key)
    return default if value is None else value


def _choices(parameters: dict) -> dict:
    """What `_tile` needs to know beside the options of the seasons."""
    return {"day_of_year": parameters.get("DATES_AS") == "day_of_year",
            "lag": float(_given(parameters, "PLANTING_LAG", calendar.PLANTING_LAG)),
            "events": int(_given(parameters, "MAX_EVENTS", 6)),
            "drop": float(_given(parameters, "MIN_DROP", harvests.LEAST_DROP)),
            "rate": float(_given(parameters, "MIN_DROP_RATE", harvests.LEAST_RATE))}


def _outputs(parameters: dict, series: Series, options: seasons.Options, windows) -> dict:
    """Path and kind of every raster asked for."""
    told = {key: parameters[key] for key in
            ("METHOD", "THRESHOLD", "MAX_SEASONS", "MIN_AMPLITUDE", "MIN_SHARE", "MIN_SEASON_DAYS", "SMOOTHING_DAYS",
             "MAX_GAP_DAYS", "MIN_OBSERVATIONS", "CALENDAR", "PLANTING_LAG", "MIN_DROP", "MIN_DROP_RATE", "SEED")
            if parameters.get(key) is not None}
    bands = tuple(f"season {number}" for number in range(1, options.max_seasons + 1))
    date = ("day of year", "day of year") if parameters.get("DATES_AS") == "day_of_year" else ("date", "days since 1970-01-01")
    value = series.variable.name, series.units
    value_days = "" if series.units == "1" else f"{series.units} "

    def spec(variable, units, names=bands, dtype="float32", nodata=float("nan"), **extra) -> RasterSpec:
        header = Header(variable, units, "phenologymetrics", told, series.paths[:3], extra=extra)
        return RasterSpec(series.grid, names, header, dtype, nodata, ({"units": units},) * len(names))

    specs = {
        "OUTPUT": spec(*date, metric="start"), "PEAK": spec(*date, metric="peak"), "END": spec(*date, metric="end"),
        "PLANTING": spec(*date),
        "LENGTH": spec("season length", "days"), "AMPLITUDE": spec("amplitude", series.units),
        "BASE": spec(*value), "PEAK_VALUE": spec(*value),
        "LARGE_INTEGRAL": spec("integral", f"{value_days}days"), "SMALL_INTEGRAL": spec("integral", f"{value_days}days"),
        "RATE_OF_RISE": spec("rate", f"{value_days}/ day".strip()), "RATE_OF_FALL": spec("rate", f"{value_days}/ day".strip()),
        "SEASONS": spec("seasons", "1", ("seasons",)), "INTENSITY": spec("seasons per year", "1 / year", ("seasons per year",)),
        "SEASON_TYPE": spec("season type", "", dtype="uint8", nodata=NO_SEASON,
                            classes={0: "outside all windows", **dict(enumerate(windows.names, start=1))}),
        "UNCERTAINTY_DAYS": spec("standard deviation", "days",
                                 tuple(f"{what} of {band}" for what in ("start", "peak", "end") for band in bands)),
        "QUALITY": spec("season quality", "", dtype="uint8", nodata=None, classes=reasons.NAMES),
        "EVENTS": spec(*date, tuple(f"event {n}" for n in range(1, int(_given(parameters, "MAX_EVENTS", 6)) + 1))),
    }
    return {key: (parameters[key], one) for key, one in specs.items() if parameters.get(key)}


def _bytes_per_pixel(dates: int, spread: bool, most: int) -> int:
    # The series (and its spread) as read and pixel by pixel, what was observed; metrics, their deviations and codes pixel by
    # pixel, and once more band by band.
    return dates * (8 + 8 * spread + 6) + most * (4 * (metrics.COUNT + metrics.DATES) + 1) * 2


def _tile(series: Series, spread, codes, mask, options, draws, windows, choices: dict, names: tuple, tile) -> dict:
    """The outputs of one tile, (bands, rows, columns) each."""
    values = _pixels(series, tile.window)
    if mask:
        values[~read_mask(mask, series.grid, tile.window).ravel()] = np.nan
    observed = _pixels(codes, tile.window) == quality.OBSERVED if codes else None
    deviations = _pixels(spread, tile.window) if spread else None
    found = seasons.find(values, series.days, options, observed, deviations, draws)
    start = found.metrics[:, :, metrics.START]
    out = {}
    for name in names:
        if name in METRICS:
            out[name] = found.metrics[:, :, METRICS[name]]
        elif name == "EVENTS":
            out[name] = harvests.find(values, series.days, choices["events"], choices["drop"], choices["rate"])
        elif name == "SEASON_TYPE":
            types = windows.types(start)
            out[name] = np.where(np.isfinite(types), types, NO_SEASON).astype(np.uint8)
        else:
            out[name] = {"PLANTING": start - np.float32(choices["lag"]), "SEASONS": found.count[:, None],
                         "INTENSITY": found.count[:, None] / np.float32(_years(series)), "QUALITY": found.reason,
                         "UNCERTAINTY_DAYS": found.deviation.transpose(0, 2, 1).reshape(len(values), -1)}[name]
        if name in DATES and choices["day_of_year"]:
            out[name] = calendar.day_of_year(out[name])
    shape = tile.window.rows, tile.window.columns
    return {name: np.ascontiguousarray(array.T).reshape(-1, *shape) for name, array in out.items()}


def _pixels(series: Series, window) -> np.ndarray:
    """A window of a series, (pixels, dates)."""
    return np.ascontiguousarray(series.read(window).reshape(series.count, -1).T)


def _numbers(path: str, series: Series, options, plan, resources, events) -> dict:
    """Mean number of seasons a year, and a warning where more seasons were found than kept."""
    counts = sum(gather(plan, partial(_count, RasterFile.open(path), series.count), resources, events))
    pixels = counts.sum()
    if not pixels:
        events.warning("No pixel has enough dates to tell its seasons.")
        return {}
    beyond = counts[options.max_seasons + 1:].sum() / pixels
    if beyond > 0:
        events.warning(f"{beyond:.1%} of the pixels have more than MAX_SEASONS = {options.max_seasons} seasons; "
                       "only the first ones are given. Raise MAX_SEASONS.")
    return {"SEASONS_PER_YEAR": float((counts * np.arange(len(counts))).sum() / pixels / _years(series))}


def _count(seasons_file: RasterFile, dates: int, tile) -> np.ndarray:
    values = seasons_file.values(1, tile.window)
    return np.bincount(values[np.isfinite(values)].astype(int), minlength=dates + 1)


def _years(series: Series) -> float:
    """Years that the series stands for: from date to date, and half a step beyond either end."""
    days = series.days
    step = float(np.median(np.diff(days))) if len(days) > 1 else 0.0
    return (days[-1] - days[0] + step) / DAYS_A_YEAR
