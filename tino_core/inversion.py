"""The noise that a picture comes from: where FlowOpt begins, in the place of a drawn one."""

import torch
from torch import Tensor

from .denoise import Predict, blend
from .schedule import PREDICTIONS, Schedule
from .settings import Settings

ROUNDS = 3  # calls for each step; the first alone is DDIM's inversion


@torch.no_grad()
def invert(
    predict: Predict,
    schedule: Schedule,
    settings: Settings,
    source: Tensor,
    mask: Tensor,
    timesteps: Tensor,
    rounds: int = ROUNDS,
) -> Tensor:
    """The noise N (B, C, h, w) from which `denoise` comes back to the source inside the mask.

    predict: with the text of what the source shows; source (B, C, h, w); mask (B, 1, h, w);
    timesteps (B, K) rising.  Each step is undone by fixed-point rounds on its own prediction
    (as UniInv does for flows), so it is exact where they converge.  Outside the mask, where no
    step shows noise, N is 0.
    """
    clean, noisy = (level[..., None, None, None] for level in schedule.levels(timesteps))
    split = PREDICTIONS[settings.prediction]
    x = source
    for k in range(timesteps.shape[1]):
        a, b = clean[:, k], noisy[:, k]
        before_a = clean[:, k - 1] if k else torch.ones_like(a)
        before_b = noisy[:, k - 1] if k else torch.zeros_like(b)
        before, guess = x, x
        for _ in range(rounds):
            _, eps = split(guess, a, b, predict(guess, timesteps[:, k]))
            denoised = (before - before_b * eps) / before_a
            guess = blend(a * denoised + b * eps, source, mask)
        x = guess
    return mask * (x - clean[:, -1] * source) / noisy[:, -1]
