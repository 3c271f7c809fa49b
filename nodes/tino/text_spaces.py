"""Which CLIP's space a text feature of ComfyUI is in, and whether a loss may compare it there.

Equal size is no proof of one space, so spaces have names: of files (metadata `text_space`), and of
ComfyUI's text encoders whose pooled feature is projected into their CLIP's space.
"""

from __future__ import annotations

from typing import Any

import torch
from comfy.sdxl_clip import SDXLClipModel, SDXLRefinerClipModel
from comfy.text_encoders.sd2_clip import SD2ClipModel

from ...embedded.model.comfyui import EmbeddedSD1Clip, read_weights
from ...embedded.model.shipped import WEIGHTS
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


def learnt(clip: Any, *prompts: str) -> str:
    """Why prompts mean what no other CLIP knows: a word or an encoder of a user's; else empty."""
    if any("embedding:" in prompt for prompt in prompts):
        return "a textual-inversion word has no place in the space that LatentCLIP knows"
    if clip is None:
        return ""
    if getattr(clip.patcher, "patches", None):
        return "a LoRA changes the text encoder, so that LatentCLIP does not know its space"
    if isinstance(clip.cond_stage_model, EmbeddedSD1Clip) and not _as_shipped(clip):
        return "the text encoder was tuned (DreamBooth), so that LatentCLIP does not know its space"
    return ""


def _as_shipped(clip: Any) -> bool:
    """Whether an embedded encoder is the one that LatentCLIP's texts were projected from."""
    shipped = read_weights(WEIGHTS / "text_encoder.safetensors")
    own = clip.cond_stage_model.state_dict()
    name = max(shipped, key=lambda key: shipped[key].numel())
    (found,) = (value for key, value in own.items() if key.endswith(f".{name}"))
    return torch.equal(found.float().cpu(), shipped[name].float())


def space_of_prompts(clip: Any, *prompts: str) -> tuple[str | None, str]:
    """The space of prompts that a CLIP reads, or None and the reason."""
    reason = learnt(clip, *prompts)
    kind = type(clip.cond_stage_model)
    if not reason and kind not in _OF_ENCODERS:
        reason = f"{kind.__name__} gives no text feature in a space that pictures share"
    return (None, reason) if reason else (_OF_ENCODERS[kind], "")


def reason_for_paper(texts: str | None, why: str, pictures: str | None) -> str:
    """Why a loss may not compare pictures with texts; empty where both are in one space.

    texts, pictures: spaces of the text features and of LatentCLIP's; why: texts has none
    """
    if texts is None:
        return why
    if pictures is None:
        return "latent_clip does not say which texts it shares: choose text_space in its loader"
    if texts != pictures:
        return f"the texts are in the space of {texts}, latent_clip in that of {pictures}"
    return ""


def choose_text_loss(wanted: str, reason: str) -> str:
    """The key of TEXT_LOSSES to use; reason: why only the paper's will do, see above.

    Raises ValueError where a loss that needs one space was asked for and there is none.
    """
    if wanted == AUTOMATIC:
        return PAPER if reason else TOWARDS
    if wanted == PAPER or not reason:
        return wanted
    raise ValueError(
        f"text_loss: {wanted} compares pictures with texts in one space, but {reason}. "
        f"Choose {PAPER}, which needs no shared space."
    )
