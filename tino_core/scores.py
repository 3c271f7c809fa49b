"""Differentiable scores of a picture; of each, more is more. Pictures (B, 3, H, W) in [0, 1]."""

from collections.abc import Callable

import torch
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)


def brightness(picture: Tensor) -> Tensor:
    """Mean luma (Rec. 601), 0 to 1.  Returns (B,)."""
    return _luma(picture).mean((1, 2))


def contrast(picture: Tensor) -> Tensor:
    """Standard deviation of the luma, 0 to 0.5.  Returns (B,)."""
    return (_luma(picture).flatten(1).var(1, correction=0) + 1e-12).sqrt()


def saturation(picture: Tensor) -> Tensor:
    """Mean of the largest less the smallest channel, 0 to 1.  Returns (B,)."""
    return (picture.amax(1) - picture.amin(1)).mean((1, 2))


def warmth(picture: Tensor) -> Tensor:
    """Mean red less blue, -1 to 1.  Returns (B,)."""
    return (picture[:, 0] - picture[:, 2]).mean((1, 2))


def _luma(picture: Tensor) -> Tensor:
    return torch.einsum("bchw,c->bhw", picture, picture.new_tensor(_LUMA))


SCORES: dict[str, Callable[[Tensor], Tensor]] = {
    "saturation": saturation,
    "brightness": brightness,
    "contrast": contrast,
    "warmth": warmth,
}
