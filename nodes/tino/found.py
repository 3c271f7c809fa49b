"""What an optimisation found, as ComfyUI's types and as text."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...tino_core.record import Optimised


@dataclass(frozen=True)
class OptimisedNoise:
    """A NOISE that gives the noise that was found."""

    noise: Tensor
    seed: int

    def generate_noise(self, input_latent: dict) -> Tensor:
        """The noise for a latent of its own size."""
        given = tuple(input_latent["samples"].shape)
        if given != tuple(self.noise.shape):
            raise ValueError(
                f"noise: it was optimised for a latent of {tuple(self.noise.shape)}, got {given}."
            )
        return self.noise.clone()


def as_text(found: Optimised, last: float) -> str:
    """What was optimised: loss and timesteps (first step first) of each image."""
    lines = []
    for image, iteration in enumerate(found.chosen.tolist()):
        steps = ", ".join(f"{t:.1f}" for t in found.timesteps[image].flip(0).tolist())
        begin = ", ".join(f"{t:.1f}" for t in found.trajectory[0, image].flip(0).tolist())
        losses = found.losses[:, image]
        lines.append(
            f"image {image + 1}: iteration {iteration} of {len(losses) - 1}, loss "
            f"{float(losses[0]):.5f} -> {float(losses[iteration]):.5f}\n"
            f"timesteps of 0..{last:.0f}: {steps}\nat the start: {begin}"
        )
    if found.nan_at is not None:
        lines.append(
            f"The loss was no number at iteration {found.nan_at}: stopped there, the best result "
            "before it is given. Lower lr_noise, or load the model in float32 or bfloat16."
        )
    return "\n".join(lines)


def as_sigmas(model, found: Optimised) -> Tensor:
    """The first image's noise levels as SIGMAS, ending in 0."""
    sampling = model.get_model_object("model_sampling")
    levels = sampling.sigma(found.timesteps[0].flip(0).cpu())
    return torch.cat([levels, levels.new_zeros(1)]).cpu()
