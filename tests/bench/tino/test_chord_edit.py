"""ChordEdit against its one step as published, in its own terms, and where it must do nothing."""

import pytest
import torch
from torch.testing import assert_close

pytestmark = pytest.mark.comfy

TIMES = (0.90, 0.75, 0.30)


def world():
    generator = torch.Generator().manual_seed(0)
    source, noise = torch.randn(2, 2, 4, 6, 5, generator=generator).double()
    return source, noise


def alpha(t):
    """Of a variance-preserving schedule."""
    return 1 - 0.97 * t


def predicted_noise(z, t, text):
    """What an epsilon model would answer."""
    return torch.tanh(1.3 * z + text) * (0.5 + t)


def predicted_x0(z, t, text):
    kept, added = alpha(t), (1 - alpha(t) ** 2) ** 0.5
    return (z - added * predicted_noise(z, t, text)) / kept


def as_denoiser(text):
    """The same model asked in ComfyUI's scale; the time is told by sigma."""

    def denoised(x, sigma):
        kept = 1 / (1 + sigma**2) ** 0.5
        return predicted_x0(x * kept, (1 - kept) / 0.97, text)

    return denoised


def sigmas():
    kept = torch.tensor([alpha(t) for t in TIMES], dtype=torch.double)
    return (1 - kept**2) ** 0.5 / kept


def noised(x, t, noise):
    return alpha(t) * x + (1 - alpha(t) ** 2) ** 0.5 * noise


def test_it_is_the_published_step():
    from elect_tino.bench.tino.chord_edit import chord_edit

    (source, noise), (t, before, last) = world(), TIMES
    moves = [
        predicted_x0(noised(source, at, noise), at, 0.5)
        - predicted_x0(noised(source, at, noise), at, -0.2)
        for at in (t, before)
    ]
    moved = source + (0.15 * moves[0] + t * moves[1]) / (t + 0.15)
    expected = predicted_x0(noised(moved, last, noise), last, 0.5)
    calls = iter([noise])
    found = chord_edit(as_denoiser(-0.2), as_denoiser(0.5), source, sigmas(), lambda: next(calls))
    assert_close(found, expected)


def test_the_same_text_only_cleans():
    from elect_tino.bench.tino.chord_edit import chord_edit

    source, noise = world()
    ask, levels = as_denoiser(0.3), sigmas()
    found = chord_edit(ask, ask, source, levels, lambda: noise)
    assert_close(found, ask(source + levels[2] * noise, levels[2]))


@pytest.mark.parametrize("model", ["drawing", "drawing_4"])
def test_on_the_embedded_model_the_background_stays(model):
    from dataclasses import replace

    from elect_tino.bench.tino.chord_edit import NUM_CALLS, by_chord_edit
    from elect_tino.bench.tino.methods import Batch, read_batch
    from elect_tino.bench.tino.models import TinoBench
    from elect_tino.bench.tino.setups import PAPERS
    from elect_tino.tino_core.settings import Settings

    bench, batch = TinoBench(), Batch("recolour", range(1))
    calls = []

    def counted(apply, given):
        calls.append(given["timestep"])
        return apply(given["input"], given["timestep"], **given["c"])

    bench.unet(model).set_model_unet_function_wrapper(counted)
    with torch.inference_mode():
        inputs = read_batch(bench, batch, batch.tasks, replace(PAPERS, model=model))
        made = by_chord_edit(bench, inputs, Settings(num_steps=2))["latents"][0]
    outside = (inputs.mask == 0).expand_as(made)
    assert_close(made[outside], inputs.source[outside], atol=1e-4, rtol=0)
    assert (made - inputs.source)[~outside].abs().mean() > 0.01
    assert len(calls) == NUM_CALLS
