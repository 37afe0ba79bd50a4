"""The Whittaker smoother: equal to dense algebra, right at true dates, bounded, honest on real gaps; its simpler modes too."""
from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phenofuse.core import whittaker
from phenofuse.core.timeseries import Period, quality
from phenofuse.core.whittaker import kernel, methods, smoothing
from phenofuse.core.whittaker.typical import PRIOR_OBSERVATIONS, Typical
from scipy.signal import savgol_filter

sys.path.insert(0, str(Path(__file__).parent))
import realseries

NDVI = (-1.0, 1.0)
PLAIN = whittaker.Options(NDVI, keep_observed=False, robust=False)


def dense(days, weights, smoothness):
    """Matrix W + lambda P of the module's docstring, from its formula alone."""
    differences = np.zeros((len(days) - 2, len(days)))
    for k in range(1, len(days) - 1):
        before, at, after = days[k - 1:k + 2]
        differences[k - 1, k - 1:k + 2] = (2 / ((at - before) * (after - before)), -2 / ((at - before) * (after - at)),
                                           2 / ((after - at) * (after - before)))
    shares = (days[2:] - days[:-2]) / 2
    return np.diag(weights) + smoothness * differences.T @ (shares[:, None] * differences)


def uneven(rng, dates, seen=0.6):
    """Days at steps of 1 to 30, weights of which some are 0, values."""
    days = np.cumsum(rng.choice([1.0, 5.0, 6.5, 12.0, 30.0], dates))
    weights = rng.uniform(0.1, 2, dates) * (rng.random(dates) < seen)
    weights[[0, dates // 2, -1]] = 1
    return days, weights, rng.normal(0.5, 0.2, dates)


@pytest.mark.parametrize("smoothness", [0.1, 10.0, 1e3, 1e5])
@pytest.mark.parametrize("dates", [3, 4, 5, 62, 300])
def test_bands_equal_dense_algebra(dates, smoothness):
    """Smooth values, leverages and the whole diagonal of the inverse, at uneven dates with weights: 1e-9."""
    days, weights, values = uneven(np.random.default_rng(dates), dates)
    bands, factor, smooth, diagonal = np.empty((3, dates)), np.empty((3, dates)), np.empty(dates), np.empty(dates)
    kernel.penalty(days, dates, bands)
    smoothing.fitted(bands, values, weights, smoothness, dates, factor, smooth, diagonal)
    matrix = dense(days, weights, smoothness)
    inverse = np.linalg.inv(matrix)
    np.testing.assert_allclose(smooth, np.linalg.solve(matrix, weights * values), rtol=0, atol=1e-9)
    np.testing.assert_allclose(diagonal, np.diag(inverse), rtol=1e-9)
    np.testing.assert_allclose(weights * diagonal, np.diag(inverse * weights), rtol=1e-9, atol=1e-12)


def test_daily_data_have_the_penalty_of_second_differences():
    """On consecutive days P is D'D of Whittaker and Eilers."""
    second = np.diff(np.eye(40), n=2, axis=0)
    bands = np.empty((3, 40))
    kernel.penalty(np.arange(40.0), 40, bands)
    for k in range(3):
        np.testing.assert_allclose(bands[k, :40 - k], np.diagonal(second.T @ second, k), rtol=0, atol=1e-14)


def test_more_dates_change_little():
    """The penalty is an integral, so a grid ten times finer gives the same curve at the observations, unlike plain differences."""
    days = np.arange(0, 400, 10.0)
    values = 0.5 + 0.3 * np.sin(days / 40) + np.random.default_rng(1).normal(0, 0.05, days.shape)
    coarse = whittaker.fill(values[None], days, days, whittaker.Options(NDVI, False, smoothing=1e4))
    fine = whittaker.fill(values[None], days, np.arange(0, 391.0), whittaker.Options(NDVI, False, smoothing=1e4))
    assert np.abs(coarse.mean - fine.mean[:, ::10]).max() < 0.005
    assert np.abs(coarse.standard_deviation / fine.standard_deviation[:, ::10] - 1).max() < 0.01


@pytest.mark.parametrize("smoothness", [10.0, 1e3, 1e5])
def test_means_and_deviations_equal_dense_algebra(smoothness):
    """Of `fill` at other days than those of the series: the curve, and the root of noise x (1 + diagonal), noise shrunk."""
    days, weights, values = uneven(np.random.default_rng(5), 40)
    wanted = np.arange(days[0] + 0.5, days[-1], 7)
    typical = Typical(0.01, 3.0)
    found = whittaker.fill(values[None], days, wanted, replace(PLAIN, smoothing=smoothness), typical, weights[None])
    values = values.astype(np.float32).astype(float)
    weights = weights.astype(np.float32).astype(float)
    grid = np.union1d(days, wanted)
    own, at = np.searchsorted(grid, days), np.searchsorted(grid, wanted)
    all_weights, all_values = np.zeros(len(grid)), np.zeros(len(grid))
    all_weights[own], all_values[own] = weights, values
    inverse = np.linalg.inv(dense(grid, all_weights, smoothness))
    seen = weights > 0
    low, high = values[seen].min(), values[seen].max()
    expected = np.clip((inverse @ (all_weights * all_values))[at], low - 0.05 * (high - low), high + 0.05 * (high - low))
    near = np.linalg.inv(dense(days[seen], weights[seen], smoothness))
    residual = values[seen] - near @ (weights * values)[seen]
    misfit = np.sum(weights[seen] * residual ** 2 / (1 - weights[seen] * np.diag(near)))
    noise = (misfit + PRIOR_OBSERVATIONS * 0.01) / (seen.sum() + PRIOR_OBSERVATIONS)
    np.testing.assert_allclose(found.mean[0], expected, rtol=1e-6)
    np.testing.assert_allclose(found.standard_deviation[0], np.sqrt(noise * (1 + np.diag(inverse)[at])), rtol=1e-6)
    raw = methods._whittaker(values[None], days, wanted, PLAIN, typical, weights[None], np.array([smoothness]))
    np.testing.assert_allclose(raw[0][0], expected, atol=1e-9)
    np.testing.assert_allclose(raw[1][0], np.diag(inverse)[at], rtol=1e-9)
    np.testing.assert_allclose(raw[2][0], misfit, rtol=1e-9)


def test_criteria_are_what_they_are_called():
    """Leave-one-out equals leaving out one by one; GCV and the V-curve equal their formulas; all by dense algebra."""
    days, weights, values = uneven(np.random.default_rng(7), 30, seen=1)
    steps, scores = np.array([10.0, 300.0, 1e4]), {}
    bands, factor, smooth, diagonal = np.empty((3, 30)), np.empty((3, 30)), np.empty(30), np.empty(30)
    kernel.penalty(days, 30, bands)
    for kind in (smoothing.LEAVE_ONE_OUT, smoothing.GENERALISED, smoothing.V_CURVE):
        scores[kind] = np.empty(3)
        smoothing.profile(kind, steps, days, values, weights, bands, 30, factor, smooth, diagonal, scores[kind])
    curve = []
    for i, step in enumerate(steps):
        hat = np.linalg.solve(dense(days, weights, step), np.diag(weights))
        left_out = [values[k] - (np.linalg.solve(dense(days, np.where(np.arange(30) == k, 0, weights), step),
                                                 np.where(np.arange(30) == k, 0, weights * values)))[k] for k in range(30)]
        residual = values - hat @ values
        assert scores[smoothing.LEAVE_ONE_OUT][i] == pytest.approx(15 * np.log(np.mean(weights * np.square(left_out))), abs=1e-9)
        generalised = np.mean(weights * residual ** 2) / (1 - np.trace(hat) / 30) ** 2
        assert scores[smoothing.GENERALISED][i] == pytest.approx(15 * np.log(generalised), abs=1e-9)
        bent = (hat @ values) @ (dense(days, 0 * weights, 1.0) @ hat @ values)
        curve.append(np.log([np.sum(weights * residual ** 2), bent]))
    np.testing.assert_allclose(scores[smoothing.V_CURVE][1:], np.hypot(*np.diff(curve, axis=0).T), rtol=1e-6)


@pytest.mark.parametrize("criterion, worse", [("leave_one_out", 1.1), ("gcv", 1.15), ("v_curve", 1.5)])
def test_chosen_smoothing_is_near_the_best(criterion, worse):
    """On seasons with noise the error of the curve is within a few percent of that of the best single smoothing."""
    rng = np.random.default_rng(2)
    days = np.cumsum(rng.choice([5.0, 10.0, 15.0], 60))
    truth = 0.5 + 0.25 * np.sin(2 * np.pi * days / 180 + rng.uniform(0, 6, (300, 1)))
    values = truth + rng.normal(0, 0.05, truth.shape)

    def error(**chosen):
        found = whittaker.fill(values, days, days, replace(PLAIN, **chosen)).mean
        return np.sqrt(np.mean((found - truth) ** 2))

    best = min(error(smoothing=step) for step in 10.0 ** np.arange(1, 7))
    assert error(criterion=criterion) < worse * best


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(methods.MODES), st.sampled_from(tuple(methods.CRITERIA)),
       st.sampled_from([0.5, 0.9]), st.integers(0, 45))
def test_never_nan_without_reason_and_never_far_out(seed, mode, criterion, envelope, dates_seen):
    """Any series: finite with a deviation or coded; never outside the observed range by more than a twentieth of it (NDVI: 0.1)."""
    rng = np.random.default_rng(seed)
    days = np.cumsum(rng.choice([1.0, 5.0, 16.0, 120.0], 45))
    values = np.full((4, 45), np.nan, np.float32)
    for row in values:
        seen = rng.choice(45, min(dates_seen, 45), replace=False)
        row[seen] = rng.choice([rng.normal(0.4, 0.2, len(seen)), rng.choice([0.2, 0.9], len(seen))]).clip(-1, 1)
    wanted = np.arange(days[0] - 30, days[-1] + 30, 9.0)
    options = whittaker.Options(NDVI, mode=mode, criterion=criterion, envelope=envelope)
    found = whittaker.fill(values, days, wanted, options, Typical(0.002, 4.0, 1e-4))
    finite = np.isfinite(found.mean)
    assert (finite == np.isfinite(found.standard_deviation)).all() and (found.standard_deviation[finite] > 0).all()
    assert np.isin(found.quality[~finite], (quality.NO_DATA, quality.TOO_FEW)).all()
    assert finite.all() if dates_seen >= 3 else not finite.all()
    if dates_seen:
        low, high = np.nanmin(values, axis=1, keepdims=True), np.nanmax(values, axis=1, keepdims=True)
        over = np.maximum(found.mean - high, low - found.mean)
        assert np.nanmax(np.where(finite, over - 0.05 * (high - low), -1)) < 1e-6


def test_a_line_in_true_time_costs_nothing():
    """Through a leap day and uneven dates, whatever the smoothing, a straight trend comes back; in every mode."""
    texts = ("2024-01-05", "2024-02-27", "2024-02-28", "2024-02-29", "2024-03-01", "2024-03-02", "2024-07-01", "2024-12-31")
    days = np.array([Period.parse(text).middle for text in texts])
    assert np.diff(days)[1:5].tolist() == [1.0] * 4
    line = 0.1 + 0.002 * (days - days[0])
    wanted = np.arange(days[0], days[-1] + 1, 1.0)
    for chosen in ({"smoothing": 10.0}, {"smoothing": 1e6}, {"mode": "savgol"}, {"mode": "linear"}):
        found = whittaker.fill(line[None], days, wanted, replace(PLAIN, **chosen), Typical(1e-4))
        np.testing.assert_allclose(found.mean[0], 0.1 + 0.002 * (wanted - days[0]), atol=1e-6)


def test_few_and_odd_series_have_their_reasons():
    """Nothing, one, two, three, equal observations and integers: filled or coded; a single date; nothing at all."""
    days = 12.0 * np.arange(20)
    values = np.full((5, 20), np.nan)
    values[1, 5], values[2, [3, 9]], values[3, [2, 9, 15]], values[4, ::2] = 0.4, (0.2, 0.6), (0.2, 0.5, 0.4), 0.3
    for mode in methods.MODES:
        found = whittaker.fill(values, days, days, whittaker.Options(NDVI, mode=mode), Typical(0.001, 4.0, 1e-5))
        filled = np.isfinite(found.mean)
        assert filled.sum(axis=1).tolist() == [0, 1, 2, 20, 20]
        assert [set(codes) for codes in found.quality.tolist()] == [{0}, {1, 6}, {1, 6}, {1, 3, 5}, {1, 7}]
        np.testing.assert_allclose(found.mean[4], 0.3, atol=1e-6)
        assert (np.isfinite(found.standard_deviation) == filled).all()
        smoothed = whittaker.fill(values[:3], days, days, whittaker.Options(NDVI, keep_observed=False, mode=mode), Typical(0.001))
        assert np.isnan(smoothed.mean).all() and [set(codes) for codes in smoothed.quality.tolist()] == [{0}, {6}, {6}]
        whole = whittaker.fill(np.arange(20)[None] % 5, days, days, whittaker.Options((-50, 50), mode=mode))
        assert (whole.mean[0] == np.arange(20) % 5).all() and (whole.standard_deviation > 0).all()
        one = whittaker.fill([[0.5]], [3.0], [3.0, 4.0], whittaker.Options(NDVI, mode=mode), Typical(0.001))
        assert one.mean[0, 0] == 0.5 and one.quality[0].tolist() == [1, 6]
        assert whittaker.fill(np.empty((0, 20)), days, days, PLAIN, Typical(0.001)).mean.shape == (0, 20)
    with pytest.raises(ValueError, match="increase"):
        whittaker.fill(values[:, :2], [3.0, 3.0], [3.0], PLAIN)


def test_a_cloud_left_in_hardly_moves_the_curve():
    """One value of a season lowered by 0.5: robust, the curve moves by less than 0.03; not robust, by more than twice that."""
    rng = np.random.default_rng(4)
    days = 10.0 * np.arange(73)
    clean = 0.5 + 0.25 * np.sin(2 * np.pi * days / 365 + rng.uniform(0, 6, (50, 1))) + rng.normal(0, 0.02, (50, 73))
    cloudy = clean.copy()
    cloudy[:, 30] -= 0.5
    moved = {robust: np.abs(np.subtract(*(whittaker.fill(one, days, days, replace(PLAIN, robust=robust)).mean
                                          for one in (cloudy, clean)))).max() for robust in (True, False)}
    assert moved[True] < 0.03 and moved[False] > 0.06


def test_the_envelope_is_that_of_expectiles():
    """At level 0.9 the curve solves the asymmetric least squares (dense), and more values lie below it than below the middle."""
    rng = np.random.default_rng(6)
    days = np.cumsum(rng.choice([5.0, 8.0], 80))
    values = (0.5 + 0.2 * np.sin(days / 60) - rng.exponential(0.1, 80)).astype(np.float32)
    found = whittaker.fill(values[None], days, days, replace(PLAIN, smoothing=1e4, envelope=0.9))
    curve = found.mean[0].astype(float)
    weights = 2 * np.where(values > curve, 0.9, 0.1)
    np.testing.assert_allclose(curve, np.linalg.solve(dense(days, weights, 1e4), weights * values), atol=1e-6)
    middle = whittaker.fill(values[None], days, days, replace(PLAIN, smoothing=1e4)).mean[0]
    assert np.mean(values < middle) < 0.45 and np.mean(values < curve) > 0.6


def test_weights_are_relative_precisions():
    """A value of weight 0 or NaN is as good as missing; twice the weight is the value given twice."""
    rng = np.random.default_rng(8)
    days, values = 7.0 * np.arange(40), rng.normal(0.5, 0.1, (1, 40)).astype(np.float32)
    weights = np.ones((1, 40))
    weights[0, 10], weights[0, 20] = 0, np.nan
    missing = np.where(weights > 0, values, np.nan)
    one, other = (whittaker.fill(v, days, days, PLAIN, Typical(0.01), w) for v, w in ((values, weights), (missing, None)))
    np.testing.assert_array_equal(one.mean, other.mean)
    np.testing.assert_array_equal(one.quality, other.quality)
    fixed = replace(PLAIN, smoothing=1e3)
    halved = whittaker.fill(values, days, days, replace(PLAIN, smoothing=500.0), Typical(0.01)).mean
    np.testing.assert_allclose(whittaker.fill(values, days, days, fixed, Typical(0.01), np.full((1, 40), 2.0)).mean, halved, atol=1e-6)


def test_bits_do_not_depend_on_the_batch():
    """Every pixel alone gives the bits it gives among others; its own smoothing given back gives the same fill."""
    rng = np.random.default_rng(9)
    days = 12.0 * np.arange(40)
    values = 0.5 + 0.2 * np.sin(days / 50 + rng.uniform(0, 6, (700, 1))) + rng.normal(0, 0.05, (700, 40))
    values[rng.random(values.shape) < 0.5] = np.nan
    for mode in methods.MODES:
        options = whittaker.Options(NDVI, mode=mode)
        typical = whittaker.learn(values, days, options)
        together = whittaker.fill(values, days, days, options, typical)
        for k in (0, 511, 512, 699):
            alone = whittaker.fill(values[k:k + 1], days, days, options, typical)
            assert alone.mean.tobytes() == together.mean[k:k + 1].tobytes()
            assert alone.standard_deviation.tobytes() == together.standard_deviation[k:k + 1].tobytes()
        if mode == "whittaker":
            again = whittaker.fill(values, days, days, options, typical, smoothing=together.smoothing)
            assert again.mean.tobytes() == together.mean.tobytes()


def test_local_parabolas_are_savitzky_and_golays():
    """On even dates inside the series the filter of scipy; on uneven ones a least-squares parabola of the window (numpy)."""
    rng = np.random.default_rng(10)
    values = rng.normal(0.5, 0.1, (1, 60)).astype(np.float32)
    options = replace(PLAIN, mode="savgol", window_days=90.0)
    even = 10.0 * np.arange(60)
    found = whittaker.fill(values, even, even, options).mean[0]
    np.testing.assert_allclose(found[5:-5], savgol_filter(values[0].astype(float), 9, 2)[5:-5], atol=1e-6)
    days = np.cumsum(rng.choice([3.0, 10.0, 17.0], 60))
    found = whittaker.fill(values, days, days, options).mean[0]
    for k in range(6, 54):
        inside = np.abs(days - days[k]) <= 45
        if inside[:k + 1].sum() >= 3 and inside[k + 1:].sum() >= 3:
            assert found[k] == pytest.approx(np.polyval(np.polyfit(days[inside] - days[k], values[0, inside], 2), 0), abs=1e-6)


def test_lines_are_numpys_and_know_their_wander():
    """Linear equals numpy; noise and wander of simulated random walks are found, and 90 % intervals hold 90 % in gaps."""
    rng = np.random.default_rng(11)
    days = np.cumsum(rng.choice([4.0, 8.0, 20.0], 80))
    walk = np.cumsum(rng.normal(0, np.sqrt(1e-4 * np.diff(days, prepend=0)), (2000, 80)), axis=1)
    clear = walk + rng.normal(0, 0.03, walk.shape)
    shown = np.where(rng.random(walk.shape) < 0.4, np.nan, clear)
    options = whittaker.Options((-9, 9), keep_observed=False, mode="linear")
    typical = whittaker.learn(shown, days, options)
    assert typical.noise_variance == pytest.approx(0.03 ** 2, rel=0.15) and typical.wander == pytest.approx(1e-4, rel=0.15)
    found = whittaker.fill(shown, days, days, options, typical)
    seen = np.isfinite(shown)
    inside = np.zeros(seen.shape, bool)
    for pixel in range(len(shown)):
        np.testing.assert_allclose(found.mean[pixel], np.interp(days, days[seen[pixel]], shown[pixel, seen[pixel]]), atol=1e-6)
        inside[pixel] = (days > days[seen[pixel]][0]) & (days < days[seen[pixel]][-1])
    covered = np.abs(found.mean - clear) < 1.645 * found.standard_deviation
    assert 0.88 < covered[inside & ~seen].mean() < 0.92


def test_intervals_hold_what_they_say():
    """Curves with white noise whose gaps are hidden: 50 and 90 % intervals hold 47 to 53 and 88 to 92 % of what was hidden."""
    rng = np.random.default_rng(12)
    days = np.cumsum(rng.choice([5.0, 10.0], 70))
    slope = np.cumsum(rng.normal(0, 2e-4 * np.sqrt(np.diff(days, prepend=0)), (1500, 70)), axis=1)
    clear = np.cumsum(slope * np.diff(days, prepend=0), axis=1) + rng.normal(0, 0.04, slope.shape)
    hidden = rng.random(clear.shape) < 0.3
    hidden[:, 30:34] = True
    hidden[:, [0, -1]] = False
    found = whittaker.fill(np.where(hidden, np.nan, clear), days, days, whittaker.Options((-9, 9)))
    score = (np.abs(found.mean - clear) / found.standard_deviation)[hidden]
    assert 0.47 < np.mean(score < 0.6745) < 0.55 and 0.88 < np.mean(score < 1.645) < 0.92


@pytest.mark.realdata
@pytest.mark.parametrize("name, gap", [("eolearn_s2_patch", 30), ("eolearn_s2_patch", 60), ("sits_modis_ndvi", 30),
                                       ("sits_modis_ndvi", 60), ("phenofit_mod13a1", 30)])
def test_real_gaps_are_filled_no_worse_than_by_lines(shared_data, name, gap):
    """Hidden values of three real sets, each smoothing chosen: error at most that of lines; 90 % intervals hold 83 to 95 %."""
    values, days = realseries.SETS[name](shared_data)
    values = values[::4] if len(values) > 1000 else values

    def fill(shown):
        found = whittaker.fill(shown, days, days, whittaker.Options(NDVI))
        low, high = (extreme(shown, axis=1, keepdims=True) for extreme in (np.nanmin, np.nanmax))
        assert ((found.mean > low - 0.1) & (found.mean < high + 0.1)).all()
        return found.mean, found.standard_deviation

    seeds = (1, 2, 3, 4) if len(values) > 100 else range(1, 61)  # each seed hides one gap per series
    error, line, deviation = realseries.hidden_errors(values, days, gap, seeds, fill)
    assert realseries.root_mean_square(error) <= realseries.root_mean_square(line)
    assert 0.83 < np.mean(np.abs(error) < 1.645 * deviation) < 0.95
