"""Training gaps and splits: what is hidden was clear, what is kept suffices, parts are apart."""
from __future__ import annotations

import numpy as np
import pytest
from phenofuse.core.errors import InputError
from phenofuse.core.learning import gaps, splits
from phenofuse.core.timeseries import Grid
from phenofuse.core.timeseries.sampling import LATTICE, WINDOW_SIDE

DAYS = 19000.0 + 12 * np.arange(40)


def seen(pixels=400, share=0.5, seed=0):
    """Draw where observations are."""
    return np.random.default_rng(seed).random((pixels, len(DAYS))) < share


@pytest.mark.parametrize("way", [*gaps.WAYS])
def test_only_clear_values_are_hidden_and_two_remain(way):
    """Each way hides observations only, some of them, leaves two of every pixel, and the same ones for the same seed."""
    there = seen()
    there[:3] = False
    there[1, 4], there[2, [4, 9]] = True, True
    hidden = gaps.hide(there, DAYS, np.random.default_rng(1), {way: 1.0})
    assert not (hidden & ~there).any() and hidden[3:].any(axis=1).mean() > 0.8
    assert ((there & ~hidden).sum(axis=1) >= np.minimum(there.sum(axis=1), 2)).all()
    assert np.array_equal(hidden, gaps.hide(there, DAYS, np.random.default_rng(1), {way: 1.0}))
    assert not np.array_equal(hidden, gaps.hide(there, DAYS, np.random.default_rng(2), {way: 1.0}))


def test_ways_are_what_their_names_say():
    """Stretches are unbroken and as long as told; tails reach the last observation, heads the first."""
    there = np.ones((500, len(DAYS)), bool)
    hidden = gaps.hide(there, DAYS, np.random.default_rng(1), {"stretch": 1.0})
    for row in hidden:
        own = np.flatnonzero(row)
        assert len(own) == own[-1] - own[0] + 1 and DAYS[own[-1]] - DAYS[own[0]] <= gaps.STRETCH_DAYS[1]
    assert gaps.hide(there, DAYS, np.random.default_rng(1), {"tail": 1.0})[:, -1].all()
    assert gaps.hide(there, DAYS, np.random.default_rng(1), {"head": 1.0})[:, 0].all()


def test_ways_are_mixed_as_told():
    """Of many pixels without clouds, as many lose their end, their beginning and single values as the shares say."""
    there = np.ones((20000, len(DAYS)), bool)
    hidden = gaps.hide(there, DAYS, np.random.default_rng(3))
    nothing = ~hidden.any(axis=1)  # without clouds there is none to transplant
    assert abs(nothing.mean() - gaps.WAYS["transplanted"]) < 0.03


def test_covariates_are_withheld_as_often_as_told():
    """All of them in 15 % of the pixels, one of them in 15 %, none of them in the others; and none where there are none."""
    kept = gaps.withhold(20000, 2, np.random.default_rng(0))
    share = [(kept.sum(axis=1) == count).mean() for count in range(3)]
    np.testing.assert_allclose(share, (gaps.NO_COVARIATE, gaps.ONE_LESS, 1 - gaps.NO_COVARIATE - gaps.ONE_LESS), atol=0.01)
    assert gaps.withhold(5, 0, np.random.default_rng(0)).shape == (5, 0)


@pytest.mark.parametrize("kind", ["blocks", "random", "time"])
def test_parts_are_apart(kind):
    """Parts share no block (or pixel, or date) and together hold everything; the same seed deals the same."""
    row, column = np.divmod(np.arange(48 * 48), 48)
    block = splits.blocks_of(row, column, Grid("", (1, 0, 0, 0, -1, 0), 48, 48))
    assert len(np.unique(block)) == 64
    split = splits.split(kind, block, DAYS, 1)
    if kind == "time":
        edges = [split.until[part] for part in splits.PARTS]
        assert [one[1] for one in edges[:-1]] == [one[0] for one in edges[1:]]
        assert all(((DAYS >= low) & (DAYS < high)).sum() > 3 for low, high in edges)
        return
    parts = [split.pixels[part] for part in splits.PARTS]
    assert sorted(np.concatenate(parts)) == list(range(len(block)))
    np.testing.assert_allclose([len(one) / len(block) for one in parts], splits.SHARES, atol=0.02)
    if kind == "blocks":
        assert sum(len(np.unique(block[one])) for one in parts) == 64
    again = splits.split(kind, block, DAYS, 1)
    assert all(np.array_equal(split.pixels[part], again.pixels[part]) for part in splits.PARTS)


def test_windows_of_a_large_scene_are_not_cut():
    """Each window that may be drawn of a large scene lies in one block, wherever in its cell."""
    size = 1003
    edges = np.linspace(0, size, LATTICE + 1).astype(int)
    starts = np.concatenate([np.arange(a, max(a + 1, b - WINDOW_SIDE)) for a, b in zip(edges, edges[1:])])
    grid = Grid("", (1, 0, 0, 0, -1, 0), size, size)
    first, last = (splits.blocks_of(rows, np.zeros_like(rows), grid) for rows in (starts, starts + WINDOW_SIDE - 1))
    assert np.array_equal(first, last) and len(np.unique(first)) == LATTICE


def test_too_little_is_refused():
    """Few pixels, few blocks, few dates, an unknown split: one sentence each."""
    many = np.arange(100)
    for block, days, kind, match in ((many[:10], DAYS, "blocks", "Only 10 pixels"), (many // 50, DAYS, "blocks", "2 blocks"),
                                     (many, DAYS[:8], "time", "8 dates"), (many, DAYS, "fields", "no split 'fields'")):
        with pytest.raises(InputError, match=match):
            splits.split(kind, block, days, 1)


def test_clouds_over_the_whole_scene_take_stretches_of_dates():
    """A tenth of the dates and no more than a stretch beyond it is gone; other chance, other dates."""
    found = [gaps.overcast(DAYS, np.random.default_rng(number)) for number in range(200)]
    assert all(gaps.OVERCAST <= one.mean() <= gaps.OVERCAST + gaps.OVERCAST_DAYS[1] / (DAYS[-1] - DAYS[0]) for one in found)
    assert len({one.tobytes() for one in found}) > 100 and np.any(found, axis=0).all()
    runs = [np.diff(DAYS[np.flatnonzero(one)]).min(initial=np.inf) for one in found]
    assert np.mean(np.array(runs) == np.diff(DAYS).min()) > 0.5
