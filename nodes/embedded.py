"""Nodes of the embedded model: a loader and example edits, so the pack works with no download."""

from __future__ import annotations

from pathlib import Path

import torch
from comfy_api.latest import io
from PIL import Image

from ..embedded.model.shipped import VARIANTS
from ..embedded.world.examples import index, known_name, load_example
from .menu import EMBEDDED


class EmbeddedModelLoader(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EmbeddedModelLoader",
            display_name="Load Embedded Model",
            category=EMBEDDED,
            description="The tiny instruction-editing model that ships with this pack: 128x128 "
            "pictures of coloured shapes, for trying workflows before downloading a checkpoint.",
            inputs=[
                io.Combo.Input(
                    "variant",
                    options=list(VARIANTS),
                    default="editing",
                    optional=True,
                    tooltip="\n".join(f"{name}: {unet.use}." for name, unet in VARIANTS.items()),
                )
            ],
            outputs=[io.Model.Output(), io.Clip.Output(), io.Vae.Output()],
        )

    @classmethod
    def execute(cls, variant: str = "editing") -> io.NodeOutput:
        import folder_paths

        from ..embedded.model.comfyui import load_embedded

        embeddings = folder_paths.get_folder_paths("embeddings")
        return io.NodeOutput(*load_embedded(variant=variant, embedding_directory=embeddings))


class EmbeddedExample(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        names = list(index())
        return io.Schema(
            node_id="EmbeddedExample",
            display_name="Embedded Example",
            category=EMBEDDED,
            description="A picture of the embedded model's world with an instruction and the true "
            "mask of what may change. None of them was seen in training.",
            inputs=[
                io.Combo.Input(
                    "example",
                    options=names,
                    default=names[0],
                    tooltip="Which example edit: 128x128 pixels, named by its instruction.",
                )
            ],
            outputs=[
                io.Image.Output(display_name="image"),
                io.String.Output(display_name="instruction"),
                io.String.Output(display_name="source caption"),
                io.Mask.Output(display_name="true mask"),
            ],
        )

    @classmethod
    def validate_inputs(cls, example: str) -> bool | str:
        """Workflows of an earlier edition name its examples: those of the same number are taken."""
        try:
            known_name(example)
        except ValueError as unknown:
            return str(unknown)
        return True

    @classmethod
    def execute(cls, example: str) -> io.NodeOutput:
        chosen = load_example(example)
        image = torch.from_numpy(chosen.source)[None]
        mask = torch.from_numpy(chosen.mask)[None]
        outputs = (image, chosen.instruction, chosen.source_caption, mask)
        return io.NodeOutput(*outputs, ui={"images": [_shown(example, image[0])]})


def _shown(example: str, image: torch.Tensor) -> dict:
    """The picture for the node: one file for each example in ComfyUI's temporary folder."""
    import folder_paths

    name = f"elect_example_{list(index()).index(known_name(example)) + 1}.png"
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray((image * 255).round().byte().numpy()).save(folder / name)
    return {"filename": name, "subfolder": "", "type": "temp"}


NODES: list[type[io.ComfyNode]] = [EmbeddedModelLoader, EmbeddedExample]
