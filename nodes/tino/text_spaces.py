"""Which CLIP's space a text feature of ComfyUI is in, and whether a loss may compare it there.

Equal size is no proof of one space, so spaces have names: of files (metadata `text_space`), and of
ComfyUI's text encoders whose pooled feature is projected into their CLIP's space.
"""

from __future__ import annotations

from typing import Any

from comfy.sdxl_clip import SDXLClipModel, SDXLRefinerClipModel
from comfy.text_encoders.sd2_clip import SD2ClipModel

from ...embedded.model.comfyui import EmbeddedSD1Clip
from ...tino_core.losses import DIRECTIONAL, PAPER, TOWARDS

EMBEDDED_TEXTS = "embedded"
_VIT_H = "CLIP ViT-H/14 (SD 2.1)"
_VIT_BIGG = "CLIP ViT-bigG/14 (SDXL)"
TEXT_SPACES = (EMBEDDED_TEXTS, _VIT_H, _VIT_BIGG)
_OF_ENCODERS: dict[type, str] = {
    EmbeddedSD1Clip: EMBEDDED_TEXTS,
    SD2ClipModel: _VIT_H,
    SDXLClipModel: _VIT_BIGG,
    SDXLRefinerClipModel: _VIT_BIGG,
}
AUTOMATIC = "automatic"
TEXT_LOSS_CHOICES = (AUTOMATIC, TOWARDS, DIRECTIONAL, PAPER)


def check_text_space(name: str, known: str | None, given: str) -> None:
    """Raise ValueError when a file says another space than the one chosen."""
    if known is not None and known != given:
        raise ValueError(f"text_space: {name} says that it shares the texts of {known}.")


def space_of_prompts(clip: Any, *prompts: str) -> tuple[str | None, str]:
    """The space of prompts that a CLIP reads, or None and the reason."""
    if any("embedding:" in prompt for prompt in prompts):
        return None, "a textual-inversion word has no place in the space that LatentCLIP knows"
    if getattr(clip.patcher, "patches", None):
        return None, "a LoRA changes the text encoder, so that LatentCLIP does not know its space"
    kind = type(clip.cond_stage_model)
    if kind not in _OF_ENCODERS:
        return None, f"{kind.__name__} gives no text feature in a space that pictures share"
    return _OF_ENCODERS[kind], ""


def choose_text_loss(wanted: str, texts: str | None, why: str, pictures: str | None) -> str:
    """The key of TEXT_LOSSES to use.

    texts, pictures: spaces of the text features and of LatentCLIP's; why: texts has none
    Raises ValueError where a loss that needs one space was asked for and there is none.
    """
    one_space = texts is not None and texts == pictures
    if wanted == AUTOMATIC:
        return TOWARDS if one_space else PAPER
    if wanted == PAPER or one_space:
        return wanted
    if texts is None:
        reason = why
    elif pictures is None:
        reason = "latent_clip does not say which texts it shares: choose text_space in its loader"
    else:
        reason = f"the texts are in the space of {texts}, latent_clip in that of {pictures}"
    raise ValueError(
        f"text_loss: {wanted} compares pictures with texts in one space, but {reason}. "
        f"Choose {PAPER}, which needs no shared space."
    )
