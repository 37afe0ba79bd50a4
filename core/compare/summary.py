"""What a comparison says: the numbers, the table, and the report in words first."""
from __future__ import annotations

import math

import numpy as np

from .. import tables
from ..report import Mark, Report, figures
from ..tiles.scores import HONEST, Score
from ..timeseries.looks import clouds_left
from .advice import FEWEST_TO_JUDGE, Advice
from .methods import BASELINE, METHODS, TOO_CLOSE, TOO_FEW, code
from .outcome import Outcome

TITLES = {"pattern": "By how values were hidden", "gap": "By gap length", "month": "By month", "level": "By level of NDVI"}
FIRST = {"pattern": "Hidden as", "gap": "Gap (days)", "month": "Month", "level": "True value"}
CODES = {TOO_FEW: "too few hidden values", **dict(enumerate(METHODS, start=1)), TOO_CLOSE: "too close to call"}
FLATTERED = "\N{NO-BREAK SPACE}*"


def numbers(outcome: Outcome, advice: Advice) -> dict:
    """The numbers a job hands on: the method to take, its error, and the error of every method."""
    found = {f"RMSE_{method.upper()}": outcome.score(method).rmse for method in outcome.methods if method in METHODS}
    models = [outcome.score(method).rmse for method in outcome.methods if method not in METHODS]
    if models:
        found["RMSE_MODEL"] = min(models)
    score = outcome.score(advice.method)
    return {"BEST": advice.method, "RMSE": score.rmse, "COVERAGE": score.coverage_90, "COUNT": score.count, **found}


def table(outcome: Outcome) -> str:
    """All scores as CSV: one line per group, class and method."""
    rows = [["group", "class", "method", *Score._fields, "rmse_lower", "rmse_upper", "missing", "taught_here"]]
    for group, (_, number) in outcome.classes().items():
        for method in outcome.methods:
            for place, (label, score) in enumerate(outcome.scores(method, group).items()):
                if score.count:
                    _, lower, upper = outcome.interval(method, number == place)
                    missing = outcome.missing[method] if group == "all" else ""
                    cells = map(_cell, (*score, lower, upper, missing))
                    rows.append([group, label, method, *cells, int(method in outcome.taught_here)])
    return tables.written(rows)


def report(outcome: Outcome, advice: Advice, said: list, map_: np.ndarray, series, pixels: int, facts: dict) -> Report:
    """The report; `said` is the diagnosis, `map_` the winners by cell."""
    page = Report(f"Which method fills {series.name} best?", f"{len(outcome.truth):,} hidden values in {pixels:,} pixels, "
                  f"{series.periods[0].start} to {series.periods[-1].start}")
    page.verdict(advice.level, advice.sentence).text(*filter(None, [clouds_left(series)]))
    score = outcome.score(advice.method)
    page.key("BEST", advice.method, "method to take").key("RMSE", score.rmse, "its root mean square error on all of them", ".4f")
    page.key("COVERAGE", score.coverage_90, "inside its 90% interval", ".1%").key("COUNT", score.count, "hidden values", ",d")
    page.text("Values that were really observed were hidden, the same from every method, and each method was asked for them. Only "
              "places that all methods filled are scored.",
              "Moved clouds: what the clouds of another pixel, moved in time, would take. Days: one stretch of that length. In both, "
              "other pixels still show the date. Moved scene: what the clouds of the whole scene, moved in time, would take, so that "
              "methods that learn from other pixels (harmonic, mogpr) find no more there than under real clouds.",
              "The recommendation goes by the error expected where values are missing: hidden values are weighed, so that as many of "
              "them as of the missing ones lie on dates of which little of the scene is seen.")
    if advice.level != "good":
        page.text("What may keep every method from filling well:", *said)
    _methods(page, outcome)
    for group in ("gap", "pattern", "month", *(["level"] if series.variable.name == "NDVI" else [])):
        _classes(page, outcome, group)
    page.section("Which method wins where")
    page.figure(figures.class_map(map_, codes(outcome.methods), TOO_CLOSE),
                "A method wins a cell where it errs less than every other beyond chance.")
    page.text("A cell with fewer than 30 hidden values stays grey. Neighbouring pixels err alike: a single cell may be chance.")
    return page.facts(**facts)


def _methods(page: Report, outcome: Outcome) -> None:
    rows = []
    for method in sorted(outcome.methods, key=lambda method: outcome.expected(method)[0]):
        score, (_, lower, upper) = outcome.score(method), outcome.interval(method)
        against = outcome.compared(method, BASELINE)
        level = "good" if against.upper < 1 else "bad" if against.lower > 1 else ""
        honest = "" if HONEST[0] <= score.coverage_90 <= HONEST[1] else "warning"
        name = Mark(method + FLATTERED, "warning") if method in outcome.taught_here else method
        rows.append((name, outcome.expected(method)[0], score.rmse, _range(lower, upper), Mark(against.ratio, level), score.mae,
                     score.bias, score.r2, Mark(score.coverage_90, honest), score.width_90, score.crps,
                     outcome.missing[method]))
    page.section("The methods").table(
        "methods", [("Method", ""), ("Expected", ".4f"), ("RMSE", ".4f"), ("95% interval", ""), ("to linear", ".3f"), ("MAE", ".4f"),
                    ("Bias", "+.4f"), ("R²", ".3f"), ("Inside 90%", ".1%"), ("Width 90%", ".3f"), ("CRPS", ".4f"),
                    ("Not filled", ",d")], rows,
        "Expected: root mean square error where values are missing, by weighed hidden values. RMSE and all else: all hidden values "
        "alike. Green: better than straight lines beyond chance (bootstrap of spatial blocks); red: worse." + _taught(outcome))


def _taught(outcome: Outcome) -> str:
    """What is to be said of models that know the hidden values."""
    if not outcome.taught_here:
        return ""
    return (f" {FLATTERED.strip()}: its card says that it was trained at this place in this time, so that values hidden here "
            "taught it: its score flatters it, and it neither wins nor is recommended. Its training report tells how it does on values "
            "it never saw.")


def codes(compared: tuple) -> dict:
    """What the codes of the map of winners mean."""
    return CODES | {code(method, compared): method for method in compared}


def _classes(page: Report, outcome: Outcome, group: str) -> None:
    """Errors of all methods per class: a picture and a table."""
    scores = {method: outcome.scores(method, group) for method in outcome.methods}
    counts = {label: score.count for label, score in scores[BASELINE].items() if score.count}
    drawn = [label for label, count in counts.items() if count >= FEWEST_TO_JUDGE]
    page.section(TITLES[group])
    if len(drawn) > 1:
        errors = {method: [scores[method][label].rmse for label in drawn] for method in outcome.methods}
        draw = figures.error_by_gap(drawn, errors, BASELINE) if group == "gap" else figures.bars(
            drawn, errors, "RMSE", FIRST[group], baseline=BASELINE)
        page.figure(draw, f"Root mean square error of every method. {TITLES[group]}.")
    rows = []
    for label, count in counts.items():
        found = [scores[method][label].rmse for method in outcome.methods]
        rows.append((label, count, *(Mark(one, "good" if one == min(found) and count >= FEWEST_TO_JUDGE else "") for one in found)))
    page.table(group, [(FIRST[group], ""), ("n", ",d"), *((method, ".4f") for method in outcome.methods)], rows,
               "Root mean square error; green: the smallest. MAE, bias, R² and coverage of each class are in the CSV.")


def _range(lower: float, upper: float) -> str:
    return "–" if math.isnan(lower) else f"{lower:.4f}\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}{upper:.4f}"


def _cell(value) -> str:
    return "" if value == "" or (isinstance(value, float) and math.isnan(value)) else repr(value)
