"""FLUX.1 Kontext and Qwen-Image-Edit against diffusers' own transformers, the same random weights.

The reference is diffusers' transformer, fed as its pipelines feed it: latents packed two by two,
positions of result and reference told apart by the first coordinate, timesteps in [0, 1]. What is
compared is our nodes' run in ComfyUI, step by step, from the same noise.
"""

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from .reference_families import FAMILIES
from .reference_models import FLUX, QWEN, WIDTH, build, randomise

pytestmark = pytest.mark.comfy
diffusers: Any = pytest.importorskip("diffusers", reason="diffusers is not installed")

GUIDANCE, CFG = 2.5, 2.5
# Cells. At an odd number of patches ComfyUI centres Qwen's positions one off from diffusers.
RESULT = (8, 12)
ATOL, RTOL = 1e-3, 1e-3


def pack(latent: Tensor) -> Tensor:
    """(1, C, h, w) as (1, h/2 * w/2, 4 C): what both pipelines call packing."""
    _, c, h, w = latent.shape
    patches = latent.reshape(1, c, h // 2, 2, w // 2, 2)
    return patches.permute(0, 2, 4, 1, 3, 5).reshape(1, h * w // 4, 4 * c)


def unpack(tokens: Tensor, h: int, w: int) -> Tensor:
    patches = tokens.reshape(1, h // 2, w // 2, -1, 2, 2)
    return patches.permute(0, 3, 1, 4, 2, 5).reshape(1, -1, h, w)


def positions(latent: Tensor, index: int) -> Tensor:
    """Kontext's ids (h/2 * w/2, 3): which picture, row, column."""
    h, w = (side // 2 for side in latent.shape[-2:])
    rows, columns = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    return torch.stack([torch.full_like(rows, index), rows, columns], -1).reshape(-1, 3).float()


class Kontext:
    """diffusers' FLUX transformer, and the same weights in ComfyUI."""

    family, cfg = FAMILIES["flux_kontext"], 1.0

    def __init__(self, folder):
        from comfy.model_detection import convert_diffusers_mmdit

        self.transformer = diffusers.FluxTransformer2DModel(
            in_channels=64,
            num_layers=FLUX["depth"],
            num_single_layers=FLUX["depth_single_blocks"],
            attention_head_dim=24,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            pooled_projection_dim=WIDTH,
            guidance_embeds=True,
            axes_dims_rope=tuple(FLUX["axes_dim"]),
        ).eval()
        weights = randomise(self.transformer).state_dict()
        # Copies: the converter swaps the last layer's shift and scale in place.
        copies = {name: value.clone() for name, value in weights.items()}
        self.model = build(FLUX, folder, convert_diffusers_mmdit(copies))

    @torch.no_grad()
    def velocity(self, x: Tensor, sigma: Tensor, text: list, references: Sequence[Tensor]):
        """Its prediction for x (1, 16, h, w) at a level; one reference, as its pipeline has it."""
        (reference,) = references
        features, options = text[0]
        tokens = self.transformer(
            hidden_states=torch.cat([pack(x), pack(reference)], 1),
            encoder_hidden_states=features,
            pooled_projections=options["pooled_output"],
            timestep=sigma[None],
            guidance=torch.tensor([options["guidance"]]),
            img_ids=torch.cat([positions(x, 0), positions(reference, 1)]),
            txt_ids=torch.zeros(features.shape[1], 3),
        ).sample
        size = x.shape[-2:]
        return unpack(tokens[:, : size[0] * size[1] // 4], *size)


class Qwen:
    """diffusers' Qwen-Image transformer; its weights have the same names in ComfyUI."""

    family, cfg = FAMILIES["qwen_image_edit"], CFG

    def __init__(self, folder):
        self.transformer = diffusers.QwenImageTransformer2DModel(
            in_channels=64,
            out_channels=16,
            num_layers=QWEN["num_layers"],
            attention_head_dim=24,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            axes_dims_rope=QWEN["axes_dims_rope"],
        ).eval()
        weights = randomise(self.transformer).state_dict()
        self.model = build(QWEN, folder, weights)

    @torch.no_grad()
    def velocity(self, x: Tensor, sigma: Tensor, text: list, references: Sequence[Tensor]):
        """Its prediction for x (1, 16, 1, h, w) at a level, given one or more references."""
        pictures = [picture[:, :, 0] for picture in (x, *references)]
        tokens = self.transformer(
            hidden_states=torch.cat([pack(picture) for picture in pictures], 1),
            encoder_hidden_states=text[0][0],
            timestep=sigma[None],
            img_shapes=[[(1, p.shape[-2] // 2, p.shape[-1] // 2) for p in pictures]],
        ).sample
        size = x.shape[-2:]
        return unpack(tokens[:, : size[0] * size[1] // 4], *size).unsqueeze(2)


@pytest.fixture(scope="module")
def pairs(tmp_path_factory):
    return {kind: kind(tmp_path_factory.mktemp(kind.__name__)) for kind in (Kontext, Qwen)}


def guided(pair, x: Tensor, sigma: Tensor, texts: Sequence[list], references) -> list[Tensor]:
    """diffusers' denoised latents: guided, under the text, and under the null text."""
    text, null = (x - sigma * pair.velocity(x, sigma, t, references) for t in texts)
    return [null + pair.cfg * (text - null), text, null]


@pytest.mark.parametrize(
    ("kind", "sizes"),
    [
        (Kontext, [RESULT]),
        (Kontext, [(12, 10)]),
        (Qwen, [RESULT]),
        (Qwen, [RESULT, (4, 8)]),
    ],
)
def test_our_run_is_diffusers_prediction_at_every_step(kind, sizes, pairs, elect):
    import comfy.sample
    import comfy.samplers

    pair = pairs[kind]
    model, family = pair.model, pair.family
    frames = (1,) if kind is Qwen else ()
    generator = torch.Generator().manual_seed(9)
    clean = [torch.randn(1, 16, *frames, *size, generator=generator) for size in sizes]
    shown = {"reference_latents": [model.model.process_latent_out(one) for one in clean]}
    texts = [[[t, {**options, **shown}]] for (t, options), *_ in map(family.conditioning, (1, 2))]

    guider = comfy.samplers.CFGGuider(model)
    guider.set_conds(*texts)
    guider.set_cfg(pair.cfg)
    sigmas = comfy.samplers.calculate_sigmas(model.get_model_object("model_sampling"), "simple", 6)
    latent = {"samples": torch.zeros(1, 16, *frames, *RESULT)}
    given = {"null": family.conditioning(2)} if pair.cfg == 1 else {}
    options = {"seeds": "7", "stop": 1.0, "relevance_window": 1.0, **given}
    found = elect.partial(guider, "euler", sigmas, latent, **options)

    x = sigmas[0] * comfy.sample.prepare_noise(latent["samples"], 7)
    for step, (sigma, after) in enumerate(zip(sigmas[:-1], sigmas[1:], strict=True)):
        expected, text, null = guided(pair, x, sigma, texts, clean)
        assert_close(found.tape.calls[step]["denoised"], expected, atol=ATOL, rtol=RTOL)
        (relevance,) = found.tape.relevance([step])
        assert_close(relevance, (text - null).abs().sum(1, keepdim=True), atol=5e-3, rtol=1e-3)
        x = expected + (x - expected) * (after / sigma)
    finished = model.model.process_latent_in(elect.resume(found)[0]["samples"])
    assert_close(finished, x, atol=ATOL, rtol=RTOL)


@pytest.mark.parametrize("kind", [Kontext, Qwen])
def test_the_reference_and_the_text_matter_to_the_random_models(kind, pairs):
    """Else the agreement above would say nothing of them."""
    pair = pairs[kind]
    shape = (1, 16, 1, *RESULT) if kind is Qwen else (1, 16, *RESULT)
    x, one, other = torch.randn(3, *shape, generator=torch.Generator().manual_seed(4))
    text, null = (pair.family.conditioning(seed) for seed in (1, 2))
    level = torch.tensor(0.8)
    plain = pair.velocity(x, level, text, [one])
    for changed in (
        pair.velocity(x, level, text, [other]),
        pair.velocity(x, level, null, [one]),
        pair.velocity(x, torch.tensor(0.4), text, [one]),
    ):
        assert (plain - changed).abs().max() > 0.05
