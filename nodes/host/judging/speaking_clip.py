"""A CLIP that writes: ComfyUI 0.18 and newer generate text with today's text encoders.

Qwen3-VL, Qwen3.5 and Gemma answer about pictures, several at once on 0.33; their logits say how
likely a yes is in one pass, with nothing to parse.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

from ....judging.answers import read_yes
from ....judging.pictures import as_bytes
from ....judging.question import Question

_WORDS = {True: ("yes", "Yes", " yes", " Yes"), False: ("no", "No", " no", " No")}
_LEAST = 0.01
"""Probability that yes and no must have together, for either to mean something."""


def _speaker(clip: Any) -> nn.Module | None:
    """The part of a CLIP that predicts tokens; None in text encoders that only encode."""
    parts = clip.cond_stage_model.modules()
    return next((p for p in parts if hasattr(p, "logits") and hasattr(p, "sample_token")), None)


def check_speaks(clip: Any) -> None:
    """Raise ValueError where this ComfyUI or this text encoder cannot write."""
    if not hasattr(clip, "generate") or not hasattr(clip, "decode"):
        raise ValueError(
            "clip: this ComfyUI cannot write text with a CLIP (0.18 and newer can). Update it, or "
            "connect VLMEndpoint or VLMLoader to vlm."
        )
    if _speaker(clip) is None:
        kind = type(clip.cond_stage_model).__name__
        raise ValueError(
            f"clip: {kind} reads text but writes none. Load a model that does, such as Qwen3-VL, "
            "Qwen3.5 or Gemma, or connect VLMEndpoint or VLMLoader to vlm."
        )


def _batch(pictures: tuple) -> Tensor | None:
    """Pictures (H, W, 3) uint8 of one size as IMAGE (N, H, W, 3)."""
    if not pictures:
        return None
    return torch.stack([torch.from_numpy(one.copy()).float() / 255 for one in pictures])


def _num_seen(tokens: Any) -> int:
    """How many pictures are among a CLIP's tokens."""
    if isinstance(tokens, dict):
        return int(tokens.get("type") == "image") or sum(map(_num_seen, tokens.values()))
    if isinstance(tokens, list | tuple):
        return sum(map(_num_seen, tokens))
    return 0


class SpeakingClip:
    """A CLIP as a model that is asked; `num_pictures`: what its tokens hold of two."""

    def __init__(self, clip: Any) -> None:
        check_speaks(clip)
        self.clip = clip
        self.name = type(clip.cond_stage_model).__name__.rstrip("_")
        self.num_pictures = 8
        probe = torch.zeros(64, 64, 3).numpy()
        pair = (as_bytes(probe), as_bytes(probe))
        seen = _num_seen(self._tokens(Question("?", pair)))
        if seen == 0:
            raise ValueError(
                f"clip: {self.name} writes text but sees no pictures on this ComfyUI. Load a "
                "vision-language one, or connect VLMEndpoint or VLMLoader to vlm."
            )
        self.num_pictures = 8 if seen > 1 else 1

    def _tokens(self, question: Question) -> Any:
        image = _batch(question.pictures)
        given = {"skip_template": False, "min_length": 1, "thinking": False}
        return self.clip.tokenize(question.text, image=image, **given)

    def ask(self, question: Question) -> str:
        """Its likeliest answer."""
        tokens = self._tokens(question)
        ids = self.clip.generate(tokens, do_sample=False, max_length=question.max_tokens)
        return self.clip.decode(ids)

    def yes(self, question: Question) -> float | None:
        """Probability of yes against no as the next word; by its text where words are long."""
        words = {said: self._ids(forms) for said, forms in _WORDS.items()}
        if not words[True] or not words[False]:
            said = read_yes(self.ask(question))
            return None if said is None else float(said)
        chances = self._first_logits(self._tokens(question)).softmax(-1)
        for_yes, for_no = (float(chances[words[said]].sum()) for said in (True, False))
        return for_yes / (for_yes + for_no) if for_yes + for_no >= _LEAST else None

    def _first_logits(self, tokens: Any) -> Tensor:
        """Scores (V,) of the first word it would write."""
        speaker: Any = _speaker(self.clip)
        plain, heard = speaker.logits, []

        def listening(x: Tensor) -> Tensor:
            out = plain(x)
            heard.append(out.reshape(-1, out.shape[-1])[-1].float().cpu())
            return out

        speaker.logits = listening  # on this object alone, for one call
        try:
            self.clip.generate(tokens, do_sample=False, max_length=1)
        finally:
            del speaker.logits
        return heard[0]

    def _ids(self, words: tuple[str, ...]) -> list[int]:
        """Those of the words that are one token each."""
        for tokenizer in _tokenizers(self.clip.tokenizer):
            ids = [tokenizer(word, add_special_tokens=False)["input_ids"] for word in words]
            return sorted({one[0] for one in ids if len(one) == 1})
        return []


def _tokenizers(tokenizer: Any) -> Iterator[Any]:
    """Those of transformers inside ComfyUI's."""
    for part in vars(tokenizer).values():
        inner = getattr(part, "tokenizer", None)
        if callable(inner):
            yield inner
