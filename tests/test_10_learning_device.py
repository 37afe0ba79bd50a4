"""Where networks run: a GPU that torch finds is used only when torch can work on it. torch is a stand-in here."""
from __future__ import annotations

import contextlib
import sys
from types import SimpleNamespace

import pytest
from heard import Heard
from phenofuse.core.environment import facts
from phenofuse.core.errors import InputError
from phenofuse.core.learning import device

# What torch.cuda.get_arch_list() says of some builds: CUDA 13.0's, CUDA 12.6's, and one that can be translated.
CUDA_13 = ["sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120"]
CUDA_12 = ["sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"]
TRANSLATED = ["sm_90", "compute_90"]


def stand_in(capability=None, built_for=CUDA_13, fails=""):
    """Something like torch, with or without a GPU; `fails` is what a step on it ends with."""
    class Layer:
        def __init__(self, *_):
            pass

        def to(self, _):
            return self

        def __call__(self, _):
            if fails:
                raise RuntimeError(fails)
            return self, None

        def __getitem__(self, _):
            return SimpleNamespace(weight=SimpleNamespace(grad=self))

        float = square = mean = backward = sum = item = lambda self: self

    return SimpleNamespace(
        bfloat16=None, ones=lambda *_, device: None, autocast=lambda *_: contextlib.nullcontext(),
        nn=SimpleNamespace(Sequential=Layer, Conv1d=Layer, GRU=Layer),
        backends=SimpleNamespace(mps=SimpleNamespace(is_available=lambda: True)),
        cuda=SimpleNamespace(is_available=lambda: capability is not None, device_count=lambda: int(capability is not None),
                             get_device_capability=lambda: capability, get_arch_list=lambda: built_for,
                             get_device_name=lambda *_: "GTX 1080"))


@pytest.fixture
def with_torch(monkeypatch):
    """Put a stand-in in torch's place; gives what is chosen and what was said."""
    def choose(wanted, **torch):
        monkeypatch.setitem(sys.modules, "torch", stand_in(**torch))
        heard = Heard()
        return device.chosen_device(wanted, heard), heard.said

    return choose


@pytest.mark.parametrize(("capability", "built_for", "can"), [
    ((8, 6), CUDA_13, True), ((8, 9), CUDA_13, True), ((12, 0), CUDA_13, True), ((12, 1), CUDA_13, True), ((6, 1), CUDA_13, False),
    ((7, 0), CUDA_13, False), ((6, 1), CUDA_12, True), ((12, 0), CUDA_12, False), ((12, 0), TRANSLATED, True),
    ((8, 6), TRANSLATED, False), ((9, 0), ["sm_90a"], True), ((9, 1), ["sm_90a"], False), ((9, 0), ["gfx90a"], True),
])
def test_code_for_a_card_is_recognised(capability, built_for, can):
    """A card runs code of its generation that is no newer than itself, and what can be translated."""
    assert device._has_code_for(capability, built_for) is can


def test_a_gpu_that_works_is_used(with_torch):
    """For auto and for gpu; not for cpu."""
    assert with_torch("auto", capability=(9, 0)) == ("cuda", ["Working on the GPU GTX 1080."])
    assert with_torch("gpu", capability=(9, 0))[0] == "cuda"
    assert with_torch("cpu", capability=(9, 0)) == ("cpu", ["Working on the processor."])


@pytest.mark.parametrize(("torch", "why"), [
    ({"capability": (6, 1)}, "this torch holds no code for the GTX 1080 (compute capability 6.1)"),
    ({"capability": (9, 0), "fails": "CUDA error: no kernel image is available\nmore"},
     "a trial step on the GPU failed (CUDA error: no kernel image is available)"),
])
def test_a_gpu_that_does_not_work_is_left_with_a_sentence(with_torch, torch, why):
    """auto goes on on the processor and says why; gpu is an error; cpu asks nothing."""
    assert with_torch("auto", **torch) == ("cpu", [f"The GPU is not used: {why}.", "Working on the processor."])
    assert with_torch("cpu", **torch) == ("cpu", ["Working on the processor."])
    with pytest.raises(InputError) as raised:
        with_torch("gpu", **torch)
    assert why in str(raised.value)


def test_no_gpu_at_all(with_torch):
    """auto says nothing of it; gpu is an error. Apple's GPU, which this torch has, is neither used nor told of."""
    assert with_torch("auto") == ("cpu", ["Working on the processor."])
    with pytest.raises(InputError, match="finds no NVIDIA GPU"):
        with_torch("gpu")
    assert facts.graphics() == {"torch": [], "driver": facts.graphics()["driver"], "problem": ""}


def test_checkengine_tells_why_a_gpu_is_not_used(with_torch):
    """The same reason stands in the facts."""
    with_torch("auto", capability=(6, 1))
    assert "compute capability 6.1" in facts.graphics()["problem"]
    assert facts.graphics()["torch"] == ["GTX 1080"]


def test_the_trial_is_a_step_that_torch_knows():
    """On the processor, with torch itself, it runs."""
    device._try_a_step(pytest.importorskip("torch"), "cpu")
