"""What a GUIDER's conditionings say: the text, the null text, the source image."""

from typing import Any

import comfy.sampler_helpers
from torch import Tensor

NULL_KEY = "elect_null"
"""Name under which an explicit null conditioning joins a guider's own."""

# The guider's own null text, most specific first: DualCFG's middle condition (no text, with the
# image), PerpNeg's empty one, CFG's negative.
_OWN_NULL = ("middle", "empty_negative_prompt", "negative")

_IMAGE_CONDITIONS = ("concat_latent_image", "reference_latents", "reference_latents_method")


def null_key(conds: dict[str, Any]) -> str | None:
    """Name of the condition that stands for no text; an explicit one wins over the guider's."""
    return next((key for key in (NULL_KEY, *_OWN_NULL) if key in conds), None)


def with_null(conds: dict[str, list[dict]], null: list) -> dict[str, list[dict]]:
    """A guider's converted conditionings plus the explicit null, which inherits the image.

    null: a CONDITIONING; entries without the positive's image conditions (concat, reference
    latents) are given them, since relevance compares text against no text on the same image.
    """
    image = {
        key: value
        for entry in conds.get("positive", [])[:1]
        for key, value in entry.items()
        if key in _IMAGE_CONDITIONS
    }
    entries = [{**image, **entry} for entry in comfy.sampler_helpers.convert_cond(null)]
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
    keys = (*_IMAGE_CONDITIONS[:2], "control", "unclip_conditioning")
    shown = any(entry.get(key) is not None for entry in conds.get("positive", []) for key in keys)
    return shown or bool(latent.any())


def require_image_input(conds: dict[str, list[dict]]) -> None:
    """Refuse a source image that the model would silently ignore.

    conds: the guider's conditions after ComfyUI has encoded them for the model.
    Raises ValueError when a concat image was given and the model took no such condition.
    """
    for entry in conds.get("positive", []):
        if "concat_latent_image" in entry and "c_concat" not in entry.get("model_conds", {}):
            raise ValueError(
                "guider: its positive conditioning carries a source image, but the MODEL takes "
                "none, so the edit could not see the picture. Load an instruction-editing model "
                "(InstructPix2Pix and the like)."
            )
