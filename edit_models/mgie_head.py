"""MGIE's edit head: what the language model imagined, as the text features of a UNet."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import LayerNorm, Linear

NUM_HEADS = 4
"""Attention heads of the released weights; the one size that no weight's shape tells."""


class EditHead(nn.Module):
    """MGIE's edit mapper: hidden states of the [IMG] tokens to text features (Fu et al., 2024).

    hidden: width D of the language model; width: its own; queries: text features that come out;
    features: their width; feedforward, encoders, decoders: of its transformer

    `emb` (1, I, D) are the embeddings of the I = 8 [IMG] tokens, added to every input.
    """

    def __init__(
        self, hidden: int, width: int, queries: int, features: int, feedforward: int,
        encoders: int, decoders: int, images: int,
    ):  # fmt: skip
        super().__init__()
        self.llm2hid = Linear(hidden, width)
        self.query = nn.Parameter(torch.empty(1, queries, width))
        layer = nn.TransformerEncoderLayer(
            width, NUM_HEADS, feedforward, dropout=0.0, batch_first=True, norm_first=True
        )
        norm = LayerNorm(width)
        self.mapper = nn.Transformer(
            width, NUM_HEADS, num_decoder_layers=decoders, dim_feedforward=feedforward,
            dropout=0.0, batch_first=True, norm_first=True,
            # The same encoder, told that it takes no ragged batches, else PyTorch warns of it.
            custom_encoder=nn.TransformerEncoder(layer, encoders, norm, enable_nested_tensor=False),
        )  # fmt: skip
        self.hid2feat = Linear(width, features)
        self.emb = nn.Parameter(torch.empty(1, images, hidden))

    def forward(self, hidden: Tensor) -> Tensor:
        """Text features (B, 77, 768) of hidden states (B, I, D); sizes of the released head."""
        query = self.query.expand(len(hidden), -1, -1)
        return self.hid2feat(self.mapper(self.llm2hid(hidden + self.emb), query))

    def null(self) -> Tensor:
        """Text features (1, 77, 768) of no instruction: those of hidden states of zeros."""
        return self(torch.zeros_like(self.emb))


def edit_head(state: Mapping[str, Tensor], emb: Tensor | None, name: str) -> EditHead:
    """The head of a state dict, its sizes read from the weights' shapes; float32, on the CPU.

    state: keys as in MGIE's file, without `edit_head.`; emb: its `emb`; name: of the file
    Raises ValueError naming what is missing or of the wrong shape.
    """
    if emb is None:
        raise ValueError(f"mllm: {name} has no 'emb', the embeddings of the [IMG] tokens.")
    wanted = (
        "llm2hid.weight",
        "query",
        "hid2feat.weight",
        "mapper.encoder.layers.0.linear1.weight",
    )
    absent = [f"edit_head.{key}" for key in wanted if key not in state]
    if absent:
        raise ValueError(f"mllm: {name} lacks {', '.join(absent)}. Choose MGIE's mllm.pt.")
    width, hidden = state["llm2hid.weight"].shape
    if emb.ndim != 3 or emb.shape[0] != 1 or emb.shape[2] != hidden:
        raise ValueError(
            f"mllm: {name} has 'emb' of shape {tuple(emb.shape)}, expected (1, 8, {hidden})."
        )
    with torch.device("meta"):
        head = EditHead(
            hidden=hidden,
            width=width,
            queries=state["query"].shape[-2],
            features=len(state["hid2feat.weight"]),
            feedforward=len(state["mapper.encoder.layers.0.linear1.weight"]),
            encoders=_layers(state, "mapper.encoder"),
            decoders=_layers(state, "mapper.decoder"),
            images=emb.shape[1],
        )
    weights = {key: value.float() for key, value in {**state, "emb": emb}.items()}
    try:
        head.load_state_dict(weights, assign=True)
    except RuntimeError as error:
        raise ValueError(f"mllm: {name} holds an edit head of another shape. {error}") from error
    return head.eval().requires_grad_(False)


def _layers(state: Mapping[str, Tensor], home: str) -> int:
    prefix = f"{home}.layers."
    return len({key[len(prefix) :].split(".")[0] for key in state if key.startswith(prefix)})


def imagined_states(hidden: Tensor, sequence: Tensor, image_token: int, count: int) -> Tensor:
    """The hidden states (count, D) that lead to [IMG0] .. [IMG7].

    hidden (L, D): last layer at every position that was fed; sequence (L + 1,): prompt and answer
    The state before a token is the one that said it. Where the answer has no [IMG0], or has it too
    near its end, the last `count` states but one.
    """
    last = len(hidden) - count - 1
    assert last >= 0
    found = (sequence == image_token).nonzero()
    start = min(int(found[0]) - 1, last) if len(found) else last
    return hidden[start : start + count]
