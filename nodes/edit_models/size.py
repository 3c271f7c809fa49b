"""EditSize: the picture at a size that the editing model takes."""

from __future__ import annotations

import comfy.utils
from comfy_api.latest import io
from torch import Tensor

from ...edit_models.sizes import MEGAPIXEL, SIZE_RULES, SizeRule, edit_size, with_area
from ..host.edit_models.families import possible_families
from ..menu import EDIT_MODELS
from .defaults import AUTO


def size_rule(family: str, model, megapixels: float) -> SizeRule:
    """The rule of a family, or of the MODEL's for auto, at a number of pixels where given."""
    if family == AUTO and model is None:
        raise ValueError(
            "model: family 'auto' tells the size from the MODEL. Connect it, or choose the family."
        )
    # Those that a file does not tell apart take the same sizes.
    rule = SIZE_RULES[possible_families(model)[0] if family == AUTO else family]
    return with_area(rule, round(megapixels * MEGAPIXEL)) if megapixels > 0 else rule


def scale_and_crop(image: Tensor, height: int, width: int) -> Tensor:
    """IMAGE (B, H, W, 3) scaled to cover a size and cut to it in the middle."""
    if image.shape[1:3] == (height, width):
        return image[..., :3]
    channels_first = image[..., :3].movedim(-1, 1)
    scaled = comfy.utils.common_upscale(channels_first, width, height, "lanczos", "center")
    return scaled.movedim(1, -1)


class EditSize(io.ComfyNode):
    """Scales and crops a picture to a size the model takes, before it is encoded."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditSize",
            display_name="Edit Size",
            category=EDIT_MODELS,
            description="Scales and centre-crops the source picture to a size the editing model "
            "takes, so that source and result lie on each other.",
            inputs=[
                io.Image.Input("image", tooltip="The source picture, of any size in pixels."),
                io.Combo.Input(
                    "family",
                    options=[AUTO, *SIZE_RULES],
                    default=AUTO,
                    tooltip="auto tells it from the MODEL.",
                ),
                io.Float.Input(
                    "megapixels",
                    default=0.0,
                    min=0.0,
                    max=16.0,
                    step=0.01,
                    round=0.0001,
                    tooltip="Size of the result in units of 1024 x 1024 pixels, 0 to 16; 0 takes "
                    "the family's. HiDream-E1-Full wants 0.5625 (768 x 768).",
                ),
                io.Model.Input(
                    "model", optional=True, tooltip="The model that will edit; for family auto."
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image"),
                io.Int.Output(display_name="width"),
                io.Int.Output(display_name="height"),
            ],
        )

    @classmethod
    def execute(cls, image, family, megapixels, model=None) -> io.NodeOutput:
        rule = size_rule(family, model, megapixels)
        height, width = edit_size(image.shape[1], image.shape[2], rule)
        return io.NodeOutput(scale_and_crop(image, height, width), width, height)


NODES: list[type[io.ComfyNode]] = [EditSize]
