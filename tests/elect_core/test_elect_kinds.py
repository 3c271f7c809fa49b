"""The same method in other precisions, for flow models and video latents, by other samplers."""

from functools import partial

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from elect_tino.elect_core import (
    classifier_free,
    elect,
    euler,
    euler_ancestral,
)
from elect_tino.elect_core.estimate import from_flow

from .toy_world import (
    CONDS,
    GUIDE,
    KARRAS,
    SAMPLERS,
    SEEDS,
    SOURCE,
    World,
    heun,
    leaning,
    plain,
    posterior_mean,
    run,
)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_precisions_elect_the_same_candidate(dtype):
    noise = leaning(0.5, 0.5, -0.5, 0.5)
    election = elect(
        World(), euler, KARRAS, CONDS, GUIDE, SOURCE.to(dtype), SEEDS, noise=noise.to(dtype)
    )
    assert election.latent.dtype == dtype
    assert election.ranking.elected == 2
    assert_close(election.latent.float(), run(noise=noise).latent, rtol=0.1, atol=0.1)


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_noise_drawn_from_the_seeds_takes_the_sources_dtype(sampler):
    source = SOURCE.bfloat16()
    election = elect(World(), sampler, KARRAS, CONDS, GUIDE, source, SEEDS)
    assert election.latent.dtype == torch.bfloat16


def test_flow_model_runs_alike():
    sigmas, world = torch.linspace(1, 0, 21), World()

    def denoise(x: Tensor, sigma: Tensor, modes: Tensor) -> Tensor:
        mean = posterior_mean(x, modes, 1 - float(sigma), sigma)
        world.nfe += len(x) * (modes is CONDS["text"])
        return from_flow(x, sigma, (x - mean) / sigma)

    noise = leaning(0.5, 0.5, -0.5, 0.5)
    election = elect(
        denoise, euler, sigmas, CONDS, classifier_free(1.0), SOURCE, SEEDS, noise=noise
    )
    assert election.ranking.elected == 2
    assert_close(election.latent, CONDS["text"][:1], rtol=0, atol=0.5)
    assert election.nfe == world.nfe == 4 * 8 + 12


def test_video_latents_pass_through():
    def frames(latent: Tensor) -> Tensor:
        return latent.unsqueeze(2).repeat(1, 1, 3, 1, 1)

    conds = {name: frames(modes) for name, modes in CONDS.items()}
    noise = frames(leaning(0.5, -0.5))
    election = elect(World(), euler, KARRAS, conds, GUIDE, frames(SOURCE), [1, 2], noise=noise)
    assert election.latent.shape == (1, 4, 3, 8, 8)
    assert election.relevance.shape == (1, 1, 3, 8, 8)
    assert election.ranking.elected == 1


def test_sampler_with_two_calls_a_step_is_resumed_exactly():
    world = World()
    election = run(heun, world=world)
    assert_close(election.latent, plain(heun, SEEDS[election.ranking.elected]))
    assert election.nfe == world.nfe


def test_level_rounded_to_the_latents_dtype_still_ends_its_step():
    sigmas = torch.tensor([10.0, 7.03, 5.03, 3.014, 1.004, 0.0])
    assert bool((sigmas[1:-1].bfloat16() > sigmas[1:-1]).all())

    def in_dtype_of_x(model, x, sigmas):
        return euler(lambda x, sigma: model(x, sigma * x.new_ones(len(x))), x, sigmas)

    world = World()

    def denoise(x: Tensor, sigma: Tensor, modes: Tensor) -> Tensor:
        assert sigma.dtype == torch.bfloat16
        return world(x, sigma[0], modes)

    source = SOURCE.bfloat16()
    election = elect(denoise, in_dtype_of_x, sigmas, CONDS, GUIDE, source, SEEDS, stop=0.4)
    assert election.nfe == world.nfe == 4 * 2 + 3


def test_samplers_own_noise_is_left_alone():
    silent = partial(euler_ancestral, noise_sampler=lambda *_: torch.zeros(()))
    election = run(silent, [3])
    assert_close(election.latent, plain(silent, 3))


def test_weights_that_want_gradients_leave_no_graph_behind():
    weight = torch.ones((), requires_grad=True)
    election = run(world=lambda x, sigma, modes: weight * World()(x, sigma, modes))
    assert not election.latent.requires_grad
    assert not election.estimates.requires_grad
