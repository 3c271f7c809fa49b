"""Noisy copies of a result, so that a loss is fooled less easily by one latent."""

import torch
from torch import Tensor


def noisy_draws(num_copies: int, shape: torch.Size, seed: int) -> Tensor:
    """Standard normal draws (S, 1, C, h, w) for latents of a shape (B, C, h, w).

    The same for every picture and every iteration, so that results are compared by the same copies.
    """
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((num_copies, 1, *shape[1:]), generator=generator)


def noisy_copies(x0: Tensor, draws: Tensor, sigma: float) -> Tensor:
    """Results (B, C, h, w) with each of the draws added, (S * B, C, h, w), copy by copy."""
    return (x0 + sigma * draws).flatten(0, 1)
