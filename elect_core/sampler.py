"""Two samplers for runs outside ComfyUI, in k-diffusion's vocabulary.

``sampler(model, x, sigmas)`` with x (N, C, h, w) at noise level sigmas[0], sigmas (K + 1,) on the
CPU, so that no step waits for the device. A sampler that draws noise takes a `noise_sampler`
argument: ``noise_sampler(sigma, sigma_next) -> (N, C, h, w)``.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def to_d(x: Tensor, sigma: Tensor, denoised: Tensor) -> Tensor:
    """Derivative of the probability-flow ODE (Karras et al., 2022)."""
    return (x - denoised) / sigma


def euler(model: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigmas: Tensor) -> Tensor:
    """Euler steps (Karras et al., 2022, Algorithm 2 without churn).  Returns x at sigmas[-1]."""
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        d = to_d(x, sigma, model(x, sigma))
        x = x + d * (sigma_next - sigma)
    return x


def euler_ancestral(
    model: Callable[[Tensor, Tensor], Tensor],
    x: Tensor,
    sigmas: Tensor,
    noise_sampler: Callable[[Tensor, Tensor], Tensor] | None = None,
) -> Tensor:
    """Euler steps with the ancestral share of fresh noise.  Returns x at sigmas[-1].

    For noise levels of eps, v and x0 models; a flow model's share of noise is another.
    Raises ValueError without a noise_sampler.
    """
    if noise_sampler is None:
        raise ValueError("noise_sampler: euler_ancestral needs one, got None.")
    for sigma, sigma_next in zip(sigmas[:-1], sigmas[1:], strict=True):
        denoised = model(x, sigma)
        up = (sigma_next**2 * (sigma**2 - sigma_next**2) / sigma**2).sqrt()
        down = (sigma_next**2 - up**2).clamp(min=0).sqrt()
        x = x + to_d(x, sigma, denoised) * (down - sigma)
        if sigma_next > 0:
            x = x + noise_sampler(sigma, sigma_next) * up
    return x


class SeededNoise:
    """Noise for a batch whose row k is what seed k draws on its own, whoever else runs beside it.

    seeds: one a candidate; shape: of one candidate, (C, h, w)
    """

    def __init__(self, seeds: Sequence[int], shape: Sequence[int], like: Tensor):
        self.generators = [torch.Generator("cpu").manual_seed(seed) for seed in seeds]
        self.shape = tuple(shape)
        self.like = like

    def __call__(self, *_: Tensor) -> Tensor:
        """The next draw, (N, C, h, w), on the device and in the dtype of `like`."""
        rows = [torch.randn(self.shape, generator=g) for g in self.generators]
        # Without waiting for the device; only CUDA promises to have read the rows by then.
        return torch.stack(rows).to(self.like, non_blocking=self.like.is_cuda)
