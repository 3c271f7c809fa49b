"""The inner loop of Algorithm 1: one short DDIM run that shows the source outside the mask.

Latents are in the model's own variance-preserving scale, ``x_t = sqrt(a) L + sqrt(1 - a) N``.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from .schedule import PREDICTIONS, NoiseSchedule
from .settings import Settings

Predict = Callable[[Tensor, Tensor], Tensor]
"""``(x (B, C, h, w), t (B,)) -> prediction (B, C, h, w)``, with gradients to both."""

_MIN_GAP = 1.0  # timesteps that two steps stay apart


def initial_timesteps(settings: Settings, schedule: NoiseSchedule, num_images: int) -> Tensor:
    """``t_k = k T / K`` for k = 1 .. K on the model's scale, (B, K)."""
    k = torch.arange(1, settings.num_steps + 1) / settings.num_steps
    return (
        (k * settings.strength * (schedule.last + 1)).clamp(max=schedule.last).repeat(num_images, 1)
    )


def keep_in_order(t: Tensor, last: float) -> Tensor:
    """Timesteps (B, K) made rising, at least one apart, inside [1, last]."""
    k = torch.arange(t.shape[1], device=t.device, dtype=t.dtype)
    gap = min(_MIN_GAP, (last - 1) / max(1, t.shape[1] - 1))
    # Without the gaps, rising is a running maximum; the range leaves room for the gaps above.
    level = (t - gap * k).clamp(1, last - gap * (t.shape[1] - 1))
    return level.cummax(1).values + gap * k


def _blend(x: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    return x * mask + source * (1 - mask)


def denoise(
    predict: Predict,
    schedule: NoiseSchedule,
    settings: Settings,
    start: Tensor,
    source: Tensor,
    mask: Tensor,
    noise: Tensor,
    timesteps: Tensor,
) -> Tensor:
    """The inner loop of Algorithm 1: x0 of a blended DDIM run, (B, C, h, w).

    start: what is noised (the source, or the user's picture with strokes); source: pasted where
    mask (B, 1, h, w) is 0, clean, after every step as written; timesteps (B, K).
    """
    alphas = schedule.alpha(timesteps)[..., None, None, None]
    to_noise = PREDICTIONS[settings.prediction]

    def step(x: Tensor, t: Tensor, alpha: Tensor, following: Tensor) -> Tensor:
        eps = to_noise(x, alpha, predict(x, t))
        denoised = (x - (1 - alpha).sqrt() * eps) / alpha.sqrt()
        return _blend(following.sqrt() * denoised + (1 - following).sqrt() * eps, source, mask)

    again = partial(checkpoint, step, use_reentrant=False, preserve_rng_state=False)
    run = again if settings.recompute else step
    first = alphas[:, -1]
    x = _blend(first.sqrt() * start + (1 - first).sqrt() * noise, source, mask)
    for k in reversed(range(timesteps.shape[1])):
        following = alphas[:, k - 1] if k > 0 else torch.ones_like(first)
        if settings.gradient_steps == k + 1:
            x = x.detach()
        x = run(x, timesteps[:, k], alphas[:, k], following)
    return x
