"""LatentCLIP: CLIP's image features straight from a latent (TiNO-Edit, section 4.2)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .text_tower import PREFIX, TextTower
from .weights import load_into, read_weights, save_weights

VIT_B_32 = {
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "projection_dim": 512,
    "num_channels": 4,
    "image_size": 63,
    "patch_size": 9,
    "hidden_act": "quick_gelu",
}
"""OpenAI's ViT-B/32 with a first convolution for latents: 63 x 63 cells in patches of 9."""


class LatentCLIP(nn.Module):
    """A CLIP vision tower that takes latents.

    config: sizes as in transformers' CLIPVisionConfig; latent_space: the VAE it was trained on,
    None where its file does not say; text_space: the space of texts that its features share, the
    name of the CLIP that taught it, None where its file does not say; text_tower: that CLIP's own
    for texts, None where its file has none
    """

    def __init__(self, config: dict[str, Any] | None = None, latent_space: str | None = None):
        super().__init__()
        from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

        self.config: dict[str, Any] = dict(config or VIT_B_32)
        self.latent_space = latent_space
        self.text_space: str | None = None
        self.text_tower: TextTower | None = None
        self.tower = CLIPVisionModelWithProjection(CLIPVisionConfig(**self.config))

    def forward(self, latent: Tensor) -> Tensor:
        """Image features (B, D) of latents (B, C, h, w) in the model's scale, resized bicubic."""
        size = self.config["image_size"]
        resized = F.interpolate(latent, size=(size, size), mode="bicubic", align_corners=False)
        return self.tower(pixel_values=resized.to(self.tower.dtype)).image_embeds

    def take_texts(self) -> TextTower | None:
        """Its text tower, which it then no longer has: an edit needs it once, not in its loop."""
        taken, self.text_tower = self.text_tower, None
        return taken

    def save(
        self,
        path: str | Path,
        dtype: torch.dtype | None = None,
        notes: dict[str, str] | None = None,
    ) -> None:
        """Write safetensors with the metadata that `load_latent_clip` reads.

        dtype: to store the weights in, None as they are; notes: more metadata
        """
        assert self.latent_space is not None
        said = {} if self.text_space is None else {"text_space": self.text_space}
        weights = self.tower.state_dict()
        if self.text_tower is not None:
            said["text_config"] = json.dumps(self.text_tower.config)
            weights |= self.text_tower.weights()
        notes = {**said, **(notes or {})}
        save_weights(path, weights, self.latent_space, self.config, dtype, notes)


def load_latent_clip(path: str | Path) -> LatentCLIP:
    """Our safetensors, or a state dict with OpenAI's visual key names (the authors' files).

    Raises ValueError naming the file when it cannot be read or is of another architecture.
    """
    path = Path(path)
    file = read_weights(path)
    texts = {k: v for k, v in file.state_dict.items() if k.startswith(PREFIX)}
    state_dict = _without_prefix({k: v for k, v in file.state_dict.items() if k not in texts})
    config = file.config
    if "conv1.weight" in state_dict:
        config, state_dict = _from_openai(state_dict)
    model = LatentCLIP(config, file.latent_space).eval()
    model.text_space = file.text_space
    load_into(model.tower, state_dict, path.name)
    if file.text_config:
        model.text_tower = _text_tower(file.text_config, texts, path.name)
    return model


def _text_tower(config: dict[str, Any], weights: dict[str, Tensor], name: str) -> TextTower:
    tower = TextTower(config).eval()
    load_into(tower.tower, {k.removeprefix(PREFIX): v for k, v in weights.items()}, name)
    return tower


def _without_prefix(state_dict: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in ("module.", "visual."):
        if all(key.startswith(prefix) for key in state_dict):
            state_dict = {key.removeprefix(prefix): value for key, value in state_dict.items()}
    return state_dict


_BLOCK = {
    "attn.out_proj": "self_attn.out_proj",
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}
_TOP = {
    "conv1.weight": "embeddings.patch_embedding.weight",
    "class_embedding": "embeddings.class_embedding",
    "positional_embedding": "embeddings.position_embedding.weight",
    "ln_pre.weight": "pre_layrnorm.weight",
    "ln_pre.bias": "pre_layrnorm.bias",
    "ln_post.weight": "post_layernorm.weight",
    "ln_post.bias": "post_layernorm.bias",
}


def _from_openai(state: dict[str, Tensor]) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """OpenAI's visual tower under transformers' names, and the sizes it implies."""
    width, channels, patch, _ = state["conv1.weight"].shape
    side = round((len(state["positional_embedding"]) - 1) ** 0.5)
    layers = 1 + max(int(key.split(".")[2]) for key in state if "resblocks" in key)
    config = VIT_B_32 | {
        "hidden_size": width,
        "intermediate_size": len(state["transformer.resblocks.0.mlp.c_fc.bias"]),
        "num_hidden_layers": layers,
        "num_attention_heads": max(1, width // 64),
        "projection_dim": state["proj"].shape[1],
        "num_channels": channels,
        "image_size": side * patch,
        "patch_size": patch,
    }
    renamed = {"visual_projection.weight": state["proj"].T}
    for key, value in state.items():
        if key in _TOP:
            renamed[f"vision_model.{_TOP[key]}"] = value
        elif key.startswith("transformer.resblocks."):
            renamed |= _block(key.removeprefix("transformer.resblocks."), value)
    position = torch.arange(len(state["positional_embedding"]))[None]
    return config, _with_buffers(renamed, position, config)


def _with_buffers(
    renamed: dict[str, Tensor], position: Tensor, config: dict[str, Any]
) -> dict[str, Tensor]:
    """Adds the position ids where this version of transformers keeps them among the weights."""
    name = "vision_model.embeddings.position_ids"
    if name in LatentCLIP(config).tower.state_dict():
        renamed[name] = position
    return renamed


def _block(key: str, value: Tensor) -> dict[str, Tensor]:
    layer, rest = key.split(".", 1)
    home = f"vision_model.encoder.layers.{layer}"
    if rest.startswith("attn.in_proj_"):
        kind = rest.removeprefix("attn.in_proj_")
        parts = zip("qkv", value.chunk(3), strict=True)
        return {f"{home}.self_attn.{name}_proj.{kind}": part for name, part in parts}
    stem, kind = rest.rsplit(".", 1)
    return {f"{home}.{_BLOCK[stem]}.{kind}": value}
