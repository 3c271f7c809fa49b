"""What the UNet predicts: the noising it is trained on, and how a prediction is used to sample.

Noise levels are ComfyUI's sigmas. A flow's sigma / (1 - sigma) is the sigma of a v model at the
same ratio of signal to noise.

sigma (): noise level; x, noise, clean, predicted (N, C, h, w): normalised latents
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Protocol

import torch
from torch import Tensor

NUM_TIMESTEPS, GAMMA = 1000, 5.0


@dataclass(frozen=True)
class Noised:
    """Training samples at random noise levels.

    x, wanted (N, C, h, w): what the UNet sees and shall predict
    t (N,): the timestep fed, in [0, NUM_TIMESTEPS]
    weight (N, 1, 1, 1), or finer: of the squared error
    """

    x: Tensor
    wanted: Tensor
    t: Tensor
    weight: Tensor


class Objective(Protocol):
    """One way to noise, predict and denoise."""

    description: str
    """As the weights' metadata has it."""

    def noised(self, clean: Tensor, generator: torch.Generator) -> Noised:
        """The clean latents, each at its own random noise level."""
        ...

    def sigmas(self, num_steps: int) -> Tensor:
        """Noise levels of a run, (num_steps + 1,), from the highest to 0."""
        ...

    def start(self, noise: Tensor, sigma: Tensor) -> Tensor:
        """What a run begins with at its highest noise level."""
        ...

    def at(self, clean: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
        """Clean latents at one noise level of a run."""
        ...

    def timestep(self, sigma: Tensor) -> Tensor:
        """The timestep that the UNet is fed."""
        ...

    def model_input(self, x: Tensor, sigma: Tensor) -> Tensor:
        """What the UNet is fed of x."""
        ...

    def denoised(self, predicted: Tensor, x: Tensor, sigma: Tensor) -> Tensor:
        """The estimate of the clean latents."""
        ...


@cache
def alphas_cumprod() -> Tensor:
    """Stable Diffusion's scaled-linear schedule, (NUM_TIMESTEPS,)."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, NUM_TIMESTEPS, dtype=torch.float64) ** 2
    return torch.cumprod(1 - betas, dim=0).float()


@cache
def _log_sigmas() -> Tensor:
    alphas = alphas_cumprod()
    return ((1 - alphas) / alphas).sqrt().log()


class VPrediction:
    """v = sqrt(a) noise - sqrt(1 - a) clean on Stable Diffusion's schedule."""

    description = "v, 1000 steps scaled linear"

    def noised(self, clean: Tensor, generator: torch.Generator) -> Noised:
        device = generator.device
        t = torch.randint(NUM_TIMESTEPS, (len(clean),), generator=generator, device=device)
        noise = torch.randn(clean.shape, generator=generator, device=device)
        alpha = alphas_cumprod().to(device)[t].view(-1, 1, 1, 1)
        signal, rest = alpha.sqrt(), (1 - alpha).sqrt()
        snr = alpha / (1 - alpha)
        # min-SNR weighs a v error by min(snr, gamma) / (snr + 1), which leaves next to nothing at
        # high noise, where an edit chooses its object; the floor of 1 is Salimans and Ho's
        # truncated SNR.
        weight = snr.clamp(1, GAMMA) / (snr + 1)
        return Noised(signal * clean + rest * noise, signal * noise - rest * clean, t, weight)

    def sigmas(self, num_steps: int) -> Tensor:
        """ComfyUI's "normal" schedule."""
        t = torch.linspace(NUM_TIMESTEPS - 1, 0, num_steps)
        levels = torch.lerp(
            _log_sigmas()[t.floor().long()], _log_sigmas()[t.ceil().long()], t.frac()
        )
        return torch.cat([levels.exp(), torch.zeros(1)])

    def start(self, noise: Tensor, sigma: Tensor) -> Tensor:
        return noise * (1 + sigma**2).sqrt()

    def at(self, clean: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
        return clean + sigma * noise

    def timestep(self, sigma: Tensor) -> Tensor:
        """The trained timestep nearest to a noise level, as ComfyUI picks it."""
        levels = _log_sigmas().to(sigma.device)
        return (levels - sigma.clamp(min=1e-4).log()).abs().argmin()

    def model_input(self, x: Tensor, sigma: Tensor) -> Tensor:
        return x / (sigma**2 + 1).sqrt()

    def denoised(self, predicted: Tensor, x: Tensor, sigma: Tensor) -> Tensor:
        return x / (sigma**2 + 1) - predicted * sigma / (sigma**2 + 1).sqrt()


class RectifiedFlow:
    """The velocity noise - clean on the straight line x = (1 - sigma) clean + sigma noise."""

    description = "rectified flow, shift 1, timestep 1000 sigma"

    def noised(self, clean: Tensor, generator: torch.Generator) -> Noised:
        # In (0, 1]: pure noise, where an edit chooses its object, is what a run begins with.
        device = generator.device
        sigma = 1 - torch.rand(len(clean), generator=generator, device=device)
        noise = torch.randn(clean.shape, generator=generator, device=device)
        level = sigma.view(-1, 1, 1, 1)
        x = (1 - level) * clean + level * noise
        return Noised(x, noise - clean, self.timestep(sigma), torch.ones_like(level))

    def sigmas(self, num_steps: int) -> Tensor:
        """ComfyUI's "simple" schedule."""
        return torch.linspace(1, 0, num_steps + 1)

    def start(self, noise: Tensor, sigma: Tensor) -> Tensor:
        return noise * sigma

    def at(self, clean: Tensor, noise: Tensor, sigma: Tensor) -> Tensor:
        return (1 - sigma) * clean + sigma * noise

    def timestep(self, sigma: Tensor) -> Tensor:
        return NUM_TIMESTEPS * sigma

    def model_input(self, x: Tensor, sigma: Tensor) -> Tensor:
        return x

    def denoised(self, predicted: Tensor, x: Tensor, sigma: Tensor) -> Tensor:
        return x - sigma * predicted


V_PREDICTION, RECTIFIED_FLOW = VPrediction(), RectifiedFlow()
