"""LayOnSource: a finished picture moved back to where the source's things are."""

from __future__ import annotations

import torch
from comfy_api.latest import io
from torch import Tensor

from ...elect_core.placement import find_placements, move_back
from ..host.latents import mask_like, painted
from ..menu import ELECT
from .placed import in_words

FILLS = ("source", "edge")


class LayOnSource(io.ComfyNode):
    """Undoes the zoom and shift with which some models give a picture back."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LayOnSource",
            display_name="Lay On Source (ELECT)",
            category=ELECT,
            description="Finds by how much an edited picture came back larger, smaller or moved "
            "against its source, and undoes it. For models such as Qwen-Image-Edit and Kontext.",
            inputs=[
                io.Image.Input("image", tooltip="The edited picture, or a batch of them."),
                io.Image.Input(
                    "source_image", tooltip="The picture it was made from, of the same size."
                ),
                io.Combo.Input(
                    "fill",
                    options=list(FILLS),
                    default="source",
                    tooltip="What is put where the edited picture, moved back, has nothing to "
                    "show: the source's own pixels, or its edge repeated.",
                ),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="What was edited (1 = edited), which is not looked at. Without it the "
                    "whole picture is, and points that differ much count little.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image"),
                io.String.Output(display_name="how it lay"),
            ],
        )

    @classmethod
    def execute(cls, image, source_image, fill, mask=None) -> io.NodeOutput:
        if image.shape[1:3] != source_image.shape[1:3]:
            wanted, got = (f"{one.shape[2]}x{one.shape[1]}" for one in (source_image, image))
            raise ValueError(
                f"image: expected the source's size {wanted}, got {got}. Pass the source picture "
                "through EditSize before it is edited, so that both have one size."
            )
        source = source_image[:1, ..., :3].movedim(-1, 1)
        pictures = image[..., :3].movedim(-1, 1)
        edited = torch.zeros_like(source[:, :1])
        if mask is not None:
            edited = mask_like(painted(mask), source)
        placements = find_placements(source, pictures, 1 - edited)
        moved = move_back(pictures, placements)
        if fill == "source":
            seen = move_back(torch.ones_like(pictures[:, :1]), placements, "zeros")
            moved = torch.where(seen > 0.999, moved, source.expand_as(moved))
        said = _said(placements)
        return io.NodeOutput(moved.movedim(1, -1).clamp(0, 1), said, ui={"text": (said,)})


def _said(placements: Tensor) -> str:
    """One line a picture."""
    lines = [in_words(one) or "lies on the source" for one in placements]
    if len(lines) == 1:
        return lines[0]
    return "\n".join(f"{number}: {line}" for number, line in enumerate(lines, start=1))


NODES: list[type[io.ComfyNode]] = [LayOnSource]
