"""Teachers: networks of pixels, whose features the students learn."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..latent_clip import VIT_B_32
from ..latent_vgg import load_latent_vgg
from ..text_tower import SIZES, TextTower

CLIP_MEAN, CLIP_STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
VGG_SIZE = 224


@dataclass(frozen=True)
class Teacher:
    """A network, what it wants to see, and what a student of it is built from.

    network: normalised pictures (B, 3, S, S) -> features (B, D); size: S
    config: of the network, in the terms of LatentCLIP or LatentVGG; weights: their state dict
    """

    network: Callable[[Tensor], Tensor]
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    config: dict[str, Any]
    weights: dict[str, Tensor]

    @torch.no_grad()
    def features(self, pictures: Tensor) -> Tensor:
        """Features (B, D) of pictures (B, 3, H, W) in [0, 1]."""
        return self.network(preprocess(pictures, self.size, self.mean, self.std))


def preprocess(
    pictures: Tensor, size: int, mean: tuple[float, ...], std: tuple[float, ...]
) -> Tensor:
    """Pictures in [0, 1] resized bicubic to (B, 3, size, size) and normalised per channel."""
    if pictures.shape[-2:] != (size, size):
        # Clamped, since bicubic overshoots; CLIP's own preprocessing works on bytes, which cannot.
        pictures = F.interpolate(pictures, (size, size), mode="bicubic", antialias=True).clamp(0, 1)
    shape = (1, -1, 1, 1)
    return (pictures - pictures.new_tensor(mean).view(shape)) / pictures.new_tensor(std).view(shape)


def clip_teacher(path: str, device: torch.device) -> Teacher:
    """A CLIPModel or CLIPVisionModelWithProjection of transformers; ValueError for another."""
    from transformers import AutoConfig, CLIPVisionModelWithProjection

    try:
        kind = AutoConfig.from_pretrained(path).model_type
    except (OSError, ValueError) as error:
        raise ValueError(f"--teacher: there is no model of transformers at {path}.") from error
    if kind not in ("clip", "clip_vision_model"):
        raise ValueError(f"--teacher: expected a CLIP model for the student clip, got {kind}.")
    load: Any = CLIPVisionModelWithProjection.from_pretrained
    tower, info = load(path, output_loading_info=True)
    if info["missing_keys"]:
        raise ValueError(f"--teacher: {path} lacks {sorted(info['missing_keys'])[:3]}.")
    model = tower.to(device).eval().requires_grad_(False)
    mean, std = _clip_statistics(path)
    config = {key: getattr(model.config, key) for key in VIT_B_32}
    return Teacher(
        lambda pixels: model(pixel_values=pixels.to(device)).image_embeds,
        config["image_size"], mean, std, config, model.state_dict(),
    )  # fmt: skip


def text_teacher(path: str) -> TextTower:
    """The text tower of a CLIPModel; ValueError where the teacher sees only."""
    from transformers import AutoConfig, CLIPTextModelWithProjection

    if AutoConfig.from_pretrained(path).model_type != "clip":
        raise ValueError(f"--texts: {path} has no text tower. Give a whole CLIPModel as --teacher.")
    load: Any = CLIPTextModelWithProjection.from_pretrained
    tower, info = load(path, output_loading_info=True)
    if info["missing_keys"]:
        raise ValueError(f"--texts: {path} lacks {sorted(info['missing_keys'])[:3]}.")
    made = TextTower({name: getattr(tower.config, name) for name in SIZES})
    made.tower.load_state_dict(tower.state_dict())
    return made.eval().requires_grad_(False)


def _clip_statistics(path: str) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation of the model's own preprocessing, OpenAI's where it says nothing."""
    from transformers.utils.hub import cached_file

    name = "preprocessor_config.json"
    found = cached_file(path, name, _raise_exceptions_for_missing_entries=False)
    config = json.loads(Path(found).read_text(encoding="utf-8")) if found else {}
    mean, std = config.get("image_mean", CLIP_MEAN), config.get("image_std", CLIP_STD)
    return tuple(mean), tuple(std)


def vgg_teacher(path: str, device: torch.device) -> Teacher:
    """torchvision's VGG-16 from its state dict, or a LatentVGG file of a network of pictures.

    Raises ValueError for any other file, and for a network of latents.
    """
    try:
        model = load_latent_vgg(path)
    except ValueError as error:
        raise ValueError(f"--teacher: {error}") from error
    if model.config["num_channels"] != 3:
        raise ValueError(
            f"--teacher: expected a VGG of pictures with 3 channels, {path} has "
            f"{model.config['num_channels']}."
        )
    network: nn.Module = model.network.to(device).requires_grad_(False)
    size = model.config.get("image_size", VGG_SIZE)
    return Teacher(
        lambda pixels: network(pixels.to(device)),
        size, IMAGENET_MEAN, IMAGENET_STD, model.config, network.state_dict(),
    )  # fmt: skip


TEACHERS = {"clip": clip_teacher, "vgg": vgg_teacher}
