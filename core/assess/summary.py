"""What scores mean: the numbers, the table, and the report that says it in words."""
from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .. import tables
from ..report import Mark, Report, figures
from ..tiles.scores import COVERAGES, HONEST, Comparison, Score
from ..timeseries.classes import GAP_LABELS
from ..version import version
from .scores import Scores

LINEAR = "linear interpolation"
FEWEST_TO_JUDGE = 30  # values; with fewer, a class is shown but nothing is concluded from it


class Result(NamedTuple):
    """Scores of the fill and, where the observations were given, of the baseline on the same places.

    `unseen` counts true values of pixels without any observation; they are not scored.
    """

    filled: Scores
    linear: Scores | None
    has_uncertainty: bool
    unseen: int


def numbers(result: Result) -> dict:
    """The numbers an algorithm hands on; those that cannot be told are left out."""
    score = result.filled.overall()
    found = {"RMSE": score.rmse, "MAE": score.mae, "BIAS": score.bias, "R2": score.r2,
             "COVERAGE": score.coverage_90, "COUNT": score.count, "MISSING": result.filled.missing}
    if result.linear:
        found.update(RMSE_LINEAR=result.linear.overall().rmse, RATIO=result.filled.compared(result.linear).ratio)
    return {key: value for key, value in found.items() if not math.isnan(value)}


def table(result: Result) -> str:
    """All scores as CSV: one line per group, class and method."""
    rows = [["group", "class", "method", *Score._fields, *(f"linear_{name}" for name in Comparison._fields)]]
    for group, name, score, method, comparison in _lines(result):
        against = [_cell(value) for value in comparison] if comparison else [""] * len(Comparison._fields)
        rows.append([group, name, method, *map(_cell, score), *against])
    return tables.written(rows)


def report(result: Result, series: dict) -> Report:
    """The report of an assessment; `series` by key, for names, dates and units."""
    truth, score = series["TRUTH"], result.filled.overall()
    name = truth.variable.name or "values"
    page = Report(f"How good is the filled {name}?", f"{series['INPUT'].name}: {score.count:,} hidden values from "
                  f"{truth.periods[0].start} to {truth.periods[-1].start}")
    page.verdict(*_verdict(result))
    _keys(page, result)
    page.text(*_explanation(result))
    if result.linear:
        _by_gap(page, result)
    _by_month(page, result)
    if name == "NDVI":
        _classes(page, f"By level of {name}", "level", result.filled.by_level(), "True value")
    if result.has_uncertainty:
        _uncertainty(page, score)
    _scatter(page, result, name)
    method, gaps = ((series[key].header or {}) for key in ("INPUT", "TRUTH"))
    page.facts(**{key.capitalize(): other.paths[0] for key, other in series.items()})
    page.facts(Method=_told(method), Gaps=_told(gaps), Grid=truth.grid.text, Phenofuse=version())
    return page


def _told(header: dict) -> str:
    """Method and parameters that made a series, as its header tells them."""
    parameters = ", ".join(f"{key} {value}" for key, value in header.get("parameters", {}).items())
    return ": ".join(part for part in (header.get("method"), parameters) if part) or "not told"


def _lines(result: Result):
    for method, scores in (("filled", result.filled), ("linear", result.linear)):
        if scores is None:
            continue
        own = method == "filled" and result.linear is not None
        yield "all", "all", scores.overall(), method, scores.compared(result.linear) if own else None
        if result.linear:
            for label, score in scores.by_gap().items():
                yield "gap", label, score, method, scores.compared(result.linear, label) if own else None
        for group, classes in (("month", scores.by_month()), ("level", scores.by_level())):
            for label, score in classes.items():
                yield group, label, score, method, None


def _verdict(result: Result) -> tuple[str, str]:
    score = result.filled.overall()
    told = f"The root mean square error is {score.rmse:.3f} at {score.count:,} hidden values"
    level, sentence = "good", told + "."
    if score.rmse == 0:
        return "bad", (f"The fill equals the truth at all {score.count:,} hidden values: the method was given what "
                       "should have been hidden from it.")
    if result.linear:
        compared = result.filled.compared(result.linear)
        change = f"{abs(1 - compared.ratio):.0%} {'smaller' if compared.ratio < 1 else 'larger'} than that of {LINEAR}"
        if math.isnan(compared.ratio):
            sentence = told + f"; {LINEAR} makes no error there."
        elif compared.upper < 1:
            sentence = f"{told}, {change}: the fill is worth having."
        elif compared.lower > 1:
            level, sentence = "bad", f"{told}, {change}: on this scene {LINEAR} is the better choice."
        else:
            level, sentence = "warning", f"{told}, {change}; that difference may be chance."
    share = result.filled.missing / (result.filled.missing + score.count)
    if share > 0.005:
        level = "warning" if level == "good" else level
        sentence += f" {share:.1%} of the hidden values were not filled at all and are not scored."
    if result.has_uncertainty and not HONEST[0] <= score.coverage_90 <= HONEST[1]:
        level = "warning" if level == "good" else level
        wrong = "too narrow" if score.coverage_90 < HONEST[0] else "too wide"
        sentence += f" The intervals are {wrong}: those of 90% hold {score.coverage_90:.0%} of the true values."
    return level, sentence


def _keys(page: Report, result: Result) -> None:
    score = result.filled.overall()
    page.key("RMSE", score.rmse, "root mean square error", ".4f")
    if result.linear:
        compared = result.filled.compared(result.linear)
        page.key("RMSE_LINEAR", result.linear.overall().rmse, f"RMSE of {LINEAR}", ".4f")
        page.key("RATIO", compared.ratio, f"their ratio (95%: {compared.lower:.2f} to {compared.upper:.2f})", ".3f")
        page.number("RATIO_INTERVAL", [compared.lower, compared.upper]).number("SKILL", compared.skill)
    page.key("MAE", score.mae, "mean absolute error", ".4f").key("BIAS", score.bias, "bias", "+.4f")
    page.key("R2", score.r2, "R²", ".3f")
    if result.has_uncertainty:
        page.key("COVERAGE", score.coverage_90, "inside the 90% interval", ".1%")
    page.number("COUNT", score.count).number("MISSING", result.filled.missing).number("UNSEEN", result.unseen)


def _explanation(result: Result) -> list[str]:
    said = ["Values that were really observed had been hidden from the method; here its guesses are compared with "
            "them. Bias is guess minus truth. R² is about the mean of all hidden values: it rewards every method that "
            "knows the season, so compare methods by their error."]
    if not result.linear:
        return [*said, f"OBSERVED was not given: neither gap lengths nor the baseline, {LINEAR}, can be told."]
    beaten, lost = _by_class(result)
    if beaten:
        said.append(f"Clearly better than {LINEAR} in gaps of (days): {', '.join(beaten)}.")
    if lost:
        said.append(f"Clearly worse than {LINEAR} in gaps of (days): {', '.join(lost)}.")
    if result.unseen:
        said.append(f"{result.unseen:,} true values lie in pixels without any observation and are not scored.")
    return said


def _by_class(result: Result) -> tuple[list[str], list[str]]:
    """Classes of gap length in which the fill is better, and worse, than linear beyond chance."""
    beaten, lost = [], []
    for label, score in result.filled.by_gap().items():
        compared = result.filled.compared(result.linear, label)
        if score.count >= FEWEST_TO_JUDGE and compared.upper < 1:
            beaten.append(label)
        elif score.count >= FEWEST_TO_JUDGE and compared.lower > 1:
            lost.append(label)
    return beaten, lost


def _by_gap(page: Report, result: Result) -> None:
    filled, linear = result.filled.by_gap(), result.linear.by_gap()
    used = [label for label in GAP_LABELS if filled[label].count]
    drawn = [label for label in used if filled[label].count >= FEWEST_TO_JUDGE]
    rows = []
    for label in used:
        own, other, compared = filled[label], linear[label], result.filled.compared(result.linear, label)
        level = "good" if compared.upper < 1 else "bad" if compared.lower > 1 else ""
        ratio = Mark(compared.ratio, level) if own.count >= FEWEST_TO_JUDGE else compared.ratio
        bounds = [f"{bound:.2f}" for bound in (compared.lower, compared.upper) if not math.isnan(bound)]
        interval = "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}".join(bounds) or "–"
        rows.append((label, own.count, own.rmse, other.rmse, ratio, interval, own.bias, own.r2, *_spread(result, own)))
    page.section("By gap length")
    if len(drawn) > 1:
        errors = {"filled": [filled[label].rmse for label in drawn], LINEAR: [linear[label].rmse for label in drawn]}
        page.figure(figures.error_by_gap(drawn, errors, LINEAR), "Root mean square error by the days between the "
                    "observations around a hidden value.")
    page.table("gap", [("Gap (days)", ""), ("n", ",d"), ("RMSE", ".4f"), ("RMSE linear", ".4f"), ("Ratio", ".3f"),
                       ("95% interval", ""), ("Bias", "+.4f"), ("R²", ".3f"), *_spread_columns(result)], rows,
               "Coloured ratios differ from 1 beyond chance: green, better than linear interpolation; red, worse. "
               "The interval is a bootstrap of spatial blocks.")


def _by_month(page: Report, result: Result) -> None:
    months = {label: score for label, score in result.filled.by_month().items() if score.count}
    linear = result.linear.by_month() if result.linear else None
    bars = {"filled": [score.rmse for score in months.values()]}
    if linear:
        bars[LINEAR] = [linear[label].rmse for label in months]
    page.section("By month")
    page.figure(figures.bars(list(months), bars, "RMSE", baseline=LINEAR), "Root mean square error by month.")
    _table(page, "month", months, "Month", linear)


def _classes(page: Report, title: str, name: str, classes: dict, first: str) -> None:
    page.section(title)
    _table(page, name, {label: score for label, score in classes.items() if score.count}, first, None)


def _table(page: Report, name: str, classes: dict, first: str, linear: dict | None) -> None:
    columns = [(first, ""), ("n", ",d"), ("RMSE", ".4f"), *([("RMSE linear", ".4f")] if linear else []),
               ("MAE", ".4f"), ("Bias", "+.4f"), ("Inside 90%", ".1%"), ("CRPS", ".4f")]
    rows = [(label, s.count, s.rmse, *([linear[label].rmse] if linear else []), s.mae, s.bias, s.coverage_90, s.crps)
            for label, s in classes.items()]
    page.table(name, columns, rows)


def _spread_columns(result: Result) -> list:
    return [("Inside 90%", ".1%"), ("Width 90%", ".3f"), ("CRPS", ".4f")] if result.has_uncertainty else []


def _spread(result: Result, score: Score) -> tuple:
    return (score.coverage_90, score.width_90, score.crps) if result.has_uncertainty else ()


def _uncertainty(page: Report, score: Score) -> None:
    shares = [score.coverage_50, score.coverage_80, score.coverage_90, score.coverage_95]
    page.section("Is the uncertainty honest?")
    page.text(f"The continuous ranked probability score is {score.crps:.4f} in the units of the values; smaller is "
              f"better, and the same guesses without uncertainty score their mean absolute error, {score.mae:.4f}. "
              f"The 90% interval is {score.width_90:.3f} wide on average.")
    page.figure(figures.reliability(COVERAGES, {"filled": shares}), "Share of true values inside the central "
                "intervals: below the line they are too narrow, above it too wide.")
    page.table("coverage", [("Interval", ".0%"), ("True values inside", ".1%")], list(zip(COVERAGES, shares)))


def _scatter(page: Report, result: Result, name: str) -> None:
    scores = result.filled
    page.section("Filled against hidden values")
    page.figure(figures.density_scatter(scores.edges, scores.edges, scores.pairs, f"Hidden {name}", f"Filled {name}"),
                "Every scored value; the dashed line is a perfect fill.")


def _cell(value) -> str:
    return "" if isinstance(value, float) and np.isnan(value) else repr(value)
