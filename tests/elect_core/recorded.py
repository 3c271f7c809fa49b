"""A model that counts its calls, samplers of every kind, and runs of them on a tape."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from elect_tino.elect_core.tape import Answer, Stopped, Tape, TapeModel

SIGMAS = torch.tensor([10.0, 6.0, 3.0, 1.5, 0.5, 0.0])
NUM_STEPS = len(SIGMAS) - 1


def start(num_candidates: int = 4) -> Tensor:
    return 10 * torch.randn(num_candidates, 3, 4, 5, generator=torch.Generator().manual_seed(0))


class World:
    """A model that counts its calls; with `fail_at`, that call runs out of memory."""

    def __init__(self, fail_at: int | None = None):
        self.num_calls = 0
        self.fail_at = fail_at

    def __call__(self, x: Tensor, sigma: Tensor) -> Answer:
        if self.num_calls == self.fail_at:
            raise torch.OutOfMemoryError
        self.num_calls += 1
        denoised = (x.tanh() * 0.8 + x / (1 + sigma**2)) / 2
        return {"denoised": denoised, "relevance": x.abs().sum(1, keepdim=True)}


def euler(model: TapeModel, x: Tensor) -> Tensor:
    for sigma, sigma_next in pairwise(SIGMAS):
        x = x + (x - model(x, sigma)) / sigma * (sigma_next - sigma)
        model.end_step()
    return x


def multistep(model: TapeModel, x: Tensor) -> Tensor:
    """Extrapolates from the previous estimate, as the dpmpp_2m family does."""
    previous = None
    for sigma, sigma_next in pairwise(SIGMAS):
        denoised = model(x, sigma)
        guess = denoised if previous is None else 1.5 * denoised - 0.5 * previous
        x = guess + (x - guess) * sigma_next / sigma
        previous = denoised
        model.end_step()
    return x


def heun(model: TapeModel, x: Tensor) -> Tensor:
    """Two calls a step, but for the last."""
    for sigma, sigma_next in pairwise(SIGMAS):
        d = (x - model(x, sigma)) / sigma
        ahead = x + d * (sigma_next - sigma)
        if sigma_next > 0:
            d = (d + (ahead - model(ahead, sigma_next)) / sigma_next) / 2
        x = x + d * (sigma_next - sigma)
        model.end_step()
    return x


def ancestral(model: TapeModel, x: Tensor) -> Tensor:
    """Draws fresh noise, the same for every candidate, from its own generator."""
    generator = torch.Generator().manual_seed(1)
    for sigma, sigma_next in pairwise(SIGMAS):
        denoised = model(x, sigma)
        noise = torch.randn(x.shape[1:], generator=generator)
        x = denoised + 0.6 * (x - denoised) * sigma_next / sigma + 0.8 * sigma_next * noise
        model.end_step()
    return x


def in_place(model: TapeModel, x: Tensor) -> Tensor:
    """Overwrites what the model returned."""
    x = x.clone()
    for sigma, sigma_next in pairwise(SIGMAS):
        d = model(x, sigma).sub_(x).neg_().div_(sigma)
        x.add_(d.mul_(sigma_next - sigma))
        model.end_step()
    return x


SAMPLERS = [euler, multistep, heun, ancestral, in_place]
Sampler = Callable[[TapeModel, Tensor], Tensor]


def finish(sampler: Sampler, tape: Tape, x: Tensor | None = None) -> tuple[Tensor, int]:
    """Result at the end of the schedule, and the number of calls the world answered for it."""
    world = World()
    return sampler(TapeModel(world, tape), start() if x is None else x), world.num_calls


def record(sampler: Sampler, tape: Tape, stop: int, x: Tensor | None = None) -> int:
    """Run to the stop; number of calls the world answered."""
    world = World()
    with pytest.raises(Stopped):
        sampler(TapeModel(world, tape, stop), start() if x is None else x)
    return world.num_calls


def assert_same_tape(a: Tape, b: Tape) -> None:
    assert len(a.calls) == len(b.calls)
    for ours, theirs in zip(a.calls, b.calls, strict=True):
        assert_close(ours, theirs, rtol=0, atol=0)
    assert [s.call for s in a.steps] == [s.call for s in b.steps]
