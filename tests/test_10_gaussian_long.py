"""Series of many years: stretches near the exact answer, no seam, the same bits, and no need of values in every stretch."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from phenofuse.core.gaussian import long_scene, other_years, scene_file, scene_learning
from phenofuse.core.gaussian.calibration import Calibration
from phenofuse.core.gaussian.long_scene import LongScene, apply, fill, inside, is_long, moments, plan
from phenofuse.core.gaussian.scene import SceneCovariance
from phenofuse.core.timeseries import quality
from phenofuse.core.timeseries.filling import Options

NAMES = ("a", "b")
LENGTH_SCALE, NOISE = 60.0, np.array([0.04, 0.25])
YEARS = 6


def exact(days):
    """Give the covariance that `drawn` draws from, at these days of both variables."""
    every, variable = np.concatenate(days), np.repeat([0, 1], [len(own) for own in days])
    covariance = np.exp(-np.abs(every[:, None] - every) / LENGTH_SCALE) * np.where(variable[:, None] == variable, 1.0, 0.8)
    return SceneCovariance(NAMES, tuple(days), np.zeros(2), np.ones(2), NOISE, np.array([LENGTH_SCALE]), np.ones((2, 1)),
                           np.ones(1), np.zeros((1, len(every))), covariance[None], 100)


def in_stretches(days):
    """Give the same covariance in stretches."""
    spans, borders = plan(days[0])
    parts = [inside(days, span) for span in spans]
    stretches = tuple(exact([own[part] for own, part in zip(days, some)]) for some in parts)
    return LongScene(NAMES, stretches, spans, borders)


def drawn(pixels, seed=0, years=YEARS):
    """Draw two variables at irregular dates of their own over some years, with gaps; give values and days."""
    rng = np.random.default_rng(seed)
    days = tuple(18000 + np.sort(rng.choice(365 * years, 28 * years, replace=False)).astype(float) for _ in NAMES)
    root = np.linalg.cholesky(exact(days).covariances[0] + 1e-9 * np.eye(sum(map(len, days))))
    field = rng.normal(size=(pixels, len(root))) @ root.T
    values = [(part + rng.normal(0, np.sqrt(noise), part.shape)).astype("float32")
              for part, noise in zip(np.split(field, [len(days[0])], axis=1), NOISE)]
    values[0][rng.random(values[0].shape) < 0.4] = np.nan
    for row in values[0]:
        start = rng.choice(days[0])
        row[(days[0] > start) & (days[0] < start + 90)] = np.nan
    return values, days


def test_stretches_share_a_long_series_out():
    """Each day has weights of sum one, and lies as deep inside its stretches as promised; short series have none."""
    for length in (850, 1500, 3653.0):
        days = 18000 + np.linspace(0, length, 300)
        spans, borders = plan(days)
        every = np.arange(days[0], days[-1])
        weights = LongScene(NAMES, (), spans, borders).weights(every)
        np.testing.assert_allclose(weights.sum(axis=0), 1)
        assert len(weights) == len(spans) and (weights >= 0).all() and (np.diff(spans.mean(axis=1)) > 0).all()
        for span, weight in zip(spans, weights):
            deep = np.minimum(every - span[0], span[1] - every)[weight > 0]
            assert deep.min() >= long_scene.MARGIN - long_scene.FADE / 2
        assert (spans[:, 1] - spans[:, 0]).max() <= long_scene.WHOLE_DAYS + long_scene.MARGIN
    assert not is_long((12.0 * np.arange(62),) * 3) and not is_long((30.0 * np.arange(120),))
    assert not is_long((5.0 * np.arange(146),) * 3) and is_long((12.0 * np.arange(92),) * 3)


def test_stretches_come_near_the_whole():
    """Where the covariance is known, stretches and the dense answer differ by 2 % of the standard deviation at most."""
    values, days = drawn(60)
    every = np.arange(days[0][0], days[0][-1], 5.0)
    for robust in (False, True):
        whole = moments(values, days, every, exact(days), robust)
        parts = moments(values, days, every, in_stretches(days), robust)
        apart = (parts[0] - whole[0]) / whole[1]
        assert np.sqrt(np.mean(apart**2)) < 0.01 and np.abs(apart).max() < (0.1 if robust else 0.05)
        np.testing.assert_allclose(parts[1], whole[1], rtol=0.02)


def test_no_seam_shows(monkeypatch):
    """Across borders a learnt fill and its deviation move no more in a day than elsewhere; without fading they would."""
    values, days = drawn(150, seed=1)
    scene = scene_learning.learn(values, days, NAMES, 1, 1)
    assert isinstance(scene, LongScene)
    every = np.arange(days[0][0], days[0][-1]) + 0.5
    across = np.searchsorted(every, scene.borders) - 1
    elsewhere = np.delete(np.arange(len(every) - 1), across)

    def roughness():
        mean, deviation = moments(values, days, every, scene)
        steps = np.abs(np.diff(mean)) / deviation[:, 1:], np.abs(np.diff(np.log(deviation)))
        return [np.sqrt(np.mean(one[:, across] ** 2) / np.mean(one[:, elsewhere] ** 2)) for one in steps]

    mean, deviation = roughness()
    assert mean < 1.25 and deviation < 1.5
    monkeypatch.setattr(long_scene, "FADE", 1e-6)
    assert roughness()[0] > 1.5


def test_learning_in_stretches_comes_near_the_truth():
    """From 250 drawn series the fill is within 10 % of the true covariance's error, its 90 % intervals hold 86 to 94 %."""
    values, days = drawn(250, seed=2, years=4)
    hidden = np.zeros(values[0].shape, bool)
    rng = np.random.default_rng(0)
    for row in hidden:
        centre = rng.uniform(days[0][0] + 60, days[0][-1] - 60)
        row[np.abs(days[0] - centre) < 30] = True
    hidden &= np.isfinite(values[0])
    shown = [np.where(hidden, np.float32(np.nan), values[0]), values[1]]
    scene, check = scene_learning.learn_checked(shown, days, NAMES, 1)
    mean, deviation = moments(shown, days, days[0], scene)
    error, least = ((m - values[0])[hidden] for m in (mean, moments(shown, days, days[0], exact(days))[0]))
    assert np.sqrt(np.mean(error**2)) < 1.1 * np.sqrt(np.mean(least**2))
    assert 0.86 < np.mean(np.abs(error) < 1.645 * deviation[hidden]) < 0.94
    assert check.rmse[-1] < check.rmse_linear[-1] and scene.calibration == check.calibration


def test_bits_do_not_depend_on_the_batch():
    """Learnt twice, filled together, backwards and alone: the same bytes."""
    values, days = drawn(140, seed=3, years=4)
    wide = Options((-9.0, 9.0))
    one, other = (scene_learning.learn(values, days, NAMES, 1) for _ in range(2))
    together, backwards = fill(values, days, days[0], one, wide), fill([v[::-1] for v in values], days, days[0], other, wide)
    assert len(one.stretches[0].shares) > 1
    for name in ("mean", "standard_deviation", "quality"):
        assert getattr(backwards, name)[::-1].tobytes() == getattr(together, name).tobytes()
    alone = fill([v[17:18] for v in values], days, days[0], one, wide)
    assert alone.mean.tobytes() == together.mean[17:18].tobytes()


def emptied(values, days, variable, years, rows=slice(None)):
    """Remove all values of a variable between two years after the start."""
    out = [one.copy() for one in values]
    inside_ = (days[variable] > 18000 + 365 * years[0]) & (days[variable] < 18000 + 365 * years[1])
    out[variable][rows, inside_] = np.nan
    return out, inside_


def test_years_without_the_target_are_filled_by_what_others_taught():
    """Two and a half years without any NDVI: radar fills them about as well as the true covariance would, and as sure."""
    values, days = drawn(250, seed=4)
    shown, empty = emptied(values, days, 0, (1.5, 4.0))
    scene = scene_learning.learn(shown, days, NAMES, 1, 1)
    mean, deviation = moments(shown, days, days[0], scene)
    hidden = empty & np.isfinite(values[0])
    error, least = ((m - values[0])[hidden] for m in (mean, moments(shown, days, days[0], exact(days))[0]))
    assert np.sqrt(np.mean(error**2)) < min(1.15 * np.sqrt(np.mean(least**2)), 0.85 * values[0][hidden].std())
    assert 0.85 < np.mean(np.abs(error) < 1.645 * deviation[hidden]) < 0.95


@pytest.mark.parametrize("case", ["covariate of late years", "covariate ends", "no dates of the target", "one pixel", "no covariate",
                                  "a few values", "pixel unseen for years"])
def test_stretches_need_not_hold_everything(case):
    """Whatever is missing in some stretches, all pixels are filled at all dates, with sane deviations."""
    values, days = drawn(40, seed=5)
    days = list(days)
    if case == "covariate of late years":
        values, _ = emptied(values, days, 1, (-1, 3))
    elif case == "covariate ends":
        keep = days[1] < 18000 + 900
        values[1], days[1] = values[1][:, keep], days[1][keep]
    elif case == "no dates of the target":
        keep = (days[0] < 18000 + 500) | (days[0] > 18000 + 1700)
        values[0], days[0] = values[0][:, keep], days[0][keep]
    elif case == "one pixel":
        values = [one[:1] for one in values]
    elif case == "no covariate":
        days = [np.sort(np.concatenate([days[0], days[0][:-1] + np.diff(days[0]) / 3]))]
        values = [np.repeat(values[0], 2, axis=1)[:, :-1]]
    elif case == "a few values":
        values[0][:, 5:] = np.nan
    else:
        values, _ = emptied(values, days, 0, (1, 5), slice(0, 3))
        values, _ = emptied(values, days, 1, (1, 5), slice(0, 3))
    names = NAMES[:len(values)]
    scene, _ = scene_learning.learn_checked(values, tuple(days), names, 1)
    assert isinstance(scene, LongScene)
    every = np.arange(days[0][0], days[0][-1], 7.0)
    found = fill(values, tuple(days), every, scene, Options((-9.0, 9.0)))
    assert np.isfinite(found.mean).all() and np.abs(found.mean).max() < 6
    assert (found.standard_deviation > 0.05).all() and (found.standard_deviation < 3).all()
    assert not (found.quality == quality.NOT_CONVERGED).any()


def test_pixels_of_which_nothing_is_seen_stay_empty():
    """No value at all gives code 0; observed values come back to the bit; what keeps longest gaps empty holds, too."""
    values, days = drawn(20, seed=6)
    for one in values:
        one[3] = np.nan
    scene = in_stretches(days)
    found = fill(values, days, days[0], scene, Options((-9.0, 9.0), max_gap_days=60.0))
    seen = np.isfinite(values[0])
    assert not np.isfinite(found.mean[3]).any() and set(found.quality[3]) == {quality.NO_DATA}
    assert found.mean[seen].tobytes() == values[0][seen].tobytes() and (found.quality == quality.BEYOND_MAX_GAP).any()
    np.testing.assert_allclose(found.standard_deviation[seen], np.sqrt(NOISE[0]), rtol=1e-6)


def test_typical_pixels_are_the_scenes():
    """A pixel of which nothing is seen gets the covariance's own mean and spread, across all borders."""
    _, days = drawn(1, seed=7)
    mean, deviation = long_scene.typical(in_stretches(days), days[0])
    np.testing.assert_allclose(mean, 0, atol=1e-12)
    np.testing.assert_allclose(deviation, np.sqrt(1 + NOISE[0]), rtol=1e-9)


def test_what_was_learnt_is_kept_and_applied(tmp_path):
    """A file and JSON give the same fill back; applied to its own series it is itself; a short series later is served, too."""
    values, days = drawn(90, seed=8, years=4)
    scene = replace(scene_learning.learn(values, days, NAMES, 1, 1), calibration=Calibration(0.8))
    here = moments(values, days, days[0], scene)
    path = str(tmp_path / "fit.npz")
    scene_file.save(scene, path, {"target": "x"})
    for other in (scene_file.load(path), long_scene.from_dict(scene.to_dict()), apply(scene, NAMES, days)):
        assert other.variables == NAMES and other.calibration == scene.calibration and other.pixels == scene.pixels
        for ours, reference in zip(moments(values, days, days[0], other), here):
            assert ours.tobytes() == reference.tobytes()
    later, own = drawn(90, seed=9, years=1)
    own = tuple(one + 4 * 365 for one in own)
    for names, some, when in ((NAMES, later, own), (("a",), later[:1], own[:1])):
        short = apply(scene, names, when)
        assert isinstance(short, SceneCovariance) and short.calibration == scene.calibration and short.variables == names
        error = moments(some, when, when[0], short)[0] - moments(some, when, when[0], exact(own).of(names))[0]
        assert np.sqrt(np.mean(error**2)) < 0.35
    long = apply(scene_learning.learn(*drawn(90, seed=10, years=2), NAMES, 1, 1), NAMES, days)
    error = moments(values, days, days[0], long)[0] - moments(values, days, days[0], exact(days))[0]
    assert isinstance(long, LongScene) and np.sqrt(np.mean(error**2)) < 0.35


def test_short_series_know_nothing_of_stretches():
    """Up to two years, learning gives one covariance: that of the plain way, bit for bit."""
    values, days = drawn(60, seed=11, years=2)
    one, plain = scene_learning.learn(values, days, NAMES, 1, 1), scene_learning._learn_whole(values, days, NAMES, 1, 1)
    assert isinstance(one, SceneCovariance) and one.covariances.tobytes() == plain.covariances.tobytes()


def test_other_years_bring_the_same_season():
    """Values of other years come to their own season, with the mean of the year they go to; far dates bring nothing."""
    days = (np.concatenate([year * 365.25 + 10.0 * np.arange(36) for year in range(4)]).round(),)
    means = [np.repeat([0.0, 5.0, -3.0, 1.0], 36)]
    season = np.sin(2 * np.pi * days[0] / 365.25)
    values = [np.stack([season + means[0], -season + means[0]])]
    part = [slice(36, 72)]
    rows = other_years.further_pixels(values, days, means, part)[0]
    assert rows.shape == (6, 36)
    wanted = np.stack([season, -season])[:, part[0]] + 5.0
    np.testing.assert_allclose(rows, np.tile(wanted, (3, 1)), atol=0.03)
    sparse = [own[:, ::36] for own in values]
    assert not len(other_years.further_pixels(sparse, (days[0][::36],), [means[0][::36]], [slice(1, 2)])[0])
    many = [np.repeat(values[0], 60, axis=0)]
    assert len(other_years.further_pixels(many, days, means, part)[0]) == 120


def test_other_years_help_few_pixels():
    """12 pixels whose seasons are high or low as a whole: eight years that teach one another leave far smaller errors."""
    rng = np.random.default_rng(12)
    days = (18000 + 13.0 * np.arange(225),)
    year, season = np.divmod(days[0] - 18000, 365.25)
    height = rng.normal(size=(12, 9))[:, year.astype(int)]
    values = [height * np.sin(np.pi * np.clip((season - 60) / 200, 0, 1)) + rng.normal(0, 0.1, (12, 225))]
    hidden = (np.abs(season - 160) < 45) & (year % 2 == 1) & np.ones((12, 1), bool)
    shown = [np.where(hidden, np.nan, values[0])]
    errors = []
    for enough in (0, other_years.ENOUGH_PIXELS):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(long_scene, "ENOUGH_PIXELS", enough)
            scene = scene_learning.learn(shown, days, NAMES[:1], 1, 1)
        errors.append(np.sqrt(np.mean((moments(shown, days, days[0], scene)[0] - values[0])[hidden] ** 2)))
    assert scene.pixels == 12 and errors[1] < 0.9 * errors[0]
