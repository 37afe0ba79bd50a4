"""A GPU whose memory is full: half as many pixels at a time, the same result, and a sentence about it."""
from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from phenofuse.core.errors import MemoryLimitError
from phenofuse.core.events import Silent

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parent))
import torch
from heard import Heard
from learning import sample
from networks import model_of, part
from phenofuse.core.learning.networks import training
from phenofuse.core.learning.networks.learning import Choices, Learning
from phenofuse.core.learning.networks.memory import Portion

SMALL = {"bigru": {"width": 8, "layers": 1}, "unet": {"side": 8, "widths": [8, 8]}}
FULL = "The GPU's memory is full: {} pixels at a time from here on."


def crowded(network, *room):
    """Let a network's memory hold so many pixels at the first call, at the second, ..., and as many as at the last from then on."""
    forward, left = network.forward, list(room)

    def limited(batch):
        if batch.pixels > (left.pop(0) if len(left) > 1 else left[0]):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return forward(batch)

    network.forward = limited


def prediction(name, *room):
    """Moments of 256 pixels by a network of noise in memory for so many, and what was said."""
    whole = sample(256)
    model = model_of(name, whole, SMALL[name])
    model.told = Heard()
    if room:
        crowded(model.network, *room)
    values, days = list(whole.values), whole.days
    if model.network.side == 1:
        found = model.moments(values, days, days[0])
    else:
        chips = np.array([np.arange(start, start + 64) for start in (0, 32, 64, 96, 128, 160, 192)])  # overlapping
        found = model.overlapping_moments(values, days, days[0], chips, np.arange(256))
    return found, model.told.warnings


@pytest.mark.parametrize("name", SMALL)
def test_a_full_memory_changes_no_prediction(name):
    """Networks of pixels and of overlapping chips say the same in half the portions, from the middle of a call on."""
    expected, silence = prediction(name)
    found, said = prediction(name, 128, 64)
    assert (silence, said) == ([], [FULL.format(64)])
    for one, other in zip(found, expected):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_portion_halved_by_another_thread_harms_no_call():
    """Tiles share a model: a portion that is smaller when a network is asked than when its prior was, changes nothing."""
    expected, _ = prediction("bigru")
    whole, days = sample(256), sample(256).days
    model = model_of("bigru", whole, SMALL["bigru"])
    prior = model.prior

    def meanwhile(*given):
        model.prior = prior
        crowded(model.network, 64)
        model.moments([one[:128] for one in whole.values], days, days[0])  # of another tile
        del model.network.forward
        return prior.moments(*given)

    model.prior = SimpleNamespace(moments=meanwhile)
    for one, other in zip(model.moments(list(whole.values), days, days[0]), expected):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("name", "fewest"), [("bigru", 16), ("unet", 64)])
def test_a_memory_too_full_for_anything_is_an_error(name, fewest):
    """Where 16 pixels, or one chip, are too many, prediction and training say so and what to do."""
    with pytest.raises(MemoryLimitError, match=f"even for {fewest} pixels at a time.*DEVICE = cpu"):
        prediction(name, fewest - 1)
    run = learning(name)
    crowded(run.training.network, fewest - 1)
    with pytest.raises(MemoryLimitError, match=f"even for {fewest} pixels at a time"):
        run.run(Silent())


def learning(name):
    """Begin a training of 256 pixels, or 4 chips, with a linear prior."""
    whole = replace(sample(320), side=SMALL[name].get("side", 1))
    chosen = Choices(name, SMALL[name], prior="linear", epochs=1)
    return Learning(part(whole.take(np.arange(256))), part(whole.take(np.arange(256, 320))), chosen, Silent())


@pytest.mark.parametrize("name", SMALL)
def test_a_step_in_parts_is_the_same_step(name, monkeypatch):
    """Loss and gradient of a batch that filled the memory after its first part are those of the batch at once."""
    monkeypatch.setattr(training, "BATCH", 256)

    def gradient(*room):
        run, heard = learning(name).training, Heard()
        torch.manual_seed(0)
        for parameter in run.network.parameters():  # the last layer of an untrained network hides those before it
            parameter.data.add_(0.1 * torch.randn_like(parameter))
        if room:
            crowded(run.network, *room)
        for optimiser in run.optimisers:
            monkeypatch.setattr(optimiser, "step", lambda: None)
        monkeypatch.setattr(torch.nn.utils, "clip_grad_norm_", lambda *_: None)
        loss = run._step(lesson, 1, heard)
        return loss, [own.grad.numpy() for own in run.network.parameters()], heard.warnings

    lesson = learning(name)._training_lesson(0)
    loss, expected, silence = gradient()
    found_loss, found, said = gradient(128, 128, 64)
    assert (silence, said) == ([], [FULL.format(128), FULL.format(64)])
    assert found_loss == pytest.approx(loss, rel=1e-5)
    for one, other in zip(found, expected):
        assert other.any()
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5 * np.abs(other).max())


def test_a_training_in_a_full_memory_goes_on(monkeypatch):
    """It ends, says of batches and of validation once each what became of them, and learns as it would have."""
    def trained(*room):
        run, heard = learning("bigru"), Heard()
        if room:
            crowded(run.training.network, *room)
        run.run(heard)
        return run.training.state, heard.warnings

    monkeypatch.setattr(training, "PIXELS_PER_EPOCH", 512)
    expected, _ = trained()
    found, said = trained(20)
    assert said == [FULL.format(pixels) for pixels in (64, 32, 16, 16)]
    assert found.loss == pytest.approx(expected.loss, rel=1e-3) and found.rmse == pytest.approx(expected.rmse, rel=1e-3)


def test_two_threads_that_fail_together_halve_once():
    """The second of two that were given too many finds the portion halved already."""
    portion, heard = Portion(128, 1), Heard()

    def work(pixels):
        if pixels == 128:
            if not heard.warnings:
                portion.fitting(lambda pixels: None if pixels < 128 else full(), heard)  # meanwhile, elsewhere
            full()
        return pixels

    assert portion.fitting(work, heard) == 64 and heard.warnings == [FULL.format(64)]


def full():
    """Raise what torch raises."""
    raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
