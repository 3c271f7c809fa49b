"""MGIE (Fu et al., ICLR 2024): a language model that sees the picture says what the edit means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from .mgie_head import EditHead, imagined_states
from .mgie_llava import MAX_NEW_TOKENS, LanguageModel, PatchFeatures
from .mgie_prompt import IMAGES, PATCH, expressive_instruction, prompt

Place = Callable[[nn.Module, float], torch.device]
"""Makes one part of MGIE ready, with so many bytes free beside its weights, and says where."""


@dataclass(frozen=True)
class Imagined:
    """What MGIE makes of an instruction and a picture, as text features of its UNet.

    positive, null (1, 77, 768): of the instruction, and of none; expressive: in words
    """

    positive: Tensor
    null: Tensor
    expressive: str


@dataclass(frozen=True)
class Mgie:
    """The parts of MGIE that come before its UNet; one at a time has to be on the device."""

    tokenizer: Any
    language: LanguageModel
    vision: PatchFeatures
    head: EditHead

    def tokens(self, instruction: str) -> Tensor:
        """The prompt's tokens (L,). Raises ValueError naming `instruction` when it cannot be."""
        text = prompt(instruction, self.vision.num_patches)
        tokens = torch.tensor(self.tokenizer(text)["input_ids"])
        room = self.language.llama.config.max_position_embeddings - MAX_NEW_TOKENS
        if len(tokens) > room:
            raise ValueError(
                f"instruction: with it the prompt is {len(tokens)} tokens long, expected at most "
                f"{room}. Make it shorter."
            )
        return tokens

    def imagine(
        self, tokens: Tensor, image: Tensor, place: Place, on_token: Callable[[], None]
    ) -> Imagined:
        """Answer a prompt (L,) about a picture (H, W, 3) in [0, 1].

        on_token: called at the prompt and at every new token; may raise to stop
        """
        patch, first = self.tokenizer.convert_tokens_to_ids([PATCH, IMAGES[0]])
        place(self.vision, 0.0)
        patches = self.vision(image)
        device = place(self.language, self.language.memory(len(tokens)))
        answer = self.language(
            tokens.to(device), patch, patches, self.tokenizer.eos_token_id, on_token
        )
        states = imagined_states(answer.hidden, answer.sequence, first, len(IMAGES))
        device = place(self.head, 0.0)
        positive = self.head(states[None].to(device, torch.float32))
        said = expressive_instruction(self.tokenizer.decode(answer.said))
        return Imagined(positive.cpu(), self.head.null().cpu(), said)
