"""Any VAE of diffusers as a function from pictures to latents in the diffusion model's scale."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

Encode = Callable[[Tensor, int], Tensor]
"""``(pictures (B, 3, H, W) in [0, 1], seed) -> latents (B, C, h, w)``, without gradients."""

KINDS = ("AutoencoderKL", "AutoencoderTiny", "AutoencoderKLQwenImage", "AutoencoderKLWan")
OF_VIDEOS = KINDS[2:]
"""Latents of videos, of one frame for a picture: Qwen-Image's; normalised channel by channel."""


def load_encoder(path: str, config: str | None, device: torch.device) -> Encode:
    """The encoder of a VAE. Raises ValueError naming the option that is wrong."""
    vae = _load(path, config).to(device).eval().requires_grad_(False)
    scale, shift = _normalisation(vae.config, device)
    of_videos = type(vae).__name__ in OF_VIDEOS

    @torch.no_grad()
    def encode(pictures: Tensor, seed: int) -> Tensor:
        pixels = pictures.to(device) * 2 - 1
        out = vae.encode(pixels.unsqueeze(2) if of_videos else pixels)
        if hasattr(out, "latents"):  # AutoencoderTiny gives no distribution
            return (out.latents - shift) * scale
        # Drawn on the CPU, so that the latents do not depend on the device.
        latents = out.latent_dist.sample(torch.Generator().manual_seed(seed))
        return ((latents.squeeze(2) if of_videos else latents) - shift) * scale

    return encode


def _normalisation(config: Any, device: torch.device) -> tuple[Any, Any]:
    """Scale and shift of ``(latents - shift) scale``: numbers, or (C, 1, 1) where a VAE has both.

    As ComfyUI's latent formats have them, which are the diffusion models' own.
    """
    mean, std = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    if mean is None or std is None:
        return config.scaling_factor, config.shift_factor or 0.0
    means, stds = (torch.tensor(one, device=device).view(-1, 1, 1) for one in (mean, std))
    return 1 / stds, means


def _load(path: str, config: str | None) -> Any:
    import diffusers

    if Path(path).is_file():
        kwargs = {"config": config} if config else {}
        try:
            return getattr(diffusers, KINDS[0]).from_single_file(path, **kwargs)
        except (OSError, ValueError, KeyError) as error:
            raise ValueError(
                f"--vae: {path} could not be read as an AutoencoderKL ({error}). "
                "Give a diffusers folder, or a config of it with --vae-config."
            ) from error
    subfolder = _subfolder(path)
    kind = _kind(path, subfolder)
    if kind not in KINDS:
        raise ValueError(f"--vae: expected one of {', '.join(KINDS)}, {path} holds {kind}.")
    return getattr(diffusers, kind).from_pretrained(path, subfolder=subfolder)


def _subfolder(path: str) -> str | None:
    """vae where the path is a whole pipeline."""
    return None if _read_config(path, "model_index.json") is None else "vae"


def _kind(path: str, subfolder: str | None) -> str | None:
    config = _read_config(path, f"{subfolder}/config.json" if subfolder else "config.json")
    if config is None:
        raise ValueError(f"--vae: there is no VAE with a config.json at {path}.")
    return config.get("_class_name")


def _read_config(path: str, name: str) -> dict[str, Any] | None:
    """A JSON file of a local folder or of the hub, None where there is none."""
    from transformers.utils.hub import cached_file

    if Path(path).is_dir():
        file = Path(path) / name
        return json.loads(file.read_text(encoding="utf-8")) if file.is_file() else None
    try:
        found = cached_file(path, name, _raise_exceptions_for_missing_entries=False)
    except OSError as error:
        raise ValueError(f"--vae: there is no file, folder or hub model {path}.") from error
    return json.loads(Path(found).read_text(encoding="utf-8")) if found else None
