"""TiNOOptimize's beginnings: noise levels of a user's, and the source's own noise."""

import pytest
import torch
from torch.testing import assert_close

from .small_edit import by_host

pytestmark = pytest.mark.comfy


def test_sigmas_take_the_place_of_steps_and_strength_and_come_out_again(optimize, world):
    plain = optimize(iterations=0, num_steps=3, strength=0.6)
    given = optimize(iterations=0, num_steps=9, strength=0.2, sigmas=plain.sigmas)
    assert_close(given.sigmas, plain.sigmas, rtol=1e-4, atol=1e-4)
    assert_close(given.latent, plain.latent, atol=2e-3, rtol=0)


def test_sigmas_that_do_not_fall_are_refused(optimize):
    with pytest.raises(ValueError, match="sigmas: expected one noise level or more, each below"):
        optimize(iterations=0, sigmas=torch.tensor([1.0, 2.0, 0.0]))


def test_the_sources_own_noise_brings_it_back_under_its_own_text(optimize, world):
    """With the text it was inverted by in the place of the target's, nothing is edited."""
    shown = dict.fromkeys(("positive", "source_text", "target_text"), world.positive)
    far = optimize(iterations=0, **shown)
    near = optimize(iterations=0, first_noise="the source's own (inverted)", **shown)
    source = world.source["samples"]
    assert (near.latent - source).abs().mean() < 0.2 * (far.latent - source).abs().mean()


def test_nobody_says_what_the_source_shows(optimize):
    with pytest.raises(ValueError, match="first_noise: .* Connect source_text, or clip"):
        optimize(
            iterations=0,
            first_noise="the source's own (inverted)",
            source_text=None,
            source_prompt="",
            clip=None,
        )


def test_a_latent_consistency_model_runs_as_the_host_runs_it(optimize, world):
    from comfy_extras.nodes_model_advanced import ModelSamplingDiscrete

    model = ModelSamplingDiscrete().patch(world.model, "lcm", False)[0]
    everything = {"model": model, "num_steps": 2, "strength": 0.8, "mask": torch.ones(1, 80, 64)}
    found = optimize(iterations=0, **everything)
    expected = by_host(
        model, found.noise.noise, found.sigmas, world.positive, world.source["samples"]
    )
    assert_close(found.latent, expected, atol=2e-3, rtol=1e-3)
    moved = optimize(iterations=2, perceptual_weight=0.0, **everything)
    assert not torch.equal(moved.noise.noise, found.noise.noise)
