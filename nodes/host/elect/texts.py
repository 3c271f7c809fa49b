"""Texts that are each candidate's own: the guider's, moved a little by the seed."""

from collections.abc import Sequence

import torch
from torch import Tensor

from ....elect_core.mixing import jittered

_MOVED = ("cross_attn", "pooled_output")
"""Text features that a candidate's jitter moves."""
MOST_JITTER = 2.0
"""The largest strength that is taken."""
_TEXT_SEED = 1 << 33
"""Added to a seed for that, so that text and latent are not moved by the same numbers."""


def with_jitter(
    conds: dict[str, list[dict]], seeds: Sequence[int], strength: float
) -> dict[str, list[dict]]:
    """Conditionings whose text is moved a little for every candidate, by its seed.

    conds: converted; seeds (N,): one of each candidate; strength: see `mixing.jittered`
    Each text becomes a batch of N, which ComfyUI gives to the candidates row by row.
    Raises ValueError naming the guider where a text is already a batch of several.
    """
    moved = [_moved(entry, seeds, strength) for entry in conds.get("positive", [])]
    return {**conds, "positive": moved}


def _moved(entry: dict, seeds: Sequence[int], strength: float) -> dict:
    told = {name: entry[name] for name in _MOVED if entry.get(name) is not None}
    for features in told.values():
        if len(features) != 1:
            raise ValueError(
                f"guider: its positive conditioning is a batch of {len(features)} texts, so "
                "text_jitter has no one text to move. Set text_jitter to 0, or give one text."
            )
    noise = {
        name: torch.cat([_drawn(value, seed) for seed in seeds]) for name, value in told.items()
    }
    return {**entry, **{k: jittered(v, noise[k], strength) for k, v in told.items()}}


def _drawn(features: Tensor, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed((seed + _TEXT_SEED) % 2**64)
    drawn = torch.randn(features.shape, generator=generator, dtype=torch.float32)
    return drawn.to(features.device)
