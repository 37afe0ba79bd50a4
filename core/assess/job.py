"""The jobs `simulategaps` and `assessfill`: hide known values of a series, and score what was filled in there."""
from __future__ import annotations

from functools import partial

import numpy as np

from .. import tiles
from ..errors import DateError, InputError, UnitError
from ..report import write_whole
from ..tiles.gather import gather
from ..timeseries import Header, Series, Window, open_companion, open_series, series_spec
from ..timeseries.storing import asked
from . import gaps, summary
from .linear import interpolate
from .scores import Scores

LIBRARY_PLACES = 48  # with every move in time they give a thousand different gaps and more
# Bytes that one value needs while it is worked on. Hiding: read and written twice, masks, random draws and their
# ranks. Scoring: four series, the baseline in float64, gap lengths, and what is picked out of them.
HIDE_BYTES, SCORE_BYTES = 48, 64


def simulate(parameters: dict, resources, events) -> dict:
    """Hide values of a series.

    Parameters
    ----------
    parameters : dict
        INPUT; PATTERN, GAP_DAYS, FRACTION, SEED (see `gaps.hide`); OUTPUT (the series without the hidden values) and
        TRUTH (the hidden values alone).
    """
    series = open_series(parameters["INPUT"], events=events)
    options = {"pattern": parameters["PATTERN"], "gap_days": float(parameters["GAP_DAYS"]),
               "fraction": float(parameters["FRACTION"])}
    gaps.check(**options, days=series.days)
    options["seed"] = int(parameters["SEED"])
    header = Header(series.variable.name, series.units, "simulategaps", _told(parameters), series.paths[:3])
    spec = series_spec(series.grid, series.periods, header)
    outputs = asked({"OUTPUT": spec, "TRUTH": spec}, parameters, series.variable)
    journal = tiles.begin("simulategaps", parameters, outputs)
    if options["pattern"] == "transplanted":
        options["library"] = np.array(journal.once("library", partial(_cloud_sequences, series, options["seed"])), bool)
    plan = tiles.plan(series.grid, HIDE_BYTES * series.count, resources)
    tiles.run(plan, partial(_hide, series, options), outputs, journal, resources, events.step(0, 0.9))
    hidden = sum(gather(plan, partial(_count, open_series(parameters["TRUTH"], check=False)), resources, events.step(0.9, 1)))
    if hidden:
        events.info(f"{hidden} values are hidden.")
    else:
        events.warning(f"Nothing was hidden: no pixel has {gaps.FEWEST_OBSERVATIONS} observations that leave enough on "
                       "both sides. Choose a shorter gap or a larger fraction.")
    return {"outputs": {key: path for key, (path, _) in outputs.items()}, "numbers": {"HIDDEN": hidden}}


def assess(parameters: dict, resources, events) -> dict:
    """Score a filled series at places where the truth is known.

    Parameters
    ----------
    parameters : dict
        INPUT (filled), TRUTH (scored where it has a value); UNCERTAINTY, OBSERVED (optional; places where OBSERVED has
        a value are not scored, and from it come gap lengths and the baseline); REPORT, CSV (optional).
    """
    series = _opened(parameters, events)
    where = _matched(series, events)
    work = partial(_score, series, where)
    plan = tiles.plan(series["TRUTH"].grid, SCORE_BYTES * max(s.count for s in series.values()), resources)
    filled, linear = (_empty(series["TRUTH"]) for _ in range(2))
    unseen = 0
    for part in gather(plan, work, resources, events):
        filled.merge(part[0])
        linear.merge(part[1])
        unseen += part[2]
    result = summary.Result(filled, linear if "OBSERVED" in series else None, "UNCERTAINTY" in series, unseen)
    if not result.filled.overall().count:
        raise InputError(_nothing(series, result), "TRUTH must hold values that the method did not see, as "
                         "'Simulate gaps' (phenofuse:simulategaps) makes them.")
    if parameters.get("REPORT"):
        summary.report(result, series).save(parameters["REPORT"])
    if parameters.get("CSV"):
        write_whole({parameters["CSV"]: summary.table(result)})
    outputs = {key: parameters[key] for key in ("REPORT", "CSV") if parameters.get(key)}
    return {"outputs": outputs, "numbers": summary.numbers(result)}


def _told(parameters: dict) -> dict:
    """The parameters that explain a result: neither paths nor resources."""
    kept = ("PATTERN", "GAP_DAYS", "FRACTION", "SEED")
    return {key: parameters[key] for key in kept if parameters.get(key) is not None}


def _cloud_sequences(series: Series, seed: int) -> list:
    """Where sequences of the scene are missing, (sequences, dates) of 0 and 1; none that is never or always seen."""
    places = gaps.draw_places(series.grid.height, series.grid.width, LIBRARY_PLACES, seed)
    missing = [~np.isfinite(series.read(Window(row, column, 1, 1))).ravel() for row, column in places]
    found = [sequence.astype(int).tolist() for sequence in missing if sequence.any() and not sequence.all()]
    if not found:
        raise InputError(f"{series.name} has no gap that could be transplanted.",
                         "Choose another PATTERN, such as block.")
    return found


def _hide(series: Series, options: dict, tile) -> dict:
    values = series.read(tile.window)
    hidden = gaps.hide(np.isfinite(values), series.days, row=tile.window.row, column=tile.window.column, **options)
    nothing = np.float32(np.nan)
    return {"OUTPUT": np.where(hidden, nothing, values), "TRUTH": np.where(hidden, values, nothing)}


def _count(series: Series, tile) -> int:
    return int(np.isfinite(series.read(tile.window)).sum())


def _opened(parameters: dict, events) -> dict[str, Series]:
    """The series given, by key; all on one grid, and of one variable (the uncertainty apart)."""
    truth = open_series(parameters["TRUTH"], events=events)
    found = {"TRUTH": truth, "INPUT": open_series(parameters["INPUT"], events=events)}
    if parameters.get("OBSERVED"):
        found["OBSERVED"] = open_series(parameters["OBSERVED"], events=events)
    for key, series in found.items():
        if series.variable.name != truth.variable.name:
            raise UnitError(f"{key} ({series.name}) holds {series.variable.name or 'an unknown variable'}, but TRUTH "
                            f"({truth.name}) holds {truth.variable.name or 'an unknown variable'}.",
                            "Give series of the same variable.")
    if parameters.get("UNCERTAINTY"):
        found["UNCERTAINTY"] = open_companion(parameters["UNCERTAINTY"], "standard deviation", events)
    for series in found.values():
        truth.require_same_grid(series)
    return found


def _matched(series: dict[str, Series], events) -> dict[str, np.ndarray]:
    """Per series, the band of each date of TRUTH, or -1: by period, never by position."""
    truth = series["TRUTH"]
    where = {key: np.array([_band_of(period, other) for period in truth.periods]) for key, other in series.items()}
    lost = [period for period, band in zip(truth.periods, where["INPUT"]) if band < 0]
    if len(lost) == truth.count:
        raise DateError(f"No date of {truth.name} (the first is {truth.periods[0]}) is among those of "
                        f"{series['INPUT'].name} ({series['INPUT'].periods[0]} to {series['INPUT'].periods[-1]}).",
                        "Fill the gaps on the dates of the input (STEP_DAYS = 0, no DATES), then assess again.")
    if lost:
        events.warning(f"{len(lost)} of the {truth.count} dates of {truth.name} are not in {series['INPUT'].name} "
                       f"(the first is {lost[0]}); values at these dates count as not filled.")
    return where


def _band_of(period, series: Series) -> int:
    bands = [band for band, other in enumerate(series.periods) if other.agrees(period)]
    return next((band for band in bands if series.periods[band] == period), bands[0] if bands else -1)


def _empty(truth: Series) -> Scores:
    return Scores(truth.grid.height, truth.grid.width, truth.variable.valid_range or (-1.0, 1.0))


def _score(series: dict[str, Series], where: dict, tile) -> tuple[Scores, Scores, int]:
    """Scores of the fill and of linear interpolation on the same places, and values that nothing was seen of."""
    truth = series["TRUTH"]
    filled, linear = _empty(truth), _empty(truth)
    place = {"row": tile.window.row, "column": tile.window.column}
    true = truth.read(tile.window)
    guess = _read(series["INPUT"], where["INPUT"], tile.window)
    deviation = _read(series["UNCERTAINTY"], where["UNCERTAINTY"], tile.window) if "UNCERTAINTY" in series else None
    if "OBSERVED" not in series:
        unknown = np.zeros(true.shape, np.float32)  # gap lengths are not reported then
        filled.add(guess, true, truth.days, unknown, deviation, **place)
        return filled, linear, 0
    shown = series["OBSERVED"]
    values = shown.read(tile.window)
    bands = where["OBSERVED"]
    days = np.where(bands >= 0, shown.days[bands], truth.days)
    seen = np.isfinite(values)
    true[(bands >= 0)[:, None, None] & seen[bands]] = np.nan  # what the method saw proves nothing
    never = np.isfinite(true) & ~seen.any(axis=0)
    true[never] = np.nan
    lengths = gaps.gap_lengths(seen, shown.days, days)
    filled.add(guess, true, truth.days, lengths, deviation, **place)
    true[~np.isfinite(guess)] = np.nan
    linear.add(interpolate(shown.days, values, days), true, truth.days, lengths, **place)
    return filled, linear, int(never.sum())


def _read(series: Series, bands: np.ndarray, window) -> np.ndarray:
    """The bands (dates, rows, columns); NaN where there is none."""
    out = np.full((len(bands), window.rows, window.columns), np.nan, np.float32)
    known = bands >= 0
    if known.any():
        out[known] = series.read(window, dates=bands[known].tolist())
    return out


def _nothing(series: dict[str, Series], result) -> str:
    truth, filled = series["TRUTH"].name, series["INPUT"].name
    if result.filled.missing:
        return f"{filled} has no value at any of the {result.filled.missing} places that {truth} holds."
    if "OBSERVED" in series:
        return f"There is nothing to score: {series['OBSERVED'].name} has a value wherever {truth} has one."
    return f"There is nothing to score: {truth} holds no value."
