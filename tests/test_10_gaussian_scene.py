"""The scene covariance: exact against dense algebra, the same bits in any batch, a reason for every value, honest on real gaps."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from phenofuse.core.errors import InputError
from phenofuse.core.gaussian import expectation, scene_file, scene_learning, self_check
from phenofuse.core.gaussian.calibration import Calibration, fitted
from phenofuse.core.gaussian.scene import SceneCovariance, fill, moments, patterns
from phenofuse.core.timeseries import quality
from phenofuse.core.timeseries.filling import Options, assemble, distances, gaps_around

NDVI = Options((-1.0, 1.0))


def some_scene(lengths=(9, 7, 5), classes=2, seed=0):
    """Give a scene of random covariances and means, with irregular dates of its own per variable."""
    rng = np.random.default_rng(seed)
    days = tuple(np.sort(rng.choice(400, n, replace=False)).astype(float) + 19000 for n in lengths)
    states, variables = sum(lengths), len(lengths)
    roots = rng.normal(size=(classes, states, states)) / np.sqrt(states)
    return SceneCovariance(tuple("abc"[:variables]), days, rng.normal(size=variables), rng.uniform(0.5, 2, variables),
                           rng.uniform(0.05, 0.3, variables), np.array([30.0, np.inf]),
                           rng.uniform(0.2, 0.6, (variables, 2)), np.full(classes, 1 / classes),
                           rng.normal(0, 0.3, (classes, states)), roots @ np.swapaxes(roots, 1, 2), 100)


def some_values(scene, pixels=30, missing=0.4, seed=1):
    """Give values of any kind for a scene's dates, with gaps."""
    rng = np.random.default_rng(seed)
    values = [rng.normal(c, s, (pixels, len(d))) for c, s, d in zip(scene.centre, scene.scale, scene.days)]
    for one in values:
        one[rng.random(one.shape) < missing] = np.nan
    return values


def dense(scene, values):
    """Give mean and standard deviation at the target's dates by plain linear algebra, pixel by pixel, class by class."""
    y = np.concatenate([(v - c) / s for v, c, s in zip(values, scene.centre, scene.scale)], axis=1)
    noise = np.repeat(scene.noise, [len(d) for d in scene.days])
    dates = len(scene.days[0])
    mean, deviation = np.full((len(y), dates), np.nan), np.full((len(y), dates), np.nan)
    for pixel, series in enumerate(y):
        seen = np.flatnonzero(np.isfinite(series))
        if not len(seen):
            continue
        logs, means, variances = [], [], []
        for share, mu, s in zip(scene.shares, scene.means, scene.covariances):
            total = s[np.ix_(seen, seen)] + np.diag(noise[seen])
            away = series[seen] - mu[seen]
            gain = np.linalg.solve(total, s[seen, :dates]).T
            logs.append(np.log(share) - 0.5 * (away @ np.linalg.solve(total, away) + np.linalg.slogdet(total)[1]))
            means.append(mu[:dates] + gain @ away)
            variances.append(np.diag(s)[:dates] - np.einsum("td,dt->t", gain, s[seen, :dates]))
        shares = np.exp(np.array(logs) - max(logs))
        shares = np.where(shares < 1e-3, 0, shares)[:, None]  # as the fill leaves such classes out
        shares = shares / shares.sum()
        mixed = (shares * means).sum(axis=0)
        spread = (shares * (np.array(variances) + np.array(means) ** 2)).sum(axis=0) - mixed**2
        mean[pixel] = mixed * scene.scale[0] + scene.centre[0]
        deviation[pixel] = np.sqrt(spread + scene.noise[0]) * scene.scale[0]
    return mean, deviation


@pytest.mark.parametrize("lengths", [(9,), (9, 7), (12, 9, 1), (40, 35, 30)])
@pytest.mark.parametrize("classes", [1, 3])
def test_means_and_deviations_equal_dense_algebra(lengths, classes):
    """Conditioning in two steps, for one to three variables with dates of their own, gives the dense answer to 1e-9."""
    scene = some_scene(lengths, classes)
    values = some_values(scene)
    values[0][:3] = np.nan
    found = moments(values, scene.days, scene.days[0], scene, robust=False)
    for ours, reference in zip(found, dense(scene, values)):
        np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-9)


def test_bits_do_not_depend_on_the_batch():
    """A pixel alone, in reverse order, and among others gives the same bytes."""
    scene = some_scene((20, 15, 15), 3)
    values = [v.astype("float32") for v in some_values(scene, 300)]
    together = fill(values, scene.days, scene.days[0], scene, NDVI)
    backwards = fill([v[::-1] for v in values], scene.days, scene.days[0], scene, NDVI)
    assert backwards.mean[::-1].tobytes() == together.mean.tobytes()
    for pixel in range(0, 300, 37):
        alone = fill([v[pixel:pixel + 1] for v in values], scene.days, scene.days[0], scene, NDVI)
        assert alone.mean.tobytes() == together.mean[pixel:pixel + 1].tobytes()
        assert alone.standard_deviation.tobytes() == together.standard_deviation[pixel:pixel + 1].tobytes()


def test_other_dates_keep_what_was_learnt():
    """Known dates keep mean and covariance exactly, the whole stays positive definite, far away only the kernel is left."""
    scene = some_scene((9, 7), 2)
    new = np.union1d(scene.days[0], scene.days[0][:-1] + np.diff(scene.days[0]) / 2)
    far = scene.days[0][-1] + 5000.0
    other = scene.at((np.append(new, far), scene.days[1]))
    known = np.concatenate([np.searchsorted(new, scene.days[0]), len(new) + 1 + np.arange(7)])
    np.testing.assert_array_equal(other.covariances[:, known][:, :, known], scene.covariances)
    np.testing.assert_array_equal(other.means[:, known], scene.means)
    assert all(np.linalg.eigvalsh(c).min() > -1e-9 for c in other.covariances)
    constant, variance = scene.kernel_variances[0, 1], scene.kernel_variances[0].sum()
    assert variance - constant < other.covariances[0, len(new), len(new)]
    assert scene.at(scene.days) is scene


def test_fill_between_dates_is_continuous():
    """Output dates next to the scene's own hold nearly the same mean, in any mixture of known and new dates."""
    scene = some_scene((9, 7), 1)
    scene = replace(scene, length_scales=np.array([200.0, np.inf]))
    values = some_values(scene)
    beside = scene.days[0] + 1e-4
    at, spread_at = moments(values, scene.days, scene.days[0], scene)
    near, spread_near = moments(values, scene.days, np.union1d(scene.days[0][2:4], beside), scene)
    order = np.searchsorted(np.union1d(scene.days[0][2:4], beside), beside)
    np.testing.assert_allclose(near[:, order], at, atol=1e-2)
    np.testing.assert_allclose(spread_near[:, order], spread_at, atol=1e-2)


def test_scores_are_the_gradient_of_the_likelihood():
    """What learning sums up agrees with numerical derivatives of the dense likelihood by mean and by noise."""
    scene = some_scene((8, 6), 1)
    values = some_values(scene, 12)
    data = expectation.Data(values, scene.days)
    noise = np.repeat(scene.noise, [8, 6])

    def likelihood(mean, noise):
        total = 0.0
        for y, seen in zip(data.y, data.seen):
            o = np.flatnonzero(seen)
            s = scene.covariances[0][np.ix_(o, o)] + np.diag(noise[o])
            total -= 0.5 * ((y - mean)[o] @ np.linalg.solve(s, (y - mean)[o]) + np.linalg.slogdet(s)[1])
        return total

    mean = scene.means[0]
    state = expectation.State(mean, scene.covariances[0], noise)
    scores, precision, own = expectation.expect(data, state, np.ones(12))
    assert own.sum() == pytest.approx(likelihood(mean, noise), abs=1e-9)
    for i in (0, 5, 9, 13):
        step = np.zeros(14)
        step[i] = 1e-5
        by_mean = (likelihood(mean + step, noise) - likelihood(mean - step, noise)) / 2e-5
        by_noise = (likelihood(mean, noise + step) - likelihood(mean, noise - step)) / 2e-5
        assert scores.sum(axis=0)[i] == pytest.approx(by_mean, abs=1e-5)
        assert 0.5 * ((scores**2).sum(axis=0) - np.diag(precision))[i] == pytest.approx(by_noise, abs=1e-5)


def drawn(pixels, seed=0, dates=30):
    """Draw two variables that go together, from a known stationary covariance; give values with gaps, days, the truth."""
    rng = np.random.default_rng(seed)
    days = 12.0 * np.arange(dates)
    kernel = np.exp(-np.abs(days[:, None] - days) / 60)
    link = np.array([[1.0, 0.8], [0.8, 1.0]])
    root = np.linalg.cholesky(np.kron(link, kernel) + 1e-9 * np.eye(2 * dates))
    field = rng.normal(size=(pixels, 2 * dates)) @ root.T
    target, other = (field[:, part] + rng.normal(0, s, (pixels, dates)) for part, s in
                     ((slice(0, dates), 0.2), (slice(dates, None), 0.5)))
    truth = target.copy()
    for pixel in range(pixels):
        start = rng.integers(1, dates - 8)
        target[pixel, start:start + 6] = np.nan
    target[rng.random(target.shape) < 0.3] = np.nan
    truth[np.isfinite(target)] = np.nan
    exact = SceneCovariance(("a", "b"), (days, days), np.zeros(2), np.ones(2), np.array([0.04, 0.25]), np.array([60.0]),
                            np.ones((2, 1)), np.ones(1), np.zeros((1, 2 * dates)), np.kron(link, kernel)[None], pixels)
    return [target, other], (days, days), truth, exact


def test_learning_comes_near_the_truth():
    """From 600 drawn series the fill is within 8 % of what the true covariance gives, its 90 % intervals hold 86 to 94 %."""
    values, days, truth, exact = drawn(600)
    scene, check = scene_learning.learn_checked(values, days, ("a", "b"), 1)
    hidden = np.isfinite(truth)
    best = moments(values, days, days[0], exact)[0]
    mean, deviation = moments(values, days, days[0], scene)
    error, least = ((m - truth)[hidden] for m in (mean, best))
    assert np.sqrt(np.mean(error**2)) < 1.08 * np.sqrt(np.mean(least**2))
    assert 0.86 < np.mean(np.abs(error) < 1.645 * deviation[hidden]) < 0.94
    assert check.rmse[-1] < check.rmse_linear[-1]


def test_few_pixels_fall_towards_the_prior():
    """From one to five series the fill is finite, no wilder than the values, and unsure."""
    for pixels in (1, 2, 5):
        values, days, _, _ = drawn(pixels, seed=3)
        scene, _ = scene_learning.learn_checked(values, days, ("a", "b"), 1)
        assert len(scene.shares) == 1
        mean, deviation = moments(values, days, days[0], scene)
        assert np.isfinite(mean).all() and np.abs(mean).max() < 1.5 * max(np.nanmax(np.abs(v)) for v in values)
        gap = ~np.isfinite(values[0])
        assert (deviation[gap] > 0.1).all()


def test_a_cloud_left_in_loses_its_weight():
    """A value far below its neighbours hardly moves the fill beside it; without the robust step it does."""
    values, days, _, exact = drawn(50, seed=5)
    values[0][:, 14:17] = 0.0
    clean = moments([v.copy() for v in values], days, days[0], exact)[0]
    values[0][:, 15] = -6.0
    moved = [np.abs(moments(values, days, days[0], exact, robust)[0] - clean)[:, [13, 17]].mean() for robust in (True, False)]
    assert moved[0] < 0.25 * moved[1]


def test_low_outliers_are_judged_by_what_all_others_say():
    """A value 3.1 deviations below what is expected without it is dropped, at 2.9 it stays, and so does one far above."""
    values, days, _, exact = drawn(30, seed=7)
    pixel, place = 3, np.flatnonzero(np.isfinite(values[0][3]))[4]
    others = [v.copy() for v in values]
    others[0][pixel, place] = np.nan
    mean, deviation = (one[pixel, place] for one in moments(others, days, days[0], exact, robust=False))
    for away, stays in ((-3.1, False), (-2.9, True), (9.0, True)):
        values[0][pixel, place] = mean + away * deviation
        cleaned = scene_learning._without_low_outliers(values, exact)
        assert np.isfinite(cleaned[pixel, place]) == stays


def test_clouds_left_in_hardly_teach():
    """From series of which 3 % of the values are far too low, the fill errs by less than 15 % more than from clean ones."""
    values, days, truth, _ = drawn(300, seed=8)
    hidden, chance = np.isfinite(truth), np.random.default_rng(0)
    clouded = [values[0] - 4.0 * (chance.random(values[0].shape) < 0.03), values[1]]
    clean, left = (np.sqrt(np.mean((moments(one, days, days[0], scene_learning.learn(one, days, ("a", "b")))[0] - truth)[hidden]**2))
                   for one in (values, clouded))
    assert left < 1.15 * clean


def test_a_saved_scene_comes_back_whole(tmp_path):
    """A file and JSON give the same numbers back; variables can be left out, years shifted; other files are refused."""
    scene = replace(some_scene(), calibration=Calibration(1.25, 0.1, 5.0, 40.0))
    path = str(tmp_path / "scene.npz")
    scene_file.save(scene, path, {"target": "x"})
    for other in (scene_file.load(path), SceneCovariance.from_dict(scene.to_dict())):
        assert other.variables == scene.variables and other.calibration == scene.calibration and other.pixels == 100
        np.testing.assert_array_equal(other.covariances, scene.covariances)
        assert all(np.array_equal(a, b) for a, b in zip(other.days, scene.days))
    part = scene.of(("a", "c"))
    np.testing.assert_array_equal(part.covariances[:, :9, 9:], scene.covariances[:, :9, 16:])
    assert (scene.in_year_of(scene.days[0] + 731).days[1] - scene.days[1] == 730).all()
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    (tmp_path / "text.npz").write_text("no")
    for name in ("other.npz", "text.npz", "missing.npz"):
        with pytest.raises(InputError, match="no scene covariance"):
            scene_file.load(str(tmp_path / name))


def planted():
    """Give drawn values in which each pixel has something wrong with it."""
    values, days, _, scene = drawn(40, seed=2)
    values = [v.astype("float32") for v in values]
    values[0] = np.clip(values[0] / 4, -1, 1)
    target, radar = values
    target[0, 1:] = np.nan  # one observation
    target[0, 0] = 0.3
    target[1] = np.nan  # two
    target[1, [4, 20]] = 0.2, 0.4
    target[2] = np.nan  # none, but radar
    radar[3] = np.nan  # no radar
    target[4], radar[4] = np.nan, np.nan  # nothing at all
    target[5] = np.where(np.isfinite(target[5]), 0.5, np.nan)  # all equal
    radar[6] = -3.0  # constant radar
    return values, days, scene


def test_planted_pixels_are_filled_or_have_their_reason():
    """One, two or no observations, no radar, nothing, equal values, constant radar: finite, or with the reason; codes are right."""
    values, days, _ = planted()
    scene, _ = scene_learning.learn_checked(values, days, ("a", "b"), 1)
    found = fill(values, days, days[0], scene, NDVI)
    finite = np.isfinite(found.mean)
    assert finite[[0, 1, 2, 3, 5, 6]].all() and not finite[4].any()
    assert (np.isfinite(found.standard_deviation) == finite).all()
    assert set(found.quality[4]) == {quality.NO_DATA}
    assert found.quality[0, 0] == quality.OBSERVED and set(found.quality[0, 1:]) == {quality.TOO_FEW}
    assert set(found.quality[2]) == {quality.TOO_FEW}
    assert set(found.quality[5]) == {quality.OBSERVED, quality.INVALID}
    assert quality.FILLED_IN_TIME in found.quality[3] and quality.FILLED_WITH_SAR not in found.quality[3]
    assert quality.FILLED_WITH_SAR in found.quality[6]
    assert np.abs(found.mean[finite]).max() <= 1


@pytest.mark.parametrize("case", ["no covariate", "one date of radar", "constant target", "one date of all"])
def test_poor_scenes_are_filled(case):
    """Scenes without covariates, with one radar date, of one value everywhere, or of one date: all is finite."""
    values, days, _, _ = drawn(60, seed=4)
    days = list(days)
    if case == "no covariate":
        values, days = values[:1], days[:1]
    elif case == "one date of radar":
        values[1], days[1] = values[1][:, 7:8], days[1][7:8]
    elif case == "constant target":
        values[0][:] = np.where(np.isfinite(values[0]), 0.4, np.nan)
    else:
        values, days = [v[:, :1] for v in values], [d[:1] for d in days]
        values[0][np.isnan(values[0])] = 0.1
    scene, check = scene_learning.learn_checked(values, tuple(days), ("a", "b")[:len(values)], 1)
    used = len(scene.variables)
    found = fill(values[:used], tuple(days[:used]), days[0], scene, Options((-9.0, 9.0)))
    assert np.isfinite(found.mean).all() and np.isfinite(found.standard_deviation).all()
    if case == "constant target":
        np.testing.assert_allclose(found.mean, 0.4, atol=1e-6)
    assert (check.count[-1] == 0) == (case == "one date of all")


def test_results_keep_observed_values_and_longest_gaps():
    """Observed values come back to the bit unless smoothing is asked for; gaps beyond the limit stay empty with code 4."""
    values, days, _, scene = drawn(40, seed=6)
    values = [v.astype("float32") for v in values]
    wide = Options((-99.0, 99.0))
    found = fill(values, days, days[0], scene, wide)
    seen = np.isfinite(values[0])
    assert found.mean[seen].tobytes() == values[0][seen].tobytes() and (found.quality[seen] == 1).all()
    smooth = fill(values, days, days[0], scene, replace(wide, keep_observed=False))
    assert (smooth.mean[seen] != values[0][seen]).mean() > 0.99 and (smooth.quality[seen] == 1).all()
    assert smooth.mean[~seen].tobytes() == found.mean[~seen].tobytes()
    short = fill(values, days, days[0], scene, replace(wide, max_gap_days=60.0))
    _, gaps, _ = gaps_around(seen, days[0], days[0])
    assert ((short.quality == 4) == (~seen & (gaps > 60))).all() and (np.isnan(short.mean) == (short.quality == 4)).all()


def test_a_fit_that_fails_is_told():
    """Where a method gives no number, the value is missing with code 8 and never silently."""
    target = np.array([[0.1, np.nan, 0.3, np.nan]], "float32")
    days = np.arange(4.0)
    mean = np.array([[0.1, np.nan, 0.3, 0.4]])
    found = assemble([target], (days,), days, mean, np.full((1, 4), 0.1), 0.05, Options((-1, 1)))
    assert found.quality.tolist() == [[1, 8, 1, 6]] and np.isnan(found.mean[0, 1])


def test_patterns_partition_the_pixels():
    """Every pixel is in exactly one pattern, whose columns are those it has."""
    seen = np.random.default_rng(0).random((200, 13)) < 0.8
    seen[50:100] = seen[0]
    count = 0
    for rows, columns in patterns(seen):
        assert (seen[rows].sum(axis=1) == len(columns)).all() and seen[np.ix_(rows, columns)].all()
        count += len(rows)
    assert count == 200 and len(patterns(seen)) <= 151 and len(patterns(np.empty((5, 0), bool))) == 1


def test_the_self_check_hides_inside_and_judges_fairly():
    """Hidden stretches leave observations on both sides; deviations three times too wide are told and shrunk."""
    rng = np.random.default_rng(0)
    days = 10.0 * np.arange(50)
    target = rng.normal(size=(900, 50))
    target[rng.random(target.shape) < 0.5] = np.nan
    hidden = self_check.hide(target, days, 3)
    left = np.isfinite(target) & ~hidden
    assert hidden.any(axis=1).mean() > 0.9 and not (hidden & np.isnan(target)).any()
    for k in np.flatnonzero(hidden.any(axis=1)):
        first, last = np.flatnonzero(hidden[k])[[0, -1]]
        assert left[k, :first].any() and left[k, last:].any()
        assert days[last] - days[first] <= self_check.GAP_DAYS[k % 3]
    check = self_check.score(target, days, [(hidden, np.zeros(target.shape), np.full(target.shape, 1.8))])
    factors = check.calibration.at(np.array([10.0, 45.0]))
    assert factors == pytest.approx(1 / 1.8, rel=0.1) and check.rmse[-1] == pytest.approx(1, abs=0.05)
    assert np.allclose(check.coverage[-1], self_check.PROMISED, atol=0.04)
    assert len(self_check.draws(target[:30], days, 3)) == self_check.MOST_DRAWS


def test_deviations_are_narrowed_only_where_the_scene_was_seen():
    """A calibration below 1 holds on well-seen dates, not on lost ones, in between in part; one above 1 holds everywhere."""
    scene = replace(some_scene(), calibration=Calibration(0.6), seen=np.array([1.0, 0.0, *[0.5] * (len(some_scene().days[0]) - 2)]))
    days, near = scene.days[0][:3], np.ones((1, 3))
    for one in (scene, scene.at((days, *scene.days[1:])), SceneCovariance.from_dict(scene.to_dict())):
        assert one.calibration_at(days, near)[0].tolist() == pytest.approx([0.6, 1.0, 0.8])
    assert replace(scene, calibration=Calibration(1.2)).calibration_at(days, near)[0].tolist() == [1.2] * 3


def test_calibration_follows_the_distance():
    """Errors that outgrow their deviations with the distance are told: 90 % intervals hold 90 % near, far and in between."""
    rng = np.random.default_rng(0)
    distance = rng.choice([5.0, 10.0, 20.0, 40.0, 60.0], 20000)
    ratio = np.abs(rng.normal(size=20000)) * 0.8 * (distance / 20) ** 0.3
    found = fitted(ratio, distance)
    assert found.growth == pytest.approx(0.3, abs=0.05)
    for days in np.unique(distance):
        assert 0.88 < np.mean((ratio / found.at(distance))[distance == days] < 1.6449) < 0.92
    assert found.at(0.0) == found.at(5.0) and found.at(np.inf) == found.at(60.0)
    assert fitted(ratio[:50], distance[:50]) == Calibration() and fitted(100 * ratio, distance).at(20.0) == 2


def test_distances_are_those_of_the_nearest_observation():
    """Zero where observed, days to the nearer side elsewhere, infinite without observations."""
    seen = np.array([[True, False, False, True], [False, True, False, False], [False] * 4])
    found = distances(seen, np.array([0.0, 10.0, 25.0, 30.0]), np.array([-5.0, 0.0, 12.0, 28.0, 40.0]))
    assert found.tolist() == [[5, 0, 12, 2, 10], [15, 10, 2, 18, 30], [np.inf] * 5]


def test_covariates_that_do_not_help_are_left_out():
    """The radar of other pixels is not used, a pixel's own is, and the check tells both errors."""
    values, days, _, _ = drawn(300)
    strange = [values[0], np.random.default_rng(1).permutation(values[1])]
    alone, told = scene_learning.learn_checked(values[:1], days[:1], ("a",), 1)
    for given, used in ((values, ("a", "b")), (strange, ("a",))):
        scene, check = scene_learning.learn_checked(given, days, ("a", "b"), 1)
        assert scene.variables == used and check.rmse_alone == told.rmse[-1] and told.rmse_alone is None
        assert (check.rmse[-1] < check.rmse_alone) == (len(used) > 1)
    np.testing.assert_array_equal(scene.covariances, alone.covariances)


@pytest.mark.realdata
def test_the_reference_cube(shared_data):
    """On the peer's simulated cube the error on withheld values is at most 0.062, and 95 % intervals hold 92 to 97 %."""
    cube = np.load(shared_data.parent / "reference" / "fusets_mogpr_100px_start32d.npz", allow_pickle=False)
    values = [cube[f"in_{name}"].T.astype("float32") for name in ("NDVI", "VV", "VH")]
    days = (12.0 * np.arange(62),) * 3
    withheld = np.isnan(values[0])
    scene, _ = scene_learning.learn_checked(values, days, ("NDVI", "VV", "VH"), 1)
    mean, deviation = moments(values, days, days[0], scene)
    error = (mean - cube["in_NDVI_true"].T)[withheld]
    assert np.sqrt(np.mean(error**2)) <= 0.062
    observed = (mean - cube["in_NDVI_obs"].T)[withheld]
    assert 0.92 <= np.mean(np.abs(observed) < 1.96 * deviation[withheld]) <= 0.97
    assert 0.92 <= np.mean(np.abs(error) < 1.96 * deviation[withheld]) <= 0.97
