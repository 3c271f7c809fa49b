"""The losses of TiNO-Edit, on features of latents and texts; every one is lower when better.

All take batched features and return one value an image, so that images are optimised side by side
without touching each other. Features of results may have further axes in front, (..., B, D), as
`smoothing` gives them; values then have them too.
"""

from collections.abc import Callable, Mapping
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
    It has no direction: a picture that moved as far elsewhere is as good.
    Deviates from Eq. 4, which is the signed difference: as a loss that only pushes the picture
    away, whatever the text did. `signed` gives it as written.
    """
    moved = F.cosine_similarity(source, result, dim=-1)
    difference = moved - F.cosine_similarity(source_text, target_text, dim=-1)
    return difference if signed else difference.abs()


def towards_loss(
    source: Tensor, result: Tensor, source_text: Tensor, target_text: Tensor
) -> Tensor:
    """Near the target's text and away from the source's; not in the paper.

    ``(1 - cos(LC(x0), p)) + (cos(LC(x0), p_O) - cos(LC(x0), p))``

    source, result (B, D), source_text, target_text (B or 1, D): of one space that pictures and
    texts share.  Returns (B,), -2 to 4; the source picture itself does not count.
    """
    nearness = F.cosine_similarity(result, target_text, dim=-1)
    return 1 - 2 * nearness + F.cosine_similarity(result, source_text, dim=-1)


def directional_loss(
    source: Tensor, result: Tensor, source_text: Tensor, target_text: Tensor
) -> Tensor:
    """The picture moves as the text does (StyleGAN-NADA); not in the paper.

    ``1 - cos(LC(x0) - LC(L), p - p_O)`` on features of unit length

    Shapes and space as in `towards_loss`.  Returns (B,), 0 to 2; 1 where the picture did not move.
    """
    moved = F.normalize(result, dim=-1) - F.normalize(source, dim=-1)
    meant = F.normalize(target_text, dim=-1) - F.normalize(source_text, dim=-1)
    return 1 - F.cosine_similarity(moved, meant, dim=-1)


PAPER, TOWARDS, DIRECTIONAL = "paper (Eq. 4)", "towards the target", "directional"
TEXT_LOSSES: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]] = {
    PAPER: semantic_loss,
    TOWARDS: towards_loss,
    DIRECTIONAL: directional_loss,
}
"""``(source, result, source_text, target_text) -> (B,)``; all but the paper's need one space."""


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


def weighted_terms(terms: Mapping[str, Tensor], weights: LossWeights) -> dict[str, Tensor]:
    """The terms of Eq. 8, each times its weight.

    terms: (B,) each, by the names of `LossWeights`
    Raises ValueError when nothing is left to minimise.
    """
    if not any(getattr(weights, name) for name in terms):
        raise ValueError(
            "loss weights: every term is 0, so there is nothing to minimise. Raise one of "
            + ", ".join(f"{name}_weight" for name in terms)
            + "."
        )
    return {name: getattr(weights, name) * term for name, term in terms.items()}


def total_loss(terms: Mapping[str, Tensor], weights: LossWeights) -> Tensor:
    """Weighted sum of the terms that are there (Eq. 8), (B,); see `weighted_terms`."""
    return torch.stack(list(weighted_terms(terms, weights).values())).sum(0)


@dataclass(frozen=True)
class Total:
    """A loss that can say its terms. terms: ``x0 (B, C, h, w) -> {name: (B,)}``, weighted."""

    terms: Callable[[Tensor], Mapping[str, Tensor]]

    def __call__(self, x0: Tensor) -> Tensor:
        return torch.stack(list(self.terms(x0).values())).sum(0)
