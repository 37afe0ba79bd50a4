"""The job `fillwhittaker`: learn from a sample what is typical, then smooth tile by tile."""
from __future__ import annotations

from functools import partial

import numpy as np

from .. import tiles
from ..errors import GridMismatchError, InputError
from ..parameters import given
from ..timeseries import Header, RasterFile, RasterSpec, Series, open_series, open_target
from ..timeseries.filling import placed, rasters
from ..timeseries.masks import read_mask
from ..timeseries.outputdates import output_periods
from ..timeseries.sampling import sample_pixels
from ..timeseries.storing import asked
from .methods import CRITERIA, MODES, Options, fill, learn
from .typical import Typical

# Pixels to learn from: of a Sentinel-2 scene, samples of this size agreed on the smoothing and within 2 % on the noise; of the
# simulated scene, whose classes differ more, within one step of the ladder and 40 % of the noise variance.
SAMPLE_PIXELS = 1000
ONLY_WHITTAKER = {"SMOOTHING": "auto", "LAMBDA_INPUT": "", "LAMBDA": "", "ENVELOPE": 0.5}  # with their defaults


def run(parameters: dict, resources, events) -> dict:
    """Fill the gaps of a series pixel by pixel.

    Parameters
    ----------
    parameters : dict
        INPUT; MODE (``whittaker``, ``savgol`` or ``linear``); SMOOTHING (``auto`` or a number), CRITERION, LAMBDA_INPUT, ENVELOPE,
        ROBUST (all for ``whittaker``), WINDOW_DAYS (for ``savgol``); WEIGHTS, MASK, DATES or STEP_DAYS, KEEP_OBSERVED, MAX_GAP_DAYS,
        SEED, FORMAT; OUTPUT, and optionally UNCERTAINTY, QUALITY, LAMBDA.
    """
    series = open_target(parameters["INPUT"], events)
    options = _options(parameters, series)
    weights = _weights(parameters.get("WEIGHTS") or None, series, events)
    known = _known_smoothing(parameters.get("LAMBDA_INPUT") or None, series)
    mask = parameters.get("MASK") or None
    periods = output_periods(series.periods, parameters.get("DATES") or "", int(parameters.get("STEP_DAYS") or 0))
    days = np.array([period.middle for period in periods])
    outputs = _outputs(parameters, series, periods)
    journal = tiles.begin("fillwhittaker", parameters, outputs)
    typical = Typical(**journal.once("typical", partial(_learn, series, weights, mask, options, parameters, events)))
    events.info(_told(typical, series, options))
    plan = tiles.plan(series.grid, _bytes_per_pixel(series.count, weights is not None, len(periods)), resources)
    work = partial(_tile, series, weights, known, mask, days, options, typical, tuple(outputs))
    tiles.run(plan, work, outputs, journal, resources, events.step(0.05, 1))
    return {"outputs": {key: path for key, (path, _) in outputs.items()}, "numbers": {}}


def _options(parameters: dict, series: Series) -> Options:
    mode = parameters.get("MODE") or MODES[0]
    criterion = parameters.get("CRITERION") or next(iter(CRITERIA))
    for key, value, choices in (("MODE", mode, MODES), ("CRITERION", criterion, tuple(CRITERIA))):
        if value not in choices:
            raise InputError(f"There is no {key} '{value}'.", f"Choose one of {', '.join(choices)}.")
    for key, default in ONLY_WHITTAKER.items():
        if mode != "whittaker" and (parameters.get(key) or default) != default:
            raise InputError(f"{key} belongs to the Whittaker smoother, but MODE is {mode}.",
                             f"Choose MODE = whittaker, or leave {key} as it was.")
    envelope = float(given(parameters, "ENVELOPE", 0.5))
    window = float(given(parameters, "WINDOW_DAYS", Options.window_days))
    if not 0 < envelope < 1:
        raise InputError(f"ENVELOPE is {envelope:g}; it must lie between 0 and 1.", "0.5 is the middle, 0.9 an upper envelope.")
    if not 0 < window < float("inf"):
        raise InputError(f"WINDOW_DAYS is {window:g}; it must be above 0.", "Give a number of days, such as 90.")
    return Options(
        valid_range=series.variable.limits, keep_observed=bool(given(parameters, "KEEP_OBSERVED", True)),
        max_gap_days=float(given(parameters, "MAX_GAP_DAYS", 0)), robust=bool(given(parameters, "ROBUST", True)), mode=mode,
        criterion=criterion, smoothing=_smoothing(parameters), envelope=envelope, window_days=window)


def _smoothing(parameters: dict) -> float | None:
    """The one smoothing asked for, or None where each pixel has its own."""
    text = str(given(parameters, "SMOOTHING", "auto")).strip().lower() or "auto"
    if text == "auto":
        return None
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not 0 < number < float("inf"):
        raise InputError(f"SMOOTHING is '{text}'; it must be auto or a number above 0.",
                         "Leave it at auto, or give days to the third power such as 10000.")
    if parameters.get("LAMBDA_INPUT"):
        raise InputError("Both SMOOTHING and LAMBDA_INPUT say how smooth the pixels are.",
                         "Set SMOOTHING to auto, or leave LAMBDA_INPUT empty.")
    return number


def _weights(path: str | None, series: Series, events) -> Series | None:
    """The series of weights, on grid and dates of the input."""
    if path is None:
        return None
    weights = open_series(path, events=events)
    series.require_same_grid(weights)
    if weights.count != series.count or not all(a.agrees(b) for a, b in zip(weights.periods, series.periods)):
        raise InputError(f"{weights.name} has other dates than {series.name}.", "Give one band of weights for each date of INPUT.")
    return weights


def _known_smoothing(path: str | None, series: Series) -> RasterFile | None:
    if path is None:
        return None
    raster = RasterFile.open(path)
    difference = series.grid.difference(raster.grid)
    if difference:
        raise GridMismatchError(f"{raster.name} does not lie on the grid of {series.name}: {difference}.",
                                "Give the LAMBDA of a run on the same grid, or leave LAMBDA_INPUT empty.")
    return raster


def _learn(series: Series, weights, mask, options: Options, parameters: dict, events) -> dict:
    """What is typical, as plain numbers."""
    events.info("Learning what noise and smoothing are usual.")
    both = [series, *([weights] if weights else [])]
    sample = sample_pixels(both, mask, SAMPLE_PIXELS, int(given(parameters, "SEED", 1)), events)
    if not len(sample[0]):
        raise InputError(f"{series.name} holds no observation" + (" inside the mask." if mask else "."),
                         "Check the series with 'Describe time series' (phenofuse:describetimeseries).")
    return learn(sample[0], series.days, options, sample[1] if weights else None).to_dict()


def _told(typical: Typical, series: Series, options: Options) -> str:
    unit = "" if series.units == "1" else f" {series.units}"
    smoothing = f"; smoothing 10^{typical.smoothing:g} days^3" if options.mode == "whittaker" else ""
    return f"Usual of {typical.pixels} pixels: noise {typical.noise_variance ** 0.5:.3g}{unit}{smoothing}."


def _outputs(parameters: dict, series: Series, periods) -> dict:
    """Path and kind of every raster asked for."""
    told = {key: parameters[key] for key in ("MODE", "SMOOTHING", "CRITERION", "ENVELOPE", "ROBUST", "WINDOW_DAYS", "KEEP_OBSERVED",
                                             "MAX_GAP_DAYS", "SEED") if parameters.get(key) is not None}
    header = partial(Header, method="fillwhittaker", parameters=told, parents=series.paths[:3])
    specs = {**rasters(series, periods, header), "LAMBDA": RasterSpec(series.grid, ("smoothing",), header("smoothing", "d3"))}
    return asked(specs, parameters, series.variable)


def _bytes_per_pixel(dates: int, weighted: bool, outputs: int) -> int:
    # Values and weights as read and pixel by pixel; mean, standard deviation and code pixel by pixel and band by band.
    return 4 * dates * (4 if weighted else 3) + 2 * (4 + 4 + 1) * outputs


def _tile(series: Series, weights, known, mask, output_days, options: Options, typical: Typical, names: tuple, tile) -> dict:
    """The outputs of one tile, (bands, rows, columns) each."""
    window = tile.window
    inside = read_mask(mask, series.grid, window).ravel() if mask else slice(None)
    values, trust = (None if one is None else np.ascontiguousarray(one.read(window).reshape(one.count, -1)[:, inside].T)
                     for one in (series, weights))
    smoothing = None if known is None else np.nan_to_num(known.values(1, window).ravel()[inside])
    found = fill(values, series.days, output_days, options, typical, trust, smoothing)
    arrays = {"OUTPUT": found.mean, "UNCERTAINTY": found.standard_deviation, "QUALITY": found.quality,
              "LAMBDA": found.smoothing[:, None]}
    return placed({name: arrays[name] for name in names}, inside, window)
