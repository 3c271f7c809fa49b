"""The tiny text encoder: CLIP's layer names (so that LoRA keys fit), its own words."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

CONFIG = {
    "hidden_size": 128,
    "intermediate_size": 512,
    "num_attention_heads": 4,
    "num_hidden_layers": 3,
    "max_position_embeddings": 24,
}
WIDTH = CONFIG["hidden_size"]
PROJECTION_DIM = 64  # of the space that texts share with pictures
MAX_TOKENS = CONFIG["max_position_embeddings"]

PAD, START, END, UNKNOWN = 0, 1, 2, 3
SPECIAL_TOKENS = {"start": START, "end": END, "pad": PAD}
VOCABULARY_FILE = Path(__file__).parent / "vocabulary.txt"


@cache
def vocabulary() -> dict[str, int]:
    """Word -> id. The order of the file is part of the weights: only ever append to it."""
    words = VOCABULARY_FILE.read_text(encoding="utf-8").split()
    return {word: number for number, word in enumerate(words)}


def word_ids(text: str) -> list[int]:
    """Ids of the words, unknown ones as UNKNOWN; case and punctuation do not matter."""
    return [vocabulary().get(w, UNKNOWN) for w in re.findall(r"[a-z0-9]+", text.lower())]


def token_ids(text: str) -> list[int]:
    """START, the words, END, padded to MAX_TOKENS: the form the model is trained on."""
    ids = [START, *word_ids(text)[: MAX_TOKENS - 2], END]
    return ids + [PAD] * (MAX_TOKENS - len(ids))


class _Attention(nn.Module):
    q_proj: nn.Module
    k_proj: nn.Module
    v_proj: nn.Module
    out_proj: nn.Module

    def __init__(self, width: int, heads: int, operations, **place):
        super().__init__()
        self.heads = heads
        for name in ("q_proj", "k_proj", "v_proj", "out_proj"):
            setattr(self, name, operations.Linear(width, width, **place))

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        n, length, width = x.shape
        split = (n, length, self.heads, width // self.heads)
        projections = (self.q_proj, self.k_proj, self.v_proj)
        q, k, v = (p(x).view(split).transpose(1, 2) for p in projections)
        out = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out_proj(out.transpose(1, 2).reshape(n, length, width))


class _MLP(nn.Module):
    def __init__(self, width: int, inner: int, operations, **place):
        super().__init__()
        self.fc1 = operations.Linear(width, inner, **place)
        self.fc2 = operations.Linear(inner, width, **place)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class _Layer(nn.Module):
    def __init__(self, config: dict, operations, **place):
        super().__init__()
        width = config["hidden_size"]
        self.layer_norm1 = operations.LayerNorm(width, **place)
        self.self_attn = _Attention(width, config["num_attention_heads"], operations, **place)
        self.layer_norm2 = operations.LayerNorm(width, **place)
        self.mlp = _MLP(width, config["intermediate_size"], operations, **place)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x), mask)
        return x + self.mlp(self.layer_norm2(x))


class _Embeddings(nn.Module):
    def __init__(self, config: dict, operations, **place):
        super().__init__()
        width = config["hidden_size"]
        self.token_embedding = operations.Embedding(len(vocabulary()), width, **place)
        self.position_embedding = operations.Embedding(
            config["max_position_embeddings"], width, **place
        )


class _Encoder(nn.Module):
    def __init__(self, config: dict, operations, **place):
        super().__init__()
        layers = [_Layer(config, operations, **place) for _ in range(config["num_hidden_layers"])]
        self.layers = nn.ModuleList(layers)


class _TextModel(nn.Module):
    def __init__(self, config: dict, operations, **place):
        super().__init__()
        self.embeddings = _Embeddings(config, operations, **place)
        self.encoder = _Encoder(config, operations, **place)
        self.final_layer_norm = operations.LayerNorm(config["hidden_size"], **place)


class TextProjection(nn.Module):
    """One feature of a text, in one space with pictures: a mean over tokens and their neighbours.

    A linear map of the mean token does not tell "a red circle and a blue star" from "a blue circle
    and a red star" well enough; words beside each other do.
    """

    def __init__(self, width: int, features: int, operations=nn, **place):
        super().__init__()
        self.fc1 = operations.Linear(2 * width, 2 * width, **place)
        self.fc2 = operations.Linear(2 * width, features, bias=False, **place)

    def forward(self, tokens: Tensor, num_tokens: Tensor) -> Tensor:
        """(N, features) from outputs (N, L, width), of each row the first num_tokens (N,)."""
        before = F.pad(tokens, (0, 0, 1, -1))
        seen = F.gelu(self.fc1(torch.cat([before, tokens], -1)))
        counted = torch.arange(tokens.shape[1], device=tokens.device) < num_tokens[:, None]
        mean = (seen * counted[..., None]).sum(1) / num_tokens[:, None]
        return self.fc2(mean)


class TinyTextModel(nn.Module):
    """Bidirectional transformer over MAX_TOKENS word embeddings; ComfyUI's model_class interface.

    operations: torch.nn for training, ComfyUI's casting operations for inference.
    config: with a `projection_dim` the third output is in one space with embedded CLIP pictures.
    """

    def __init__(self, config: dict, dtype=None, device=None, operations=nn):
        super().__init__()
        config = {**CONFIG, **config}
        self.num_layers = config["num_hidden_layers"]
        place = {"dtype": dtype, "device": device}
        self.text_model = _TextModel(config, operations, **place)
        self.text_projection = None
        if "projection_dim" in config:
            sizes = (config["hidden_size"], config["projection_dim"])
            self.text_projection = TextProjection(*sizes, operations, **place)

    def get_input_embeddings(self) -> nn.Module:
        return self.text_model.embeddings.token_embedding

    def set_input_embeddings(self, embeddings: nn.Module) -> None:
        self.text_model.embeddings.token_embedding = embeddings

    def forward(
        self, input_tokens=None, attention_mask=None, embeds=None, num_tokens=None,
        intermediate_output=None, final_layer_norm_intermediate=True, dtype=torch.float32,
        embeds_info=(),
    ):  # fmt: skip
        """(all tokens, an intermediate layer or None, one feature), as CLIPTextModel returns.

        The feature is the END token, or with a projection what it makes of all up to END.
        """
        if embeds is None:
            embeds = self.get_input_embeddings()(input_tokens)
        position = self.text_model.embeddings.position_embedding.weight[: embeds.shape[1]]
        x = embeds.to(dtype) + position.to(device=embeds.device, dtype=dtype)
        mask = None
        if attention_mask is not None:
            mask = attention_mask.bool()[:, None, None, :]
        kept, wanted = None, _layer_number(intermediate_output, self.num_layers)
        for number, layer in enumerate(self.text_model.encoder.layers):
            x = layer(x, mask)
            if number == wanted:
                kept = x.clone()
        x = self.text_model.final_layer_norm(x)
        if kept is not None and final_layer_norm_intermediate:
            kept = self.text_model.final_layer_norm(kept)
        return x, kept, self._pooled(x, num_tokens)

    def _pooled(self, x: Tensor, num_tokens: list[int] | None) -> Tensor | None:
        if num_tokens is None:
            return None
        if self.text_projection is None:
            return x[list(range(len(x))), [n - 1 for n in num_tokens]]
        return self.text_projection(x, torch.tensor(num_tokens, device=x.device))


def _layer_number(wanted: int | None, num_layers: int) -> int | None:
    return wanted + num_layers if wanted is not None and wanted < 0 else wanted


def build_text_model() -> TinyTextModel:
    """An untrained text model."""
    model = TinyTextModel(CONFIG)
    nn.init.normal_(model.text_model.embeddings.token_embedding.weight, std=0.5)
    nn.init.normal_(model.text_model.embeddings.position_embedding.weight, std=0.2)
    return model
