"""The inner loop of Algorithm 1: one short DDIM run that shows the source outside the mask.

Latents are in the model's own scale, ``x_t = a L + b N`` with a and b of the schedule.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from .schedule import PREDICTIONS, Schedule
from .settings import Settings

Predict = Callable[[Tensor, Tensor], Tensor]
"""``(x (B, C, h, w), t (B,)) -> prediction (B, C, h, w)``, with gradients to both."""

_MIN_GAP = 1.0  # timesteps that two steps stay apart


def initial_timesteps(settings: Settings, schedule: Schedule, num_images: int) -> Tensor:
    """``t_k = k T / K`` for k = 1 .. K on the model's scale, or those that are set, (B, K)."""
    if settings.timesteps is not None:
        return torch.tensor(settings.timesteps).repeat(num_images, 1)
    k = torch.arange(1, settings.num_steps + 1) / settings.num_steps
    return schedule.at(k * settings.strength).repeat(num_images, 1)


def keep_in_order(t: Tensor, last: float) -> Tensor:
    """Timesteps (B, K) made rising, at least one apart, inside [1, last]."""
    k = torch.arange(t.shape[1], device=t.device, dtype=t.dtype)
    gap = min(_MIN_GAP, (last - 1) / max(1, t.shape[1] - 1))
    # Without the gaps, rising is a running maximum; the range leaves room for the gaps above.
    level = (t - gap * k).clamp(1, last - gap * (t.shape[1] - 1))
    return level.cummax(1).values + gap * k


def blend(x: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    """x where mask is 1, the source where it is 0."""
    return x * mask + source * (1 - mask)


def denoise(
    predict: Predict,
    schedule: Schedule,
    settings: Settings,
    start: Tensor,
    source: Tensor,
    mask: Tensor,
    noise: Tensor,
    timesteps: Tensor,
) -> Tensor:
    """The inner loop of Algorithm 1: x0 (B, C, h, w) of a blended DDIM run.

    start: what is noised (the source, or the user's picture with strokes); source: pasted where
    mask (B, 1, h, w) is 0, clean, after every step as written; timesteps (B, K).
    """
    clean, noisy = (level[..., None, None, None] for level in schedule.levels(timesteps))
    split = PREDICTIONS[settings.prediction]

    def step(x: Tensor, t: Tensor, a: Tensor, b: Tensor, next_a: Tensor, next_b: Tensor) -> Tensor:
        denoised, eps = split(x, a, b, predict(x, t))
        return blend(next_a * denoised + next_b * eps, source, mask)

    again = partial(checkpoint, step, use_reentrant=False, preserve_rng_state=False)
    run = again if settings.recompute else step
    x = blend(clean[:, -1] * start + noisy[:, -1] * noise, source, mask)
    for k in reversed(range(timesteps.shape[1])):
        end = torch.ones_like(clean[:, 0]), torch.zeros_like(noisy[:, 0])
        following = (clean[:, k - 1], noisy[:, k - 1]) if k > 0 else end
        if settings.gradient_steps == k + 1:
            x = x.detach()
        x = run(x, timesteps[:, k], clean[:, k], noisy[:, k], *following)
    return x
