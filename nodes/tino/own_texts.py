"""The text tower that a LatentCLIP's file has: prompts in the very space of its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_management
import comfy.sd1_clip
import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...tino_core.text_tower import TextTower


@dataclass(frozen=True)
class OwnTexts:
    """Reads prompts. space: its name; tower: on ComfyUI's model management through `patcher`"""

    space: str
    tower: TextTower
    patcher: ModelPatcher

    @torch.no_grad()
    def __call__(self, prompts: list[str]) -> Tensor:
        """Features (B, D) of prompts, on the CPU; what does not fit a text's length is cut off."""
        tokens = _tokenizer()(
            prompts,
            padding="max_length",
            truncation=True,
            max_length=self.tower.length,
            return_tensors="pt",
        )
        comfy.model_management.load_models_gpu([self.patcher])
        found = self.tower(tokens.input_ids.to(self.patcher.load_device))
        return found.float().cpu()


def _tokenizer() -> Any:
    """CLIP's, which ComfyUI has beside its text encoders."""
    from transformers import CLIPTokenizer

    return CLIPTokenizer.from_pretrained(
        Path(str(comfy.sd1_clip.__file__)).parent / "sd1_tokenizer"
    )
