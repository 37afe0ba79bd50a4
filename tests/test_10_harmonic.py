"""The harmonic models against dense algebra, least squares and known curves."""
from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from phenofuse.core.errors import InputError
from phenofuse.core.harmonic import adaptive, cascade, kernel
from phenofuse.core.harmonic.design import amplitude_and_phase, harmonic_design, trend_supported, window_centre
from phenofuse.core.harmonic.scene import Scene, decay_table

DAYS = 19000.0 + np.cumsum(np.random.default_rng(5).integers(5, 16, 50))
OPTIONS = adaptive.Options()


def seasons(pixels, days, order, noise, seed=0):
    """Series of random coefficients that decay as real seasons do, and the design."""
    rng = np.random.default_rng(seed)
    design = harmonic_design(days, order, 365.25, False, window_centre(days))
    scale = np.array([0.06] + [0.1 * k**-1.5 for k in range(1, order + 1) for _ in "cs"])
    clean = 0.45 + rng.normal(0, scale, (pixels, len(scale))) @ design.T
    return clean, clean + rng.normal(0, noise, clean.shape)


def with_gaps(series, share=0.45, seed=1):
    """Hide a random share of the values."""
    hidden = np.random.default_rng(seed).random(series.shape) < share
    return np.where(hidden, np.nan, series).astype(np.float32), hidden


@pytest.fixture(scope="module")
def learnt():
    """A noisy scene and what it teaches."""
    clean, noisy = seasons(200, DAYS, 4, 0.03)
    series, hidden = with_gaps(noisy)
    return clean, series, hidden, adaptive.learn(series, DAYS, OPTIONS, seed=3)


def dense(series, days, output_days, scene, extra=None):
    """Mean and standard deviation of one pixel from the full covariance matrix: slow, plain, and independent."""
    seen = np.isfinite(series)
    both = np.concatenate([days[seen], output_days])
    design = scene.mean.design(both)
    covariance = design @ scene.coefficient_covariance @ design.T
    covariance += scene.residual_variance * decay_table(both, both, scene.length_scale)
    count = int(seen.sum())
    noise = np.full(count, scene.noise_variance) if extra is None else extra
    among = np.linalg.inv(covariance[:count, :count] + np.diag(noise))
    between = covariance[count:, :count]
    mean = scene.mean.at(output_days) + between @ among @ (series[seen] - scene.mean.at(days[seen]))
    variance = np.diag(covariance)[count:] - np.einsum("ij,jk,ik->i", between, among, between)
    return mean, np.sqrt(variance + scene.mean.variance(output_days) + scene.noise_variance)


def fill_double(series, days, output_days, scene, rounds=0):
    """The kernel with double-precision outputs, nothing kept, nothing clipped."""
    shape = (len(series), len(output_days))
    mean, deviation, reason = np.empty(shape), np.empty(shape), np.empty(shape, np.uint8)
    kernel.fill_pixels(series, days, scene.mean.at(days), scene.modes(days), decay_table(days, days, scene.length_scale),
                       output_days, scene.mean.at(output_days), scene.modes(output_days), scene.mean.variance(output_days),
                       decay_table(output_days, days, scene.length_scale),
                       (scene.noise_variance, scene.residual_variance, -9.0, 9.0, 0.0), (rounds, 0, 1),
                       mean, deviation, reason, np.empty((len(series), 0)))
    return mean, deviation


@pytest.mark.parametrize("variances", [(0.004, 0.002, 30.0), (1e-6, 0.01, 5.0), (0.01, 1e-9, 200.0)])
def test_kernel_equals_dense_algebra(learnt, variances):
    """Mean and standard deviation equal those of the full covariance matrix to 1e-9, at observed and other dates."""
    _, series, _, scene = learnt
    scene = replace(scene, noise_variance=variances[0], residual_variance=variances[1], length_scale=variances[2])
    output = np.unique(np.concatenate([DAYS[::2], np.arange(DAYS[0] - 60, DAYS[-1] + 60, 9.7)]))
    few = series[:6].astype(float)
    few[4, 1:] = np.nan
    few[4, 0] = 0.2
    few[5, :40] = np.nan
    mean, deviation = fill_double(few, DAYS, output, scene)
    for pixel in range(len(few)):
        expected = dense(few[pixel], DAYS, output, scene)
        np.testing.assert_allclose(mean[pixel], expected[0], rtol=0, atol=1e-9)
        np.testing.assert_allclose(deviation[pixel], expected[1], rtol=0, atol=1e-9)


def test_likelihood_equals_dense_algebra(learnt):
    """The marginal likelihood that learning climbs is the Gaussian density of the full covariance matrix."""
    _, series, _, scene = learnt
    few = series[:5].astype(float)
    found = kernel.log_likelihood(few, scene.mean.at(DAYS), scene.modes(DAYS), decay_table(DAYS, DAYS, scene.length_scale),
                                  scene.noise_variance, scene.residual_variance, np.zeros(few.shape), -9.0, 9.0)
    expected = 0.0
    for row in few:
        seen = np.isfinite(row)
        design = scene.mean.design(DAYS[seen])
        covariance = design @ scene.coefficient_covariance @ design.T + scene.noise_variance * np.eye(seen.sum())
        covariance += scene.residual_variance * decay_table(DAYS[seen], DAYS[seen], scene.length_scale)
        misfit = row[seen] - scene.mean.at(DAYS[seen])
        expected -= 0.5 * (np.linalg.slogdet(covariance)[1] + misfit @ np.linalg.solve(covariance, misfit))
    assert found == pytest.approx(expected, abs=1e-7)


def test_mean_step_equals_dense_algebra(learnt):
    """Gradient and information of the mean curve are the sums of K^-1 (y - mean) and K^-1 over pixels, outliers included."""
    _, series, _, scene = learnt
    few = series[:5].astype(float)
    extra = np.random.default_rng(3).uniform(0, 0.01, few.shape)
    gradient, information = kernel.mean_gradient(
        few, scene.mean.at(DAYS), scene.modes(DAYS), decay_table(DAYS, DAYS, scene.length_scale), scene.noise_variance,
        0.003, extra, -9.0, 9.0)
    expected, among = np.zeros(len(DAYS)), np.zeros((len(DAYS), len(DAYS)))
    for row, more in zip(few, extra):
        seen = np.isfinite(row)
        design = scene.mean.design(DAYS[seen])
        covariance = design @ scene.coefficient_covariance @ design.T + np.diag(scene.noise_variance + more[seen])
        inverse = np.linalg.inv(covariance + 0.003 * decay_table(DAYS[seen], DAYS[seen], scene.length_scale))
        expected[seen] += inverse @ (row[seen] - scene.mean.at(DAYS[seen]))
        among[np.ix_(seen, seen)] += inverse
    np.testing.assert_allclose(gradient, expected, rtol=1e-8, atol=1e-6)
    np.testing.assert_allclose(information, among, rtol=1e-8, atol=1e-5)


def test_noise_free_curve_is_recovered():
    """A noise-free scene of the model's own order comes back to 1e-6 at hidden dates."""
    for order in (1, 3, 6):
        clean, _ = seasons(60, DAYS, order, 0.0, seed=order)
        series, _ = with_gaps(clean, 0.25)
        options = replace(OPTIONS, order=order)
        scene = adaptive.learn(series, DAYS, options)
        filled = adaptive.fill(series, DAYS, DAYS, scene, options)
        between = filled.quality == 3
        assert between.sum() > 600
        np.testing.assert_allclose(filled.mean[between], clean[between], rtol=0, atol=1e-6)


def test_learning_finds_noise_and_residual():
    """Noise, residual and length scale of a simulated scene are found, and the prior's spread too."""
    clean, _ = seasons(400, DAYS, 4, 0.0)
    rng = np.random.default_rng(8)
    residual = rng.normal(size=clean.shape) @ np.linalg.cholesky(0.05**2 * decay_table(DAYS, DAYS, 40.0)).T
    series, _ = with_gaps(clean + residual + rng.normal(0, 0.03, clean.shape))
    scene = adaptive.learn(series, DAYS, replace(OPTIONS, order=4, robust_rounds=0))
    assert np.sqrt(scene.noise_variance) == pytest.approx(0.03, rel=0.1)
    assert np.sqrt(scene.residual_variance) == pytest.approx(0.05, rel=0.2)
    assert scene.length_scale == pytest.approx(40, rel=0.4)
    assert np.sqrt(np.diag(scene.coefficient_covariance)[1:3]) == pytest.approx([0.1, 0.1], rel=0.2)


def test_intervals_hold_their_promise(learnt):
    """Errors at hidden dates are standard normal when divided by the standard deviation."""
    clean, series, hidden, scene = learnt
    filled = adaptive.fill(series, DAYS, DAYS, scene, OPTIONS)
    noise = np.random.default_rng(12).normal(0, 0.03, clean.shape)
    score = ((clean + noise - filled.mean) / filled.standard_deviation)[hidden]
    assert np.mean(np.abs(score) < 1.645) == pytest.approx(0.9, abs=0.02)
    assert np.mean(np.abs(score) < 0.674) == pytest.approx(0.5, abs=0.03)


def test_common_departure_fills_from_the_rest_of_the_scene():
    """A scene-wide dip at a few dates, which harmonics cannot follow, is filled where a pixel did not see it."""
    _, noisy = seasons(150, DAYS, 3, 0.01)
    noisy[:, 20:23] -= 0.2
    series, _ = with_gaps(noisy, 0.3)
    series[0, 18:25] = np.nan
    options = replace(OPTIONS, robust_rounds=0)
    filled = adaptive.fill(series, DAYS, DAYS, adaptive.learn(series, DAYS, options), options)
    np.testing.assert_allclose(filled.mean[0, 20:23], noisy[0, 20:23], atol=0.06)


def test_dates_lost_by_the_whole_scene_are_filled_with_care():
    """Where no pixel shows anything for months, the fill stays near the truth and its intervals still hold it."""
    truth, shown, deviation = [], [], []
    for seed in range(12):
        clean, noisy = seasons(80, DAYS, 4, 0.02, seed)
        season = seasons(1, DAYS, 4, 0.0, seed + 100)[0] - 0.45
        drift = 0.05 * np.linalg.cholesky(decay_table(DAYS, DAYS, 40.0)) @ np.random.default_rng(seed).normal(size=len(DAYS))
        series, _ = with_gaps(noisy + season + drift, 0.4, seed)
        lost = slice(18 + seed, 25 + seed)
        series[:, lost] = np.nan
        filled = adaptive.fill(series, DAYS, DAYS, adaptive.learn(series, DAYS, OPTIONS), OPTIONS)
        truth.append((clean + season + drift)[:, lost].mean(axis=0))
        shown.append(filled.mean[:, lost].mean(axis=0))
        deviation.append(filled.standard_deviation[:, lost].mean(axis=0))
    error, deviation = np.array(shown) - truth, np.array(deviation)
    assert np.sqrt(np.mean(error**2)) < 0.1
    assert np.mean(np.abs(error) < 1.645 * deviation) >= 0.8
    assert deviation.mean() > 0.03


def test_robust_rounds_ignore_clouds_left_in():
    """Clouds left in among clear values hardly move a robust fit, and a real drop stays."""
    clean, noisy = seasons(200, DAYS, 4, 0.02)
    rng = np.random.default_rng(4)
    noisy[rng.random(noisy.shape) < 0.03] = 0.0
    series, hidden = with_gaps(noisy)
    errors = {}
    for rounds in (0, 3):
        options = replace(OPTIONS, robust_rounds=rounds)
        filled = adaptive.fill(series, DAYS, DAYS, adaptive.learn(series, DAYS, options), options)
        errors[rounds] = np.sqrt(np.mean((filled.mean - clean)[hidden] ** 2))
    assert errors[3] < 0.6 * errors[0]
    assert errors[3] < 0.025


def test_observed_values_come_back_bit_identical(learnt):
    """Observed values are untouched, and their standard deviation is at least the learnt noise."""
    _, series, hidden, scene = learnt
    filled = adaptive.fill(series, DAYS, DAYS, scene, OPTIONS)
    assert (filled.mean[~hidden].view(np.uint32) == series[~hidden].view(np.uint32)).all()
    assert (filled.quality[~hidden] == 1).all()
    usual = np.isclose(filled.standard_deviation[~hidden], np.sqrt(scene.noise_variance), rtol=1e-6)
    assert usual.mean() > 0.98
    assert (filled.standard_deviation[~hidden] >= 0.999 * np.sqrt(scene.noise_variance)).all()
    smoothed = adaptive.fill(series, DAYS, DAYS, scene, replace(OPTIONS, keep_observed=False))
    assert (smoothed.mean[~hidden] != series[~hidden]).mean() > 0.9


def test_bits_do_not_depend_on_batches(learnt):
    """One pixel alone gives the same bits as all pixels together, in any order."""
    _, series, _, scene = learnt
    together = adaptive.fill(series, DAYS, DAYS, scene, OPTIONS, harmonics=True)
    order = np.random.default_rng(2).permutation(len(series))
    shuffled = adaptive.fill(series[order], DAYS, DAYS, scene, OPTIONS, harmonics=True)
    for name in ("mean", "standard_deviation", "quality", "amplitude", "phase"):
        assert getattr(together, name)[order].tobytes() == getattr(shuffled, name).tobytes()
    alone = adaptive.fill(series[7:8], DAYS, DAYS, scene, OPTIONS)
    assert alone.mean.tobytes() == together.mean[7:8].tobytes()


def test_scene_survives_a_journal(learnt):
    """A scene written as JSON and read again fills the same bits."""
    _, series, _, scene = learnt
    again = Scene.from_dict(json.loads(json.dumps(scene.to_dict())))
    first, second = (adaptive.fill(series, DAYS, DAYS, s, OPTIONS) for s in (scene, again))
    assert first.mean.tobytes() == second.mean.tobytes()
    assert first.standard_deviation.tobytes() == second.standard_deviation.tobytes()


def test_every_missing_value_has_a_reason(learnt):
    """Reason codes of empty, invalid, sparse and constant pixels, long gaps and ends; all that is missing is explained."""
    _, series, _, scene = learnt
    odd = series[:6].copy()
    odd[0] = np.nan
    odd[1] = 5.0
    odd[2, 2:] = np.nan
    odd[2, :2] = 0.4, 0.5
    odd[3] = np.where(np.isfinite(odd[3]), np.float32(0.3), np.nan)
    odd[4, :5] = np.nan
    odd[4, 20:30] = np.nan
    odd[4, [5, 19, 30]] = 0.4
    options = replace(OPTIONS, max_gap_days=60.0)
    filled = adaptive.fill(odd, DAYS, DAYS, scene, options)
    assert set(filled.quality[0]) == {0}
    assert set(filled.quality[1]) == {7}
    assert np.isnan(filled.mean[:2]).all()
    whole = adaptive.fill(odd, DAYS, DAYS, scene, OPTIONS)
    assert set(whole.quality[2, 2:]) == {6}  # too few counts before beyond the ends, as with all methods
    assert np.isfinite(whole.mean[2:]).all()
    gaps = ~np.isfinite(odd[3])
    gaps[:np.argmax(~gaps)] = False
    gaps[len(gaps) - np.argmax(~gaps[::-1]):] = False
    assert set(whole.quality[3, gaps]) == {7}
    assert set(filled.quality[4, 20:30]) == {4}
    assert np.isnan(filled.mean[4, 20:30]).all()
    assert set(filled.quality[4, :5]) <= {4, 5}
    refused = adaptive.fill(odd, DAYS, DAYS, scene, replace(options, extrapolate=False))
    assert np.isnan(refused.mean[4, :5]).all()
    for result in (filled, whole, refused):
        missing = ~np.isfinite(result.mean)
        assert (missing == ~np.isfinite(result.standard_deviation)).all()
        assert set(result.quality[missing]) <= {0, 4, 5, 6, 7}  # 6: two observations, and beyond them nothing is wanted


def test_sparse_pixels_fall_back_to_the_scene(learnt):
    """A pixel with one observation is filled near the scene's mean, with a wide standard deviation and code 6."""
    clean, series, _, scene = learnt
    lone = np.full((1, len(DAYS)), np.nan, np.float32)
    lone[0, 10] = 0.5
    lone[0, 30] = 0.5
    filled = adaptive.fill(lone, DAYS, DAYS, scene, OPTIONS)
    assert set(filled.quality[0, 11:30]) == {6}
    assert (filled.standard_deviation[0, 15:25] > 3 * np.sqrt(scene.noise_variance)).any()
    assert np.abs(filled.mean[0] - clean.mean(axis=0)).max() < 0.4


@pytest.mark.parametrize(("pixels", "dates"), [(1, 1), (1, 2), (2, 3), (1, 50), (5, 8)])
def test_small_scenes_are_filled(pixels, dates):
    """Few pixels and few dates, down to a single value, are filled with finite numbers."""
    _, noisy = seasons(pixels, DAYS[:dates], 2, 0.02)
    noisy = noisy.astype(np.float32)
    if dates > 2:
        noisy[0, 1] = np.nan
    scene = adaptive.learn(noisy, DAYS[:dates], OPTIONS)
    output = np.arange(DAYS[0] - 10, DAYS[dates - 1] + 10, 5.0)
    filled = adaptive.fill(noisy, DAYS[:dates], output, scene, OPTIONS)
    assert np.isfinite(filled.mean).all()
    assert (filled.standard_deviation > 0).all()


def test_constant_scene_does_not_break():
    """A scene where every value is the same is filled with that value."""
    series = np.full((20, len(DAYS)), 0.25, np.float32)
    series[:, 10:20] = np.nan
    scene = adaptive.learn(series, DAYS, OPTIONS)
    filled = adaptive.fill(series, DAYS, DAYS, scene, OPTIONS)
    np.testing.assert_allclose(filled.mean, 0.25, atol=1e-4)
    assert set(filled.quality[:, 10:20].ravel()) == {7}


def test_empty_scene_is_an_error():
    """A scene without any observation cannot teach, and says so."""
    with pytest.raises(InputError, match="No pixel"):
        adaptive.learn(np.full((3, len(DAYS)), np.nan), DAYS, OPTIONS)


def test_dates_that_do_not_fit_are_an_error(learnt):
    """Wrong shapes and repeated dates are named before any compiled code runs."""
    _, series, _, scene = learnt
    with pytest.raises(InputError, match="dates"):
        adaptive.learn(series, DAYS[:40], OPTIONS)
    with pytest.raises(InputError, match="strictly"):
        adaptive.fill(series, DAYS, DAYS[[0, 0, 1]], scene, OPTIONS)


def test_trend_needs_one_and_a_half_periods():
    """A window shorter than 1.5 periods gets no trend unless it is asked for."""
    assert not trend_supported(np.array([0.0, 500.0]), 365.25)
    assert trend_supported(np.array([0.0, 600.0]), 365.25)
    _, noisy = seasons(20, DAYS, 2, 0.02)
    assert not adaptive.learn(noisy[:, :45], DAYS[:45], OPTIONS).mean.trend
    assert adaptive.learn(noisy, DAYS, replace(OPTIONS, trend="yes")).mean.trend


def test_amplitude_and_phase_are_those_of_the_curve():
    """Amplitude and phase rebuild the harmonics, and the filled scene gives back those it was made of."""
    rng = np.random.default_rng(6)
    amplitude, phase = rng.uniform(0.1, 0.3, (30, 2)), rng.uniform(0, 2 * np.pi, (30, 2))
    time = (DAYS - window_centre(DAYS)) / 365.25
    clean = 0.4 + sum(amplitude[:, [k]] * np.cos(2 * np.pi * (k + 1) * time - phase[:, [k]]) for k in (0, 1))
    design = harmonic_design(DAYS, 2, 365.25, False, window_centre(DAYS))
    found = amplitude_and_phase(np.linalg.lstsq(design, clean.T, rcond=None)[0].T, 2, False)
    np.testing.assert_allclose(found[0], amplitude, atol=1e-9)
    np.testing.assert_allclose(found[1], phase, atol=1e-9)
    series, _ = with_gaps(clean, 0.3)
    options = replace(OPTIONS, order=2)
    filled = adaptive.fill(series, DAYS, DAYS, adaptive.learn(series, DAYS, options), options, harmonics=True)
    np.testing.assert_allclose(filled.amplitude, amplitude, atol=5e-3)


def reference_cascade(values, days, output_days, low=-1.0, high=1.0):
    """10, 5, 1 harmonics by numpy's least squares: value and order at each output date."""
    value, used = np.full(len(output_days), np.nan), np.zeros(len(output_days), int)
    seen = np.isfinite(values)
    centre = window_centre(days)
    for order in (1, 5, 10):
        design = harmonic_design(days[seen], order, 365.25, True, centre)
        if seen.sum() <= design.shape[1]:
            continue
        fit = harmonic_design(output_days, order, 365.25, True, centre) @ np.linalg.lstsq(
            design, values[seen], rcond=None)[0]
        good = (fit > low) & (fit < high)
        value[good], used[good] = fit[good], order
    return value, used


def test_cascade_equals_least_squares():
    """The cascade equals an independent least squares to 1e-6 and takes the same order, at every date it fills."""
    _, noisy = seasons(150, DAYS, 6, 0.03)
    series = np.concatenate([with_gaps(noisy[:50], share)[0] for share in (0.2, 0.5, 0.8)])
    filled = cascade.fill(series, DAYS, DAYS, cascade.Options())
    chosen = set()
    for pixel, values in enumerate(series):
        value, used = reference_cascade(values.astype(float), DAYS, DAYS)
        gaps = np.isnan(values)
        assert (filled.harmonics[pixel, gaps] == used[gaps]).all()
        np.testing.assert_allclose(filled.mean[pixel, gaps], value[gaps], rtol=0, atol=1e-6)
        chosen |= set(used[gaps])
    assert chosen >= {1, 5, 10}
    observed = np.isfinite(series)
    assert (filled.mean[observed].view(np.uint32) == series[observed].view(np.uint32)).all()
    assert (filled.harmonics[observed] == -1).all()


def test_cascade_standard_deviation_is_residual_and_leverage():
    """With enough dates for one harmonic only, the standard deviation is the textbook one of a predicted observation."""
    _, noisy = seasons(1, DAYS, 1, 0.05)
    series = np.full((1, len(DAYS)), np.nan, np.float32)
    kept = np.arange(0, 50, 5)
    series[0, kept] = noisy[0, kept]
    filled = cascade.fill(series, DAYS, DAYS, cascade.Options())
    design = harmonic_design(DAYS, 1, 365.25, True, window_centre(DAYS))
    coefficients = np.linalg.lstsq(design[kept], series[0, kept].astype(float), rcond=None)[0]
    variance = np.sum((series[0, kept] - design[kept] @ coefficients) ** 2) / (len(kept) - 4)
    lever = np.einsum("ij,jk,ik->i", design, np.linalg.inv(design[kept].T @ design[kept]), design)
    gaps = np.isnan(series[0])
    np.testing.assert_allclose(filled.standard_deviation[0, gaps], np.sqrt(variance * (1 + lever))[gaps], rtol=1e-5)
    np.testing.assert_allclose(filled.standard_deviation[0, ~gaps], np.sqrt(variance), rtol=1e-5)


def test_cascade_explains_what_it_cannot_fill():
    """Too few dates, long gaps, refused ends and the half-period rule are coded, and HARMONICS says 0 there."""
    _, noisy = seasons(4, DAYS, 2, 0.02)
    series = noisy.astype(np.float32)
    series[0] = np.nan
    series[1, 4:] = np.nan
    series[2, 10:20] = np.nan
    series[3, :5] = np.nan
    filled = cascade.fill(series, DAYS, DAYS, cascade.Options(max_gap_days=40.0, extrapolate=False))
    assert set(filled.quality[0]) == {0}
    assert set(filled.quality[1, 4:]) <= {4, 5, 6}
    assert set(filled.quality[2, 10:20]) == {4}
    assert set(filled.quality[3, :5]) <= {4, 5}
    missing = np.isnan(filled.mean)
    assert (filled.harmonics[missing] == 0).all()
    assert not set(filled.quality[missing]) & {1, 2, 3}
    careful = cascade.fill(series, DAYS, DAYS, cascade.Options(half_period_rule=True))
    assert set(careful.harmonics[2, 10:20]) == {1}
