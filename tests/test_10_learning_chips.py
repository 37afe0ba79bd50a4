"""Chips and the networks that look at them: neighbours lose the same, tiles leave no trace, radar of all pixels helps each."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from phenofuse.core.errors import InputError
from phenofuse.core.events import Silent
from phenofuse.core.learning import chips, gaps, splits
from phenofuse.core.learning.card import Input
from phenofuse.core.learning.evaluate import Values
from phenofuse.core.learning.priors import Linear
from phenofuse.core.learning.samples import Sample
from phenofuse.core.timeseries import Window, open_series
from phenofuse.core.timeseries.grids import Grid

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parent))
import torch
from learning import NAMES, SIDE, UNITS, chip_sample, series
from networks import (
    SMALL,
    check_that_hidden_stays_hidden,
    check_that_training_resumes,
    model_of,
    part,
    same,
    small_and_steady,
)
from phenofuse.core.learning.networks import ARCHITECTURES, build, frames, side_of, training
from phenofuse.core.learning.networks.batch import batch
from phenofuse.core.learning.networks.learning import Choices, Learning
from phenofuse.core.learning.networks.prediction import Model
from rasters import write

NETWORKS = [name for name in ARCHITECTURES if side_of(name) > 1]
steady = small_and_steady(512)
NDVI, VV, VH = (Input(name, units, 0.3, 0.2, -1.0, 1.0) for name, units in zip(NAMES, UNITS))




def noise(name, whole):
    """A small network of noise."""
    return model_of(name, whole, SMALL[name])


def lattice(length):
    """Where chips begin along a scene, told plainly."""
    return sorted({*range(0, length - SIDE, int(SIDE * chips.STEP)), length - SIDE})


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 31), (40, 23)])
def test_windows_are_covered_by_the_chips_of_the_scene(height, width):
    """Whatever the window: all chips of the scene that touch it, in the scene's order, and each of its pixels in one at least."""
    grid = Grid("", (1, 0, 0, 0, -1, 0), width, height)
    numbers = np.arange(height * width).reshape(height, width)
    scene = [numbers[row:row + SIDE, column:column + SIDE].ravel() for row in lattice(height) for column in lattice(width)]
    rng = np.random.default_rng(0)
    for _ in range(20):
        row, column = rng.integers(height), rng.integers(width)
        window = Window(row, column, rng.integers(1, height - row + 1), rng.integers(1, width - column + 1))
        top, left = max(0, window.row - SIDE), max(0, window.column - SIDE)
        context = Window(top, left, min(height, window.row + window.rows + SIDE) - top,
                         min(width, window.column + window.columns + SIDE) - left)
        own = numbers[window.slices].ravel()
        found = numbers[context.slices].ravel()[chips.covering(grid, window, context, SIDE)]
        assert np.array_equal(found, [chip for chip in scene if np.isin(chip, own).any()])
        assert np.isin(own, found).all()
    assert chips.weight(SIDE).min() > 0


@pytest.mark.parametrize("way", [way for way in gaps.WAYS if way != "transplanted"])
def test_no_neighbour_shows_what_is_hidden(way):
    """A chip loses a date as a whole; hidden pixel by pixel, neighbours would show it, and this check would catch that."""
    there, days = np.ones((20 * SIDE**2, 40), bool), 19000 + 12.0 * np.arange(40)

    def shown_by_neighbours(together):
        hidden = gaps.hide(there, days, np.random.default_rng(1), {way: 1.0}, together).reshape(20, SIDE**2, 40)
        assert hidden.any(axis=(1, 2)).mean() > 0.8
        return (hidden.any(axis=1) & ~hidden.all(axis=1)).any()

    assert not shown_by_neighbours(SIDE**2) and shown_by_neighbours(1)


def test_clouds_are_moved_whole():
    """What a chip loses on a date is the cloud of one chip on one other date, to the pixel; some are told by their edges."""
    rng = np.random.default_rng(0)
    row, column = np.divmod(np.arange(SIDE**2), SIDE)
    cut, slope = rng.uniform(0, SIDE, (2, 30, 12))
    there = (row[:, None] + slope[:, None] * column[:, None] / SIDE > cut[:, None])  # clouds with straight edges
    hidden = gaps.hide(there.reshape(-1, 12), 19000.0 + 12 * np.arange(12), rng, {"transplanted": 1.0}, SIDE**2)
    clouds = ~there.transpose(0, 2, 1).reshape(-1, SIDE**2)
    spared = 0
    for own, lost in zip(there.transpose(0, 2, 1).reshape(-1, SIDE**2), hidden.reshape(there.shape).transpose(0, 2, 1)
                         .reshape(-1, SIDE**2)):
        if lost.any():
            assert (clouds[:, own] == lost[own]).all(axis=1).any()
            spared += (own & ~lost).any()
    assert spared > 20


def test_two_observations_remain():
    """Of every pixel that has them; what is given back is given back to the whole chip."""
    rng = np.random.default_rng(2)
    there = rng.random((40 * SIDE**2, 10)) < 0.5
    hidden = gaps.hide(there, 19000.0 + 12 * np.arange(10), rng, {"stretch": 1.0}, SIDE**2)
    assert hidden.any() and not (hidden & ~there).any()
    assert ((there & ~hidden).sum(axis=1) >= np.minimum(there.sum(axis=1), 2)).all()
    lost = hidden.reshape(40, SIDE**2, 10).any(axis=1, keepdims=True)
    assert (hidden.reshape(40, SIDE**2, 10) == (there.reshape(40, SIDE**2, 10) & lost)).all()


def test_parts_hold_whole_chips():
    """Drawn at random or by blocks, and through `take`, chips stay whole and in order."""
    whole = chip_sample(20)
    for kind in ("blocks", "random"):
        split = splits.split(kind, whole.block, whole.days[0], 1, SIDE**2)
        assert sorted(np.concatenate(list(split.pixels.values()))) == list(range(len(whole)))
        for name in splits.PARTS:
            own = split.pixels[name].reshape(-1, SIDE**2)
            assert (own % SIDE**2 == np.arange(SIDE**2)).all() and (own // SIDE**2 == own[:, :1] // SIDE**2).all()


def test_batches_flip_and_turn_chips():
    """All pixels once; neighbours stay neighbours; all eight positions occur, the same for the same seed."""
    found = list(chips.batches(64 * SIDE**2, SIDE, 32, np.random.default_rng(0)))
    assert sorted(np.concatenate(found)) == list(range(64 * SIDE**2)) and {len(one) for one in found} == {2 * SIDE**2}
    positions = set()
    for one in np.concatenate(found).reshape(-1, SIDE, SIDE):
        row, column = np.divmod(one % SIDE**2, SIDE)
        steps = np.abs(np.diff(row, axis=0)) + np.abs(np.diff(column, axis=0)), np.abs(np.diff(row)) + np.abs(np.diff(column))
        assert len(set((one // SIDE**2).ravel())) == 1 and all((step == 1).all() for step in steps)
        positions.add((one[0, 0] % SIDE**2, one[0, 1] % SIDE**2))
    assert len(positions) == 8
    again = chips.batches(64 * SIDE**2, SIDE, 32, np.random.default_rng(0))
    assert all(np.array_equal(*pair) for pair in zip(found, again))


def test_chips_are_sampled_from_rasters(tmp_path):
    """Whole chips of the lattice that hold something, with their places; outside a mask is nothing; a small scene is refused."""
    values = np.random.default_rng(0).uniform(0, 1, (3, 30, 45)).astype(np.float32)
    values[:, :16, :16] = np.nan
    path = write(tmp_path / "NDVI.tif", values, [f"2023-0{month}-01" for month in (1, 2, 3)], tags={"variable": "NDVI"})
    inside = np.zeros((1, 30, 45), "uint8")
    inside[0, :, 20:] = 1
    mask = write(tmp_path / "mask.tif", inside, dtype="uint8", nodata=None)
    opened = [open_series(path)]
    (found,), row, column = chips.sample_chips(opened, None, 100, SIDE, 1, Silent())
    assert len(found) == (3 * 5 - 4) * SIDE**2 and (row[::SIDE**2] % SIDE == 0).all() and (column[::SIDE**2] % SIDE == 0).all()
    assert found.tobytes() == np.ascontiguousarray(values[:, row, column].T).tobytes()
    assert (np.diff(row.reshape(-1, SIDE, SIDE), axis=1) == 1).all() and (np.diff(column.reshape(-1, SIDE, SIDE)) == 1).all()
    (masked,), row, column = chips.sample_chips(opened, mask, 5, SIDE, 1, Silent())
    assert len(masked) == 5 * SIDE**2 and (np.isfinite(masked).all(axis=1) == (column >= 20)).all()
    assert np.isnan(masked[column < 20]).all()
    with pytest.raises(InputError, match="45 x 30 pixels, less than the 32 x 32 that the architecture unet"):
        chips.require_room(opened[0], 32, "unet")


def test_radar_is_brought_to_the_day_within_twelve_days():
    """Each pixel's nearest value, told plainly; beyond 12 days there is none; the target stands on its own days alone."""
    values, days = series(10, 8, seed=3)
    days = days[0], days[1] + 40, days[2]
    values[1][:, ::2], values[2][3] = np.nan, np.nan
    output = np.union1d(days[0], days[0] + 5)
    nothing = np.zeros((10, len(output)))
    given = batch(values, days, nothing, nothing + 1, output, (NDVI, VV, VH))
    found = frames.features(given).numpy()
    for pixel in range(10):
        for number, day in enumerate(output):
            own = values[0][pixel, days[0] == day]
            expected = [(own[0] - 0.3) / 0.2, 1] if len(own) and np.isfinite(own[0]) else [0, 0]
            there = []
            for value, when in zip(values[1:], days[1:]):
                lag = np.where(np.isfinite(value[pixel]), np.abs(when - day), np.inf)
                there.append(lag.min() <= 12)
                expected.append((value[pixel, lag.argmin()] - 0.3) / 0.2 if there[-1] else 0)
            np.testing.assert_allclose(found[pixel, number, :6], expected + there, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_untrained_network_is_its_prior_and_reaches_everything(name):
    """On odd and even numbers of days, with and without radar; a pull on the last layer goes beyond the whole range."""
    own = chip_sample()
    assert side_of(name) == 16 and side_of(name, SMALL[name]) == SIDE
    for count, dates in ((3, 13), (1, 12)):
        values, days = [one[:, :dates] for one in own.values[:count]], [when[:dates] for when in own.days[:count]]
        prior = Linear.learn(values, tuple(days), NAMES[:count], 1)
        network = build(name, own.inputs()[:count], SMALL[name])
        model, output = Model(network, prior), np.union1d(days[0], days[0][:-1] + 5)
        mean, deviation = model.moments(values, tuple(days), output)
        expected = prior.moments(values, tuple(days), output)
        np.testing.assert_allclose(mean, expected[0], atol=1e-6)
        np.testing.assert_allclose(deviation, expected[1], atol=0.03 * np.nanstd(values[0]))
        unseen = ~np.isin(output, days[0])
        for pull in (-40, 40):
            with torch.no_grad():
                network.head.bias[0] = pull
            reached = model.moments(values, tuple(days), output)[0][:, unseen]
            np.testing.assert_allclose(reached, (expected[0] + pull * expected[1])[:, unseen], rtol=1e-4, atol=1e-4)
            assert (np.sign(pull) * reached > 1).any()


@pytest.mark.parametrize("name", NETWORKS)
def test_chips_do_not_mind_one_another_but_pixels_do(name):
    """A chip alone, and in any order, gives the same bits; a neighbour's observation changes a pixel, another chip's does not."""
    own = chip_sample()
    model = noise(name, own)
    whole = model.moments(list(own.values), own.days, own.days[0])
    for order in ([5], [7, 0, 3]):
        pixels = chips.pixels_of(order, SIDE).ravel()
        part = own.take(pixels)
        assert same(model.moments(list(part.values), own.days, own.days[0]), [one[pixels] for one in whole])
    changed = own.values[0].copy()
    changed[0] += 0.3
    moved = (model.moments([changed, *own.values[1:]], own.days, own.days[0])[0] != whole[0]).any(axis=1)
    assert moved[[1, SIDE, SIDE + 1]].all() and not moved[SIDE**2:].any()


@pytest.mark.parametrize("name", NETWORKS)
def test_a_planted_leak_is_caught(name):
    """What is hidden reaches nothing that is shown: not through the prior, not through neighbours; left in, it would."""
    own = chip_sample()
    model = noise(name, own)
    seen, model = check_that_hidden_stays_hidden(model, own)
    expected = model.moments(seen.shown, own.days, own.days[0])
    leak = np.argwhere(seen.hidden)[0]
    shown = seen.shown[0].copy()
    shown[tuple(leak)] = own.values[0][tuple(leak)]
    neighbours = np.setdiff1d(np.arange(SIDE**2) + leak[0] // SIDE**2 * SIDE**2, leak[0])
    found = model.moments([shown, *seen.shown[1:]], own.days, own.days[0])[0]
    assert (found[neighbours, leak[1]] != expected[0][neighbours, leak[1]]).any()


@pytest.mark.parametrize("name", NETWORKS)
def test_overlapping_chips_are_joined_by_their_weights(name):
    """A scene filled by overlapping chips is the weighted mean of what each chip says by itself."""
    own = chip_sample()
    model = noise(name, own)
    height, width = 14, 11
    values, days = series(height * width, 13, seed=7)
    numbers, grid = np.arange(height * width).reshape(height, width), Grid("", (1, 0, 0, 0, -1, 0), width, height)
    covering, wanted = chips.covering(grid, grid.window, grid.window, SIDE), np.arange(3, height * width, 5)
    found = model.overlapping_moments(values, days, days[0], covering, wanted)
    edge = np.sin(np.pi * (np.arange(SIDE) + 0.5) / SIDE) ** 2
    total, weights = np.zeros((2, height * width, 13)), np.zeros((height * width, 1))
    for row in lattice(height):
        for column in lattice(width):
            pixels = numbers[row:row + SIDE, column:column + SIDE].ravel()
            weight = (edge[:, None] * edge).reshape(-1, 1)
            total[:, pixels] += weight * np.array(model.moments([one[pixels] for one in values], days, days[0]))
            weights[pixels] += weight
    np.testing.assert_allclose(found, (total / weights)[:, wanted], rtol=1e-9)


@pytest.mark.parametrize("name", NETWORKS)
def test_training_is_repeatable_and_resumes_to_the_bit(name, tmp_path):
    """Stopped after its first epoch and continued from its file, a training ends with the weights of one that ran through."""

    def learning():
        whole = chip_sample()
        choices = Choices(name, SMALL[name], "linear", 3)
        taught, rest = whole.take(np.arange(6 * SIDE**2)), whole.take(np.arange(6 * SIDE**2, 8 * SIDE**2))
        return Learning(part(taught), part(rest, taught), choices, Silent())

    check_that_training_resumes(learning, tmp_path)


@pytest.mark.parametrize(("name", "options"), [("unet", {}), ("vit", {"width": 32})])
def test_neighbours_radar_tells_what_one_pixels_cannot(name, options, monkeypatch):
    """Where fields are larger than pixels and radar is noisy, a chip network falls below the best that a single pixel allows."""
    rng, count, dates = np.random.default_rng(0), 130, 12
    days = 19000.0 + 12 * np.arange(dates)
    state = np.repeat(rng.normal(0, 0.1, (count, 1, dates)), SIDE**2, 1).reshape(-1, dates)  # of fields as large as chips
    noise = 2.0  # of a pixel's radar, relative to what it tells
    vv = -10 + state / 0.1 + rng.normal(0, noise, state.shape)
    ndvi = np.where(rng.random((count, 1, dates)).repeat(SIDE**2, 1).reshape(state.shape) < 0.3, np.nan, 0.5 + state)
    chip, own = np.divmod(np.arange(count * SIDE**2), SIDE**2)
    whole = Sample((ndvi.astype(np.float32), vv.astype(np.float32)), (days, days), NAMES[:2], UNITS[:2], chip * SIDE + own // SIDE,
                   own % SIDE, chip, SIDE)
    taught, rest = whole.take(np.arange(120 * SIDE**2)), whole.take(np.arange(120 * SIDE**2, len(whole)))
    monkeypatch.setattr(training, "PIXELS_PER_EPOCH", 1)
    monkeypatch.setattr(training, "LEARNING_RATE", 3e-3)
    learning = Learning(part(taught), part(rest, taught), Choices(name, {**SMALL[name], **options}, "linear", 12), Silent())
    learning.run(Silent())
    hidden = Values(part(rest, taught), 1, 5, Silent())
    single = 0.1 * np.sqrt(noise**2 / (1 + noise**2))
    assert np.sqrt(np.mean((hidden.moments(hidden.learnt(learning.model().again))[0] - hidden.truth) ** 2)) < 0.9 * single
