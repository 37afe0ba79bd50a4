"""Networks on a GPU: what can be seen of it without one, and, where there is one, that it says what the processor says."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from phenofuse.core.events import Silent

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parent))
import torch
from learning import SIDE, chip_sample, sample
from networks import SMALL, model_of, part, small_and_steady
from phenofuse.core.learning.networks import ARCHITECTURES, side_of, training
from phenofuse.core.learning.networks.learning import Choices, Learning
from phenofuse.core.learning.networks.optimiser import optimisers
from phenofuse.core.learning.networks.prediction import Model

EPOCHS = 6
steady = small_and_steady(256)
with_a_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no GPU here")


def whole(name):
    """Pixels, or chips."""
    return sample() if side_of(name) == 1 else chip_sample()


def taught(name, device="cpu"):
    """A training of some epochs."""
    both, count = whole(name), 64 if side_of(name) == 1 else 6 * SIDE**2
    own, rest = both.take(np.arange(count)), both.take(np.arange(count, len(both)))
    return Learning(part(own), part(rest, own), Choices(name, SMALL[name], "linear", EPOCHS, device=device), Silent())


def errors(name, device="cpu"):
    """Validation errors of its epochs, and that of the untrained network."""
    run = taught(name, device)
    run.run(Silent())
    return np.array(run.training.state.rmse), run.training.state.untrained_rmse


def count_from_zero(adam):
    """A step that moves nothing: with its first one torch's own AdamW makes its counters, and an older torch does not say where."""
    adam.param_groups[0]["lr"] = 0.0
    for own in adam.param_groups[0]["params"]:
        own.grad = torch.zeros_like(own)
    adam.step()
    adam.zero_grad()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_step_makes_nothing_elsewhere(name):
    """Where whatever is made without saying where lies on no device at all, a step does what it does, and all stays where it was."""
    run = taught(name)
    lesson, moved = run._training_lesson(0), []
    for device in ("cpu", "meta"):
        network = training.new_network(name, run.inputs, SMALL[name], 1)
        torch.manual_seed(2)  # of what mlp drops
        with torch.device(device):
            moving = optimisers(network)
        count_from_zero(moving[-1])
        with torch.device(device):
            mean, scale = network(lesson.batch)
            training._loss(mean[lesson.hidden], scale[lesson.hidden], lesson.truth[lesson.hidden]).backward()
            for optimiser in moving:
                optimiser.param_groups[0]["lr"] = 1e-3
                optimiser.step()
        moved.append([one.detach().numpy() for one in network.parameters()])
    assert all(np.array_equal(*pair) for pair in zip(*moved))


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_short_numbers_train_as_well(name, monkeypatch):
    """In the bfloat16 of a GPU, here on the processor, networks learn what they learn in single precision."""
    expected, untrained = errors(name)
    autocast = torch.autocast
    monkeypatch.setattr(torch, "autocast", lambda device, kind, enabled: autocast("cpu", kind))
    found, _ = errors(name)
    assert not np.array_equal(found, expected) and expected.min() < untrained
    np.testing.assert_allclose(found, expected, rtol=0.02)


@pytest.mark.parametrize(("most", "expected"), [(2, [32] * 8), (1, [64] * 4)])
def test_large_samples_are_learnt_in_larger_batches(most, expected, monkeypatch):
    """An epoch of 64 pixels, four times, takes no more than the most steps for each."""
    monkeypatch.setattr(training, "MOST_STEPS", most)
    run, seen = taught("bigru"), []
    monkeypatch.setattr(run.training, "_step", lambda lesson, *_: seen.append(lesson.batch.pixels) or 0.0)
    run.training._epoch(run._training_lesson, Silent())
    assert seen == expected


@with_a_gpu
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_gpu_and_processor_say_the_same(name):
    """Means and standard deviations, in NDVI."""
    given = whole(name)
    model = model_of(name, given, SMALL[name])
    expected, found = (Model(model.network, model.prior, device=device).moments(list(given.values), given.days, given.days[0])
                       for device in ("cpu", "cuda"))
    np.testing.assert_allclose(found, expected, atol=1e-3)


@with_a_gpu
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_gpu_learns_as_well(name):
    """The same batches lead to nearly the same errors."""
    found, expected = (errors(name, device)[0] for device in ("cuda", "cpu"))
    np.testing.assert_allclose(found, expected, rtol=0.05)
