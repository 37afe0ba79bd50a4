"""What was learnt and how good the fill is: sentences for the log, and the report."""
from __future__ import annotations

import numpy as np

from ..report import Mark, Report, figures
from ..tiles.scores import HONEST
from ..timeseries import Series, quality
from ..timeseries.looks import clouds_left
from ..version import version
from .calibration import FEWEST_TO_JUDGE
from .long_scene import LongScene, typical
from .scene import SceneCovariance
from .self_check import PROMISED, Check

NINETY = PROMISED.index(0.9)


def sentences(model, check: Check, target: Series) -> list[str]:
    """What the log says of the model and of the check."""
    unit = "" if target.units == "1" else f" {target.units}"
    helped = f"with {', '.join(model.variables[1:])}" if len(model.variables) > 1 else "without covariates"
    found = [f"Learnt from {model.pixels} pixels {helped}: {_learnt(model, unit)}; standard deviations are multiplied by "
             f"{model.calibration}, as hidden gaps showed."]
    if check.count[-1]:
        found.append(f"Checked at {check.count[-1]} hidden values: RMSE {check.rmse[-1]:.3g}{unit}, linear interpolation "
                     f"{check.rmse_linear[-1]:.3g}; 90 % intervals hold {check.coverage[-1][NINETY]:.0%}.")
        if check.rmse_alone is not None:
            found.append(_help(model, check, unit))
    else:
        found.append("The series are too short or too sparse to hide gaps from them: the fill is not checked.")
    return found


def _help(model, check: Check, unit: str) -> str:
    """What the covariates gave at the hidden values."""
    if len(model.variables) == 1:
        return "The covariates did not help on hidden gaps: the series is filled without them."
    return (f"Without {', '.join(model.variables[1:])} the RMSE there is {check.rmse_alone:.3g}{unit}: they lower it by "
            f"{1 - check.rmse[-1] / check.rmse_alone:.0%}.")


def flattering(check: Check, target: Series) -> str:
    """Why the check of a fill by what was learnt before cannot be taken by its word."""
    return (f"What is applied was learnt from {check.dates_learnt} of the {target.count} dates of {target.name}, hidden values "
            "included: this check flatters. The run that wrote FIT holds an honest one.")


def _learnt(model, unit: str) -> str:
    if isinstance(model, (SceneCovariance, LongScene)):
        most = max(len(stretch.shares) for stretch in model.stretches)
        classes = f"{most} classes of pixels" if most > 1 else "one class of pixels"
        if len(model.stretches) > 1:
            classes += f" in each of {len(model.stretches)} overlapping stretches of time"
        return f"{classes}; noise of {model.variables[0]} {model.noise_deviation:.3g}{unit}"
    lengths = ", ".join(f"{length:.0f}" for length in sorted(model.shared.model.length_scale))
    return f"length-scales {lengths} days" + (", from which each pixel's are shrunk" if model.each else "")


def counted(counts: np.ndarray, events) -> dict:
    """Number of values per reason, told to the log."""
    named = {quality.NAMES[code]: int(count) for code, count in enumerate(counts) if count}
    events.info("; ".join(f"{name}: {count:,}" for name, count in named.items()) + ".")
    return named


def report(model, check: Check, counts: dict, series: list, parameters: dict) -> Report:
    """The report of a fill."""
    target = series[0]
    page = Report(f"Filled {target.variable.name} of {target.name}",
                  f"{target.periods[0].start} to {target.periods[-1].start}, {target.count} dates")
    page.verdict(*_verdict(check, target))
    page.text(*filter(None, [clouds_left(target)]))
    if check.count[-1]:
        _checked(page, model, check, target, bool(parameters.get("APPLY")))
    if isinstance(model, LongScene):
        _typical(page, model, target)
    elif isinstance(model, SceneCovariance):
        _classes(page, model, target)
    else:
        _terms(page, model)
    if counts:
        total = sum(counts.values())
        page.section("Where the values come from").table(
            "reasons", [("Reason", ""), ("Values", ",d"), ("Share", ".1%")],
            [(name, count, count / total) for name, count in counts.items()])
    page.facts(Series=", ".join(one.name for one in series), Grid=target.grid.text,
               Covariance=parameters.get("COVARIANCE") or "scene",
               Learnt_from=parameters.get("APPLY") or f"{model.pixels} pixels of this scene",
               Seed=parameters.get("SEED"), Phenofuse=version())
    return page


def _verdict(check: Check, target: Series) -> tuple[str, str]:
    if check.count[-1] < FEWEST_TO_JUDGE:
        return "warning", (f"Only {check.count[-1]} values could be hidden for a check, too few to judge the fill: "
                           "look at the uncertainty.")
    ratio, covered = check.rmse[-1] / max(check.rmse_linear[-1], 1e-12), check.coverage[-1][NINETY]
    told = (f"Across gaps hidden by this run the error is {ratio:.0%} of linear interpolation's, and 90 % intervals hold "
            f"{covered:.0%} of the hidden values")
    if ratio >= 1:
        return "bad", told + ": linear interpolation would have done as well."
    if check.dates_learnt:
        return "warning", f"{told}. {flattering(check, target)}"
    if not HONEST[0] <= covered <= HONEST[1]:
        return "warning", told + ": do not take the uncertainty by its word."
    return "good", told + "."


def _checked(page: Report, model, check: Check, target: Series, applied: bool) -> None:
    unit = "" if target.units == "1" else target.units
    page.key("rmse", check.rmse[-1], "RMSE at hidden values", ".3f", unit)
    page.key("rmse_linear", check.rmse_linear[-1], "RMSE of linear interpolation", ".3f", unit)
    if check.rmse_alone is not None and len(model.variables) > 1:
        page.key("rmse_alone", check.rmse_alone, "RMSE without covariates", ".3f", unit)
    page.key("coverage_90", check.coverage[-1][NINETY], "inside the 90 % interval", ".0%")
    page.section("Gaps hidden by this run").text(
        "Gaps were hidden from a sample of pixels, and filled by what an earlier run had learnt." if applied else
        "Gaps were hidden from a sample of pixels, the scene was learnt without them, and filled. Standard deviations are "
        "calibrated on one half of the pixels and checked on the other.")
    if check.rmse_alone is not None:
        page.text(_help(model, check, f" {unit}".rstrip()))
    labels = [f"{days:g} days" for days in check.gap_days] + ["all"]
    rows = [(label, count, _marked(rmse, line), line, *coverage) for label, count, rmse, line, coverage in
            zip(labels, check.count, check.rmse, check.rmse_linear, check.coverage)]
    page.table("hidden_gaps", [("Gap", ""), ("Hidden values", ",d"), ("RMSE", ".3f"), ("Linear", ".3f"),
                               *((f"In {share:.0%}", ".0%") for share in PROMISED)], rows)
    page.figure(figures.reliability(PROMISED, {"all gaps": check.coverage[-1]}),
                "Share of hidden values inside the intervals, against the share promised.")


def _marked(rmse: float, line: float) -> Mark:
    return Mark(rmse, "good" if rmse < line else "bad")


def _classes(page: Report, scene: SceneCovariance, target: Series) -> None:
    """Mean course of each class, with the spread of pixels around it."""
    dates = len(scene.days[0])
    curves = []
    for number, (share, mean, covariance) in enumerate(zip(scene.shares, scene.means, scene.covariances), start=1):
        course = mean[:dates] * scene.scale[0] + scene.centre[0]
        spread = np.sqrt(np.diagonal(covariance)[:dates]) * scene.scale[0]
        label = f"class {number} ({share:.0%})" if len(scene.shares) > 1 else "all pixels"
        curves.append(figures.Line(label, scene.days[0], course, course - spread, course + spread))
    page.section("What the scene taught").text(
        "Pixels are draws of these classes; what is seen of a pixel tells how likely each class is." if len(curves) > 1
        else "One class of pixels fills hidden gaps at least as well as several.")
    page.figure(figures.lines(curves, target.variable.name), "Mean course of each class, and one standard deviation of its "
                                                             "pixels around it.")


def _typical(page: Report, scene: LongScene, target: Series) -> None:
    """Mean course of all pixels, with their spread around it."""
    course, spread = typical(scene, target.days)
    page.section("What the scene taught").text(
        f"The series is long: it was learnt in {len(scene.stretches)} overlapping stretches, each of which fills its middle.")
    page.figure(figures.lines([figures.Line("all pixels", target.days, course, course - spread, course + spread)],
                              target.variable.name), "Mean course of all pixels, and one standard deviation of their values around it.")


def _terms(page: Report, model) -> None:
    """Length-scales of the terms, and how much of each variable they hold."""
    found = model.shared.model
    share = found.weights**2 + found.kappa
    rows = [(f"{length:.0f} days", *part) for length, part in sorted(zip(found.length_scale, share.tolist()))]
    rows.append(("noise", *found.noise))
    page.section("What the scene taught").table(
        "terms", [("Length-scale", ""), *((name, ".2f") for name in model.variables)], rows,
        "Variance of each variable by term, of values standardised to variance 1 per pixel.")
