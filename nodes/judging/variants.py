"""InstructionVariants: several wordings of one instruction, as a list that the graph maps over."""

from __future__ import annotations

from comfy_api.latest import io

from ...judging.rewriting import own_list, rewrites, variants
from ..host.judging.speaking_clip import SpeakingClip
from ..menu import JUDGING
from .types import EditVlm, free, one_source, pictures

MOST = 16


class InstructionVariants(io.ComfyNode):
    """The instruction and others for the same edit."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="InstructionVariants",
            display_name="Instruction Variants",
            category=JUDGING,
            description="The instruction, then your own rewrites and a model's. It puts out a "
            "list: what is wired behind it runs once for each.",
            inputs=[
                io.String.Input(
                    "instruction", multiline=True, tooltip="The original; it always comes first."
                ),
                io.String.Input(
                    "own_variants",
                    multiline=True,
                    default="",
                    tooltip="Other wordings, one a line. Lines that begin with # are left out.",
                ),
                io.Int.Input(
                    "num_from_model",
                    default=3,
                    min=0,
                    max=MOST,
                    tooltip="How many rewrites to ask of vlm or clip, where one is connected.",
                ),
                EditVlm.Input(
                    "vlm", optional=True, tooltip="A model to rewrite: VLMEndpoint or VLMLoader."
                ),
                io.Clip.Input(
                    "clip", optional=True, tooltip="Or a text encoder that sees and writes."
                ),
                io.Image.Input(
                    "image", optional=True, tooltip="The source picture, for the model to see."
                ),
                io.String.Input(
                    "complaint",
                    optional=True,
                    force_input=True,
                    tooltip="What a judge found wrong with the last result: EditJudge's complaint.",
                ),
                io.Boolean.Input(
                    "free_after",
                    default=False,
                    optional=True,
                    tooltip="Ask Ollama to take its model out of memory when it has written, so "
                    "that the sampling behind has the room.",
                ),
            ],
            outputs=[
                io.String.Output(display_name="instructions", is_output_list=True),
                io.String.Output(display_name="as text"),
            ],
        )

    @classmethod
    def execute(
        cls,
        instruction,
        own_variants,
        num_from_model,
        vlm=None,
        clip=None,
        image=None,
        complaint="",
        free_after=False,
    ) -> io.NodeOutput:
        if not instruction.strip():
            raise ValueError("instruction: it is empty.")
        if vlm is not None and clip is not None:
            raise ValueError("vlm: connect either vlm or clip, not both.")
        made: list[str] = []
        speaks = clip is not None and num_from_model  # a CLIP that is asked nothing need not speak
        model = SpeakingClip(clip) if speaks else vlm
        if model is not None and num_from_model:
            picture = None if image is None else pictures(one_source(image))[0]
            made = rewrites(model, instruction, num_from_model, complaint or "", picture)
            if free_after:
                free(model)
        every = variants(instruction, own_list(own_variants), made)
        return io.NodeOutput(every, "\n".join(every))


NODES: list[type[io.ComfyNode]] = [InstructionVariants]
