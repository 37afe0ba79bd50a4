"""The report of a training: whether to use the network, in words first, and all that bears the words out."""
from __future__ import annotations

import numpy as np

from ..report import Mark, Report, figures
from ..tiles.scores import COVERAGES, Score
from ..version import version
from .card import Card
from .description import SPLITS, area, choices
from .evaluation import WITHIN_90, Evaluation, Example, History
from .judgement import FEWEST_TO_JUDGE, NAMES, OWN, Judgement

MODEL, LINEAR, MOGPR = NAMES[OWN], NAMES["linear"], NAMES["mogpr"]
UNTRAINED = "untrained"
SHORT = {LINEAR: "Linear", MOGPR: "MOGPR"}  # above columns
# Marks that users of earlier tools know; there they were read off training values, where any network passes.
R2_MARKS, MAE_MARKS = (0.70, 0.55, 0.40), (0.06, 0.08, 0.10)
CELLS_PER_SIDE = 40  # of the map of errors: enough to see where, few enough to hold several values each
BRIGHTEST = 0.95  # quantile of the errors by place that has the last colour: a single wild cell would darken the rest
BINS = 80  # of the scatter plot and of the residuals


def report(evaluation: Evaluation, history: History, card: Card, caution: str = "", **facts) -> Report:
    """The page of a training.

    Parameters
    ----------
    evaluation : Evaluation
        Of values that neither training, early stopping nor calibration saw.
    history : History
    card : Card
        Of the model as it was saved.
    caution : str
        What a look at the series found, such as clouds left in.
    **facts
        More lines for the page's foot, such as the input files.
    """
    judged, name = Judgement(evaluation), card.target.name
    page = Report(f"Can this model fill {name}?", f"{card.architecture}, trained on {card.dates} dates from {card.first_date} to "
                                                  f"{card.last_date}")
    advice = judged.advice()
    page.verdict(advice.level, advice.sentence).number("CHOICE", advice.choice).text(*filter(None, [caution]))
    _keys(page, judged)
    _explanation(page, judged)
    _methods(page, judged)
    _by_gap(page, judged)
    _by_class(page, judged, "level", f"level of {name}", f"True {name}")
    _by_class(page, judged, "month", "month", "Month")
    _uncertainty(page, judged)
    _radar(page, judged)
    _scatter(page, evaluation, name)
    _examples(page, evaluation.examples, name)
    _map(page, evaluation)
    _learning(page, history, judged)
    if name == "NDVI":
        _marks(page, judged.score())
    page.facts(**{**facts, "Inputs": [f"{one.name} ({one.units})" for one in card.inputs], "Area": area(card),
                  "Split": card.split, **choices(card), "Phenofuse": version()})
    return page


def _keys(page: Report, judged: Judgement) -> None:
    own, linear = judged.score(), judged.compared("linear")
    page.key("RMSE", own.rmse, "root mean square error", ".4f")
    page.key("RATIO", linear.ratio, f"of the error of {LINEAR}", ".0%")
    if judged.has("mogpr"):
        page.key("RATIO_MOGPR", judged.compared("mogpr").ratio, f"of the error of {MOGPR}", ".0%")
    page.key("MAE", own.mae, "mean absolute error", ".4f").key("R2", own.r2, "R²", ".3f")
    page.key("COVERAGE", own.coverage_90, "inside the 90% interval", ".1%")
    page.number("COUNT", own.count).number("BLOCKS", judged.blocks).number("SKILL", linear.skill).number("BIAS", own.bias)


def _explanation(page: Report, judged: Judgement) -> None:
    better, worse = judged.classes_against_linear()
    page.text(f"All scores here are of {judged.score().count:,} clear observations that had been hidden, "
              f"{SPLITS[judged.evaluation.split]}; on some dates they were hidden in the whole scene, as clouds do. Intervals of "
              f"scores are a bootstrap of {judged.blocks} spatial blocks.",
              "R² is about the mean of all held-out values: it rewards every method that knows the season. Compare methods by "
              "their error.")
    for classes, word in ((better, "better"), (worse, "worse")):
        if classes:
            page.text(f"Clearly {word} than {LINEAR} in gaps of (days): {', '.join(classes)}.")


def _methods(page: Report, judged: Judgement) -> None:
    rows = []
    for name, label in NAMES.items():
        if not judged.has(name):
            continue
        score, against = judged.score(name), judged.compared(name)
        ratio = None if name == OWN else _judged(against)
        spread = (score.coverage_90, score.crps)
        rows.append((label, score.rmse, score.mae, score.bias, score.r2, ratio, None if name == OWN else _interval(against),
                     *spread))
    page.section("Beside what is simpler")
    page.table("methods", [("Method", ""), ("RMSE", ".4f"), ("MAE", ".4f"), ("Bias", "+.4f"), ("R²", ".3f"), ("Model's ratio", ".3f"),
                           ("95% interval", ""), ("Inside 90%", ".1%"), ("CRPS", ".4f")], rows,
               "The ratio is the model's error over the method's: below 1 the model is better (green beyond chance, red when worse).")


def _by_gap(page: Report, judged: Judgement) -> None:
    own, linear = judged.by("gap"), judged.by("gap", "linear")
    mogpr = judged.by("gap", "mogpr") if judged.has("mogpr") else {}
    drawn = [label for label, score in own.items() if score.count >= FEWEST_TO_JUDGE]
    page.section("By gap length")
    if len(drawn) > 1:
        errors = {MODEL: own, LINEAR: linear, **({MOGPR: mogpr} if mogpr else {})}
        curves = {name: [_rmse(scores, label) for label in drawn] for name, scores in errors.items()}
        page.figure(figures.error_by_gap(drawn, curves, LINEAR, subject=MODEL),
                    "Root mean square error by the days between the observations around a hidden value.")
    rows = []
    for label, score in own.items():
        against = judged.compared("linear", gap=label)
        ratio = _judged(against) if score.count >= FEWEST_TO_JUDGE else against.ratio
        rows.append((label, score.count, score.rmse, linear[label].rmse, *([_rmse(mogpr, label)] if mogpr else []), ratio,
                     _interval(against), score.coverage_90))
    page.table("gap", [("Gap (days)", ""), ("n", ",d"), ("RMSE", ".4f"), (SHORT[LINEAR], ".4f"),
                       *([(SHORT[MOGPR], ".4f")] if mogpr else []), ("Ratio to linear", ".3f"), ("95% interval", ""),
                       ("Inside 90%", ".1%")], rows,
               "Coloured ratios differ from 1 beyond chance.")


def _by_class(page: Report, judged: Judgement, kind: str, what: str, first: str) -> None:
    own, others = judged.by(kind), {NAMES[name]: judged.by(kind, name) for name in ("linear", "mogpr") if judged.has(name)}
    bars = {MODEL: own, **others}
    page.section(f"By {what}")
    page.figure(figures.bars(list(own), {name: [_rmse(scores, label) for label in own] for name, scores in bars.items()}, "RMSE",
                             first, baseline=LINEAR), f"Root mean square error by {what}.")
    rows = [(label, score.count, score.rmse, *(_rmse(scores, label) for scores in others.values()), score.mae, score.bias,
             score.coverage_90) for label, score in own.items()]
    page.table(kind, [(first, ""), ("n", ",d"), ("RMSE", ".4f"), *((SHORT[name], ".4f") for name in others), ("MAE", ".4f"),
                      ("Bias", "+.4f"), ("Inside 90%", ".1%")], rows)


def _uncertainty(page: Report, judged: Judgement) -> None:
    shares = {NAMES[name]: [getattr(judged.score(name), f"coverage_{share * 100:.0f}") for share in COVERAGES]
              for name in (OWN, "mogpr") if judged.has(name)}
    own = judged.score()
    page.section("Is the uncertainty honest?")
    page.text(f"The continuous ranked probability score is {own.crps:.4f}; smaller is better, and the same values without "
              f"uncertainty score their mean absolute error, {own.mae:.4f}. The 90% interval is {own.width_90:.3f} wide on average.")
    page.figure(figures.reliability(COVERAGES, shares), "Share of held-out values inside the central intervals: below the line "
                                                        "they are too narrow, above it too wide.")
    page.table("coverage", [("Interval", ".0%"), *((f"Inside: {name}", ".1%") for name in shares)],
               list(zip(COVERAGES, *shares.values())))


def _radar(page: Report, judged: Judgement) -> None:
    if not judged.has("without_radar"):
        return
    names = [name for name in (OWN, "without_radar", "permuted_radar") if judged.has(name)]
    gaps = {NAMES[name]: judged.by("gap", name) for name in names}
    drawn = [label for label, score in gaps[MODEL].items() if score.count >= FEWEST_TO_JUDGE]
    page.section("What the radar bought").text(*judged.radar())
    if len(drawn) > 1:
        page.figure(figures.bars(drawn, {name: [_rmse(scores, label) for label in drawn] for name, scores in gaps.items()}, "RMSE",
                                 "Gap length (days)"), "The same network with its covariates, without them, and with those of "
                                                       "another pixel.")


def _scatter(page: Report, evaluation: Evaluation, name: str) -> None:
    truth, guess = evaluation.truth, evaluation.mean
    used = np.isfinite(guess)
    truth, error = truth[used], (guess - truth)[used]
    low, high = np.quantile(np.concatenate([truth, guess[used]]), (0, 1))
    edges = np.linspace(low, max(high, low + 1e-6), BINS + 1)
    counts = np.histogram2d(truth, truth + error, [edges, edges])[0]
    page.section("Filled against held-out values")
    page.figure(figures.density_scatter(edges, edges, counts, f"Held-out {name}", f"Filled {name}"),
                "Every held-out value; the dashed line is a perfect fill.")
    reach = float(np.quantile(np.abs(error), 0.995)) or 1.0
    steps = np.linspace(-reach, reach, BINS // 2 + 1)
    page.figure(figures.histogram(steps, np.histogram(error, steps)[0], "Residual: filled minus held-out value"),
                "Residuals; the outermost 0.5% are not drawn.")


def _examples(page: Report, examples: tuple, name: str) -> None:
    if examples:
        page.section("Held-out series").text("Some pixels: the observations that the model saw, those hidden from it, and the "
                                             "fills. The band is the model's 90% interval.")
    for number, example in enumerate(examples, start=1):
        page.figure(figures.lines(_curves(example), name, baseline=LINEAR, subject=MODEL), f"Held-out series {number}.")


def _curves(example: Example) -> list:
    half = WITHIN_90 * example.standard_deviation
    curves = [figures.Line(MODEL, example.days, example.mean, example.mean - half, example.mean + half)]
    for label, values in ((LINEAR, example.linear), (MOGPR, example.mogpr)):
        if np.isfinite(values).any():
            curves.append(figures.Line(label, example.days, values))
    for label, values in (("seen", example.shown), ("hidden", example.hidden)):
        there = np.isfinite(values)
        curves.append(figures.Line(label, example.days[there], values[there], points=True))
    return curves


def _map(page: Report, evaluation: Evaluation) -> None:
    row, column = (place - place.min() for place in (evaluation.row, evaluation.column))
    side = max(1, -(-(int(max(row.max(), column.max())) + 1) // CELLS_PER_SIDE))
    row, column = row // side, column // side
    shape = int(row.max()) + 1, int(column.max()) + 1
    if min(shape) < 2:
        return
    maps = {label: _error_map(evaluation.truth, values, row, column, shape) for label, values in
            ((MODEL, evaluation.mean), (LINEAR, evaluation.linear), (MOGPR, evaluation.mogpr)) if np.isfinite(values).any()}
    page.section("Where it errs")
    limits = 0.0, float(np.nanquantile(maps[MODEL], BRIGHTEST))
    page.figure(figures.maps(list(maps.values()), list(maps), "RMSE", limits),
                f"Root mean square error by place, in cells of {side} x {side} pixels, of the part of the scene that was held out; "
                "grey cells hold no held-out value. The colours are made for the model's errors: those of others may go beyond.")


def _error_map(truth, values, row, column, shape: tuple) -> np.ndarray:
    used = np.isfinite(values)
    cell = np.ravel_multi_index((row[used], column[used]), shape)
    count = np.bincount(cell, minlength=shape[0] * shape[1])
    squared = np.bincount(cell, (values - truth)[used] ** 2, shape[0] * shape[1])
    return np.sqrt(np.divide(squared, count, out=np.full(count.shape, np.nan), where=count > 0)).reshape(shape)


def _learning(page: Report, history: History, judged: Judgement) -> None:
    epochs = np.arange(1, len(history.training_loss) + 1, dtype=float)
    errors = [figures.Line("network", epochs, np.array(history.validation_rmse)),
              figures.Line(UNTRAINED, epochs, np.full(len(epochs), history.untrained_rmse))]
    told = "none was better beyond chance than the prior, which was kept"
    if history.best:
        kept = epochs == history.best
        errors.append(figures.Line("kept", epochs[kept], errors[0].y[kept], points=True))
        told = f"the weights of epoch {history.best} were kept, the last as good as the best as far as chance lets tell"
    page.section("How it learnt")
    for curves, label, said in (
            (errors, "RMSE", f"Error on the validation blocks, where the untrained network has {history.untrained_rmse:.4f}; {told}. "
                             f"On the test blocks it is {judged.score().rmse:.4f}."),
            ([figures.Line("training", epochs, np.array(history.training_loss))], "Loss",
             "Loss on what is hidden in training, other values in every epoch: a likelihood weighted by the network's own "
             "deviations. It shows whether learning is steady, not how good the network is."),
            ([figures.Line("rate", epochs, np.array(history.learning_rate))], "Learning rate", "Learning rate.")):
        page.figure(figures.lines(curves, label, "Epoch", dates=False, height=2.0, baseline=UNTRAINED), said)
    page.number("HISTORY", {"training_loss": history.training_loss, "validation_rmse": history.validation_rmse,
                            "learning_rate": history.learning_rate, "best": history.best, "untrained_rmse": history.untrained_rmse})


def _marks(page: Report, score: Score) -> None:
    rows = [(word, Mark(r2, "good" if score.r2 >= r2 else "bad"), Mark(mae, "good" if score.mae <= mae else "bad"))
            for word, r2, mae in zip(("high", "middle", "low"), R2_MARKS, MAE_MARKS)]
    page.section("Marks often asked for")
    page.table("marks", [("Mark", ""), ("R² at least", ".2f"), ("MAE at most", ".2f")], rows,
               f"Green where the held-out values reach it (R² {score.r2:.2f}, MAE {score.mae:.3f}). A scene with little change has "
               "a low R² however well it is filled.")


def _judged(against) -> Mark:
    return Mark(against.ratio, "good" if against.upper < 1 else "bad" if against.lower > 1 else "")


def _interval(against) -> str:
    bounds = [f"{bound:.2f}" for bound in (against.lower, against.upper) if not np.isnan(bound)]
    return "\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}".join(bounds) or "–"


def _rmse(scores: dict, label: str) -> float:
    return scores[label].rmse if label in scores else float("nan")
