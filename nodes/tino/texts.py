"""Text features of what the picture shows and of what it shall show."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Texts:
    """Pooled features (1, E) of the source's and of the target's text."""

    source: Tensor
    target: Tensor

    @property
    def equal(self) -> bool:
        """Whether the text does not move at all."""
        return bool((self.source == self.target).all())


def _pooled(conditioning: list, name: str) -> Tensor:
    pooled = conditioning[0][1].get("pooled_output")
    if pooled is None:
        raise ValueError(
            f"{name}: this conditioning carries no pooled text feature, which the semantic loss "
            "compares. Encode it with CLIPTextEncode and a CLIP that has one (SD 1.5, 2.1, SDXL)."
        )
    return pooled[:1].float()


def _encode(clip, prompt: str) -> Tensor:
    pooled = clip.encode_from_tokens(clip.tokenize(prompt), return_pooled=True)[1]
    if pooled is None:
        raise ValueError(
            "clip: this text encoder has no pooled text feature, which the semantic loss compares. "
            "Use the CLIP of SD 1.5, 2.1 or SDXL."
        )
    return pooled[:1].float()


def read_texts(clip, source_prompt: str, target_prompt: str, source_text, target_text):
    """Texts of two conditionings where connected, else of two prompts; None without either."""
    if (source_text is None) != (target_text is None):
        missing = "source_text" if source_text is None else "target_text"
        raise ValueError(f"{missing}: the semantic loss compares two texts. Connect this one too.")
    if source_text is not None:
        return Texts(_pooled(source_text, "source_text"), _pooled(target_text, "target_text"))
    if not source_prompt.strip() and not target_prompt.strip():
        return None
    for name, prompt in (("source_prompt", source_prompt), ("target_prompt", target_prompt)):
        if not prompt.strip():
            raise ValueError(
                f"{name}: it is empty. The semantic loss compares what the picture shows now "
                "(source_prompt) with what it shall show (target_prompt)."
            )
    if clip is None:
        raise ValueError("clip: connect the CLIP that reads source_prompt and target_prompt.")
    return Texts(_encode(clip, source_prompt), _encode(clip, target_prompt))
