"""Between two: noise near a chosen candidate's, or its own outside a region; text near a text."""

import torch
from torch import Tensor


def spherical_mix(noise: Tensor, other: Tensor, strength: float) -> Tensor:
    """Noise on the great circle from one to the other, of their lengths (Shoemake, 1985).

    ``sin((1 - t) a) / sin(a) * noise + sin(t a) / sin(a) * other``, a the angle between the two. A
    straight mix would be shorter than noise is, and the picture dull.

    noise (1, C, h, w), other (N, C, h, w): unit noise; strength: t, 0 is `noise`, 1 is `other`.
    Returns (N, C, h, w).
    """
    a, b = noise.float().expand_as(other).flatten(1), other.float().flatten(1)
    lengths = a.norm(dim=1) * b.norm(dim=1)
    cosine = (a * b).sum(1) / lengths.clamp_min(torch.finfo(torch.float32).tiny)
    angle = cosine.clamp(-1, 1).acos()
    near = angle.sin() < 1e-4  # nearly one and the same: the straight mix is the arc
    safe = torch.where(near, torch.ones_like(angle), angle)
    first = torch.where(near, 1 - strength + 0 * angle, ((1 - strength) * safe).sin() / safe.sin())
    second = torch.where(near, strength + 0 * angle, (strength * safe).sin() / safe.sin())
    return (first[:, None] * a + second[:, None] * b).view_as(other).to(other.dtype)


def regional_mix(noise: Tensor, other: Tensor, weight: Tensor) -> Tensor:
    """One noise outside a region, the other inside, of unit variance everywhere between.

    ``sqrt(1 - w) * noise + sqrt(w) * other``

    noise (1, C, h, w), other (N, C, h, w): unit noise; weight (1, 1, h, w): in [0, 1], 1 = inside.
    Returns (N, C, h, w).
    """
    weight = weight.to(other)
    return (1 - weight).sqrt() * noise.to(other) + weight.sqrt() * other


def jittered(features: Tensor, noise: Tensor, strength: float) -> Tensor:
    """Text features moved by noise, each vector by a share of its own length, which it keeps.

    The noise of "CADS: Unleashing the Diversity of Diffusion Models through Condition-Annealed
    Sampling" (Sadat et al., ICLR 2024, Eq. 3), the same at every step, its rescaling by length.

    features (1, ..., D): of one text; noise (N, ..., D): unit noise; strength: 0 is the text itself
    Returns (N, ..., D).
    """
    own = features.float()
    length = own.norm(dim=-1, keepdim=True)
    moved = own + strength * length / own.shape[-1] ** 0.5 * noise.float()
    tiny = torch.finfo(torch.float32).tiny
    scale = length / moved.norm(dim=-1, keepdim=True).clamp_min(tiny)
    return (moved * scale).to(features.dtype)
