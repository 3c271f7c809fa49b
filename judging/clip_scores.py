"""Judges without a language model, on CLIP's features; all are cosines, higher is better."""

import torch
import torch.nn.functional as F
from torch import Tensor


def clip_t(edited: Tensor, caption: Tensor) -> Tensor:
    """How well pictures (N, D) fit the caption (1, D) of the wanted result: (N,) in [-1, 1]."""
    return F.cosine_similarity(edited.double(), caption.double(), dim=-1)


def clip_i(edited: Tensor, source: Tensor) -> Tensor:
    """How like pictures (N, D) are to the source (1, D): (N,) in [-1, 1]; 1 for no edit."""
    return F.cosine_similarity(edited.double(), source.double(), dim=-1)


def directional(edited: Tensor, source: Tensor, after: Tensor, before: Tensor) -> Tensor:
    """Whether pictures changed as the captions did: cos(edited - source, after - before), (N,).

    edited (N, D), source (1, D): of pictures; after, before (1, D): of captions; all are brought to
    length 1 first.  A picture that did not change at all gets 0.
    """
    edited, source, after, before = (
        F.normalize(one.double(), dim=-1) for one in (edited, source, after, before)
    )
    change = edited - source
    moved = change.norm(dim=-1) > 1e-6
    cosine = F.cosine_similarity(change, after - before, dim=-1)
    return torch.where(moved, cosine, torch.zeros_like(cosine))
