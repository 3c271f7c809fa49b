"""The text tower of the CLIP that taught a LatentCLIP, kept in its file: texts in one space."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

PREFIX = "text_tower."
"""Of its weights in a LatentCLIP's file, whose metadata `text_config` has its sizes."""
SIZES = (
    "vocab_size",
    "hidden_size",
    "intermediate_size",
    "projection_dim",
    "num_hidden_layers",
    "num_attention_heads",
    "max_position_embeddings",
    "hidden_act",
    "eos_token_id",
)


class TextTower(nn.Module):
    """CLIP's text tower with its projection. config: as in transformers' CLIPTextConfig."""

    def __init__(self, config: dict[str, Any]):
        super().__init__()
        from transformers import CLIPTextConfig, CLIPTextModelWithProjection

        self.config = dict(config)
        self.tower = CLIPTextModelWithProjection(CLIPTextConfig(**config))

    @property
    def length(self) -> int:
        """Tokens that a text is cut or padded to."""
        return self.config["max_position_embeddings"]

    def forward(self, tokens: Tensor) -> Tensor:
        """Projected features (B, D) of token numbers (B, T)."""
        return self.tower(input_ids=tokens).text_embeds

    def weights(self) -> dict[str, Tensor]:
        """As they are kept in a file."""
        return {PREFIX + name: value for name, value in self.tower.state_dict().items()}
