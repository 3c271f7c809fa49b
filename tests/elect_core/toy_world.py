"""An exact toy world to elect in, and the samplers without the method.

A mixture of Gaussians around two finished latents, one with the edit alone and one whose
background is wrecked too, has a known best denoiser.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from elect_tino.elect_core import (
    Election,
    classifier_free,
    elect,
    euler,
    euler_ancestral,
)
from elect_tino.elect_core.sampler import SeededNoise

S = 0.1
SHAPE = (4, 8, 8)
SEEDS = [21, 22, 23, 24]
GUIDE = classifier_free(2.0)
KARRAS = torch.cat([torch.linspace(10 ** (1 / 3), 0.1 ** (1 / 3), 20) ** 3, torch.zeros(1)])
MASK = torch.zeros(1, *SHAPE)
MASK[..., 2:6, 1:7] = 1
SOURCE = torch.randn(1, *SHAPE, generator=torch.Generator().manual_seed(0))
WRECK = 1.5 * (1 - MASK)
CONDS = {
    "text": torch.cat([SOURCE + 2 * MASK, SOURCE + 2 * MASK + WRECK]),
    "null": torch.cat([SOURCE, SOURCE + WRECK]),
}
SAMPLERS = [euler, euler_ancestral]


def posterior_mean(x: Tensor, modes: Tensor, signal: float, sigma: Tensor) -> Tensor:
    """Best denoiser for x = signal * x0 + sigma * eps and equally likely Gaussians (s = S)."""
    modes = modes.to(x)
    spread = signal**2 * S**2 + sigma**2
    distances = (x[:, None] - signal * modes).flatten(2).double().square().sum(2)
    weights = (-distances / (2 * spread)).softmax(1).to(x.dtype)
    mean = (weights[..., None] * modes.flatten(1)).sum(1).reshape(x.shape)
    return mean + signal * S**2 / spread * (x - signal * mean)


class World:
    """The exact denoiser, counting the guider's calls (one for each row of a `text` call)."""

    def __init__(self):
        self.nfe = 0

    def __call__(self, x: Tensor, sigma: Tensor, modes: Tensor) -> Tensor:
        self.nfe += len(x) * (modes is CONDS["text"])
        return posterior_mean(x, modes, 1, sigma)


def seeded(seeds=SEEDS) -> Tensor:
    return SeededNoise(seeds, SHAPE, SOURCE)()


def leaning(*toward_wreck: float) -> Tensor:
    """Noise of one candidate each, pushed toward the wrecked background or away from it."""
    push = torch.tensor(toward_wreck).reshape(-1, 1, 1, 1) * (1 - MASK)
    return seeded(range(len(toward_wreck))) + push


def run(sampler=euler, seeds=SEEDS, world: Callable | None = None, **options) -> Election:
    return elect(world or World(), sampler, KARRAS, CONDS, GUIDE, SOURCE, seeds, **options)


def plain(sampler, seed: int, noise: Tensor | None = None) -> Tensor:
    """The sampler on the guided model, without a tape."""
    world, arguments = World(), {}

    def model(x: Tensor, sigma: Tensor) -> Tensor:
        return GUIDE({name: world(x, sigma, modes) for name, modes in CONDS.items()})

    if sampler is euler_ancestral:
        arguments["noise_sampler"] = SeededNoise([seed + 1], SHAPE, SOURCE)
    noise = seeded([seed]) if noise is None else noise
    return sampler(model, noise * KARRAS[0], KARRAS, **arguments)


def heun(model: Callable[[Tensor, Tensor], Tensor], x: Tensor, sigmas: Tensor) -> Tensor:
    """Two calls a step, but for the last."""
    for sigma, sigma_next in pairwise(sigmas):
        d = (x - model(x, sigma)) / sigma
        ahead = x + d * (sigma_next - sigma)
        if sigma_next > 0:
            d = (d + (ahead - model(ahead, sigma_next)) / sigma_next) / 2
        x = x + d * (sigma_next - sigma)
    return x
