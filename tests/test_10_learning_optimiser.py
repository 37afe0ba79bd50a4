"""How weights move: orthogonal steps against a singular value decomposition, and against torch's own where it has them."""
from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")
sys.path.insert(0, str(Path(__file__).parent))
import torch
from learning import sample
from phenofuse.core.learning.networks import ARCHITECTURES, optimiser
from phenofuse.core.learning.networks.training import new_network


@pytest.mark.parametrize("shape", [(3, 64, 64), (2, 128, 64), (4, 16, 200)])
def test_orthogonal_keeps_directions_and_evens_strengths(shape):
    """Of a matrix U S V', whose strengths S differ a hundredfold, it leaves U V', but for strengths near 1."""
    chance = torch.Generator().manual_seed(1)
    left, _, right = torch.linalg.svd(torch.randn(shape, generator=chance, dtype=torch.float64), full_matrices=False)
    strengths = torch.logspace(-2, 0, min(shape[1:]), dtype=torch.float64)
    found = left.mT @ optimiser.orthogonal((left * strengths @ right).float()).double() @ right.mT
    inside = torch.diagonal(found, dim1=1, dim2=2)
    assert 0.6 < inside.min() and inside.max() < 1.25
    assert (found - torch.diag_embed(inside)).abs().max() < 1e-4


def test_orthogonal_of_nothing_is_nothing():
    """A layer without a gradient stays, and no NaN comes of it."""
    assert not optimiser.orthogonal(torch.zeros(1, 8, 8)).any()


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="this torch has no Muon of its own")
def test_steps_are_those_of_torch():
    """Some steps along given gradients; torch rounds to bfloat16 on the way."""
    start, gradients = (torch.randn(shape, generator=torch.Generator().manual_seed(2)) for shape in ((24, 48), (5, 24, 48)))
    found, expected = (torch.nn.Parameter(start.clone()) for _ in range(2))
    ours = optimiser.Muon([found])
    ours.param_groups[0]["lr"] = 0.01
    longer = optimiser.LENGTH / 0.2
    theirs = torch.optim.Muon([expected], lr=0.01 * longer, weight_decay=optimiser.WEIGHT_DECAY / longer,
                              momentum=optimiser.MOMENTUM, adjust_lr_fn="match_rms_adamw")
    for gradient in gradients:
        found.grad, expected.grad = gradient.clone(), gradient.clone()
        ours.step()
        theirs.step()
    moved, wanted = (one.detach() - start for one in (found, expected))
    assert (moved - wanted).norm() < 0.02 * wanted.norm()


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_weight_has_one_optimiser(name):
    """None is left out and none is moved twice; the last layer, biases and factors are AdamW's."""
    network = new_network(name, sample(8).inputs(), {}, 1)
    muon, adamw = ([id(own) for own in one.param_groups[0]["params"]] for one in optimiser.optimisers(network))
    assert sorted(muon + adamw) == sorted(map(id, network.parameters()))
    assert any(own.shape[0] == 2 for own in network.parameters() if id(own) in adamw)
    assert all(own.ndim > 1 for own in network.parameters() if id(own) in muon)
    assert np.mean([own.ndim == 1 for own in network.parameters() if id(own) in adamw]) > 0.7
