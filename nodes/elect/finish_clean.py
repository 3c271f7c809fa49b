"""FinishClean: the source's own pixels around the edit, colours matched; both pictures come out."""

from comfy_api.latest import io

from ..host.latents import crop_like_host, partly_painted
from ..menu import ELECT
from .finishing import EDITED_FROM, FEATHER, MAX_FEATHER, pasted_into, soft_weight
from .pictures import write_pictures


class FinishClean(io.ComfyNode):
    """Pastes an edit into the source picture, with a soft edge."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="FinishClean",
            display_name="Finish Clean (ELECT)",
            category=ELECT,
            description="Puts the source's own pixels back outside the mask, with a soft edge, "
            "after matching the colours of the edit to it. Shows and puts out both pictures.",
            is_output_node=True,
            inputs=[
                io.Image.Input("image", tooltip="The edited picture, decoded; or several."),
                io.Image.Input("source_image", tooltip="The picture it was made from."),
                io.Mask.Input(
                    "mask", tooltip="What was edited (1): the relevance map, or your own mask."
                ),
                io.Int.Input(
                    "feather",
                    default=16,
                    min=0,
                    max=MAX_FEATHER,
                    tooltip=FEATHER,
                ),
                io.Boolean.Input(
                    "match_colours",
                    default=True,
                    tooltip="First bring the edit's brightness and colours to the source's, by the "
                    "pixels outside the mask.",
                ),
                io.Float.Input(
                    "threshold",
                    default=EDITED_FROM,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    optional=True,
                    tooltip="From which share of its highest value on a mask counts as edited, for "
                    "soft ones such as the relevance map; 0 takes the mask as it is.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="clean"),
                io.Image.Output(display_name="plain"),
            ],
        )

    @classmethod
    def execute(
        cls, image, source_image, mask, feather, match_colours, threshold=EDITED_FROM
    ) -> io.NodeOutput:
        plain = image[..., :3]
        height, width = plain.shape[1:3]
        source = crop_like_host(source_image, height, width, "source_image")[:1, ..., :3]
        if len(mask) not in (1, len(plain)):
            mask = mask[:1]
        weight = soft_weight(partly_painted(mask), feather, plain, threshold)
        clean = pasted_into(source, plain, weight, match_colours)
        shown = write_pictures(clean, "clean") + write_pictures(plain, "plain")
        return io.NodeOutput(clean, plain, ui={"images": shown})


NODES: list[type[io.ComfyNode]] = [FinishClean]
