"""What an evaluation says: scores equal to plain numpy, advice that follows the errors, a page that says it."""
from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from phenofuse.core.learning.evaluation import History
from phenofuse.core.learning.judgement import CLASSES, Judgement
from phenofuse.core.learning.report import report
from phenofuse.core.outputs import numbers_of

sys.path.insert(0, str(Path(__file__).parent))
from evaluations import a_card, a_history, an_evaluation


@pytest.mark.parametrize("name", ["mean", "linear", "mogpr", "without_radar"])
def test_scores_are_those_of_plain_numpy(name):
    """In all and by class; a method is scored where it gave a value."""
    told = an_evaluation(seed=3)
    values = np.where(np.arange(4000) % 7 == 0, np.nan, getattr(told, name))
    judged, there = Judgement(replace(told, **{name: values})), np.isfinite(values)
    error, truth = (values - told.truth)[there], told.truth[there]
    score = judged.score(name)
    assert score.count == there.sum()
    assert score.rmse == pytest.approx(np.sqrt(np.mean(error ** 2)), abs=1e-12)
    assert (score.mae, score.bias) == pytest.approx((np.abs(error).mean(), error.mean()), abs=1e-12)
    assert score.r2 == pytest.approx(1 - np.mean(error ** 2) / truth.var(), abs=1e-12)
    spring = judged.by("month", name)["Apr"]
    assert spring.rmse == pytest.approx(np.sqrt(np.mean(error[told.month[there] == 4] ** 2)), abs=1e-12)
    long = judged.by("gap", name)["41–80"]
    assert long.count == (told.gap_days[there] == 60).sum()
    dense = judged.by("level", name)["0.6–0.8"]
    assert dense.count == ((truth >= 0.6) & (truth < 0.8)).sum()
    assert sum(one.count for kind in CLASSES for one in judged.by(kind, name).values()) == 3 * there.sum()


def test_only_values_that_both_have_are_compared():
    """A method that gave up on the hard values is not favoured by it."""
    told = an_evaluation()
    easy = np.where(told.gap_days > 20, np.nan, told.linear)
    compared, kept = Judgement(replace(told, linear=easy)).compared("linear"), np.isfinite(easy)
    errors = [np.sqrt(np.mean((values - told.truth)[kept] ** 2)) for values in (told.mean, told.linear)]
    assert compared.ratio == pytest.approx(errors[0] / errors[1])


def test_the_interval_holds_the_true_ratio_as_often_as_it_says():
    """Errors are alike within blocks; 95 % intervals of the ratio hold the true one in 85 to 100 of 100 draws."""
    held = [compared.lower <= 1 / 1.4 <= compared.upper for seed in range(100)
            if (compared := Judgement(an_evaluation(count=600, seed=seed)).compared("linear"))]
    assert 85 <= sum(held)


@pytest.mark.parametrize("sizes, split, choice, level, said", [
    ({}, "blocks", "model", "good", "Use it."),
    ({"mogpr": None}, "blocks", "model", "good", "than that of linear interpolation."),
    ({"mogpr": 1.0}, "blocks", "model", "good", "MOGPR, which needs no training, is as good within chance"),
    ({"mogpr": 0.8}, "blocks", "mogpr", "warning", "Use 'Fill with radar (MOGPR)' (phenofuse:fillmogpr)."),
    ({"linear": 1.0}, "blocks", "unclear", "warning", "may be chance"),
    ({"linear": 0.8}, "blocks", "linear", "bad", "Use linear interpolation."),
    ({"linear": 0.8, "mogpr": 0.7}, "blocks", "linear", "bad", "larger"),
    ({"mean": 0.0}, "blocks", "unclear", "bad", "was shown what should have been hidden"),
    ({}, "random", "model", "warning", "held out at random"),
])
def test_the_advice_follows_the_errors(sizes, split, choice, level, said):
    """Better than linear beyond chance and no worse than MOGPR: use it; else use what is simpler."""
    advice = Judgement(an_evaluation(sizes=sizes, split=split)).advice()
    assert (advice.choice, advice.level) == (choice, level) and said in advice.sentence


def test_doubts_are_added_to_the_advice():
    """Intervals that lie, and classes of gaps where linear interpolation is better."""
    told = an_evaluation()
    narrow = Judgement(replace(told, standard_deviation=told.standard_deviation / 2)).advice()
    assert narrow.level == "warning" and "intervals are too narrow" in narrow.sentence
    short = told.gap_days < 20
    judged = Judgement(replace(told, linear=np.where(short, told.truth + (told.mean - told.truth) / 2, told.linear)))
    advice = judged.advice()
    assert judged.classes_against_linear()[1] == ["≤ 10", "11–20"]
    assert advice.level == "warning" and "In gaps of ≤ 10, 11–20 days linear interpolation is better." in advice.sentence


@pytest.mark.parametrize("count, blocks", [(20, 5), (500, 1)])
def test_too_little_to_judge_says_so(count, blocks):
    """A handful of values, or values from one block only, prove nothing."""
    advice = Judgement(an_evaluation(count=count, blocks=blocks)).advice()
    assert advice.choice == "unclear" and "too few held-out values" in advice.sentence


def test_metrics_are_plain_and_hold_the_advice():
    """They go into the card as they are; what cannot be told is None, what was not computed is left out."""
    judged = Judgement(an_evaluation(sizes={"without_radar": None, "permuted_radar": None}, mogpr_deviation=np.full(4000, np.nan)))
    metrics = judged.metrics()
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert metrics["choice"] == "model" and metrics["rmse"] == judged.score().rmse and "without_radar" not in metrics
    assert metrics["linear"]["ratio"] == judged.compared("linear").ratio and metrics["blocks"] == 40
    assert Judgement(an_evaluation(count=40, blocks=1)).metrics()["linear"]["lower"] is None
    replace(a_card(), metrics=metrics)  # the card takes them


def test_the_page_says_it_all(tmp_path):
    """Verdict, every section with its table or figure, and the same numbers as JSON."""
    told, card = an_evaluation(), a_card(training={"epochs": 20, "validation rmse": 0.0580599676, "options": {"width": 64}})
    path = report(told, a_history(), card, Input="ndvi.tif").save(tmp_path / "report.html")
    page, content = path.read_text(encoding="utf-8"), json.loads(numbers_of(path).read_text())
    judged = Judgement(told)
    assert content["verdict"] == {"level": "good", "text": judged.advice().sentence} and judged.advice().sentence in page
    titles = [section["title"] for section in content["sections"]]
    assert titles == ["", "Beside what is simpler", "By gap length", "By level of NDVI", "By month", "Is the uncertainty honest?",
                      "What the radar bought", "Filled against held-out values", "Held-out series", "Where it errs", "How it learnt",
                      "Marks often asked for"]
    assert page.count("<img ") == sum(len(section["figures"]) for section in content["sections"]) == 13
    numbers, tables = content["numbers"], content["tables"]
    assert numbers["RMSE"] == judged.score().rmse and numbers["CHOICE"] == "model" and numbers["HISTORY"]["best"] == 18
    assert numbers["HISTORY"]["untrained_rmse"] == 0.095 and "untrained network has 0.0950" in page
    assert content["facts"]["Validation RMSE"] == "0.05806" and "Options" not in content["facts"]  # told already, one by one
    assert [row["Method"] for row in tables["methods"]] == ["this model", "linear interpolation", "MOGPR", "without radar",
                                                           "another pixel's radar"]
    assert [row["n"] for row in tables["gap"]] == [score.count for score in judged.by("gap").values()]
    assert tables["level"][0]["RMSE"] == judged.by("level")["below 0.2"].rmse


def test_a_bare_evaluation_makes_a_page_too(tmp_path):
    """No radar, no MOGPR, no examples, one row of pixels, one epoch, another variable: nothing is drawn of what is not there."""
    told = an_evaluation(count=50, sizes={"mogpr": None, "without_radar": None, "permuted_radar": None}, examples=(),
                         row=np.zeros(50, int), month=np.full(50, 5), gap_days=np.full(50, np.inf))
    card = replace(a_card(), bounds=None, inputs=(replace(a_card().target, name="LAI"),))
    path = report(told, History((1.0,), (0.1,), (1e-3,), 0, 0.1), card, Inputs="twice").save(tmp_path / "report.html")
    assert "none was better beyond chance than the prior, which was kept" in path.read_text(encoding="utf-8")
    titles = [section["title"] for section in json.loads(numbers_of(path).read_text())["sections"]]
    assert not {"What the radar bought", "Held-out series", "Where it errs", "Marks often asked for"} & set(titles)


@pytest.mark.parametrize("sizes, said", [
    ({}, "With another pixel's covariates there is no gain"),
    ({"without_radar": 0.8}, "than without them: train without them."),
    ({"without_radar": 1.0}, "that may be chance"),
    ({"without_radar": 1.4, "permuted_radar": 1.1}, "is not what radar saw at the place"),
])
def test_what_radar_bought_is_said_in_words(sizes, said):
    """Gain, loss, chance, and a gain that another pixel's radar gives as well."""
    assert said in " ".join(Judgement(an_evaluation(sizes=sizes)).radar())


def test_marks_tell_what_was_reached(tmp_path):
    """Only the held-out values count: large errors reach none."""
    sizes = dict.fromkeys(("mean", "linear", "mogpr", "without_radar", "permuted_radar"), 8.0)
    path = report(an_evaluation(sizes=sizes), a_history(), a_card()).save(tmp_path / "report.html")
    page = path.read_text(encoding="utf-8")
    marks = page[page.index("Marks often asked for"):page.index("How this was made")]
    assert marks.count('class="bad"') == 6 and "good" not in marks
