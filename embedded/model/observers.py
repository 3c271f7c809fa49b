"""Networks that look at pictures: the CLIP-like teacher, and one that no loss ever uses.

Pictures are (N, 3, H, W) in [0, 1], of any size; features are (N, D), compared by their cosine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Conv2d, GroupNorm
from torch.nn import functional as F

from .shipped import shipped
from .text import CONFIG, END, PROJECTION_DIM, TinyTextModel, token_ids

CLIP_CONFIG = {
    "hidden_size": 128,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "projection_dim": PROJECTION_DIM,
    "num_channels": 3,
    "image_size": 64,
    "patch_size": 8,
    "hidden_act": "gelu",
}
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
OBSERVER_WIDTHS, OBSERVER_SIZE = (3, 32, 64, 128, 128), 64

Features = Callable[[Tensor], Tensor]


def resized(pictures: Tensor, size: int) -> Tensor:
    """Bicubic with antialiasing to (N, 3, size, size), as CLIP's own preprocessing does."""
    if pictures.shape[-2:] == (size, size):
        return pictures
    return F.interpolate(pictures, (size, size), mode="bicubic", antialias=True).clamp(0, 1)


def clip_pixels(pictures: Tensor) -> Tensor:
    """Resized and normalised for the CLIP-like teacher."""
    small = resized(pictures, CLIP_CONFIG["image_size"])
    mean, std = (torch.tensor(v).view(1, 3, 1, 1).to(pictures) for v in (CLIP_MEAN, CLIP_STD))
    return (small - mean) / std


def build_clip_tower() -> Any:
    """The untrained image tower, a CLIPVisionModelWithProjection."""
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    return CLIPVisionModelWithProjection(CLIPVisionConfig(**CLIP_CONFIG))


def _normed(width: int) -> nn.Module:
    return nn.Sequential(GroupNorm(8, width), nn.SiLU())


class Observer(nn.Module):
    """Strided convolutions and a mean and maximum over what is left: (N, 256).

    Trained without words or names, to tell its pictures apart; a stand-in for DINO.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for n_in, n_out in zip(OBSERVER_WIDTHS[:-1], OBSERVER_WIDTHS[1:], strict=True):
            layers += [Conv2d(n_in, n_out, 3, stride=2, padding=1), _normed(n_out)]
        last = OBSERVER_WIDTHS[-1]
        self.layers = nn.Sequential(*layers, Conv2d(last, last, 3, padding=1), _normed(last))

    def forward(self, pictures: Tensor) -> Tensor:
        x = self.layers(resized(pictures, OBSERVER_SIZE) * 2 - 1)
        return torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)


def load_teacher_clip() -> Features:
    """The CLIP-like teacher: pictures -> features in the space of `load_teacher_text`."""
    tower = build_clip_tower()
    tower.load_state_dict(shipped("teacher_clip.safetensors"))
    tower.eval().requires_grad_(False)
    return lambda pictures: tower(pixel_values=clip_pixels(pictures)).image_embeds


def load_teacher_text() -> Callable[[list[str]], Tensor]:
    """Captions -> features (N, D) in the space of `load_teacher_clip`."""
    model = TinyTextModel({**CONFIG, "projection_dim": PROJECTION_DIM})
    parts = ("text_encoder.safetensors", "text_projection.safetensors")
    model.load_state_dict({**shipped(parts[0]), **shipped(parts[1])})
    model.eval().requires_grad_(False)

    def features(captions: list[str]) -> Tensor:
        rows = [token_ids(caption) for caption in captions]
        return model(torch.tensor(rows), num_tokens=[row.index(END) + 1 for row in rows])[2]

    return features


def load_observer() -> Features:
    """The network that no loss uses: pictures -> features; a stand-in for DINO-I."""
    observer = Observer()
    observer.load_state_dict(shipped("observer.safetensors"))
    return observer.eval().requires_grad_(False)
