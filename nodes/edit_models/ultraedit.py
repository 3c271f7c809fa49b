"""UltraEditConditioning: source picture and mask as UltraEdit's three conditions."""

from __future__ import annotations

import node_helpers
import torch
from comfy_api.latest import io
from torch import Tensor

from ...edit_models.layouts import LATENT_CHANNELS
from ..host.edit_models.ultraedit import EDIT_MASK, EDIT_MASK_GIVEN
from ..host.latents import painted
from ..menu import EDIT_MODELS

CELL = 16
"""Pixels of one patch: 8 of the VAE's, 2 of the transformer's."""


def crop_to_cells(image: Tensor, name: str) -> Tensor:
    """IMAGE or MASK (B, H, W, ...) cut to multiples of 16 pixels, centred.

    As InstructPixToPixConditioning cuts to 8.  Raises ValueError for less than one cell.
    """
    height, width = image.shape[1:3]
    if min(height, width) < CELL:
        raise ValueError(
            f"{name}: expected at least {CELL}x{CELL} pixels, got {width}x{height}. Scale it up."
        )
    top, left = height % CELL // 2, width % CELL // 2
    rows, columns = height // CELL * CELL, width // CELL * CELL
    return image[:, top : top + rows, left : left + columns]


def mask_picture(mask: Tensor | None, pixels: Tensor) -> Tensor:
    """The mask as an IMAGE (1, H, W, 3): white may be edited; all white where there is none.

    Raises ValueError for a mask of another size, of values outside 0 to 1, or all black.
    """
    if mask is None:
        return torch.ones_like(pixels[:1, ..., :3])
    mask = mask.reshape(-1, *mask.shape[-2:])
    if mask.shape[1:] != pixels.shape[1:3] or len(mask) not in (1, len(pixels)):
        raise ValueError(
            f"mask: expected one of the picture's size {pixels.shape[2]}x{pixels.shape[1]}, got "
            f"{len(mask)} of {mask.shape[2]}x{mask.shape[1]}."
        )
    return painted(mask)[..., None].repeat(1, 1, 1, 3).to(pixels)


class UltraEditConditioning(io.ComfyNode):
    """Text with picture, no text with picture, and neither: what UltraEdit's guidance compares."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="UltraEditConditioning",
            display_name="UltraEdit Conditioning",
            category=EDIT_MODELS,
            description="Shows UltraEdit the source picture and the mask. Connect the outputs to "
            "DualCFGGuider, style regular: positive to cond1, null to cond2, negative to negative.",
            inputs=[
                io.Conditioning.Input("positive", tooltip="The encoded instruction."),
                io.Conditioning.Input("negative", tooltip="The encoded empty text."),
                io.Vae.Input("vae", tooltip="SD3's VAE, of 16 latent channels."),
                io.Image.Input(
                    "pixels",
                    tooltip="The source picture, at least 16x16 pixels; cut to multiples of 16.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="Where the model may edit (1 = edited, 0 = kept), of the picture's "
                    "size. For the model with 48 input channels; all white or left out is a "
                    "free-form edit.",
                ),
            ],
            outputs=[
                io.Conditioning.Output(display_name="positive"),
                io.Conditioning.Output(display_name="null"),
                io.Conditioning.Output(display_name="negative"),
                io.Latent.Output(display_name="latent"),
            ],
        )

    @classmethod
    def execute(cls, positive, negative, vae, pixels, mask=None) -> io.NodeOutput:
        if vae.latent_channels != LATENT_CHANNELS:
            raise ValueError(
                f"vae: expected SD3's VAE of {LATENT_CHANNELS} latent channels, got one of "
                f"{vae.latent_channels}."
            )
        picture = mask_picture(mask, pixels)
        source = vae.encode(crop_to_cells(pixels[..., :3], "pixels"))
        shown = {
            "concat_latent_image": source,
            EDIT_MASK: vae.encode(crop_to_cells(picture, "mask")),
            EDIT_MASK_GIVEN: not bool((picture == 1).all()),
        }
        positive, null = (
            node_helpers.conditioning_set_values(cond, shown) for cond in (positive, negative)
        )
        latent = {"samples": torch.zeros_like(source)}
        return io.NodeOutput(positive, null, negative, latent)


NODES: list[type[io.ComfyNode]] = [UltraEditConditioning]
