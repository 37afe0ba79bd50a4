"""Phenology, first half: the smoothed curve and the division into seasons, against polyfit, prominence and plain cases."""
from __future__ import annotations

import numpy as np
import pytest
from phenofuse.core.phenology import division, harvests
from phenofuse.core.phenology.smoothing import smoothed
from scipy.signal import find_peaks


def turning(curve, days=None, least_change=0.1, least_days=0.0, spread=None):
    """Positions of the turning points that stay."""
    curve = np.asarray(curve, float)
    days = np.arange(len(curve), dtype=float) if days is None else np.asarray(days, float)
    found = np.empty(len(curve) + 1, np.int64)
    points = division.turning_points(curve, len(curve), found)
    spread = np.zeros(len(curve)) if spread is None else np.full(len(curve), spread)
    return list(found[:division.prune(curve, days, spread, points, found, least_change, least_days)])


@pytest.mark.parametrize("seed", range(3))
def test_smoothing_is_a_local_parabola_with_tricube_weights(seed):
    """At every uneven date the curve is that of numpy's weighted polynomial of degree 2."""
    chance = np.random.default_rng(seed)
    days = np.cumsum(chance.uniform(2, 11, 60))
    values, width = chance.normal(size=60), 30.0
    expected = []
    for day in days:
        near = np.abs(days - day) < width
        weights = (1 - (np.abs(days[near] - day) / width) ** 3) ** 3
        expected.append(np.polyfit(days[near] - day, values[near], 2, w=np.sqrt(weights))[2])
    np.testing.assert_allclose(smoothed(values, days, width), expected, atol=1e-9)


def test_smoothing_keeps_a_parabola_and_sparse_values():
    """A parabola comes back, so a peak is not flattened; with fewer than four values near, each stands for itself."""
    days = np.array([0, 5, 9, 16, 20, 29, 33, 41.0])
    np.testing.assert_allclose(smoothed(1 - (days - 20) ** 2 / 400, days, 30), 1 - (days - 20) ** 2 / 400, atol=1e-12)
    sparse = np.array([0.1, 0.9, 0.2, 0.8])
    assert np.array_equal(smoothed(sparse, np.array([0, 40, 80, 120.0]), 50), sparse)


@pytest.mark.parametrize("seed", range(20))
def test_peaks_that_stay_are_those_of_enough_prominence(seed):
    """Within low ends, the peaks left are scipy's peaks with that prominence."""
    chance = np.random.default_rng(seed)
    curve = np.concatenate([[-9], np.cumsum(chance.normal(size=200)) * 0.3, [-9]])
    for least in (0.2, 0.7, 2.0):
        found = turning(curve, least_change=least)
        peaks = [i for i in found[1:-1] if curve[i] > curve[found[found.index(i) - 1]]]
        assert peaks == list(find_peaks(curve, prominence=least)[0])


def test_turning_points_of_plain_curves():
    """Plateaus count once, in their middle; a constant has no season, a rise none either."""
    assert turning([0, 1, 1, 1, 0]) == [0, 2, 4]
    assert len(turning([0.5] * 6)) == 1
    assert turning([0, 0.2, 0.4, 0.6]) == [0, 3]
    assert len(turning([0.50, 0.55, 0.48, 0.52])) == 1


def test_a_short_rebound_does_not_divide_a_season():
    """A dip of less than the least change disappears; a deeper one divides."""
    assert turning([0.1, 0.8, 0.73, 0.8, 0.7, 0.1], least_change=0.2)[0::2] == [0, 5]
    assert turning([0.1, 0.8, 0.4, 0.8, 0.1], least_change=0.2) == [0, 1, 2, 3, 4]


def test_a_season_too_short_is_joined_to_its_lower_neighbour():
    """The higher of its valleys goes, with the lower of the peaks beside it, so the highest peak stays."""
    curve, days = [0, 0.9, 0.3, 0.6, 0.1, 0.8, 0], [0, 60, 100, 110, 130, 200, 260]
    assert turning(curve, days, least_days=45) == [0, 1, 4, 5, 6]
    assert turning(curve, days, least_days=20) == [0, 1, 2, 3, 4, 5, 6]
    higher = [0, 0.5, 0.3, 0.9, 0.1, 0.8, 0]
    assert turning(higher, days, least_days=45) == [0, 3, 4, 5, 6]


def test_what_chance_makes_is_no_season():
    """A rise below 1.28 standard deviations of a difference is none; one above is."""
    curve = [0.3, 0.8, 0.45, 0.65, 0.2]
    assert turning(curve, spread=0.2) == [0, 1, 4]
    assert turning(curve, spread=0.1) == [0, 1, 2, 3, 4]


def test_drops_are_found_where_they_are_fast_and_large():
    """Mowing on days 50 and 120; a slow decline and a small dip are none; missing dates are left out."""
    days = np.arange(0, 300, 5.0)
    values = np.interp(days, [0, 45, 50, 100, 118, 123, 160, 170, 176, 185, 300],
                       [0.4, 0.9, 0.5, 0.9, 0.9, 0.5, 0.9, 0.88, 0.8, 0.9, 0.2])
    series = np.stack([values, np.where(np.arange(len(days)) % 3 == 1, np.nan, values), np.full(len(days), np.nan)])
    found = harvests.find(series, days, 4)
    assert np.isnan(found[:2, 2:]).all() and np.isnan(found[2]).all()
    assert np.abs(found[0, :2] - [47.5, 120.5]).max() <= 2.5
    assert np.abs(found[1, :2] - [47.5, 120.5]).max() <= 7.5
    assert np.isnan(harvests.find(series, days, 4, least_drop=0.7)[:, 0]).all()
    assert np.isnan(harvests.find(series, days, 4, least_rate=0.2)[:, 0]).all()
