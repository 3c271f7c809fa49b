"""Pictures of latents with gradients: by the VAE, or by the linear map of ComfyUI's previews."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from ..host.tino.frames import framed, unframed

# Counted on the decoder of SD's VAE: 2.62 times what ComfyUI reckons for decoding alone.
_DECODER_KEPT = 2.7


def decoded(vae: Any, latent_format: Any, x: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) in [0, 1] of latents x (B, C, h, w) in the model's scale."""
    form = copy.copy(latent_format)
    for name, value in vars(form).items():
        if isinstance(value, Tensor) and value.is_inference():  # such cannot be saved for backward
            setattr(form, name, value.clone())
    latent = form.process_out(framed(form, x)).to(vae.vae_dtype)
    return vae.process_output(unframed(vae.first_stage_model.decode(latent)).float())[:, :3]


def decoder_memory(vae: Any) -> Callable[[Sequence[int]], float]:
    """Bytes that gradients through the decoder keep for a latent's shape (B, C, h, w)."""
    return lambda shape: _DECODER_KEPT * vae.memory_used_decode(shape, vae.vae_dtype)


def previewed(latent_format: Any, x: Tensor) -> Tensor:
    """Small pictures (B, 3, h, w) in [0, 1] by the latent format's own linear map.

    Raises ValueError where the format has none.
    """
    factors = getattr(latent_format, "latent_rgb_factors", None)
    if factors is None:
        raise ValueError(
            f"vae: latents of {type(latent_format).__name__} have no linear preview. Connect the "
            "VAE of this MODEL."
        )
    bias = getattr(latent_format, "latent_rgb_factors_bias", None) or [0.0] * 3
    picture = torch.einsum("bchw,cr->brhw", x, x.new_tensor(factors))
    return ((picture + x.new_tensor(bias).view(3, 1, 1) + 1) / 2).clamp(0, 1)
