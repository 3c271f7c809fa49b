"""Pictures of an election for whoever looks at it: files in ComfyUI's temporary folder."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path

import folder_paths
import latent_preview
import numpy as np
import torch
from PIL import Image
from torch import Tensor

_QUALITY = 95
_REGION = (255, 48, 48)


def latent_pictures(patcher, latents: Tensor) -> Tensor | None:
    """Rough pictures (N, h, w, 3) straight from latents, or None where the format has no colours.

    latents (N, C, h, w): LATENT scale.
    """
    form = patcher.model.latent_format
    if form.latent_rgb_factors is None:
        return None
    factors = [form.latent_rgb_factors, form.latent_rgb_factors_bias]
    if getattr(form, "latent_rgb_factors_reshape", None) is not None:  # since ComfyUI 0.3.7x
        factors.append(form.latent_rgb_factors_reshape)
    previewer = latent_preview.Latent2RGBPreviewer(*factors)
    scaled = patcher.model.process_latent_in(latents)
    pictures = [previewer.decode_latent_to_preview(scaled[i : i + 1]) for i in range(len(scaled))]
    return torch.stack([torch.from_numpy(np.array(p)).float() / 255 for p in pictures])


def _bytes(values: Tensor) -> np.ndarray:
    return (values.float().clamp(0, 1).nan_to_num() * 255).round().byte().cpu().numpy()


def write_pictures(images: Tensor, kind: str) -> list[dict]:
    """Write images (N, H, W, 3) as JPEG; returns how ComfyUI's /view is asked for each."""
    pictures = (Image.fromarray(_bytes(image[..., :3])) for image in images)

    def save(picture: Image.Image, path: Path) -> None:
        picture.save(path, quality=_QUALITY, subsampling=0)

    return [_write(picture, kind, ".jpg", save) for picture in pictures]


def write_region(mask: Tensor) -> dict:
    """Write a mask (H, W) as a red layer, the more opaque the more a pixel may be edited."""
    alpha = Image.fromarray(_bytes(mask))
    layer = Image.new("RGB", alpha.size, _REGION)
    layer.putalpha(alpha)
    return _write(layer, "region", ".png", lambda picture, path: picture.save(path))


def _write(
    picture: Image.Image, kind: str, suffix: str, save: Callable[[Image.Image, Path], None]
) -> dict:
    name = f"elect_{kind}_{secrets.token_hex(8)}{suffix}"
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    save(picture, folder / name)
    return {"filename": name, "subfolder": "", "type": "temp"}
