"""The losses of TiNO-Edit, on features of latents and texts; every one is lower when better.

All take batched features and return one value an image, so that images are optimised side by side
without touching each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


def semantic_loss(
    source: Tensor, result: Tensor, source_text: Tensor, target_text: Tensor, signed: bool = False
) -> Tensor:
    """How far the picture moved beside how far the text moved (Eq. 4).

    ``| cos(LC(L), LC(x0)) - cos(text(p_O), text(p)) |``

    source, result (B, D): LatentCLIP features; source_text, target_text (B, E) or (1, E): features
    of the text encoder in use, of any size.  Returns (B,).
    Deviates from Eq. 4, which is the signed difference: as a loss that only pushes the picture
    away, whatever the text did. `signed` gives it as written.
    """
    moved = F.cosine_similarity(source, result, dim=-1)
    difference = moved - F.cosine_similarity(source_text, target_text, dim=-1)
    return difference if signed else difference.abs()


def reference_loss(result: Tensor, reference: Tensor) -> Tensor:
    """Distance of the result from the reference picture: ``1 - cos(LC(x0), LC(L_r))`` (Eq. 5).

    result (B, D), reference (B, D) or (1, D): LatentCLIP features.  Returns (B,), 0 to 2.
    Deviates from Eq. 5, which is written on the source and grows with likeness.
    """
    return 1 - F.cosine_similarity(result, reference, dim=-1)


def perceptual_loss(source: Tensor, result: Tensor) -> Tensor:
    """Mean absolute difference of LatentVGG outputs (Eq. 7).  Both (B, D).  Returns (B,)."""
    return (source - result).abs().flatten(1).mean(1)


@dataclass(frozen=True)
class LossWeights:
    """Weights of Eq. 8, the paper's by default; 0 leaves a term out."""

    semantic: float = 1.0
    perceptual: float = 0.5
    reference: float = 1.0


def total_loss(terms: Mapping[str, Tensor], weights: LossWeights) -> Tensor:
    """Weighted sum of the terms that are there (Eq. 8).

    terms: (B,) each, by the names of `LossWeights`.  Returns (B,).
    Raises ValueError when nothing is left to minimise.
    """
    weighted = [getattr(weights, name) * term for name, term in terms.items()]
    if not any(getattr(weights, name) for name in terms):
        raise ValueError(
            "loss weights: every term is 0, so there is nothing to minimise. Raise one of "
            + ", ".join(f"{name}_weight" for name in terms)
            + "."
        )
    return torch.stack(weighted).sum(0)
