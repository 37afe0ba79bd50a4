"""The job comparemethods: the same hidden places for all, scores as by hand, advice that follows the errors, honest maps."""
from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import rasterio
from phenofuse.core import jobs
from phenofuse.core.compare import hiding, methods, winners
from phenofuse.core.compare.advice import advise, diagnosis
from phenofuse.core.compare.outcome import Outcome, likeness
from phenofuse.core.errors import GridMismatchError, InputError
from phenofuse.core.events import Silent
from phenofuse.core.jobs import Resources
from phenofuse.core.timeseries import Grid

sys.path.insert(0, str(Path(__file__).parent))
from rasters import write
from series import dates, hide, linear, load, pixels

COUNT = 40
DAYS = np.arange(COUNT) * 12.0 + 6


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    """Write annual waves that differ by place, clouds of several dates, and radar that follows; give paths and NDVI."""
    rng = np.random.default_rng(4)
    wave = np.cos(2 * np.pi * DAYS[:, None, None] / 365.25 - rng.uniform(0, 6, (1, 24, 24)))
    values = 0.5 + 0.3 * wave + rng.normal(0, 0.02, wave.shape)
    radar = -17 + 3 * wave + rng.normal(0, 0.5, wave.shape)
    cloud = np.repeat(rng.random((COUNT // 4, 24, 24)) < 0.4, 4, axis=0)
    values[cloud | (rng.random(wave.shape) < 0.2)] = np.nan
    folder = tmp_path_factory.mktemp("scene")
    return [write(folder / f"{name}.tif", cube, dates(COUNT, start="2018-01-01"), {"variable": name})
            for name, cube in (("NDVI", values), ("VH", radar))], values.astype("float32")


def run(folder, paths, **parameters):
    """Run the job; give its numbers, the rows of its table and the map."""
    folder.mkdir(exist_ok=True)
    outputs = {"REPORT": str(folder / "r.html"), "CSV": str(folder / "t.csv"), "WINNER": str(folder / "w.tif")}
    given = {"INPUT": paths[0], "COVARIATES": paths[1:], "PIXELS": 300, **parameters, **outputs}
    result = jobs.run("comparemethods", given, Resources(256, 1), Silent())
    assert result["outputs"] == outputs
    with open(outputs["CSV"], newline="", encoding="utf-8-sig") as table:
        rows = list(csv.DictReader(table))
    with rasterio.open(outputs["WINNER"]) as src:
        return result["numbers"], rows, src.read(1)


def truthful(error):
    """Stand-ins for the methods: lines, moved by `error` of each; they record what they were shown."""
    shown = {}

    def fill(method, values, days, names, valid_range, seed):
        shown.setdefault(method, []).append([one.copy() for one in values])
        mean = linear(values[0].astype(float), days[0]) + error[method]
        return mean.astype("float32"), np.full(mean.shape, 0.1, "float32")

    return fill, shown


def test_all_methods_see_the_same_and_never_what_they_are_asked_for(scene, tmp_path, monkeypatch):
    """Every method is shown the same values; what is scored was hidden in all of them; covariates stay whole."""
    fill, shown = truthful(dict.fromkeys(methods.METHODS, 0.0))
    monkeypatch.setattr(methods, "fill", fill)
    numbers, _, _ = run(tmp_path / "out", scene[0], PIXELS=24 * 24)
    first = shown["linear"]
    for method in methods.METHODS:
        assert all(np.array_equal(a, b, equal_nan=True) for mine, theirs in zip(shown[method], first) for a, b in zip(mine, theirs))
    whole = np.isfinite(scene[1]).sum() * len(first)
    assert numbers["COUNT"] == whole - sum(int(np.isfinite(one[0]).sum()) for one in first) > 1000
    assert all(np.isfinite(one[1]).all() for one in first)


def test_table_equals_plain_numpy(scene, tmp_path):
    """Errors of lines at the places that `hiding` chose, worked out with numpy alone."""
    numbers, rows, _ = run(tmp_path / "out", scene[0][:1], METHODS=["whittaker"], PIXELS=24 * 24)
    series = scene[1].reshape(COUNT, -1).T
    errors, truths = [], []
    for draw in hiding.draws(series, DAYS, hiding.ways(DAYS, "all", 0.0), 1):
        assert (draw.hidden <= np.isfinite(series)).all()
        shown = np.where(draw.hidden, np.nan, series)
        scored = draw.hidden & (np.isfinite(shown).sum(axis=1, keepdims=True) >= 3)  # with fewer, nothing is filled
        errors.append((linear(shown, DAYS) - series)[scored])
        truths.append(series[scored])
    error, truth = np.concatenate(errors), np.concatenate(truths)
    row, = (row for row in rows if row["group"] == "all" and row["method"] == "linear")
    assert int(row["count"]) == len(error) == numbers["COUNT"]
    for key, expected in (("rmse", np.sqrt(np.mean(error**2))), ("mae", np.abs(error).mean()), ("bias", error.mean()),
                          ("r2", 1 - np.sum(error**2) / np.sum((truth - truth.mean()) ** 2))):
        assert float(row[key]) == pytest.approx(expected, abs=2e-6), key
    assert float(row["rmse_lower"]) < numbers["RMSE_LINEAR"] < float(row["rmse_upper"])
    for group in ("pattern", "gap", "month", "level"):
        assert sum(int(row["count"]) for row in rows if row["group"] == group and row["method"] == "linear") == len(error)
    told = {row["class"] for row in rows if row["group"] == "pattern"}
    assert told == {"moved clouds", "moved scene", *(f"{days} days" for days in (20, 40, 60, 90, 120))}


def test_advice_changes_when_a_method_is_sabotaged(scene, tmp_path, monkeypatch):
    """Harmonics win on a scene of harmonics; with 0.3 added to what they say another is recommended. The seed settles all."""
    chosen, few = ["whittaker", "harmonic"], 120
    numbers, _, map_ = run(tmp_path / "fair", scene[0][:1], METHODS=chosen, PIXELS=few)
    assert numbers["BEST"] == "harmonic" and numbers["RMSE"] == numbers["RMSE_HARMONIC"] < 0.7 * numbers["RMSE_LINEAR"]
    assert set(np.unique(map_)) <= {0, methods.METHODS.index("harmonic") + 1, winners.TOO_CLOSE}
    assert "harmonic" in (tmp_path / "fair" / "r.html").read_text(encoding="utf-8")
    assert json.loads((tmp_path / "fair" / "r.html.json").read_text(encoding="utf-8"))["verdict"]["level"] == "good"
    again, _, _ = run(tmp_path / "again", scene[0][:1], METHODS=chosen, PIXELS=few)
    assert again == numbers
    honest = methods.fill

    def sabotaged(method, *rest):
        mean, deviation = honest(method, *rest)
        return (mean + np.float32(0.3) if method == "harmonic" else mean), deviation

    monkeypatch.setattr(methods, "fill", sabotaged)
    changed, _, _ = run(tmp_path / "sabotaged", scene[0][:1], METHODS=chosen, PIXELS=few)
    assert changed["BEST"] != "harmonic" and changed["RMSE_WHITTAKER"] == numbers["RMSE_WHITTAKER"]


def test_radar_methods_work_on_the_real_thing(scene, tmp_path):
    """All three covariances of MOGPR, with radar, beat lines on this scene, and their intervals are known."""
    chosen = ["mogpr_scene", "mogpr_shared", "mogpr_pixel"]
    numbers, rows, _ = run(tmp_path / "out", scene[0], METHODS=chosen, PIXELS=40, PATTERN="block", GAP_DAYS=60)
    for kind in ("SCENE", "SHARED", "PIXEL"):
        assert numbers[f"RMSE_MOGPR_{kind}"] < numbers["RMSE_LINEAR"]
    assert all(0 < float(row["coverage_90"]) <= 1 for row in rows if row["group"] == "all")


def test_radar_that_a_model_leaves_out_is_no_trouble():
    """With few pixels the scene's covariance may keep the target alone: it fills as it would without radar."""
    rng = np.random.default_rng(1)
    values = [rng.uniform(0.1, 0.9, (64, COUNT)).astype("float32"), *rng.normal(-15, 1, (2, 64, COUNT)).astype("float32")]
    values[0][rng.random(values[0].shape) < 0.5] = np.nan
    alone, _ = methods.fill("mogpr_scene", values[:1], (DAYS,), ("NDVI",), (-1, 1), 1)
    mean, _ = methods.fill("mogpr_scene", values, (DAYS,) * 3, ("NDVI", "VV", "VH"), (-1, 1), 1)
    assert np.allclose(mean, alone, atol=1e-6)


def made(errors, truth=None, pixels=40, values=10):
    """An outcome in which each method errs by what `errors` says, (pixels, values) or a number, with changing sign."""
    count = pixels * values
    truth = np.tile(np.linspace(0.1, 0.9, values), pixels) if truth is None else truth
    sign = np.where(np.arange(count) % 2, 1.0, -1.0)
    pixel = np.repeat(np.arange(pixels), values)
    estimates = {method: truth + sign * np.broadcast_to(error, (pixels, values)).ravel() for method, error in errors.items()}
    same = np.zeros(count)
    numbers = dict.fromkeys(errors, 1.0)
    return Outcome(truth, same, same + 30, same.astype(int), pixel, pixel % 10, ("30 days",), estimates,
                   dict.fromkeys(errors, same + 0.1), numbers)


@pytest.mark.parametrize("errors, method, level", [
    ({"linear": 0.2, "whittaker": 0.104, "mogpr_scene": 0.1}, "whittaker", "good"),  # the quick one, if hardly worse
    ({"linear": 0.2, "whittaker": 0.106, "mogpr_scene": 0.1}, "mogpr_scene", "good"),
    ({"linear": 0.1, "whittaker": 0.1, "mogpr_scene": 0.1}, "linear", "good"),
    ({"linear": 0.3, "whittaker": 0.2, "mogpr_scene": 0.17}, "mogpr_scene", "warning"),  # R² 0.56
    ({"linear": 0.3, "whittaker": 0.25, "mogpr_scene": 0.2}, "mogpr_scene", "warning"),  # R² 0.39
    ({"linear": 0.4, "whittaker": 0.35, "mogpr_scene": 0.3}, "mogpr_scene", "bad"),
])
def test_the_decision_tree(errors, method, level):
    """Quick if good enough, the most accurate if that is better, a diagnosis if neither; variance of the truth 0.0652."""
    advice = advise(made(errors), True)
    assert (advice.method, advice.level) == (method, level) and method in advice.sentence


def test_advice_says_what_is_left_where_whole_dates_are_lost():
    """A method that wins only where other pixels still show the date is told apart from one that wins everywhere."""
    whole = np.arange(400) % 10 < 5
    for error, words in ((0.05, "errs 75% less"), (0.2, "not better than"), (0.24, "errs 20% more")):
        errors = np.where(whole, error, 0.05).reshape(40, 10)
        outcome = replace(made({"linear": 0.2, "mogpr_scene": errors}), ways=("60 days", "moved scene"), way=whole.astype(int))
        assert words in advise(outcome, True).sentence


def test_hidden_values_are_weighed_as_the_missing_ones_lie():
    """Weights give each class of dates the share that it has among the missing; classes that nothing stands for are left out."""
    hidden = np.repeat([0.05, 0.2, 0.8], [100, 50, 350])
    weight = likeness(hidden, np.repeat([0.0, 0.25, 0.9, 0.5], [600, 100, 100, 200]))
    shares = [weight[hidden == one].sum() / weight.sum() for one in (0.05, 0.2, 0.8)]
    assert shares == pytest.approx([0.75, 0.125, 0.125]) and weight.mean() == pytest.approx(1)
    assert likeness(hidden, np.full(10, 0.5)) is None and likeness(hidden, np.empty(0)) is None


def test_advice_goes_by_what_is_missing():
    """Where clouds take whole dates, the method that fills those is taken, though on all hidden values another errs less."""
    whole = np.arange(10) < 2
    outcome = made({"linear": 0.3, "harmonic": 0.1, "mogpr_scene": np.tile(np.where(whole, 0.15, 0.02), (40, 1))})
    assert outcome.score("mogpr_scene").rmse < outcome.score("harmonic").rmse and advise(outcome, False).method == "mogpr_scene"
    weight = np.tile(np.where(whole, 4.0, 0.25), 40)
    weighed = replace(outcome, weight=weight)
    assert advise(weighed, False).method == "harmonic"
    rmse, mae, r2 = weighed.expected("mogpr_scene")
    error = np.tile(np.where(whole, 0.15, 0.02), 40)
    assert rmse == pytest.approx(np.sqrt(np.sum(weight * error**2) / weight.sum())) and mae == pytest.approx(
        np.sum(weight * error) / weight.sum())
    middle = np.sum(weight * outcome.truth) / weight.sum()
    assert r2 == pytest.approx(1 - np.sum(weight * error**2) / np.sum(weight * (outcome.truth - middle) ** 2))


def test_small_errors_are_good_where_nothing_changes():
    """Evergreen: R² says nothing, a mean absolute error of 0.03 does; only NDVI has such a scale."""
    errors = made({"linear": 0.03}, truth=0.8 + 0.02 * np.sin(np.arange(400)))
    assert advise(errors, True).level == "good" and advise(errors, False).level == "bad"


def test_diagnosis_names_what_is_wrong():
    """Few observations, no radar, radar that does not follow; and nothing of it where all is well."""
    rng = np.random.default_rng(1)
    target = rng.uniform(0.1, 0.9, (50, COUNT))
    noise, follows = rng.normal(-17, 1, target.shape), -20 + 5 * target
    sparse = np.where(rng.random(target.shape) < 0.1, target, np.nan)
    said = " ".join(diagnosis([sparse, noise], (DAYS, DAYS), ("NDVI", "VH")))
    assert "Only 10%" in said and "hardly follow" in said
    assert "No radar" in diagnosis([target], (DAYS,), ("NDVI",))[0]
    assert len(diagnosis([target, follows], (DAYS, DAYS + 5), ("NDVI", "VH"))) == 1
    assert "hardly follow" in diagnosis([target, follows], (DAYS, DAYS + 5000), ("NDVI", "VH"))[0]


def test_winners_stand_where_they_win_and_nowhere_else():
    """One method wins the left half, another the right; equal ones are too close to call; sparse cells stay empty."""
    where = winners.cells(Grid("", (10, 0, 0, 0, -10, 0), 60, 12))
    assert where.shape == (6, 6) and where.grid.transform == (100, 0, 0, 0, -20, 0)
    column = np.repeat([5, 15, 25, 35, 45], 8)
    left = np.repeat(column < 20, 10).reshape(40, 10)
    errors = {"linear": np.where(left, 0.05, 0.1), "whittaker": np.where(left, 0.1, 0.05)}
    errors = {method: np.where(np.repeat(column == 45, 10).reshape(40, 10), 0.1, error) for method, error in errors.items()}
    noise = np.random.default_rng(1).normal(0, 0.01, (2, 40, 10))
    outcome = made({method: error + more for (method, error), more in zip(errors.items(), noise)})
    row = np.ones(40, int)
    found = winners.winners(outcome, row, column, where)
    assert found[0].tolist() == [1, 1, 2, 2, winners.TOO_CLOSE, 0] and (found[1:] == 0).all()
    few = winners.winners(outcome, np.arange(40) % 12, column, where)  # one or two pixels in a cell
    assert (few == 0).all()


def test_clouds_of_the_whole_scene_are_moved_together():
    """Where clouds take whole dates of a scene, so does what is hidden; every pixel keeps the three observations it needs."""
    rng = np.random.default_rng(2)
    clear = rng.random(COUNT) < 0.5
    target = np.where(clear, rng.uniform(0.1, 0.9, (50, COUNT)), np.nan)
    draw, *_ = hiding.draws(target, DAYS, hiding.ways(DAYS, "scene", 0.0), 1)
    lost = draw.hidden.all(axis=0)
    assert lost.any() and np.array_equal(lost, draw.hidden.any(axis=0)) and not (lost & ~clear).any()
    assert np.ptp(DAYS[lost]) <= hiding.SCENE_DAYS and (clear & ~lost).sum() >= 3
    stretches = [start for start in range(COUNT - 9) if any(
        np.array_equal(lost[start:start + 10], clear[start:start + 10] & ~clear[source:source + 10]) for source in range(COUNT - 9))]
    assert stretches  # it is what another stretch of the series would hide


def test_hidden_places_and_wrong_calls(scene, tmp_path):
    """Stretches have the length asked for; what cannot be compared is refused in one sentence with its remedy."""
    series = scene[1].reshape(COUNT, -1).T
    for draw in hiding.draws(series, DAYS, hiding.ways(DAYS, "block", 60.0), 3):
        for lost in draw.hidden[draw.hidden.any(axis=1)]:
            assert np.ptp(DAYS[lost]) <= 60
        assert (draw.gaps[draw.hidden] > 24).all()
    paths = scene[0]
    other = write(tmp_path / "other.tif", np.full((3, 4, 4), 0.5), dates(3), {"variable": "NDVI"})
    empty = write(tmp_path / "empty.tif", np.full((COUNT, 4, 4), np.nan), dates(COUNT), {"variable": "NDVI"})
    whole = write(tmp_path / "whole.tif", np.full((COUNT, 4, 4), 0.5), dates(COUNT), {"variable": "NDVI"})
    for error, words, change in (
            (InputError, "no method 'gpr'", {"METHODS": ["gpr"]}), (InputError, "no PATTERN", {"PATTERN": "tail"}),
            (InputError, "468 days long", {"PATTERN": "block", "GAP_DAYS": 500}),
            (GridMismatchError, "other does not", {"COVARIATES": [other]}),
            (InputError, "Only 0 pixels", {"INPUT": empty, "COVARIATES": []}),
            (InputError, "Nothing could be hidden", {"INPUT": whole, "COVARIATES": [], "PATTERN": "transplanted"})):
        with pytest.raises(error) as told:
            run(tmp_path / "wrong", paths, **change)
        assert words in told.value.text and told.value.remedy, told.value.text
    assert not list((tmp_path / "wrong").iterdir())


@pytest.mark.realdata
@pytest.mark.parametrize("name, every", [("worldcereal_belgium_cube/NDVI.tif", 4), ("eolearn_s2_patch/NDVI_masked.tif", 8)])
def test_table_agrees_with_gaps_hidden_by_hand(tmp_path, shared_data, name, every):
    """Real series: errors in gaps of 60 days hidden by the rule of the reference tool lie inside the bootstrap intervals."""
    cube, days = load(shared_data / name)
    stamps = [str(np.datetime64(int(day), "D")) for day in days]
    path = write(tmp_path / "NDVI.tif", cube, stamps, {"variable": "NDVI"})
    _, rows, _ = run(tmp_path / "out", [path], METHODS=["whittaker"], PATTERN="block", GAP_DAYS=60, PIXELS=400)
    series = pixels(cube).astype("float32")[::every]
    series = series[np.isfinite(series).any(axis=1)]
    hidden = hide(series, days, 60, seed=1)
    shown = np.where(hidden, np.float32(np.nan), series)
    for method in ("linear", "whittaker"):
        mean, _ = methods.fill(method, [shown], (days,), ("NDVI",), (-1, 1), 1)
        by_hand = np.sqrt(np.nanmean((mean - series)[hidden] ** 2))
        row, = (row for row in rows if row["group"] == "all" and row["method"] == method)
        assert float(row["rmse_lower"]) <= by_hand <= float(row["rmse_upper"])
