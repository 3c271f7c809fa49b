"""Features of pictures and captions in one CLIP space, from ComfyUI's CLIP and CLIP_VISION."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def _check_projection(clip: Any) -> None:
    """Raise ValueError for a text encoder whose projection was left out of its file."""
    for part in clip.cond_stage_model.modules():
        projection = getattr(part, "text_projection", None)
        weight = getattr(projection, "weight", None)
        if weight is not None and torch.equal(weight.float().cpu(), torch.eye(len(weight))):
            raise ValueError(
                "clip: this file has no text projection, so its captions are in no space with "
                "pictures (SD 1.5 checkpoints leave it out). Load clip_l or clip_g with CLIPLoader."
            )


def caption_features(clip: Any, caption: str) -> Tensor:
    """The pooled feature (1, D) of a caption."""
    _check_projection(clip)
    _, pooled = clip.encode_from_tokens(clip.tokenize(caption), return_pooled=True)
    if pooled is None:
        raise ValueError("clip: this text encoder gives no pooled feature; load a CLIP.")
    return pooled[:1].float().cpu()


def picture_features(clip_vision: Any, images: Tensor) -> Tensor:
    """The projected features (N, D) of IMAGE (N, H, W, 3), each squeezed to a square."""
    return clip_vision.encode_image(images[..., :3], crop=False)["image_embeds"].float().cpu()


def check_one_space(pictures: Tensor, captions: Tensor) -> None:
    """Raise ValueError where the sizes show that the two are of different models."""
    if pictures.shape[-1] != captions.shape[-1]:
        raise ValueError(
            f"clip_vision: its features have {pictures.shape[-1]} numbers, those of clip "
            f"{captions.shape[-1]}: they are of different models. Choose the two halves of one: "
            "ViT-L (768), ViT-H (1024) or bigG (1280)."
        )
