"""Text features of what the picture shows and of what it shall show."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from .latent_models import FeatureModel
from .text_spaces import learnt, space_of_prompts


@dataclass(frozen=True)
class Texts:
    """Pooled features (1, E) of the source's and of the target's text.

    space: whose space they are in, None where that is not known; why: that is so
    """

    source: Tensor
    target: Tensor
    space: str | None = None
    why: str = ""

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


def read_texts(
    clip,
    source_prompt: str,
    target_prompt: str,
    source_text: list | None,
    target_text: list | None,
    latent_clip: FeatureModel | None = None,
) -> Texts | None:
    """Texts of two conditionings where connected, else of two prompts; None without either.

    latent_clip: whose own text tower reads the prompts where it has one; not for the paper's loss,
    and not where the prompts mean something that a user's encoder learnt
    """
    if (source_text is None) != (target_text is None):
        missing = "source_text" if source_text is None else "target_text"
        raise ValueError(f"{missing}: the semantic loss compares two texts. Connect this one too.")
    if source_text is not None and target_text is not None:
        pair = (_pooled(source_text, "source_text"), _pooled(target_text, "target_text"))
        return Texts(*pair, why="source_text and target_text do not say which CLIP read them")
    if not source_prompt.strip() and not target_prompt.strip():
        return None
    for name, prompt in (("source_prompt", source_prompt), ("target_prompt", target_prompt)):
        if not prompt.strip():
            raise ValueError(
                f"{name}: it is empty. The semantic loss compares what the picture shows now "
                "(source_prompt) with what it shall show (target_prompt)."
            )
    own = None if latent_clip is None else latent_clip.own_texts
    if own is not None and not learnt(clip, source_prompt, target_prompt):
        found = own([source_prompt, target_prompt])
        return Texts(found[:1], found[1:], own.space)
    if clip is None:
        raise ValueError("clip: connect the CLIP that reads source_prompt and target_prompt.")
    space = space_of_prompts(clip, source_prompt, target_prompt)
    return Texts(_encode(clip, source_prompt), _encode(clip, target_prompt), *space)
