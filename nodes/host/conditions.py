"""What a GUIDER's conditionings say: the text, the null text, the source image."""

from typing import Any

import comfy.sampler_helpers
from torch import Tensor

NULL_KEY = "elect_null"
"""Name under which an explicit null conditioning joins a guider's own."""

# The guider's own null text, most specific first: DualCFG's middle condition (no text, with the
# image), PerpNeg's empty one, CFG's negative.
_OWN_NULL = ("middle", "empty_negative_prompt", "negative")

# What the positive says besides its text; the null shares it, so that only the text differs.
_NOT_TEXT = (
    "concat_latent_image",
    "concat_mask",
    "concat_mask_index",
    "reference_latents",
    "reference_latents_method",
    "guidance",
    "control",
    "control_apply_to_uncond",
    "hooks",
    "clip_vision_output",
    "unclip_conditioning",
    "area",
    "mask",
    "mask_strength",
    "strength",
    "set_area_to_bounds",
)
# Image conditions, and the names under which ComfyUI's models take them in.
_TAKEN_AS = {
    "concat_latent_image": ("c_concat", "image_cond"),
    "reference_latents": ("ref_latents", "ref_latent", "reference_latent"),
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
        if key in _NOT_TEXT
    }
    entries = [{**shared, **entry} for entry in comfy.sampler_helpers.convert_cond(null)]
    return {**conds, NULL_KEY: entries}


def source_latent(conds: dict[str, list[dict]], latent: Tensor) -> Tensor | None:
    """The source image's latent, (1, C, h, w) in LATENT scale, or None where there is none.

    It is what the model is shown (concat, then the first reference latent), else a LATENT that is
    not empty (image to image, inpainting).
    """
    for entry in conds.get("positive", []):
        if "concat_latent_image" in entry and "concat_mask" not in entry:
            return entry["concat_latent_image"]
        if entry.get("reference_latents"):
            return entry["reference_latents"][0]
    return latent if bool(latent.any()) else None


def has_image(conds: dict[str, list[dict]], latent: Tensor) -> bool:
    """Whether anything shows the model a picture: concat, reference, control hint or LATENT."""
    keys = (*_TAKEN_AS, "control", "unclip_conditioning")
    shown = any(entry.get(key) is not None for entry in conds.get("positive", []) for key in keys)
    return shown or bool(latent.any())


def require_image_input(conds: dict[str, list[dict]]) -> None:
    """Refuse a source image that the model would silently ignore.

    conds: the guider's conditions after ComfyUI has encoded them for the model.
    Raises ValueError when an image was given and the model took no such condition.
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
