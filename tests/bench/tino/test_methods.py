"""The benchmark's methods: BLD against a naive loop, and pictures that do not touch each other."""

import pytest
import torch
from torch.testing import assert_close

from elect_tino.tino_core.settings import Settings

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def bench():
    from elect_tino.bench.tino.models import TinoBench

    return TinoBench()


@pytest.fixture(scope="module")
def read(bench):
    from elect_tino.bench.tino.methods import Batch, read_batch
    from elect_tino.bench.tino.tasks import tasks

    def inputs(kind, indices):
        batch = Batch(kind, indices)
        with torch.inference_mode():
            return read_batch(bench, batch, tasks(kind, indices))

    return inputs


def naive_bld(predict_eps, source, start, mask, alphas, noises):
    """Blended Latent Diffusion as published, in the variance-preserving scale."""
    x = alphas[0].sqrt() * start + (1 - alphas[0]).sqrt() * noises[0]
    for k in range(len(alphas) - 1):
        a, following = alphas[k], alphas[k + 1]
        eps = predict_eps(x, a)
        x0 = (x - (1 - a).sqrt() * eps) / a.sqrt()
        foreground = following.sqrt() * x0 + (1 - following).sqrt() * eps
        background = following.sqrt() * source + (1 - following).sqrt() * noises[k + 1]
        x = foreground * mask + background * (1 - mask)
    return x


def test_bld_equals_a_naive_loop():
    from elect_tino.bench.tino.blended import blended_diffusion

    generator = torch.Generator().manual_seed(0)
    source, start, *noises = torch.randn(7, 2, 4, 6, 5, generator=generator).double()
    mask = (torch.rand(2, 1, 6, 5, generator=generator) > 0.5).double()
    sigmas = torch.tensor([9.0, 3.0, 1.0, 0.3, 0.0], dtype=torch.double)
    alphas = 1 / (1 + sigmas**2)

    def predict_eps(x, alpha):
        return torch.tanh(x * 1.7 + alpha)

    def denoise(x, sigma):
        sigma = sigma[0]
        alpha = 1 / (1 + sigma**2)
        return x - sigma * predict_eps(alpha.sqrt() * x, alpha)

    drawn = iter(noises)
    found = blended_diffusion(denoise, start, source, mask, sigmas, lambda: next(drawn))
    assert_close(found, naive_bld(predict_eps, source, start, mask, alphas, noises))


def test_bld_leaves_the_source_outside_the_mask(bench, read):
    from elect_tino.bench.tino.methods import bld

    inputs = read("strokes", range(1))
    with torch.inference_mode():
        latents = bld(bench, inputs, Settings(num_steps=3))["latents"][0]
    outside = (inputs.mask == 0).expand_as(latents)
    assert_close(latents[outside], inputs.source[outside], atol=1e-4, rtol=0)
    assert (latents - inputs.source)[~outside].abs().mean() > 0.01


def test_bld_without_a_mask_is_sdedit(bench, read):
    from dataclasses import replace

    from elect_tino.bench.tino.methods import bld, sdedit

    inputs, settings = read("composition", range(1)), Settings(num_steps=10)
    everything = replace(inputs, mask=torch.ones_like(inputs.mask))
    with torch.inference_mode():
        found = bld(bench, everything, settings)["latents"]
        assert_close(found, sdedit(bench, inputs, settings)["latents"], atol=2e-3, rtol=0)


@pytest.mark.parametrize("method", ["tino", "bld"])
def test_a_result_does_not_depend_on_the_rest_of_its_batch(bench, read, method):
    from elect_tino.bench.tino import methods

    settings = Settings(num_steps=2, iterations=1)
    run = getattr(methods, method)
    with torch.inference_mode():
        both = run(bench, read("reference", range(2)), settings)["latents"]
        one = run(bench, read("reference", range(1, 2)), settings)["latents"]
    assert_close(both[:, 1:], one, atol=2e-3, rtol=0)


def test_the_marks_hold_the_iterates_and_the_last_is_the_lowest_loss(bench, read):
    from elect_tino.bench.tino.methods import marks, tino

    assert marks(25) == [0, 10, 20, 25]
    with torch.inference_mode():
        found = tino(bench, read("recolour", range(1)), Settings(num_steps=2, iterations=2))
    assert len(found["latents"]) == 3  # W = 0, W = 2, lowest loss
    assert found["chosen"] == found["losses"][:, 0].argmin()
    assert found["trajectory"].shape == (3, 1, 2)
    stage = {0: 0, 2: 1}.get(int(found["chosen"]))
    if stage is not None:
        assert_close(found["latents"][-1], found["latents"][stage])


def test_figures_of_the_noise_are_of_the_masked_cells():
    from elect_tino.bench.tino.methods import _noise_figures

    noises = torch.zeros(2, 1, 4, 1, 3)
    noises[..., 0] = 100.0  # outside
    noises[0, ..., 1:] = torch.tensor([1.0, 3.0])
    noises[1, ..., 1:] = torch.tensor([1.0, 5.0])
    mask = torch.tensor([0.0, 1.0, 1.0]).view(1, 1, 1, 3)
    wanted = torch.tensor([[[1.0, 3.0, 2.0, 0.0]], [[1.0, 5.0, 3.0, 2.0**0.5]]])
    assert_close(_noise_figures(noises, mask), wanted)


def test_its_coder_is_the_vae_of_the_nodes(bench, read):
    inputs = read("recolour", range(2))
    pictures = torch.stack([torch.from_numpy(task.edit.source) for task in inputs.tasks])
    with torch.inference_mode():
        assert_close(inputs.source, bench.vae.encode(pictures), atol=1e-3, rtol=0)
        shown = bench.vae.decode(inputs.source)
        assert_close(torch.from_numpy(bench.decode(inputs.source)), shown, atol=1e-3, rtol=0)
