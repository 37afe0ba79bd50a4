"""What tests of all networks share: a network of noise, and checks that each must pass, whatever it looks at."""
from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from learning import SIDE
from phenofuse.core.events import Silent
from phenofuse.core.learning.checkpoint import Checkpoint
from phenofuse.core.learning.networks import build, training
from phenofuse.core.learning.networks.prediction import Model
from phenofuse.core.learning.priors import Linear
from phenofuse.core.learning.samples import Part, hide, view

SMALL = {"fusion": {"width": 8, "heads": 2, "layers": 1}, "bigru": {"width": 8, "layers": 1}, "mlp": {},
         "unet": {"side": SIDE, "widths": [8, 8]}, "vit": {"side": SIDE, "width": 8, "heads": 2, "layers": 1}}


def small_and_steady(pixels):
    """Make a fixture for every test of a file: epochs of few pixels, on one thread, as sums of several depend on the machine."""
    @pytest.fixture(autouse=True)
    def fixture(monkeypatch):
        monkeypatch.setattr(training, "PIXELS_PER_EPOCH", pixels)
        before = torch.get_num_threads()
        torch.set_num_threads(1)
        yield
        torch.set_num_threads(before)

    return fixture


def part(own, others=None):
    """Hide values of a sample on all its days; the others, if any, are known."""
    return Part(own, own.take(np.arange(0)) if others is None else others, (-np.inf, np.inf))


def model_of(name, whole, options, seed=1, prior=None):
    """An untrained network on a prior (linear, if not given) whose weights are noise."""
    torch.manual_seed(seed)
    network = build(name, whole.inputs(), options)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return Model(network, prior or Linear.learn(list(whole.values), whole.days, whole.names, 1))


def same(one, other):
    """Whether two lists of arrays hold the same bits."""
    return all(np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes() for a, b in zip(one, other))


def check_that_hidden_stays_hidden(model, whole, others=None):
    """Hidden values made huge change nothing: not what the prior learns, nor what it says, nor the output; left in, they would.

    Gives the view and the model as it taught it.
    """
    seen = view(part(whole, others), model.prior, [1, 2], Silent())
    assert seen.hidden.any()
    untaught = model
    model = model.again(*hide(part(whole, others), [1, 2], withholding=True).known, 1)
    assert same(model.prior.moments(seen.shown, whole.days, whole.days[0]), [seen.prior_mean, seen.prior_deviation])
    poisoned = replace(whole, values=(np.where(seen.hidden, np.float32(1e6), whole.values[0]), *whole.values[1:]))
    again = view(part(poisoned, others), model.prior, [1, 2], Silent())
    assert same(again.shown, seen.shown)
    assert same([again.prior_mean, again.prior_deviation], [seen.prior_mean, seen.prior_deviation])
    by_poisoned = untaught.again(*hide(part(poisoned, others), [1, 2], withholding=True).known, 1)
    assert same(*(one.moments(seen.shown, whole.days, whole.days[0]) for one in (by_poisoned, model)))
    zigzag = 0.5 * (-1.0) ** np.arange(seen.hidden.shape[1])  # a smoother that is robust to what is huge takes it for noise
    zigzag = replace(whole, values=(np.where(seen.hidden, zigzag, whole.values[0]).astype(np.float32), *whole.values[1:]))
    leaky = view(part(whole, zigzag), model.prior, [1, 2], Silent())
    assert not same([leaky.prior_deviation], [seen.prior_deviation])
    left_in = [whole.values[0], *seen.shown[1:]]
    assert not same(model.prior.moments(left_in, whole.days, whole.days[0])[:1], [seen.prior_mean])
    return seen, model


def check_that_training_resumes(begin, folder):
    """A training stopped after its first epoch and continued from its file ends with the bits of one that ran through."""

    class Stopped(Exception):
        pass

    def stop(own):
        Checkpoint(folder).keep(own)
        if own.state.epoch == 1:
            raise Stopped

    whole, broken, continued = begin(), begin(), begin()
    whole.run(Silent())
    try:
        broken.run(Silent(), stop)
        raise AssertionError("the training was not stopped")
    except Stopped:
        assert Checkpoint(folder).take_up(continued.training)
    continued.run(Silent())
    first, second = (one.training.to_arrays() for one in (whole, continued))
    assert first[1] == second[1] and first[0].keys() == second[0].keys()
    assert same(first[0].values(), second[0].values())
    fresh = begin().training.network.state_dict()
    assert any(not np.array_equal(first[0][f"network.{key}"], value) for key, value in fresh.items())
