"""LLaVA-Lightning on transformers' own LLaMA and CLIP: a picture and words in, states out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

MAX_NEW_TOKENS = 96
"""Longest answer, as MGIE's demo asks for; its [IMG] tokens are the end of it."""


class PatchFeatures(nn.Module):
    """A picture as LLaVA's language model reads it: CLIP's patches, projected to its width.

    tower: transformers' CLIPVisionModel; projector: Linear(CLIP's width, D)
    select_layer: which of the tower's hidden states, as LLaVA's mm_vision_select_layer
    """

    def __init__(self, tower: nn.Module, projector: nn.Linear, select_layer: int):
        super().__init__()
        from transformers import CLIPImageProcessor

        self.tower = tower
        self.projector = projector
        self.select_layer = select_layer
        self.config: Any = tower.config
        side = self.config.image_size
        self.processor = CLIPImageProcessor(
            size={"shortest_edge": side}, crop_size={"height": side, "width": side}
        )

    @property
    def num_patches(self) -> int:
        """Patches P of a picture: 256 for ViT-L/14 at 224 pixels."""
        return (self.config.image_size // self.config.patch_size) ** 2

    def forward(self, image: Tensor) -> Tensor:
        """Features (1, P, D) of a picture (H, W, 3) in [0, 1], its centre square resized."""
        pixels = (image.float().clamp(0, 1) * 255).round().to("cpu", torch.uint8).numpy()
        read = self.processor(pixels, return_tensors="pt", input_data_format="channels_last")
        weight = self.projector.weight
        values = torch.as_tensor(read["pixel_values"]).to(weight.device, weight.dtype)
        states = self.tower(pixel_values=values, output_hidden_states=True).hidden_states
        return self.projector(states[self.select_layer][:, 1:])  # the first is the class token


@dataclass(frozen=True)
class Answer:
    """What a language model said, and what it thought meanwhile.

    sequence (L + 1,): tokens of prompt and answer; num_prompt: how many of them are the prompt
    hidden (L, D): last layer's normed state at every position that was fed
    """

    sequence: Tensor
    num_prompt: int
    hidden: Tensor

    @property
    def said(self) -> Tensor:
        """Tokens of the answer alone."""
        return self.sequence[self.num_prompt :]


@dataclass(frozen=True)
class _EveryToken:
    """The part of transformers' BaseStreamer that `generate` calls: told of each new token."""

    tell: Callable[[], None]

    def put(self, tokens: Tensor) -> None:
        self.tell()

    def end(self) -> None:
        pass


class LanguageModel(nn.Module):
    """LLaMA that reads a picture's patches among its tokens, and answers greedily.

    llama: transformers' LlamaForCausalLM, of width D
    """

    def __init__(self, llama: nn.Module):
        super().__init__()
        self.llama: Any = llama

    def forward(
        self, tokens: Tensor, patch_token: int, patches: Tensor, end_token: int,
        on_token: Callable[[], None],
    ) -> Answer:  # fmt: skip
        """The answer to a prompt of tokens (L,) with P of them `patch_token`.

        patches (1, P, D) take the places of those tokens; on_token is called at the prompt and at
        every new token, and may raise to stop.
        """
        embedded = self.llama.get_input_embeddings()(tokens[None])
        embedded[:, tokens == patch_token] = patches.to(embedded)
        # The tokens go along with their embeddings: the ban on repeating three in a row counts
        # those of the prompt too.
        out = self.llama.generate(
            tokens[None],
            inputs_embeds=embedded,
            attention_mask=torch.ones_like(tokens[None]),
            do_sample=False,
            num_beams=1,
            use_cache=True,  # LLaVA's own configuration has it off, from its training
            max_new_tokens=MAX_NEW_TOKENS,
            no_repeat_ngram_size=3,
            eos_token_id=end_token,
            pad_token_id=end_token,
            return_dict_in_generate=True,
            output_hidden_states=True,
            streamer=_EveryToken(on_token),
        )
        hidden = torch.cat([states[-1] for states in out.hidden_states], dim=1)[0]
        return Answer(out.sequences[0], len(tokens), hidden)

    def memory(self, num_prompt: int) -> float:
        """Bytes that an answer needs beside the weights, at float32.

        Keys and values of every layer, its states (kept until the answer is done), one layer's
        feed-forward, and the scores of all words at every position.
        """
        config = self.llama.config
        layers, width = config.num_hidden_layers, config.hidden_size
        each = (3 * layers + 1) * width + 3 * config.intermediate_size + config.vocab_size
        return 4.0 * each * (num_prompt + MAX_NEW_TOKENS)
