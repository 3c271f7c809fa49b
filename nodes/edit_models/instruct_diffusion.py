"""InstructDiffusionGuider: the guidance rule of InstructDiffusion, for any sampler."""

from __future__ import annotations

import comfy.model_base
from comfy_api.latest import io

from ..host.edit_models.instruct_diffusion import Guider_InstructDiffusion
from ..menu import EDIT_MODELS

_PICTURE = "concat_latent_image"


def without_picture(conditioning: list) -> list:
    """The CONDITIONING without its source picture; the model reads that as a picture of zeros."""
    return [
        [text, {key: value for key, value in extra.items() if key != _PICTURE}]
        for text, extra in conditioning
    ]


def _check(model, positive: list, negative: list) -> None:
    if not isinstance(model.model, comfy.model_base.SD15_instructpix2pix):
        raise ValueError(
            "model: expected a UNet of SD 1.5 with 8 input channels (InstructDiffusion), got a "
            f"{type(model.model).__name__}. Load InstructDiffusion's checkpoint, or use the "
            "guider of the model you have."
        )
    for name, conditioning in (("positive", positive), ("negative", negative)):
        if not all(_PICTURE in extra for _, extra in conditioning):
            raise ValueError(
                f"{name}: it carries no source picture. Pass both texts through "
                "InstructPixToPixConditioning first."
            )


class InstructDiffusionGuider(io.ComfyNode):
    """Combines text and picture, picture alone, and text alone as InstructDiffusion does."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="InstructDiffusionGuider",
            display_name="InstructDiffusion Guider",
            category=EDIT_MODELS,
            description="The guidance of InstructDiffusion: 0.5 (i + x) + cfg (t - i) + image_cfg "
            "(t - x), where t sees text and picture, i the picture alone and x the text alone. "
            "The conditioning of the text alone is made here.",
            inputs=[
                io.Model.Input("model", tooltip="InstructDiffusion's checkpoint."),
                io.Conditioning.Input(
                    "positive",
                    tooltip="Instruction and picture, from InstructPixToPixConditioning.",
                ),
                io.Conditioning.Input(
                    "negative", tooltip="Empty text and picture, from InstructPixToPixConditioning."
                ),
                io.Float.Input(
                    "cfg",
                    default=5.0,
                    min=0.0,
                    max=100.0,
                    step=0.1,
                    tooltip="How strongly the text acts, a factor; the authors use 5.",
                ),
                io.Float.Input(
                    "image_cfg",
                    default=1.25,
                    min=0.0,
                    max=100.0,
                    step=0.05,
                    tooltip="How closely the picture is kept, a factor; the authors use 1.25.",
                ),
            ],
            outputs=[io.Guider.Output()],
        )

    @classmethod
    def execute(cls, model, positive, negative, cfg, image_cfg) -> io.NodeOutput:
        _check(model, positive, negative)
        guider = Guider_InstructDiffusion(model)
        guider.set_conds(positive, negative, without_picture(positive))
        guider.set_cfg(cfg, image_cfg)
        return io.NodeOutput(guider)


NODES: list[type[io.ComfyNode]] = [InstructDiffusionGuider]
