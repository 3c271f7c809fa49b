"""Small labelled pictures of candidates."""

import latent_preview
import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

_SIDE = 384
_STRIP = 44


def latent_thumbnails(patcher, latents: Tensor) -> Tensor | None:
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


def labelled(image: Tensor, label: str) -> Tensor:
    """One picture (H, W, 3), scaled to fit, above a strip with up to two lines of text."""
    pixels = (image.clamp(0, 1).nan_to_num() * 255).round().byte().cpu().numpy()
    picture = Image.fromarray(pixels)
    scale = _SIDE / max(picture.size)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    sheet = Image.new("RGB", (size[0], size[1] + _STRIP), "#1e1e1e")
    sheet.paste(picture.resize(size, Image.Resampling.LANCZOS))
    font = ImageFont.load_default(15)
    ImageDraw.Draw(sheet).multiline_text((6, size[1] + 4), label, font=font, fill="#e8e8e8")
    return torch.from_numpy(np.array(sheet)).float() / 255
