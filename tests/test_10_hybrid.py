"""Merging fills: weights by hand, intervals that hold the simulated truth however errors are correlated, gaps in the fills."""
from __future__ import annotations

import numpy as np
import pytest
from phenofuse.core.hybrid.merging import OBSERVED, RULES, merge

NOTHING = np.float32(np.nan)


def fills(*values):
    """Fills of some values, (fills, values) float32."""
    return np.array(values, np.float32)


def errors(correlation, deviations, count=40_000, seed=1):
    """Errors of fills, (fills, values), with one correlation between any two."""
    fills_ = len(deviations)
    shared = np.full((fills_, fills_), correlation) + (1 - correlation) * np.eye(fills_)
    draws = np.random.default_rng(seed).multivariate_normal(np.zeros(fills_), shared, count).T
    return draws * deviations


def test_weights_are_inverse_variances():
    """Deviations 0.1 and 0.2 weigh 4 to 1; the deviation is that of the mixture, worked out by hand."""
    found = merge("inverse_variance", fills([0.5], [0.6]), fills([0.1], [0.2]))
    mean = 0.8 * 0.5 + 0.2 * 0.6
    variance = 0.8 * (0.1**2 + (0.5 - mean) ** 2) + 0.2 * (0.2**2 + (0.6 - mean) ** 2)
    assert found.mean[0] == pytest.approx(mean, rel=1e-6) and found.deviation[0] == pytest.approx(variance**0.5, rel=1e-6)
    assert found.source.tolist() == [1]


@pytest.mark.parametrize("correlation", [0.0, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("ratio", [1.0, 2.0])
@pytest.mark.parametrize("count", [2, 3])
def test_merged_intervals_hold_the_truth_however_errors_are_correlated(correlation, ratio, count):
    """90 % intervals of calibrated fills hold 90 % of the truth or more; with nearly the same ones hardly more."""
    deviation = 0.05 * ratio ** np.arange(count)[:, None] * np.random.default_rng(2).uniform(0.5, 2, 40_000)
    made = errors(correlation, np.ones((count, 1))) * deviation
    found = merge("inverse_variance", made.astype(np.float32), deviation.astype(np.float32))
    inside = np.mean(np.abs(found.mean) <= 1.6449 * found.deviation)
    assert inside >= 0.895
    if correlation == 0.99 and ratio == 1:
        assert inside < 0.93
    independent = np.mean(np.abs(found.mean) <= 1.6449 * (deviation**-2.0).sum(axis=0) ** -0.5)
    assert correlation == 0 or independent < 0.87  # what pretending independence would have promised


def test_deviation_never_falls_below_full_correlation():
    """No choice of weights makes the deviation smaller than the weighted mean of the deviations."""
    rng = np.random.default_rng(3)
    means, deviations = rng.normal(0.5, 0.1, (4, 5000)), rng.uniform(0.01, 0.3, (4, 5000))
    found = merge("inverse_variance", means.astype(np.float32), deviations.astype(np.float32))
    weights = deviations**-2.0 / (deviations**-2.0).sum(axis=0)
    assert (found.deviation >= (weights * deviations).sum(axis=0) * (1 - 1e-5)).all()
    assert (found.mean >= means.min(axis=0) - 1e-6).all() and (found.mean <= means.max(axis=0) + 1e-6).all()


def test_best_is_the_surest_to_the_last_bit():
    """The value and deviation of the smallest deviation, unchanged; of equals the first."""
    means, deviations = fills([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]), fills([0.2, 0.1, 0.1], [0.1, 0.2, 0.1])
    found = merge("best", means, deviations)
    assert found.source.tolist() == [2, 1, 1]
    assert found.mean.tolist() == [means[1, 0], means[0, 1], means[0, 2]] and (found.deviation == np.float32(0.1)).all()


def test_clear_share_takes_the_first_where_told_and_the_other_where_it_is_missing():
    """The mask decides; a value that the wanted fill lacks comes from the other; without deviations there is none."""
    found = merge("clear_share", fills([0.1, 0.1, NOTHING, NOTHING], [0.2, 0.2, 0.2, NOTHING]), None,
                  first=np.array([True, False, True, False]))
    assert found.source.tolist() == [1, 2, 2, 0]
    assert np.array_equal(found.mean, fills(0.1, 0.2, 0.2, NOTHING), equal_nan=True) and np.isnan(found.deviation).all()


@pytest.mark.parametrize("rule", RULES)
def test_observed_values_and_missing_ones(rule):
    """What all keep comes back to the last bit as observed; where nobody knows anything nothing is made up, with its reason."""
    means = fills([0.3, NOTHING, 0.5, 0.7], [0.3, NOTHING, NOTHING, 0.7])
    deviations = fills([0.05, NOTHING, 0.1, 0.2], [0.04, NOTHING, NOTHING, 0.1])
    codes = np.array([[1, 4, 2, 3], [1, 6, 4, 3]], np.uint8)
    found = merge(rule, means, deviations, codes, np.ones(4, bool))
    assert found.mean[[0, 2, 3]].tolist() == means[0, [0, 2, 3]].tolist() and np.isnan(found.mean[1])
    assert np.isfinite(found.deviation).tolist() == [True, False, True, True]
    assert found.source[:3].tolist() == [OBSERVED, 0, 1] and found.source[3] in (1, 2)  # equal by chance, but not observed
    assert found.code.tolist() == [1, 6, 2, 3]


def test_without_codes_equal_values_count_as_observed():
    """Two methods do not find the same value to the last bit by chance."""
    assert merge("best", fills([0.3, 0.4], [0.3, 0.41]), fills([0.1, 0.1], [0.1, 0.2])).source.tolist() == [OBSERVED, 1]


def test_a_value_without_deviation_gives_way():
    """A fill that does not say how sure it is counts only where no other says so."""
    means, deviations = fills([0.2, 0.2], [0.4, NOTHING]), fills([NOTHING, NOTHING], [0.1, NOTHING])
    found = merge("inverse_variance", means, deviations)
    assert found.mean.tolist() == [means[1, 0], means[0, 1]] and np.isnan(found.deviation[1])


def test_a_certain_fill_outweighs_the_others():
    """A deviation of zero divides nothing by zero."""
    found = merge("inverse_variance", fills([0.2], [0.4]), fills([0.0], [0.1]))
    assert found.mean[0] == pytest.approx(0.2, abs=1e-6)
