"""TiNOOptimize on a small random model in the real ComfyUI, in inference mode as users run it."""

import copy

import pytest
import torch
from torch.testing import assert_close

from .small_edit import OPTIONS, cells, ksampler


@torch.no_grad()
def naive_image_to_image(model, positive, source, mask, noise, timesteps):
    """W = 0 written out with the model's own functions: DDIM, clean source pasted each step."""
    base, sampling = model.model, model.get_model_object("model_sampling")
    source = base.process_latent_in(source)
    sigmas = [float(sampling.sigma(torch.tensor(t))) for t in timesteps]  # falling
    alphas = [1 / (1 + sigma**2) for sigma in sigmas]
    x = alphas[0] ** 0.5 * source + (1 - alphas[0]) ** 0.5 * noise
    x = x * mask + source * (1 - mask)
    for index, (sigma, alpha) in enumerate(zip(sigmas, alphas, strict=True)):
        exploding = x / alpha**0.5
        zeros = torch.zeros_like(source)
        denoised = base.apply_model(
            exploding, torch.tensor([sigma]), c_concat=zeros, c_crossattn=positive[0][0]
        )
        eps = (exploding - denoised) / sigma
        following = alphas[index + 1] if index + 1 < len(alphas) else 1.0
        x = following**0.5 * denoised + (1 - following) ** 0.5 * eps
        x = x * mask + source * (1 - mask)
    return base.process_latent_out(x)


def test_no_iterations_equal_blended_image_to_image(optimize, world):
    import comfy.sample

    found = optimize(iterations=0)
    noise = comfy.sample.prepare_noise(world.source["samples"], OPTIONS["seed"])
    steps = [0.7 * 1000 * k / 3 for k in (3, 2, 1)]
    expected = naive_image_to_image(
        world.model, world.positive, world.source["samples"], cells(world.mask), noise, steps
    )
    assert_close(found.latent, expected, atol=1e-4, rtol=1e-4)


def test_gradients_reach_noise_and_timesteps_despite_inference_mode(optimize, world):
    plain, found = optimize(iterations=0), optimize(iterations=8)
    assert not torch.equal(found.noise.noise, plain.noise.noise)
    assert not torch.equal(found.sigmas, plain.sigmas)
    first, last = (
        float(part) for part in found.text.split("loss ")[1].split("\n")[0].split(" -> ")
    )
    assert last < first
    assert not found.latent.requires_grad


def test_the_timestep_gradient_is_that_of_the_model(world):
    """Autograd through the host's schedule and UNet against central differences, in float64."""
    from elect_tino.nodes.host.tino.continuous import DiscreteScale, sigma_at, timestep_at
    from elect_tino.nodes.host.tino.gradients import with_gradients

    sampling = DiscreteScale(world.model.model.model_sampling).continuous()
    with with_gradients([world.model.model]):
        logs = sampling.log_sigmas.double()
        network = copy.deepcopy(world.model.model.diffusion_model).double()
        network.dtype = torch.float64
        generator = torch.Generator().manual_seed(1)
        x = torch.randn(1, 8, 10, 8, generator=generator).double()
        context = torch.randn(1, 7, 16, generator=generator).double()
        sampling.log_sigmas = logs

        def out(t):
            moment = sampling.timestep(sigma_at(logs, t))
            return (network(x, moment, context=context) * x[:, :4]).sum()

        t = torch.tensor([431.3], dtype=torch.float64, requires_grad=True)
        out(t).backward()
        with torch.no_grad():
            slope = (out(t + 0.02) - out(t - 0.02)).item() / 0.04
        assert_close(timestep_at(logs, sigma_at(logs, t.detach())), t.detach(), atol=1e-6, rtol=0)
    assert t.grad is not None
    assert t.grad.item() == pytest.approx(slope, rel=0.02)


def test_the_model_is_unmodified_afterwards(optimize, world):
    before = ksampler(world.model, world.positive)
    base = world.model.model
    tensors = {name: id(p) for name, p in base.named_parameters()}
    optimize()
    assert {name: id(p) for name, p in base.named_parameters()} == tensors
    assert not any("forward" in vars(module) for module in base.modules())
    assert torch.equal(ksampler(world.model, world.positive), before)
    assert type(base.model_sampling).__name__ == "ModelSampling"


def test_an_error_halfway_leaves_the_model_unmodified(optimize, world, monkeypatch):
    from elect_tino.nodes.tino import optimise as tino

    class Cancelled(Exception):
        pass

    class Cancelling:
        def __init__(self, *_):
            self.note = ""

        def __call__(self, *_):
            raise Cancelled

        def on_try(self, number):
            pass

        def finish(self, latent):
            pass

    before = ksampler(world.model, world.positive)
    monkeypatch.setattr(tino, "IterationProgress", Cancelling)
    with pytest.raises(Cancelled):
        optimize()
    assert not any("forward" in vars(module) for module in world.model.model.modules())
    assert torch.equal(ksampler(world.model, world.positive), before)


def test_nothing_changes_outside_the_mask(optimize, world):
    found, outside = optimize(), 1 - cells(world.mask)
    assert_close(found.latent * outside, world.source["samples"] * outside)
    changed = (found.latent - world.source["samples"]).abs() * cells(world.mask)
    assert changed.max() > 0.1


def test_the_start_is_noised_in_place_of_the_source(optimize, world):
    start = {"samples": world.source["samples"] + 2 * cells(world.mask)}
    outside = 1 - cells(world.mask)
    plain, other = optimize(iterations=0), optimize(iterations=0, start=start)
    assert not torch.allclose(plain.latent, other.latent)
    assert_close(other.latent * outside, world.source["samples"] * outside)


def test_same_seed_same_result(optimize):
    assert torch.equal(optimize().latent, optimize().latent)
    assert not torch.equal(optimize().latent, optimize(seed=12).latent)
