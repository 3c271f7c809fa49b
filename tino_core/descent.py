"""How a gradient becomes an update of the noise: by AdamW, or along the gradient as in ReNO."""

import torch
from torch import Tensor

from .settings import Settings
from .shells import with_norm, with_spectrum


def clip_each(gradient: Tensor, limit: float) -> Tensor:
    """Gradients (B, C, h, w) cut to a norm of at most `limit`, picture by picture."""
    return gradient * (limit / _lengths(gradient)).clamp(max=1)


def normalise_each(gradient: Tensor, length: float) -> Tensor:
    """Gradients (B, C, h, w) brought to the norm `length`, picture by picture; 0 stays 0."""
    return gradient * (length / _lengths(gradient))


def _lengths(noises: Tensor) -> Tensor:
    """L2 norms of the pictures of a batch, (B, 1, 1, 1), above 0."""
    return noises.flatten(1).norm(dim=1).clamp(min=1e-12).reshape(-1, 1, 1, 1)


def noise_optimiser(noise: Tensor, settings: Settings) -> torch.optim.Optimizer:
    """AdamW; Nesterov's momentum 0.9 where gradients have a norm to be cut or brought to.

    Plain descent where the gradient does not pass through the model (FlowOpt).
    """
    lr = settings.lr_noise
    if settings.clip is not None:
        return torch.optim.SGD([noise], lr=lr, momentum=0.9, nesterov=True)
    if not settings.through_model:
        return torch.optim.SGD([noise], lr=lr)
    return torch.optim.AdamW([noise], lr=lr, weight_decay=settings.weight_decay)


def prepare_gradient(gradient: Tensor, settings: Settings) -> Tensor:
    """The gradient (B, C, h, w) as the settings want it, picture by picture."""
    if settings.clip is None:
        return gradient
    return (normalise_each if settings.normalise else clip_each)(gradient, settings.clip)


def settle(
    noise: Tensor, before: Tensor, first: Tensor, mask: Tensor, settings: Settings
) -> Tensor:
    """An update cut to its longest length and brought back to where noise may be.

    noise, before, first (B, C, h, w): after this update, before it, before any.
    """
    if settings.longest_step is not None:
        noise = before + clip_each(noise - before, settings.longest_step)
    if settings.white:
        noise = with_spectrum(noise, first, mask)
    if settings.keep_norm:
        noise = with_norm(noise, first, mask)
    return noise
