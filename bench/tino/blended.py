"""Blended Latent Diffusion (Avrahami et al. 2023): the noised source is pasted at every step."""

from collections.abc import Callable

import comfy.samplers
import torch
from torch import Tensor


def blended_diffusion(
    denoise: Callable[[Tensor, Tensor], Tensor],
    start: Tensor,
    source: Tensor,
    mask: Tensor,
    sigmas: Tensor,
    fresh_noise: Callable[[], Tensor],
) -> Tensor:
    """DDIM from noise level sigmas[0] that shows a noised source outside the mask, (B, C, h, w).

    ``x' = x' M + (L + sigma' n) (1 - M)``, n fresh at every step, at the noise level of x'.

    denoise: ``x, sigma (B,) -> denoised``; start, source (B, C, h, w); mask (B, 1, h, w): 1 =
    edited; sigmas (K + 1,): falling to 0; the first noise is drawn first
    """
    x = start + sigmas[0] * fresh_noise()
    for sigma, following in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = denoise(x, sigma.expand(len(x)))
        x = denoised + (x - denoised) / sigma * following
        background = source + following * fresh_noise()
        x = x * mask + background * (1 - mask)
    return x


class BlendedDiffusion(comfy.samplers.Sampler):
    """The same as a SAMPLER. seeds: each picture's, whose first noise is the guider's own."""

    def __init__(self, start: Tensor | None, mask: Tensor, seeds: list[int]):
        self.start, self.mask, self.seeds = start, mask, seeds

    def sample(
        self,
        model_wrap,
        sigmas,
        extra_args,
        callback,
        noise,
        latent_image=None,
        denoise_mask=None,
        disable_pbar=False,
    ):
        assert latent_image is not None
        start = latent_image
        if self.start is not None:
            start = model_wrap.inner_model.process_latent_in(self.start.to(latent_image))
        return blended_diffusion(
            lambda x, sigma: model_wrap(x, sigma, **extra_args),
            start,
            latent_image,
            self.mask.to(latent_image),
            sigmas,
            noises(self.seeds, latent_image.shape[1:]),
        )


def noises(seeds: list[int], shape: torch.Size) -> Callable[[], Tensor]:
    """Draws (B, C, h, w), each picture from its own seed, so that no picture touches another."""
    generators = [torch.Generator().manual_seed(seed) for seed in seeds]
    return lambda: torch.stack([torch.randn(shape, generator=g) for g in generators])
