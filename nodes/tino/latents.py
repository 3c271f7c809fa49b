"""The latents and masks that TiNOOptimize is given, checked; every error names the input."""

from __future__ import annotations

import logging

import torch
import torch.nn.functional as F
from torch import Tensor

from ...tino_core.masks import check_mask
from ..host.tino.frames import framed, unframed


def check_source(model, source: dict) -> dict:
    """The source LATENT in the MODEL's layout, or ValueError where the MODEL cannot edit it."""
    samples = source["samples"]
    if samples.is_nested or not _of_pictures(samples):
        raise ValueError(
            f"source: expected the latent of pictures (B, C, h, w), or of one frame each "
            f"(B, C, 1, h, w), got {tuple(samples.shape)}."
        )
    channels = model.model.latent_format.latent_channels
    if samples.shape[1] != channels:
        raise ValueError(
            f"source: it has {samples.shape[1]} channels, the MODEL's latents have {channels}. "
            "Encode the picture with the VAE of this model."
        )
    if not samples.any():
        raise ValueError("source: the latent is empty. Encode the picture to edit (VAEEncode).")
    return {**source, "samples": framed(model.model.latent_format, samples)}


def _of_pictures(samples: Tensor) -> bool:
    return samples.ndim == 4 or (samples.ndim == 5 and samples.shape[2] == 1)


def check_start(start: dict | None, source: Tensor) -> dict | None:
    """The start LATENT, one a picture of the source (B, C, h, w) or (B, C, 1, h, w)."""
    if start is None:
        return None
    samples = start["samples"]
    samples = samples.unsqueeze(2) if samples.ndim == 4 < source.ndim else samples
    if samples.shape[1:] != source.shape[1:]:
        raise ValueError(
            f"start: expected the size of source, {tuple(source.shape[1:])}, got "
            f"{tuple(start['samples'].shape[1:])}. Encode the changed picture at the same size."
        )
    return {"samples": samples.expand(len(source), *samples.shape[1:])}


def latent_mask(mask: Tensor | None, source: dict) -> Tensor:
    """The MASK at latent size, (B or 1, 1, h, w): a cell may change as much as any pixel in it.

    Without a mask, the LATENT's own noise_mask; without that, everything may change.
    """
    samples = source["samples"]
    height, width = samples.shape[-2:]
    if mask is None:
        mask = source.get("noise_mask")
    if mask is None:
        return torch.ones(1, 1, height, width)
    mask = check_mask(mask.reshape(-1, 1, *mask.shape[-2:]).float())
    ratio = mask.shape[-2] / height
    if len(mask) not in (1, len(samples)) or abs(mask.shape[-1] / width - ratio) > 0.1 * ratio:
        raise ValueError(
            f"mask: expected one mask, or one a picture ({len(samples)}), of the picture's shape "
            f"{width} by {height} cells, got {len(mask)} of {mask.shape[-1]}x{mask.shape[-2]}."
        )
    if ratio < 1:
        return F.interpolate(mask, size=(height, width), mode="nearest-exact")
    return F.adaptive_max_pool2d(mask, (height, width))


def reference_latent(model, reference: dict | None, source: Tensor) -> Tensor | None:
    """The reference in the model's scale at the source's size, (B or 1, C, h, w), no frame."""
    if reference is None:
        return None
    samples = reference["samples"]
    if not _of_pictures(samples) or samples.shape[1] != source.shape[1]:
        raise ValueError(
            f"reference: expected a latent of the MODEL's space with {source.shape[1]} channels, "
            f"got {tuple(samples.shape)}. Encode it with the VAE of this model."
        )
    if len(samples) not in (1, len(source)):
        raise ValueError(
            f"reference: expected 1 picture or {len(source)} as in source, got {len(samples)}."
        )
    if samples.shape[-2:] != source.shape[-2:]:
        logging.warning(
            "TiNO-Edit: reference has another size (%s) than source (%s): resized.",
            tuple(samples.shape[-2:]),
            tuple(source.shape[-2:]),
        )
        samples = resized(unframed(samples), source)
    return unframed(model.model.process_latent_in(framed(model.model.latent_format, samples)))


def resized(latent: Tensor, like: Tensor) -> Tensor:
    """A latent bicubically at another's size."""
    return F.interpolate(latent.float(), size=like.shape[-2:], mode="bicubic", align_corners=False)
