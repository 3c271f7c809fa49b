"""Pictures of models whose latents are videos of one frame (Qwen-Image): (B, C, 1, h, w).

The method works on (B, C, h, w); the host's guiders, samplers and latent formats get the frame.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from torch import Tensor


def has_frames(latent_format: Any) -> bool:
    """Whether a format's latents are (B, C, T, h, w)."""
    return latent_format.latent_dimensions == 3


def framed(latent_format: Any, pictures: Tensor) -> Tensor:
    """Latents as the format has them; (B, C, h, w) gets its frame where there is one."""
    wanted = has_frames(latent_format) and pictures.ndim == 4
    return pictures.unsqueeze(2) if wanted else pictures


def unframed(latent: Tensor) -> Tensor:
    """Latents of one frame as pictures (B, C, h, w)."""
    return latent.squeeze(2) if latent.ndim == 5 else latent


def on_pictures(ask: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """A guider's call ``x, sigma, ... -> denoised`` on videos of one frame, given pictures."""

    def asked(x: Tensor, sigma: Tensor, **extra_args: Any) -> Tensor:
        return ask(x.unsqueeze(2), sigma, **extra_args).squeeze(2)

    return asked
