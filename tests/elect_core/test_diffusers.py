"""On the modules of a diffusers InstructPix2Pix pipeline, `elect` gives the pipeline's own result.

The modules are small and random: what is compared is the arithmetic, not the picture.
"""

import json
from dataclasses import dataclass
from functools import partial, wraps
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from elect_tino.elect_core import Election, elect, euler, euler_ancestral, instruct_pix2pix
from elect_tino.elect_core.estimate import from_epsilon

diffusers: Any = pytest.importorskip("diffusers", reason="diffusers is not installed")
transformers: Any = pytest.importorskip("transformers", reason="transformers is not installed")

TEXT_SCALE, IMAGE_SCALE = 7.5, 1.5
PROMPT = "make it red"
BETAS: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
}
LATENT = (1, 4, 12, 16)


def tokenizer(folder: Path):
    """Byte-level CLIP tokens of the letters alone."""
    letters = [chr(c) for c in range(ord("a"), ord("z") + 1)]
    tokens = [*letters, *(f"{letter}</w>" for letter in letters)]
    tokens += ["<|startoftext|>", "<|endoftext|>"]
    vocab = {token: index for index, token in enumerate(tokens)}
    (folder / "vocab.json").write_text(json.dumps(vocab), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n", encoding="utf-8")
    return transformers.CLIPTokenizer.from_pretrained(str(folder), model_max_length=16)


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        text = transformers.CLIPTextConfig(
            vocab_size=54,
            hidden_size=16,
            intermediate_size=32,
            num_hidden_layers=2,
            num_attention_heads=2,
            max_position_embeddings=16,
            bos_token_id=52,
            eos_token_id=53,
        )
        unet = diffusers.UNet2DConditionModel(
            in_channels=8,
            out_channels=4,
            layers_per_block=1,
            block_out_channels=(16, 32),
            down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
            up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
            cross_attention_dim=16,
            attention_head_dim=4,
            norm_num_groups=8,
        )
        # The levels and scales make 100 of every rounding error: keep them below 1e-4 in float32.
        unet.conv_out.weight.data.mul_(0.3)
        vae = diffusers.AutoencoderKL(
            block_out_channels=(8, 16),
            down_block_types=("DownEncoderBlock2D",) * 2,
            up_block_types=("UpDecoderBlock2D",) * 2,
            latent_channels=4,
            norm_num_groups=4,
        )
        pipe = diffusers.StableDiffusionInstructPix2PixPipeline(
            vae=vae,
            text_encoder=transformers.CLIPTextModel(text).eval(),
            tokenizer=tokenizer(tmp_path_factory.mktemp("tokenizer")),
            unet=unet.eval(),
            scheduler=diffusers.EulerAncestralDiscreteScheduler(**BETAS),
            safety_checker=None,
            feature_extractor=None,
            requires_safety_checker=False,
        )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def image() -> Tensor:
    """A picture in [0, 1] that is not square."""
    return torch.rand(1, 3, 24, 32, generator=torch.Generator().manual_seed(1))


def sigma_table() -> Tensor:
    """Noise level of each training timestep, as ComfyUI computes it."""
    ends = (BETAS["beta_start"] ** 0.5, BETAS["beta_end"] ** 0.5)
    alphas = (1 - torch.linspace(*ends, 1000, dtype=torch.float64) ** 2).cumprod(0)
    return ((1 - alphas) / alphas).sqrt().float()


def comfy_sigmas(num_steps: int) -> Tensor:
    """ComfyUI's `normal` scheduler; at 10 and 28 steps all its timesteps are whole."""
    timesteps = torch.linspace(999, 0, num_steps)
    assert_close(timesteps, timesteps.round(), rtol=0, atol=1e-3)
    return torch.cat([sigma_table()[timesteps.round().long()], torch.zeros(1)])


@dataclass(frozen=True)
class PipelineRun:
    """The pipeline's result, and by step what its guided prediction makes of the latent."""

    latent: Tensor
    estimates: list[Tensor]


def run_pipeline(pipe, num_steps: int, generator: torch.Generator, monkeypatch) -> PipelineRun:
    estimates, step = [], pipe.scheduler.step

    @wraps(step)  # the pipeline looks at its signature
    def recording(*args, **kwargs):
        result = step(*args, **kwargs)
        estimates.append(result[1])
        return result

    monkeypatch.setattr(pipe.scheduler, "step", recording)
    latent = pipe(
        prompt=PROMPT,
        image=image(),
        num_inference_steps=num_steps,
        guidance_scale=TEXT_SCALE,
        image_guidance_scale=IMAGE_SCALE,
        generator=generator,
        output_type="latent",
    ).images
    return PipelineRun(latent, estimates)


@torch.no_grad()
def run_elect(pipe, sampler, sigmas: Tensor, seeds: list[int], **options) -> Election:
    """`elect` on the pipeline's modules: the InstructPix2Pix of method.md."""
    table = sigma_table()

    def encode(text: str) -> Tensor:
        tokens = pipe.tokenizer(text, padding="max_length", return_tensors="pt").input_ids
        return pipe.text_encoder(tokens)[0]

    def denoise(x: Tensor, sigma: Tensor, cond: tuple[Tensor, Tensor]) -> Tensor:
        embeds, picture = (t.repeat(len(x), *[1] * (t.ndim - 1)) for t in cond)
        timestep = (table.log() - sigma.log()).abs().argmin()
        x_in = torch.cat([x / (sigma**2 + 1) ** 0.5, picture], 1)
        epsilon = pipe.unet(x_in, timestep, encoder_hidden_states=embeds).sample
        return from_epsilon(x, sigma, epsilon)

    picture = pipe.vae.encode(2 * image() - 1).latent_dist.mode()  # unscaled, as the model wants
    text, empty = encode(PROMPT), encode("")
    conds = {
        "text": (text, picture),
        "null": (empty, picture),
        "none": (empty, torch.zeros_like(picture)),
    }
    guide = instruct_pix2pix(TEXT_SCALE, IMAGE_SCALE)
    source = picture * pipe.vae.config.scaling_factor
    return elect(denoise, sampler, sigmas, conds, guide, source, seeds, **options)


@pytest.mark.parametrize("num_steps", [10, 28])
def test_one_seed_reproduces_the_pipeline_step_by_step(pipeline, num_steps, monkeypatch):
    expected = run_pipeline(pipeline, num_steps, torch.Generator().manual_seed(3), monkeypatch)
    # ComfyUI's levels but for the rounding of the scheduler's float32 table, about 1e-5.
    sigmas = pipeline.scheduler.sigmas
    assert_close(sigmas, comfy_sigmas(num_steps), rtol=1e-4, atol=0)
    # The pipeline scales its first noise by init_noise_sigma, elect by sigmas[0]. They are the
    # same for the `linspace` spacing used here; for `leading` it is sqrt(sigma^2 + 1), and the
    # noise would have to be scaled by the ratio.
    assert pipeline.scheduler.init_noise_sigma == sigmas[0]

    # Its draws again: the first latent, then one noise a step. By level, as elect replays them.
    generator = torch.Generator().manual_seed(3)
    noise = torch.randn(LATENT, generator=generator)
    drawn = {float(s): torch.randn(LATENT, generator=generator) for s in sigmas[:-1]}
    estimates = []

    def sampler(model, x: Tensor, sigmas: Tensor) -> Tensor:
        def recording(x: Tensor, sigma: Tensor) -> Tensor:
            estimates.append(model(x, sigma))
            return estimates[-1]

        noises = partial(euler_ancestral, noise_sampler=lambda sigma, _: drawn[float(sigma)])
        return noises(recording, x, sigmas)

    election = run_elect(pipeline, sampler, sigmas, [3], noise=noise)
    assert len(expected.estimates) == num_steps
    for ours, theirs in zip(estimates[-num_steps:], expected.estimates, strict=True):
        assert_close(ours, theirs, rtol=1e-5, atol=1e-4)
    assert_close(election.latent, expected.latent, rtol=1e-5, atol=1e-4)
    assert election.nfe == num_steps


def test_text_and_image_matter_to_the_random_model(pipeline):
    """Else the agreement above would say nothing about the guidance."""
    latents = [
        pipeline(
            prompt=prompt,
            image=picture,
            num_inference_steps=2,
            generator=torch.Generator().manual_seed(3),
            output_type="latent",
        ).images
        for prompt, picture in [(PROMPT, image()), ("", image()), (PROMPT, 1 - image())]
    ]
    assert (latents[0] - latents[1]).abs().max() > 0.01
    assert (latents[0] - latents[2]).abs().max() > 0.01


def test_elected_seed_is_what_the_pipeline_gives_for_it_alone(pipeline, monkeypatch):
    seeds, sigmas = [4, 5, 6], comfy_sigmas(10)
    election = run_elect(pipeline, euler, sigmas, seeds)
    seed = seeds[election.ranking.elected]
    monkeypatch.setattr(pipeline, "scheduler", diffusers.EulerDiscreteScheduler(**BETAS))
    expected = run_pipeline(pipeline, 10, torch.Generator().manual_seed(seed), monkeypatch)
    assert_close(election.latent, expected.latent, rtol=1e-5, atol=1e-4)
    assert election.nfe == 3 * 4 + 6
