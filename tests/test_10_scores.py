"""Scores: equal to plain numpy and to a dense reference, the same bits whatever the tiles, intervals that cover."""
from __future__ import annotations

from datetime import date, timedelta
from math import fsum

import numpy as np
import pytest
from phenofuse.core.assess.scores import Scores
from phenofuse.core.tiles import scores
from phenofuse.core.tiles.scores import ErrorSums
from phenofuse.core.timeseries.classes import GAP_LABELS
from scipy import integrate, stats


def scene(seed=0, shape=(30, 24, 36)):
    """Draw a scene of estimates: truth, estimate, standard deviation, days, gap lengths."""
    rng = np.random.default_rng(seed)
    days = 19662 + 12.0 * np.arange(shape[0])
    truth = rng.uniform(-0.1, 0.95, shape).astype(np.float32)
    deviation = rng.uniform(0.02, 0.1, shape).astype(np.float32)
    estimate = (truth + deviation * rng.normal(size=shape)).astype(np.float32)
    truth[rng.random(shape) < 0.7] = np.nan
    estimate[rng.random(shape) < 0.05] = np.nan
    lengths = rng.choice([5, 10, 11, 20, 33, 40, 41, 80, 81, np.inf], shape)
    return truth, estimate, deviation, days, lengths


def scored(truth, estimate, deviation, days, lengths, side=None):
    """Score a scene at once, or tile by tile and merged in a strange order."""
    shape = truth.shape[1:]
    if side is None:
        whole = Scores(*shape)
        whole.add(estimate, truth, days, lengths, deviation)
        return whole
    parts = []
    for row in range(0, shape[0], side):
        for column in range(0, shape[1], side):
            w = np.s_[:, row:row + side, column:column + side]
            part = Scores(*shape)
            part.add(estimate[w], truth[w], days, lengths[w], None if deviation is None else deviation[w], row, column)
            parts.append(part)
    total = Scores(*shape)
    for part in parts[::-1]:
        total.merge(part)
    return total


def plain(error, truth, deviation):
    """Compute the scores as textbooks do."""
    z = np.abs(error) / deviation
    inside = [np.mean(z <= stats.norm.ppf(0.5 + share / 2)) for share in (0.5, 0.8, 0.9, 0.95)]
    return [len(error), np.sqrt(np.mean(error ** 2)), np.mean(np.abs(error)), np.mean(error),
            1 - np.sum(error ** 2) / np.sum((truth - truth.mean()) ** 2), np.mean(brute_crps(error, deviation)),
            *inside, np.mean(2 * stats.norm.ppf(0.95) * deviation)]


def brute_crps(error, deviation):
    """CRPS by its definition: the integral of the squared difference of the two distribution functions."""
    x = np.linspace(-1.2, 1.2, 2401)[:, None]
    squared = (stats.norm.cdf(x, error, deviation) - (x >= 0)) ** 2
    return integrate.trapezoid(squared, x, axis=0)


def test_scores_equal_plain_numpy():
    """Overall, by gap length, by month and by level, every score equals its definition computed on the same values."""
    truth, estimate, deviation, days, lengths = scene()
    result = scored(truth, estimate, deviation, days, lengths)
    used = np.isfinite(truth) & np.isfinite(estimate)
    error = (estimate.astype(float) - truth)[used]
    true, spread, length = truth[used].astype(float), deviation[used].astype(float), lengths[used]
    month = np.array([(date(1970, 1, 1) + timedelta(days=day)).month for day in days])[np.nonzero(used)[0]]
    groups = {"all": np.ones(len(error), bool), "≤ 10": length <= 10, "11–20": (length > 10) & (length <= 20),
              "21–40": (length > 20) & (length <= 40), "41–80": (length > 40) & (length <= 80),
              "> 80": (length > 80) & np.isfinite(length), "beyond the ends": np.isinf(length),
              "Jan": month == 1, "Dec": month == 12, "0.4–0.6": (true >= 0.4) & (true < 0.6), "above 0.8": true >= 0.8}
    found = {"all": result.overall(), **result.by_gap(), **result.by_month(), **result.by_level()}
    for name, mask in groups.items():
        expected = plain(error[mask], true[mask], spread[mask])
        assert found[name].count == mask.sum() > 0
        np.testing.assert_allclose(found[name][:5], expected[:5], rtol=0, atol=1e-12)
        np.testing.assert_allclose(found[name].crps, expected[5], rtol=2e-3)  # the reference is a coarse integral
        np.testing.assert_allclose(found[name][6:], expected[6:], rtol=0, atol=1e-12)
    assert result.missing == (np.isfinite(truth) & ~np.isfinite(estimate)).sum() > 0


@pytest.mark.parametrize("side", [1, 5, 16])
def test_scores_do_not_depend_on_tiles(side):
    """Tiles of any size, merged in any order, give every score, pair count and comparison bit for bit."""
    parts = scene(1)
    whole, tiled = scored(*parts), scored(*parts, side=side)
    assert whole.overall() == tiled.overall()
    for group in ("by_gap", "by_month", "by_level"):
        first, second = (list(getattr(result, group)().values()) for result in (whole, tiled))
        assert np.array_equal(first, second, equal_nan=True)
    np.testing.assert_array_equal(whole.pairs, tiled.pairs)
    assert whole.missing == tiled.missing
    truth, estimate, _, days, lengths = parts
    baseline = [scored(truth, 0.9 * estimate, None, days, lengths, side) for side in (None, side)]
    assert whole.compared(baseline[0]) == tiled.compared(baseline[1])


def test_sums_are_exact():
    """Sums of values whose float total depends on the order are the same in any order, and right to 2**-50."""
    rng = np.random.default_rng(3)
    values = rng.normal(size=200_000) * 10.0 ** rng.integers(-6, 3, 200_000)
    totals = set()
    for order in (np.arange(len(values)), rng.permutation(len(values)), np.argsort(values)):
        sums = ErrorSums(1)
        sums.add_errors(np.zeros(len(values), int), values[order], values[order])
        totals.add(sums.score()[:5])
    assert len(totals) == 1
    assert abs(totals.pop()[3] - fsum(values) / len(values)) < 2.0 ** -50


def test_crps_equals_its_integral_and_limit():
    """The closed form equals the integral of its definition; with no spread it is the absolute error."""
    error, deviation = np.array([-0.3, 0.0, 0.01, 0.2]), np.array([0.1, 0.05, 0.2, 0.07])
    np.testing.assert_allclose(scores.gaussian_crps(error, deviation), brute_crps(error, deviation), atol=6e-4)
    np.testing.assert_array_equal(scores.gaussian_crps(error, np.zeros(4)), np.abs(error))


def test_crps_is_proper():
    """On average no other mean or spread than the true one scores better."""
    error = np.random.default_rng(4).normal(0, 0.1, 200_000)
    best = scores.gaussian_crps(error, np.full_like(error, 0.1)).mean()
    assert abs(best - 0.1 / np.sqrt(np.pi)) < 4e-4  # analytic: sigma / sqrt(pi)
    for spread, shift in ((0.08, 0), (0.13, 0), (0.1, 0.03)):
        assert scores.gaussian_crps(error + shift, np.full_like(error, spread)).mean() > best


def test_values_without_uncertainty_count_only_in_the_errors():
    """Missing or negative standard deviations leave the errors as they are and drop out of the intervals."""
    error, truth = np.array([0.1, -0.2, 0.3, 0.0]), np.array([0.1, 0.5, 0.9, 0.3])
    sums = ErrorSums(1)
    sums.add_errors(np.zeros(4, int), error, truth, np.array([np.nan, -1.0, 0.1, 0.1]))
    score = sums.score()
    assert score.count == 4
    np.testing.assert_allclose(score.rmse, np.sqrt(0.14 / 4))
    assert score.coverage_95 == 0.5
    bare = ErrorSums(1)
    bare.add_errors(np.zeros(4, int), error, truth)
    assert bare.score()[:5] == score[:5]
    assert np.isnan(bare.score()[5:]).all()


def test_nothing_to_score_is_nan():
    """A group without values has a count of 0 and NaN scores; one constant true value has no R2."""
    empty = Scores(4, 4)
    assert empty.overall().count == 0
    assert np.isnan(empty.overall()[1:]).all()
    assert np.isnan(empty.compared(Scores(4, 4))).all()
    sums = ErrorSums(1)
    sums.add_errors(np.zeros(2, int), np.array([0.1, 0.2]), np.array([0.5, 0.5]))
    assert np.isnan(sums.score().r2)


def test_pairs_count_every_value():
    """The joint histogram holds each scored pair once, at its place."""
    truth, estimate, deviation, days, lengths = scene(5)
    result = scored(truth, estimate, deviation, days, lengths)
    used = np.isfinite(truth) & np.isfinite(estimate)
    inside = used & (np.abs(estimate) <= 1)
    assert result.pairs.sum() == inside.sum()
    expected = np.histogram(truth[inside].astype(float), result.edges)[0]
    np.testing.assert_array_equal(result.pairs.sum(axis=1), expected)


def errors_in_blocks(rng, ratio, side=60, blocks=10):
    """Draw errors of a method and its baseline that vary from block to block, as fields do."""
    size = side // blocks
    scale = np.kron(rng.lognormal(0, 0.5, (blocks, blocks)), np.ones((size, size)))
    baseline = rng.normal(size=(1, side, side)) * scale * 0.05
    own = ratio * (0.8 * baseline + 0.6 * rng.normal(size=(1, side, side)) * scale * 0.05)
    return own, baseline


def test_comparison_covers_the_true_ratio():
    """The bootstrap interval of the RMSE ratio covers the true ratio in about 95 % of drawn scenes."""
    rng = np.random.default_rng(6)
    truth, lengths, days = np.full((1, 60, 60), 0.5), np.full((1, 60, 60), 30.0), np.array([19662.0])
    covered = 0
    for _ in range(150):
        own, base = (scored(truth, truth + e, None, days, lengths) for e in errors_in_blocks(rng, 0.9))
        found = own.compared(base)
        assert found.lower < found.ratio < found.upper
        assert found.skill == pytest.approx(1 - found.ratio ** 2)
        covered += found.lower <= 0.9 <= found.upper
    assert 0.88 <= covered / 150 <= 0.995


def test_comparison_by_gap_uses_that_class_alone():
    """In a class of gap length the ratio is that of the class; a scene scored against itself has ratio 1 exactly."""
    truth, estimate, deviation, days, lengths = scene(7)
    result = scored(truth, estimate, deviation, days, lengths)
    assert result.compared(result)[:4] == (1, 1, 1, 0)
    other = np.where(lengths > 80, estimate + 0.1, estimate)
    worse = scored(truth, other, deviation, days, lengths)
    assert worse.compared(result, "21–40").ratio == 1
    for label in ("> 80", "beyond the ends"):
        expected = worse.by_gap()[label].rmse / result.by_gap()[label].rmse
        assert worse.compared(result, label).ratio == pytest.approx(expected, abs=1e-12)
    assert set(result.by_gap()) == set(GAP_LABELS)
