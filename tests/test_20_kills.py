"""Killed engines of algorithms that write reports: what the rerun gives is what an undisturbed run gives, to the last byte.

`tests/benchmarks/kills.py` does the same fifty times over eight algorithms; PHENOFUSE_KILLS = 5 tries so many per algorithm here.
"""
from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent / "benchmarks"))
import kills


@pytest.fixture(scope="module")
def calls(tmp_path_factory):
    """Parameters by algorithm."""
    return kills.calls(kills.scene(tmp_path_factory.mktemp("scene")))


@pytest.mark.parametrize("name", ["fillmogpr", "comparemethods", "phenologymetrics"])
def test_killed_and_continued_gives_the_same_bytes(name, calls, tmp_path):
    """Rasters, tables, what was learnt, reports and their numbers."""
    trials, chance = kills.Trials(name, calls[name], tmp_path), np.random.default_rng(2)
    for _ in range(int(os.environ.get("PHENOFUSE_KILLS", "1"))):
        trials.kill(chance.uniform(0.3, 1) * trials.seconds)
