"""Networks and their training: start at the prior, see nothing hidden, do not mind the order of pixels, resume to the bit."""
from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from phenofuse.core import whittaker
from phenofuse.core.errors import InputError
from phenofuse.core.events import Silent
from phenofuse.core.learning.card import Input
from phenofuse.core.learning.evaluate import Values, calibrated
from phenofuse.core.learning.priors import PRIORS, Linear, learnt_for
from phenofuse.core.learning.samples import hide
from phenofuse.core.timeseries.filling import gaps_around

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parent))
from learning import NAMES, sample, series
from networks import (
    SMALL,
    check_that_hidden_stays_hidden,
    check_that_training_resumes,
    model_of,
    part,
    small_and_steady,
)
from phenofuse.core.learning.networks import ARCHITECTURES, build, side_of
from phenofuse.core.learning.networks.learning import Choices, Learning
from phenofuse.core.learning.networks.prediction import Model

PIXELWISE = [name for name in ARCHITECTURES if side_of(name) == 1]
steady = small_and_steady(128)




@pytest.fixture(scope="module")
def pixels():
    """Give a sample, cut into training and validation, with a scene covariance learnt from it."""
    whole = sample()
    return whole, whole.take(np.arange(64)), whole.take(np.arange(64, 96))


def noise(name, pixels, **choices):
    """A small network of noise."""
    return model_of(name, pixels[0], SMALL[name], **choices)


@pytest.mark.parametrize("name", ["fusion", "bigru"])
def test_an_untrained_network_is_its_prior(name, pixels):
    """Mean and, but for the floor of the scale, standard deviation are the prior's."""
    whole = pixels[0]
    prior = Linear.learn(list(whole.values), whole.days, whole.names, 1)
    model = Model(build(name, whole.inputs(), SMALL[name]), prior)
    mean, deviation = model.moments(list(whole.values), whole.days, whole.days[0])
    expected = prior.moments(list(whole.values), whole.days, whole.days[0])
    np.testing.assert_allclose(mean, expected[0], atol=1e-6)
    np.testing.assert_allclose(deviation, expected[1], atol=0.03 * np.nanstd(whole.values[0]))


@pytest.mark.parametrize("name", PIXELWISE)
def test_pixels_do_not_mind_one_another(name, pixels):
    """Any order, any number and any company of pixels gives each of them the same bits."""
    values, days = series(300, seed=4)
    model = noise(name, pixels)
    whole = model.moments(values, days, days[0])
    order = np.random.default_rng(0).permutation(300)
    for own in (order, order[:1], order[:37], np.arange(200, 300)):
        part = model.moments([one[own] for one in values], days, days[0])
        assert all(one.tobytes() == np.ascontiguousarray(other[own]).tobytes() for one, other in zip(part, whole))


def test_days_asked_for_do_not_mind_one_another(pixels):
    """What fusion says of a day between the dates, or of a date, is the same whatever other days it is asked for."""
    values, days = series(20, seed=4)
    model = noise("fusion", pixels)
    between = days[0][:-1] + 5
    alone, together = (model.moments(values, days, asked) for asked in (between[3:4], np.union1d(days[0], between)))
    dates = model.moments(values, days, days[0])
    for one, own, every in zip(alone, dates, together):
        np.testing.assert_allclose(one[:, 0], every[:, 7], rtol=1e-5)
        np.testing.assert_allclose(own, every[:, ::2], rtol=1e-5)


@pytest.mark.parametrize("name", PIXELWISE)
def test_pixels_without_anything_get_numbers(name, pixels):
    """No target, no radar, one of two radar channels, nothing at all: every output is finite."""
    values, days = series(20, seed=5)
    for one in values:
        one[0] = np.nan
    values[0][1], values[1][2], values[2][2], values[2][3] = np.nan, np.nan, np.nan, np.nan
    assert all(np.isfinite(one).all() for one in noise(name, pixels).moments(values, days, days[0]))


@pytest.mark.parametrize("kind", PRIORS.values(), ids=PRIORS)
def test_a_planted_leak_is_caught(kind, pixels):
    """What is hidden reaches nothing that is shown: not the prior, nor the scaling, nor the output."""
    _, taught, validation = pixels
    prior = kind.learn(list(taught.values), taught.days, taught.names, 1)
    model = model_of("fusion", taught, SMALL["fusion"], prior=prior)
    for others in (None, taught):
        check_that_hidden_stays_hidden(model, validation, others)


def learning(pixels, name="bigru", epochs=3, **choices):
    """Begin a training with small networks and a linear prior."""
    _, taught, validation = pixels
    chosen = Choices(name, SMALL[name], **{"prior": "linear", "epochs": epochs, **choices})
    return Learning(part(taught), part(validation, taught), chosen, Silent())


@pytest.mark.parametrize("name", PIXELWISE)
def test_training_is_repeatable_and_resumes_to_the_bit(name, pixels, tmp_path):
    """Two runs, and one that was stopped after its first epoch and continued from its file, end with the same weights."""
    check_that_training_resumes(lambda: learning(pixels, name), tmp_path)


def test_some_dates_are_hidden_from_all_that_a_prior_learns_from(pixels):
    """On a tenth of the dates neither the part nor the pixels beside it show anything; on others, those beside it show all."""
    _, taught, validation = pixels
    shown, hidden, (values, days, names) = hide(part(validation, taught), [1, 2], withholding=False)
    target, count = values[0], len(validation)
    blank = ~np.isfinite(target).any(axis=0)
    assert 0.1 <= blank.mean() < 0.3 and hidden[:, blank].any()
    np.testing.assert_array_equal(target[:count], shown[0])
    np.testing.assert_array_equal(target[count:, ~blank], taught.values[0][:, ~blank])
    np.testing.assert_array_equal(values[1], np.concatenate([validation.values[1], taught.values[1]]))
    assert days is validation.days and names is validation.names


def test_no_date_can_be_learnt_by_heart(pixels, monkeypatch):
    """Every step sees its pixels on other days of the year, which keep their distances from one another."""
    run, seen = learning(pixels, epochs=2), []
    monkeypatch.setattr(run.training, "_step", lambda lesson, *_: seen.append(lesson.batch) or 0.0)
    run.run(Silent())
    own = pixels[1].days
    moved = [float(batch.target_days[0]) - own[0][0] for batch in seen]
    assert len(set(moved)) == len(moved) > 5 and min(moved) >= 0 and max(moved) < 365.25 and np.ptp(moved) > 180
    for batch, days in zip(seen, moved):
        for found, expected in ((batch.target_days, own[0]), (batch.output_days, own[0]), (batch.covariate_days, np.union1d(*own[1:]))):
            np.testing.assert_allclose(found, expected + days, atol=0.01)


def test_the_weights_told_as_the_best_are_kept(pixels):
    """The model kept has the validation error of the epoch it is said to be of."""
    run = learning(pixels, epochs=4)
    run.run(Silent())
    training, state = run.training, run.training.state
    assert state.best_epoch and state.rmse[state.best_epoch - 1] == state.best_rmse
    training.network.load_state_dict(training.best)
    training._judge(run._validation, Silent())
    assert state.rmse[-1] == state.best_rmse and len(set(state.rmse)) == 4


def judged(run, monkeypatch, errors):
    """The epochs kept so far after each of some epochs' squared errors."""
    for epoch, squares in enumerate(errors):
        run.state.epoch = epoch
        monkeypatch.setattr(run, "_squares", lambda *_, squares=squares: (squares, 100))
        run._judge([], Silent())
        yield run.state.best_epoch


def difference(seed):
    """Differences of 100 pixels whose mean is 0 with a standard error of 0.1."""
    noise = np.random.default_rng(seed).normal(0, 1, 100)
    return (noise - noise.mean()) / noise.std()


def test_noise_is_not_taken_for_a_gain(pixels, monkeypatch):
    """A mean error that is smaller, but by less than two standard errors over pixels, does not replace the untrained network."""
    before, noise = np.random.default_rng(0).uniform(1, 2, 100), difference(1)
    errors = before, before - 0.1 + noise, before - 0.19 + noise, before - 0.21 + noise
    assert list(judged(learning(pixels).training, monkeypatch, errors)) == [0, 0, 0, 3]


def test_the_last_network_as_good_as_the_best_is_kept(pixels, monkeypatch):
    """Two standard errors above the smallest error are as good; many small steps for the worse are not."""
    before, noise = np.random.default_rng(0).uniform(1, 2, 100), difference(1)
    smallest = before - 0.8
    worse = [smallest + more + noise for more in (0.19, 0.1, 0.21, 0.3, 0.19)]
    errors = before, before - 0.5, smallest, *worse, smallest - 0.1, smallest - 0.1 + noise / 100 + 0.003
    assert list(judged(learning(pixels).training, monkeypatch, errors)) == [0, 1, 2, 3, 4, 4, 4, 7, 8, 8]


def test_a_prior_is_taught_by_the_scene_it_fills():
    """In a scene of another course, the prior of the training errs far more than one learnt again from what the scene shows."""
    taught, other = sample(300, seed=8), sample(300, seed=9)
    other = replace(other, values=(0.9 - other.values[0], *(-30 - one for one in other.values[1:])))
    prior = PRIORS["scene"].learn(list(taught.values), taught.days, NAMES, 1)
    hidden = np.isfinite(other.values[0]) & (np.random.default_rng(0).random(other.values[0].shape) < 0.3)
    shown = [np.where(hidden, np.float32(np.nan), other.values[0]), *other.values[1:]]

    def error(own) -> float:
        return np.sqrt(np.mean((own.moments(shown, other.days, other.days[0])[0] - other.values[0])[hidden] ** 2))

    assert error(learnt_for(prior, shown, other.days, NAMES, 1)) < 0.03 < 0.06 < error(prior)  # the noise is 0.02
    few = [one[:99] for one in shown]
    assert learnt_for(prior, few, other.days, NAMES, 1) is prior


def test_calibration_makes_intervals_honest(pixels):
    """Standard deviations that are half or twice as wide as they should be are put right on other pixels."""
    whole = sample(600, seed=8)
    prior = PRIORS["scene"].learn([one[:200] for one in whole.values], whole.days, NAMES, 1)

    class Wrong:
        def __init__(self, factor):
            self.factor = factor

        def again(self, *_):
            return self

        def moments(self, *given):
            mean, deviation = prior.moments(*given)
            return mean, deviation * self.factor

    for factor in (0.5, 2.0):
        model = Wrong(factor)
        own = calibrated(model, Values(part(whole.take(np.arange(200, 400))), 1, 10, Silent()))
        test = Values(part(whole.take(np.arange(400, 600))), 1, 20, Silent())
        mean, deviation = test.moments(test.learnt(model.again))
        inside = np.abs(mean - test.truth) <= 1.6449 * deviation * own.factor(test.gap_days)
        assert 0.87 < inside.mean() < 0.93


def told_zero(truth, block):
    """Hidden values of blocks, as `Values` has them, and what a model says of them all: zero, one standard deviation wide."""
    values = SimpleNamespace(truth=truth, gap_days=np.full(len(truth), 50.0), sample=SimpleNamespace(block=block),
                             learnt=lambda learn: [], places=lambda: (np.arange(len(truth)),),
                             moments=lambda learnt: (np.zeros(len(truth)), np.ones(len(truth))))
    return SimpleNamespace(again=None), values


@pytest.mark.parametrize("count", [3, 5, 12])
def test_few_blocks_are_calibrated_with_care(count):
    """Where blocks differ in how much a model errs, 90 % intervals from a few hold 90 % of the values of the next, on average."""
    chance = np.random.default_rng(3)
    held, plain = [], []
    for _ in range(150):
        block = np.repeat(np.arange(count + 20), 200)
        errors = chance.normal(size=block.shape) * np.exp(chance.normal(0, 0.4, count + 20))[block]
        few, next_ones = errors[block < count], np.abs(errors[block >= count])
        factor = calibrated(*told_zero(few, block[block < count])).factor(50.0)
        held.append((next_ones <= 1.6449 * factor).mean())
        plain.append((next_ones <= np.quantile(np.abs(few), 0.9)).mean())
    assert 0.885 < np.mean(held) < 0.92
    assert np.mean(plain) < np.mean(held)


def test_mlp_needs_radar_in_decibels():
    """Without VV and VH by name and unit, mlp is refused in one sentence."""
    ndvi, vv, vh = (Input(name, units, 0.0, 1.0, -1.0, 1.0) for name, units in (("NDVI", "1"), ("VV", "dB"), ("VH", "dB")))
    build("mlp", (ndvi, vh, vv))
    for inputs in ((ndvi,), (ndvi, vv), (ndvi, vv, Input("VH", "1", 0.0, 1.0, 0.0, 1.0))):
        with pytest.raises(InputError, match="mlp needs V"):
            build("mlp", inputs)
    with pytest.raises(InputError, match="no architecture 'cnn'"):
        build("cnn", (ndvi,))


def test_line_is_the_line(pixels):
    """The linear prior is numpy's interpolation, and as far from the values as it says."""
    whole = sample(400, seed=6)
    prior = Linear.learn(list(whole.values), whole.days, NAMES, 1)
    at = np.union1d(whole.days[0], whole.days[0] + 5)
    mean, _ = prior.moments(list(whole.values), whole.days, at)
    for own, found in zip(whole.values[0][:50], mean):
        seen = np.isfinite(own)
        np.testing.assert_allclose(found, np.interp(at, whole.days[0][seen], own[seen]), atol=1e-6)
    hidden = Values(part(whole), 1, 5, Silent())
    guess, deviation = hidden.moments([prior] * len(hidden.draws))
    assert 0.7 < np.sqrt(np.mean(((guess - hidden.truth) / deviation)[np.isfinite(hidden.gap_days)] ** 2)) < 1.4
    nothing = [np.full((1, len(days)), np.nan, np.float32) for days in whole.days]
    assert all(np.isfinite(one).all() for one in prior.moments(nothing, whole.days, at))


def test_the_smoother_is_the_smoother_and_the_line_where_it_ends():
    """The Whittaker prior is `fillwhittaker`'s curve and spread between observations, and else the line; it comes back as it was."""
    whole = sample(400, seed=6)
    target, days = whole.values[0].copy(), whole.days[0]
    target[0, np.flatnonzero(np.isfinite(target[0]))[2:]] = np.nan  # two observations are no curve
    shown = [target, *whole.values[1:]]
    prior = PRIORS["whittaker"].learn(shown, whole.days, NAMES, 1)
    prior = PRIORS["whittaker"].from_arrays(prior.to_arrays())
    options = whittaker.Options((-1, 1), keep_observed=False)
    expected = whittaker.fill(target, days, days, options, whittaker.learn(target, days, options))
    line = Linear.learn(shown, whole.days, NAMES, 1).moments(shown, whole.days, days)
    inside = gaps_around(np.isfinite(target), days, days)[2]
    inside[0] = False
    assert inside.any() and (~inside[1:]).any()
    for own, smooth, straight in zip(prior.moments(shown, whole.days, days), (expected.mean, expected.standard_deviation), line):
        np.testing.assert_array_equal(own[~inside], straight[~inside])
        np.testing.assert_allclose(own[inside], smooth[inside], rtol=1e-6)
    assert prior.noise_deviation == pytest.approx(0.02, rel=0.3)  # that of the series; the smoother follows it a little
    nothing = [np.full((1, len(days)), np.nan, np.float32) for days in whole.days]
    assert all(np.isfinite(one).all() for one in prior.moments(nothing, whole.days, days))
