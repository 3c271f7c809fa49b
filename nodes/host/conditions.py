"""What a GUIDER's conditionings say: the text, the null text, the source image."""

from typing import Any

import comfy.conds
import comfy.sampler_helpers
import torch
from torch import Tensor

NULL_KEY = "elect_null"
"""Name under which an explicit null conditioning joins a guider's own."""

# The guider's own null text, most specific first: DualCFG's middle condition (no text, with the
# image), PerpNeg's empty one, CFG's negative.
_OWN_NULL = ("middle", "empty_negative_prompt", "negative")

# What text encoders say, and what ComfyUI adds for itself. All else in the positive (picture,
# guidance, control, hooks, size, time) the null shares, so that only the text differs.
_TEXT = (
    "cross_attn",
    "cross_attn_controlnet",
    "pooled_output",
    "attention_mask",
    "attention_mask_img_shape",
    "attention_mask_mt5xl",
    "conditioning_byt5small",
    "conditioning_llama3",
    "conditioning_mt5xl",
    "image_slots",
    "t5xxl_ids",
    "t5xxl_weights",
    "model_conds",
    "uuid",
)
# Image conditions, and the names under which ComfyUI's models take them in.
_TAKEN_AS = {
    "concat_latent_image": ("c_concat", "image_cond"),
    "reference_latents": ("ref_latents", "ref_latent", "reference_latent", "ref_patches"),
    "vace_frames": ("vace_context",),
    "time_dim_concat": ("time_dim_concat",),
}


def null_key(conds: dict[str, Any]) -> str | None:
    """Name of the condition that stands for no text; an explicit one wins over the guider's."""
    return next((key for key in (NULL_KEY, *_OWN_NULL) if key in conds), None)


def with_null(conds: dict[str, list[dict]], null: list) -> dict[str, list[dict]]:
    """A guider's converted conditionings plus the explicit null, which inherits all but the text.

    null: a CONDITIONING; what its entries do not say (image, guidance, control, hooks ...) is the
    positive's, since relevance compares text against no text with all else equal.
    """
    shared = {
        key: value
        for entry in conds.get("positive", [])[:1]
        for key, value in entry.items()
        if key not in _TEXT
    }
    entries = [{**shared, **entry} for entry in comfy.sampler_helpers.convert_cond(null)]
    return {**conds, NULL_KEY: entries}


def source_latent(conds: dict[str, list[dict]], latent: Tensor) -> Tensor | None:
    """The source image's latent, (1, C, h, w) in LATENT scale, or None where there is none.

    It is what the model is shown (concat, then reference latents in their order), else a LATENT
    that is not empty (image to image, inpainting). Of several, the first of the result's size is
    the one that is edited; the first of all where none is.
    """
    shown: list[Tensor] = []
    for entry in conds.get("positive", []):
        if entry.get("concat_latent_image") is not None and "concat_mask" not in entry:
            shown.append(entry["concat_latent_image"])
        shown += entry.get("reference_latents") or []
    if bool(latent.any()):
        shown.append(latent)
    # Some models are shown more than one picture's worth of channels: a control beside the start.
    shown = [one for one in shown if one.shape[1] == latent.shape[1]]
    alike = [one for one in shown if one.shape[-2:] == latent.shape[-2:]]
    return next(iter(alike or shown), None)


def has_image(conds: dict[str, list[dict]], latent: Tensor) -> bool:
    """Whether anything shows the model a picture: concat, reference, control hint or LATENT."""
    keys = (*_TAKEN_AS, "control", "unclip_conditioning")
    shown = any(entry.get(key) is not None for entry in conds.get("positive", []) for key in keys)
    return shown or bool(latent.any())


def require_image_input(conds: dict[str, list[dict]], noise: Tensor) -> None:
    """Refuse a source image that the model would silently ignore, or cannot take at its size.

    conds: the guider's conditions after ComfyUI has encoded them for the model; noise (N, C, h, w)
    Raises ValueError when an image was given and the model took no such condition, or when what it
    took must lie on the noise and does not.
    """
    for entry in conds.get("positive", []):
        given = [names for key, names in _TAKEN_AS.items() if entry.get(key) is not None]
        taken = entry.get("model_conds", {})
        if given and not any(name in taken for names in given for name in names):
            raise ValueError(
                "guider: its positive conditioning carries a source image, but the MODEL takes "
                "none, so the edit could not see the picture. Load an instruction-editing model "
                "(InstructPix2Pix and the like)."
            )
        for cond in taken.values():
            if isinstance(cond, comfy.conds.CONDNoiseShape):
                _require_size(cond.cond.shape[-2:], noise.shape[-2:])


# Where ComfyUI's model configurations say how wide the text features are that a model reads.
_TEXT_WIDTHS = ("context_dim", "context_in_dim", "text_feat_dim")


def require_text_input(conds: dict[str, list[dict]], unet_config: dict[str, Any]) -> None:
    """Refuse text features of another model's encoder, where the MODEL says what it reads.

    conds: as in `require_image_input`; unet_config: of the MODEL
    """
    widths = [unet_config[key] for key in _TEXT_WIDTHS if unet_config.get(key) is not None]
    for name, entries in conds.items():
        for entry in entries:
            text = entry.get("model_conds", {}).get("c_crossattn")
            if text is not None and widths and text.cond.shape[-1] != widths[0]:
                raise ValueError(
                    f"guider: the MODEL reads text features {widths[0]} wide, but those of its "
                    f"{name} conditioning are {text.cond.shape[-1]} wide: they come from the text "
                    "encoder of another model. Connect the CLIP that belongs to the MODEL."
                )


def _require_size(source: torch.Size, result: torch.Size) -> None:
    if source != result:
        raise ValueError(
            f"latent_image: its latent is {result[1]}x{result[0]}, but that of the source picture "
            f"in the positive conditioning {source[1]}x{source[0]}, and the MODEL takes only the "
            "same. Scale the picture with EditSize, then encode it and make latent_image from it."
        )
