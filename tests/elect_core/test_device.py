"""Nothing that a step does waits for the device: an election on tensors that cannot be read."""

from functools import partial

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    FakeTensor,
    FakeTensorMode,
)
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from elect_tino.elect_core import (
    Tape,
    TapeModel,
    euler_ancestral,
)
from elect_tino.elect_core.elect import _answer, _sample
from elect_tino.elect_core.estimate import from_epsilon
from elect_tino.elect_core.score import CRITERIA, change_inside, edit_share, idle

from .toy_world import GUIDE, KARRAS, SAMPLERS, SEEDS, SHAPE


class StaysOnDevice(TorchDispatchMode):
    """Refuses what takes a device's values to the host; reading one off raises by itself."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        on_gpu = any(isinstance(a, FakeTensor) and a.is_cuda for a in tree_leaves(args))
        if on_gpu and any(isinstance(r, Tensor) and not r.is_cuda for r in tree_leaves(result)):
            raise AssertionError(f"{func} brings values to the host")
        return result


def fake_gpu(*shape: int) -> Tensor:
    """A tensor without values on a GPU that need not be there."""
    with FakeTensorMode(allow_non_fake_inputs=True):
        return torch.empty(shape, device="cuda")


@pytest.mark.parametrize(
    "read", [lambda x: float(x.mean()), lambda x: x.cpu(), lambda x: bool(x.isfinite().all())]
)
def test_the_guard_notices_a_read(read):
    with pytest.raises((AssertionError, DataDependentOutputException)), StaysOnDevice():
        read(fake_gpu(2, 4, 8, 8))


@pytest.mark.parametrize("stop", [8, None])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_steps_never_read_the_device(sampler, stop):
    noise, tape = fake_gpu(4, *SHAPE), Tape()
    if sampler is euler_ancestral:
        sampler = partial(euler_ancestral, noise_sampler=lambda *_: noise)

    def denoise(x: Tensor, sigma: Tensor, shift: float) -> Tensor:
        return from_epsilon(x, sigma, x * shift)

    model = _answer(denoise, {"text": 0.5, "null": 0.25}, GUIDE)
    with StaysOnDevice():
        latent = _sample(sampler, TapeModel(model, tape, stop), noise, KARRAS, SEEDS)
    assert (latent is None) == (stop is not None)
    assert len(tape.steps) == len(tape.calls) == (stop or 20)
    assert all(answer["relevance"].is_cuda for answer in tape.calls)


@pytest.mark.parametrize("criterion", [name for name in CRITERIA if name != "place"])
def test_scores_stay_on_the_device_until_they_are_ranked(criterion):
    """But for a zoom, which is sought by steps that end when they are small."""
    with FakeTensorMode(), StaysOnDevice():
        source, estimates = torch.empty(5, *SHAPE, device="cuda").split([1, 4])
        relevance = torch.empty(1, 1, *SHAPE[1:], device="cuda")
        scores = CRITERIA[criterion](source, estimates, relevance)
        inside = change_inside(source, estimates, relevance)
        guard = (edit_share(scores, inside), idle(scores, inside))
    assert all(one.is_cuda and one.shape == (4,) for one in (scores, *guard))
