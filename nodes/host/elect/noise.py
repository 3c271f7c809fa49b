"""Noise that is each candidate's own: what its seed draws alone, whoever runs beside it."""

import inspect
from collections.abc import Callable, Mapping, Sequence

import comfy.sample
import comfy.samplers
import torch
from comfy.k_diffusion import sampling as k_diffusion
from torch import Tensor

# Samplers whose default noise is a Brownian tree, and whether it lives on the CPU.
_BROWNIAN = {
    "sample_dpmpp_sde": True,
    "sample_dpmpp_2m_sde": True,
    "sample_dpmpp_2m_sde_heun": True,
    "sample_dpmpp_3m_sde": True,
    "sample_dpmpp_sde_gpu": False,
    "sample_dpmpp_2m_sde_gpu": False,
    "sample_dpmpp_2m_sde_heun_gpu": False,
    "sample_dpmpp_3m_sde_gpu": False,
}

NoiseRule = Callable[[dict, Sequence[int]], Tensor]
"""Initial noise of seeds for a LATENT, (N, C, h, w); compared by identity."""


def initial_noise(latent: dict, seeds: Sequence[int]) -> Tensor:
    """Initial noise of each seed, (N, C, h, w), as RandomNoise gives it for the seed alone."""
    index = latent.get("batch_index")
    return torch.cat([comfy.sample.prepare_noise(latent["samples"], s, index) for s in seeds])


class GivenNoise:
    """Initial noise that is not drawn from the seed: each seed's own row, by seed.

    rows (1, C, h, w)
    """

    def __init__(self, rows: Mapping[int, Tensor]):
        self.rows = dict(rows)

    def __call__(self, latent: dict, seeds: Sequence[int]) -> Tensor:
        """Initial noise of each seed, (N, C, h, w)."""
        return torch.cat([self.rows[seed] for seed in seeds])


def takes_noise_sampler(sampler: comfy.samplers.Sampler) -> bool:
    """Whether the SAMPLER draws all its noise from a `noise_sampler` that we may supply."""
    function = getattr(sampler, "sampler_function", None)
    return function is not None and "noise_sampler" in inspect.signature(function).parameters


def _ancestral(x: Tensor, seeds: Sequence[int]) -> Callable[[Tensor, Tensor], Tensor]:
    rows = [k_diffusion.default_noise_sampler(x[:1], seed=seed) for seed in seeds]
    return lambda sigma, sigma_next: torch.cat([row(sigma, sigma_next) for row in rows])


def with_candidate_noise(
    sampler: comfy.samplers.Sampler, x: Tensor, sigmas: Tensor, seeds: Sequence[int]
) -> comfy.samplers.Sampler:
    """The SAMPLER with one noise source per candidate; itself for one candidate.

    x (N, C, h, w): a latent of the batch, for shape, dtype and device.
    """
    if len(seeds) == 1 or not takes_noise_sampler(sampler):
        return sampler
    assert isinstance(sampler, comfy.samplers.KSAMPLER)
    cpu = _BROWNIAN.get(sampler.sampler_function.__name__)
    if cpu is None:
        noise = _ancestral(x, seeds)
    else:
        low, high = sigmas[sigmas > 0].min(), sigmas.max()
        noise = k_diffusion.BrownianTreeNoiseSampler(x, low, high, seed=list(seeds), cpu=cpu)
    return comfy.samplers.KSAMPLER(
        sampler.sampler_function,
        {**sampler.extra_options, "noise_sampler": noise},
        sampler.inpaint_options,
    )
