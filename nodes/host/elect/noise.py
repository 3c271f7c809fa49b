"""Noise that is each candidate's own: what its seed draws alone, whoever runs beside it."""

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import comfy.sample
import comfy.samplers
import torch
from comfy.k_diffusion import sampling as k_diffusion
from comfy_extras.nodes_custom_sampler import Noise_RandomNoise
from torch import Tensor

from ....elect_core.mixing import regional_mix, spherical_mix

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


class VariedNoise:
    """Noise near another one: a spherical mix of it with each seed's own.

    near (1, C, h, w); strength: 0 is `near`, 1 the seed's own
    """

    def __init__(self, near: Tensor, strength: float):
        self.near, self.strength = near, strength

    def __call__(self, latent: dict, seeds: Sequence[int]) -> Tensor:
        """Initial noise of each seed, (N, C, h, w)."""
        return spherical_mix(self.near, initial_noise(latent, seeds), self.strength)


class RegionNoise:
    """A noise outside a region, each seed's own inside.

    outside (1, C, h, w); weight (1, 1, h, w): 1 = inside
    """

    def __init__(self, outside: Tensor, weight: Tensor):
        self.outside, self.weight = outside, weight

    def __call__(self, latent: dict, seeds: Sequence[int]) -> Tensor:
        """Initial noise of each seed, (N, C, h, w)."""
        return regional_mix(self.outside, initial_noise(latent, seeds), self.weight)


class TemplateNoise:
    """What a NOISE gives for each seed in its own seed's place.

    Raises ValueError, naming the input noise, where it takes no seed or gives another shape.
    """

    def __init__(self, template: Any):
        self.template = template

    def __call__(self, latent: dict, seeds: Sequence[int]) -> Tensor:
        """Initial noise of each seed, (N, C, h, w)."""
        return torch.cat([self._of(latent, seed) for seed in seeds])

    def _of(self, latent: dict, seed: int) -> Tensor:
        name = type(self.template).__name__
        own = copy.copy(self.template)
        if not hasattr(own, "seed"):
            raise ValueError(f"noise: {name} has no seed to put a candidate's in its place.")
        try:
            own.seed = seed
        except AttributeError as error:
            raise ValueError(f"noise: the seed of {name} cannot be set.") from error
        noise = own.generate_noise(latent)
        if noise.shape != latent["samples"].shape:
            shapes = f"{tuple(latent['samples'].shape)}, got {tuple(noise.shape)}"
            raise ValueError(f"noise: expected {name} to give {shapes}.")
        return noise


def noise_rule(template: Any, latent: dict) -> TemplateNoise | None:
    """How a NOISE is drawn for candidates; None for RandomNoise, which is how they are anyway.

    Raises ValueError naming the input noise, also where all seeds would be one picture.
    """
    if template is None or type(template) is Noise_RandomNoise:
        return None
    rule = TemplateNoise(template)
    first, second = rule(latent, (0, 1)).split(1)
    if torch.equal(first, second):
        raise ValueError(
            f"noise: {type(template).__name__} gives the same noise for every seed, so all "
            "candidates would be one picture. Connect another, or none."
        )
    return rule


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
