"""Gaps: each pattern hides what it says, the same values whatever the tiles; gap lengths; linear interpolation."""
from __future__ import annotations

import numpy as np
import pytest
from phenofuse.core.assess import gaps, linear
from phenofuse.core.errors import InputError
from scipy import stats

DAYS = 19662 + 12.0 * np.arange(40)


def cloudy(rows=30, columns=40, share=0.5, seed=0, days=DAYS):
    """Draw where values are observed (dates, rows, columns)."""
    return np.random.default_rng(seed).random((len(days), rows, columns)) < share


def library_of(observed, count=50, seed=3):
    """Read the missing sequences at drawn places."""
    places = gaps.draw_places(*observed.shape[1:], count, seed)
    return np.stack([~observed[:, row, column] for row, column in places])


@pytest.mark.parametrize("pattern", gaps.PATTERNS)
def test_hidden_values_do_not_depend_on_tiles(pattern):
    """Hiding tile by tile, whatever the tiles, equals hiding the whole scene at once; another seed differs."""
    observed = cloudy()
    options = {"gap_days": 60, "fraction": 0.6, "library": library_of(observed)}
    whole = gaps.hide(observed, DAYS, pattern, seed=5, **options)
    for side in (1, 7, 16):
        pieces = np.zeros_like(whole)
        for row in range(0, 30, side):
            for column in range(0, 40, side):
                window = np.s_[:, row:row + side, column:column + side]
                pieces[window] = gaps.hide(observed[window], DAYS, pattern, seed=5, row=row, column=column, **options)
        np.testing.assert_array_equal(pieces, whole)
    assert whole.any()
    if pattern != "random":
        assert not whole.any(axis=0).all(), "the fraction leaves some pixels alone"
    assert (gaps.hide(observed, DAYS, pattern, seed=6, **options) != whole).any()


@pytest.mark.parametrize("pattern", gaps.PATTERNS)
def test_only_observations_are_hidden_and_enough_remain(pattern):
    """No missing value is hidden, poor pixels are left alone, and two observations always remain."""
    observed = cloudy(share=0.15)
    hidden = gaps.hide(observed, DAYS, pattern, gap_days=200, fraction=0.9, seed=1, library=library_of(observed))
    assert hidden.any()
    assert not (hidden & ~observed).any()
    assert not hidden[:, observed.sum(axis=0) < gaps.FEWEST_OBSERVATIONS].any()
    touched = hidden.any(axis=0)
    assert ((observed & ~hidden).sum(axis=0)[touched] >= gaps.FEWEST_LEFT).all()


def test_random_hides_the_share_asked_for():
    """The random pattern hides exactly the share of each pixel, every date alike."""
    observed = np.ones((40, 50, 50), bool)
    hidden = gaps.hide(observed, DAYS, "random", gap_days=0, fraction=0.25, seed=2)
    assert (hidden.sum(axis=0) == 10).all()
    assert stats.chisquare(hidden.sum(axis=(1, 2))).pvalue > 1e-3


def test_block_hides_one_stretch_within_the_series():
    """A block hides all within half a gap of one observation, and observations remain on both sides of it."""
    observed = cloudy(share=0.6)
    hidden = gaps.hide(observed, DAYS, "block", gap_days=60, fraction=1, seed=4)
    touched = 0
    for row, column in np.argwhere(hidden.any(axis=0)):
        lost, seen = (DAYS[mask[:, row, column]] for mask in (hidden, observed))
        centres = [day for day in seen if np.array_equal(lost, seen[np.abs(seen - day) <= 30])]
        assert centres
        assert seen[0] < lost[0]
        assert lost[-1] < seen[-1]
        touched += 1
    assert touched == (observed.sum(axis=0) >= gaps.FEWEST_OBSERVATIONS).sum()


def test_block_draws_every_observation_alike():
    """Over many pixels of one full series, the centre of the block is uniform among the observations allowed."""
    observed = np.ones((40, 100, 100), bool)
    hidden = gaps.hide(observed, DAYS, "block", gap_days=24, fraction=1, seed=9)
    centre = (hidden * np.arange(40)[:, None, None]).sum(axis=0) // hidden.sum(axis=0)
    counts = np.bincount(centre.ravel(), minlength=40)
    assert counts[:2].sum() + counts[-2:].sum() == 0, "the first and last observation stay"
    assert stats.chisquare(counts[2:-2]).pvalue > 1e-3


def test_fraction_is_the_share_of_pixels():
    """The share of pixels with a gap is the fraction, within four standard errors."""
    observed = np.ones((40, 100, 100), bool)
    for pattern in ("block", "tail"):
        touched = gaps.hide(observed, DAYS, pattern, gap_days=60, fraction=0.3, seed=1).any(axis=0).mean()
        assert abs(touched - 0.3) < 4 * np.sqrt(0.3 * 0.7 / 10_000)


def test_tail_hides_the_end():
    """The tail is everything within the last days of the series, and nothing else."""
    observed = cloudy()
    hidden = gaps.hide(observed, DAYS, "tail", gap_days=100, fraction=1, seed=1)
    expected = observed & (DAYS[-1] - 100 < DAYS)[:, None, None]
    rich = observed.sum(axis=0) >= gaps.FEWEST_OBSERVATIONS
    np.testing.assert_array_equal(hidden[:, rich], expected[:, rich])


def test_transplanted_gaps_are_clouds_of_the_scene():
    """What is hidden is, in every pixel, a sequence of the library moved in time, and is lost in the same long runs."""
    rng = np.random.default_rng(7)
    observed = np.repeat(rng.random((8, 20, 20)) < 0.5, 5, axis=0)  # clouds stay for five dates
    library = library_of(observed)
    hidden = gaps.hide(observed, DAYS, "transplanted", gap_days=0, fraction=1, seed=8, library=library)
    moved = np.stack([np.roll(sequence, shift) for sequence in library for shift in range(40)])
    assert hidden.any(axis=0).mean() > 0.9
    for row, column in np.argwhere(hidden.any(axis=0))[::17]:
        seen = observed[:, row, column]
        assert (hidden[:, row, column] == (moved & seen)).all(axis=1).any()


def test_places_are_in_the_scene_and_repeat():
    """Drawn places are distinct, within the scene, and the same for the same seed."""
    places = gaps.draw_places(12, 31, 100, seed=1)
    assert len(places) == len(set(places)) > 70
    assert all(0 <= row < 12 and 0 <= column < 31 for row, column in places)
    assert places == gaps.draw_places(12, 31, 100, seed=1) != gaps.draw_places(12, 31, 100, seed=2)


def test_chance_is_uniform_and_independent():
    """The counter-based numbers are uniform, and those of neighbours, draws and seeds are uncorrelated."""
    draws = np.stack([gaps._Chance(seed, 0, 0, (200, 200)).uniform(draw) for seed in (1, 2) for draw in (0, 1)])
    assert draws.min() >= 0
    assert draws.max() < 1
    for field in draws:
        assert stats.kstest(field.ravel(), "uniform").pvalue > 1e-3
        for a, b in ((field[1:], field[:-1]), (field[:, 1:], field[:, :-1])):
            assert abs(np.corrcoef(a.ravel(), b.ravel())[0, 1]) < 4 / 200
    assert np.abs(np.corrcoef(draws.reshape(4, -1)) - np.eye(4)).max() < 4 / 200


@pytest.mark.parametrize(("pattern", "options", "said"), [
    ("holes", {"gap_days": 60, "fraction": 0.5}, "random, block, transplanted, tail"),
    ("random", {"gap_days": 60, "fraction": 1}, "below 1"),
    ("block", {"gap_days": 60, "fraction": 0}, "FRACTION"),
    ("block", {"gap_days": 0, "fraction": 0.5}, "GAP_DAYS"),
    ("tail", {"gap_days": 9999, "fraction": 0.5}, "468 days of the series"),
])
def test_impossible_gaps_are_refused(pattern, options, said):
    """Parameters out of range are errors that name the parameter and the range."""
    with pytest.raises(InputError, match=said):
        gaps.hide(cloudy(2, 2), DAYS, pattern, seed=0, **options)


def brute_gap(observed, days, date):
    """Days between the observations around a date, by looking at each."""
    before = [day for day, seen in zip(days[:date], observed[:date]) if seen]
    after = [day for day, seen in zip(days[date + 1:], observed[date + 1:]) if seen]
    if observed[date]:
        return 0
    return min(after) - max(before) if before and after else np.inf


def test_gap_lengths_equal_brute_force():
    """Gap lengths on uneven dates, at these and at other dates, equal a search observation by observation."""
    rng = np.random.default_rng(1)
    days = np.sort(rng.choice(600, 25, replace=False)).astype(float)
    observed = cloudy(6, 7, 0.3, days=days)
    observed[:, 0, 0] = False
    observed[:, 0, 1] = True
    lengths = gaps.gap_lengths(observed, days)
    between = np.arange(-3.0, 603.0, 7)
    asked = np.setdiff1d(between, days)
    elsewhere = gaps.gap_lengths(observed, days, asked)
    for row, column in np.ndindex(6, 7):
        series = observed[:, row, column]
        seen = days[series]
        expected = [min(seen[seen > day], default=np.inf) - max(seen[seen < day], default=-np.inf) for day in asked]
        assert elsewhere[:, row, column].tolist() == expected
        assert lengths[:, row, column].tolist() == [brute_gap(series, days, date) for date in range(25)]


def test_linear_equals_numpy_interp():
    """Linear interpolation equals numpy.interp pixel by pixel, to own and to other dates, beyond the ends too."""
    rng = np.random.default_rng(2)
    days = np.sort(rng.choice(600, 30, replace=False)).astype(float)
    values = np.where(cloudy(9, 11, 0.4, days=days), rng.uniform(-1, 1, (30, 9, 11)), np.nan).astype(np.float32)
    values[:, 0, 0] = np.nan
    values[1:, 0, 1], values[0, 0, 1] = np.nan, 0.5
    for at in (None, np.sort(rng.uniform(-50, 700, 80)), days[3:4]):
        found = linear.interpolate(days, values, at)
        wanted = days if at is None else at
        assert found.shape == (len(wanted), 9, 11)
        for row, column in np.ndindex(9, 11):
            seen = np.isfinite(values[:, row, column])
            expected = (np.interp(wanted, days[seen], values[seen, row, column].astype(float)) if seen.any()
                        else np.full(len(wanted), np.nan))
            np.testing.assert_allclose(found[:, row, column], expected, rtol=0, atol=1e-15)


def test_linear_works_in_pieces(monkeypatch):
    """Large arrays are worked in pieces with the same result."""
    values = np.where(cloudy(), np.random.default_rng(3).random((40, 30, 40)), np.nan)
    whole = linear.interpolate(DAYS, values)
    monkeypatch.setattr(linear, "VALUES_AT_ONCE", 777)
    np.testing.assert_array_equal(linear.interpolate(DAYS, values), whole)
