"""Does a loss's gradient point to the truth? Cosines of gradients to the noise at W = 0."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional as F

from ...nodes.host.tino.optimising import Watch, run
from ...tino_core.settings import Settings
from ..bootstrap import interval
from .methods import Batch, as_edit, read_batch
from .models import TinoBench
from .setups import EVERY_LOSS, EVERY_TITLE, Setup
from .tables import markdown

_KINDS = ("recolour", "replace")
_AT_ONCE = 10
"""Edits whose activations are kept together."""


def slope(bench: TinoBench, batch: Batch, setup: Setup, steps: int) -> Tensor:
    """The direction (B, C h w) in which a first step moves the noise inside the mask."""
    settings = Settings(
        num_steps=steps, iterations=1, lr_timesteps=0.0, lr_noise=1.0, clip=1.0, keep_all=True
    )
    inputs = read_batch(bench, batch, batch.tasks, setup)
    _, found = run(as_edit(bench, inputs, settings), replace(settings, recompute=False), Watch())
    noises = found.optimised.noises
    assert noises is not None
    return ((noises[1] - noises[0]) * (inputs.mask > 0)).flatten(1)


@torch.inference_mode()
def slopes_text(bench: TinoBench, number: int, steps: int = 5) -> str:
    """The section, over the first `number` recolourings and as many replacements."""
    batches = [
        Batch(kind, range(first, min(first + _AT_ONCE, number)))
        for kind in _KINDS
        for first in range(0, number, _AT_ONCE)
    ]
    true = torch.cat([slope(bench, one, Setup(truth=True), steps) for one in batches])
    lines = []
    for name, setup in EVERY_LOSS.items():
        found = torch.cat([slope(bench, one, setup, steps) for one in batches])
        cosines = F.cosine_similarity(found, true, dim=1).numpy()
        mean, low, high = interval(cosines)
        lines.append([EVERY_TITLE[name], f"{mean:+.2f} [{low:+.2f}, {high:+.2f}]"])
    return f"""## Does its gradient point to the truth?

Cosine of the loss's gradient to the noise with that of the true error, inside the mask, at W = 0;
{number} recolourings and {number} replacements, 95 % bootstrap intervals over edits.

{markdown(["loss", "cosine"], lines)}
"""
