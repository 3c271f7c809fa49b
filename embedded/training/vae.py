"""Trains the tiny VAE on crops of the training split; from nothing, or on from trained weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..data.pixels import to_bytes, to_floats
from ..model.vae import TinyVAE
from ..world.samples import rng_for
from ..world.scene import random_scene
from .run import Budget, Run, training_device

CROP, BATCH, NUM_SCENES = 64, 16, 4000
TUNING_BATCH = 8
_LATENT_NOISE = 0.05  # so that decoding forgives the small errors of sampled latents
_PULL = 0.1  # of new latents towards the old ones, both of about unit deviation

Loss = Callable[[TinyVAE, Tensor, torch.Generator], Tensor]


def render_scenes(split: str, first: int, count: int) -> Tensor:
    """Pictures of the split as bytes, (count, 3, H, W)."""
    pictures = [random_scene(rng_for(split, first + i), split).render() for i in range(count)]
    return to_bytes(np.stack(pictures))


def psnr(a: Tensor, b: Tensor) -> float:
    """Mean over pictures of the peak signal-to-noise ratio in dB; higher is better."""
    return (-10 * (a - b).square().flatten(1).mean(1).log10()).mean().item()


def random_crops(pictures: Tensor, generator: torch.Generator, batch: int = BATCH) -> Tensor:
    """Random crops, (batch, 3, CROP, CROP) uint8."""
    device = generator.device
    chosen = torch.randint(len(pictures), (batch,), generator=generator, device=device)
    room = pictures.shape[-1] - CROP + 1
    corners = torch.randint(room, (batch, 2), generator=generator, device=device)
    crops = [
        pictures[i, :, y : y + CROP, x : x + CROP]
        for i, (y, x) in zip(chosen.tolist(), corners.tolist(), strict=True)
    ]
    return torch.stack(crops)


def vae_loss(
    vae: TinyVAE, pictures: Tensor, generator: torch.Generator, old: TinyVAE | None = None
) -> Tensor:
    """Error of the reconstruction, and of the latents against the old ones' where there are any.

    What was trained on the old latents stays a fair start for the new ones.
    """
    latents = vae.encoder(pictures)
    noise = torch.randn(latents.shape, generator=generator, device=generator.device)
    error = vae.decoder(latents + _LATENT_NOISE * noise) - pictures
    loss = 10 * error.square().mean() + 0.5 * error.abs().mean()
    if old is None:
        return loss
    with torch.no_grad():
        before = old.encoder(pictures)
    return loss + _PULL * ((latents - before) / old.scale).square().mean()


@torch.no_grad()
def measure_scale(vae: TinyVAE, pictures: Tensor) -> None:
    """Sets scale and shift so that stored latents have zero mean and unit deviation."""
    latents = vae.encoder(to_floats(pictures))
    vae.scale.fill_(latents.std())
    vae.shift.fill_(-latents.mean() / latents.std())


def train_vae(folder: Path, budget: Budget, num_scenes: int = NUM_SCENES) -> tuple[TinyVAE, int]:
    """Runs or resumes the training in the folder and returns the averaged model and its steps."""
    torch.manual_seed(0)
    vae = TinyVAE().to(memory_format=torch.channels_last)
    device = training_device()
    run = Run(folder, nn.ModuleDict({"vae": vae}), lr=5e-4, budget=budget, ema=0.995, device=device)
    _loop(run, vae, num_scenes)
    average = averaged_vae(run)
    measure_scale(average, render_scenes("train", 0, 200))
    return average, run.step


def tune_vae(
    start: TinyVAE, folder: Path, budget: Budget, num_scenes: int = NUM_SCENES
) -> tuple[TinyVAE, int]:
    """Goes on with a whole trained VAE; its latents keep their scale and near their values."""
    vae = TinyVAE().to(memory_format=torch.channels_last)
    vae.load_state_dict(start.state_dict())
    device = training_device()
    run = Run(
        folder,
        nn.ModuleDict({"vae": vae}),
        lr=4e-4,
        budget=budget,
        ema=0.995,
        seed=2,
        device=device,
    )
    _loop(run, vae, num_scenes, TUNING_BATCH, partial(vae_loss, old=start.to(device)))
    return averaged_vae(run), run.step


def train_decoder(
    start: TinyVAE, folder: Path, budget: Budget, num_scenes: int = NUM_SCENES
) -> tuple[TinyVAE, int]:
    """Goes on with the decoder alone, so that cached latents and the UNet stay valid."""
    vae = TinyVAE().to(memory_format=torch.channels_last)
    vae.load_state_dict(start.state_dict())
    vae.encoder.requires_grad_(False)
    device = training_device()
    run = Run(
        folder,
        nn.ModuleDict({"vae": vae}),
        lr=4e-4,
        budget=budget,
        ema=0.995,
        seed=1,
        device=device,
    )
    _loop(run, vae, num_scenes)
    return averaged_vae(run), run.step


def _loop(
    run: Run, vae: TinyVAE, num_scenes: int, batch: int = BATCH, loss: Loss = vae_loss
) -> None:
    if run.progress >= 1:
        return
    pictures = render_scenes("train", 0, num_scenes).to(run.device)
    held_out = to_floats(render_scenes("val", 0, 32))

    def report(run: Run) -> None:
        average = averaged_vae(run)
        with torch.no_grad():
            value = psnr(average.decode(average.encode(held_out)), held_out)
        print(f"vae step {run.step} {run.seconds:.0f} s: val PSNR {value:.2f} dB", flush=True)

    def loss_of(generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        return loss(vae, to_floats(random_crops(pictures, generator, batch)), generator), {}

    run.loop(loss_of, 50, report)


def averaged_vae(run: Run) -> TinyVAE:
    vae = TinyVAE().to(memory_format=torch.channels_last)
    vae.load_state_dict({k.removeprefix("vae."): v for k, v in run.average.items()})
    return vae.eval().requires_grad_(False)
