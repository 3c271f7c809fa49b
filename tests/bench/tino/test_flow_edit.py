"""FlowEdit against its loop as published, and where it must do nothing."""

import pytest
import torch
from torch.testing import assert_close

pytestmark = pytest.mark.comfy


def world():
    generator = torch.Generator().manual_seed(0)
    source, *noises = torch.randn(4, 2, 4, 6, 5, generator=generator).double()
    return source, noises, torch.tensor([3.0, 1.0, 0.3, 0.0], dtype=torch.double)


def velocity(z, s, text):
    """What a flow model would answer."""
    return torch.tanh(1.7 * z + text) * (1 + s)


def as_denoiser(text):
    """The same model asked in ComfyUI's scale."""

    def denoised(x, sigma):
        s = sigma / (1 + sigma)
        z = x * (1 - s)
        return z - s * velocity(z, s, text)

    return denoised


def test_it_is_the_published_loop():
    from elect_tino.bench.tino.flow_edit import flow_edit

    source, noises, sigmas = world()
    levels = (sigmas / (1 + sigmas)).tolist()
    edit = source.clone()
    for noise, s, following in zip(noises, levels[:-1], levels[1:], strict=True):
        z_source = (1 - s) * source + s * noise
        z_target = edit + z_source - source
        edit = edit + (following - s) * (velocity(z_target, s, 0.5) - velocity(z_source, s, -0.2))
    drawn = iter(noises)
    found = flow_edit(as_denoiser(-0.2), as_denoiser(0.5), source, sigmas, lambda: next(drawn))
    assert_close(found, edit)


def test_the_same_text_changes_nothing():
    from elect_tino.bench.tino.flow_edit import flow_edit

    source, noises, sigmas = world()
    drawn = iter(noises)
    found = flow_edit(as_denoiser(0.3), as_denoiser(0.3), source, sigmas, lambda: next(drawn))
    assert_close(found, source)


@pytest.mark.parametrize("cfg", [1.0, 3.0])
def test_on_the_embedded_model_the_background_stays(cfg):
    from dataclasses import replace

    from elect_tino.bench.tino.flow_edit import by_flow_edit
    from elect_tino.bench.tino.methods import Batch, read_batch
    from elect_tino.bench.tino.models import TinoBench
    from elect_tino.bench.tino.setups import PAPERS
    from elect_tino.tino_core.settings import Settings

    bench, batch = TinoBench(), Batch("recolour", range(1))
    with torch.inference_mode():
        inputs = read_batch(bench, batch, batch.tasks, replace(PAPERS, cfg=cfg))
        made = by_flow_edit(bench, inputs, Settings(num_steps=2))["latents"][0]
    outside = (inputs.mask == 0).expand_as(made)
    assert_close(made[outside], inputs.source[outside], atol=1e-4, rtol=0)
    assert (made - inputs.source)[~outside].abs().mean() > 0.01
