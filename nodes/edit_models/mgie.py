"""MGIE: a language model that sees the picture turns an instruction into what its UNet reads."""

from __future__ import annotations

import os

import comfy.model_management
import comfy.utils
import folder_paths
from comfy_api.latest import io
from torch import Tensor

from ...edit_models.mgie import Imagined
from ...edit_models.mgie_embeddings import load_embeddings, save_embeddings
from ...edit_models.mgie_llava import MAX_NEW_TOKENS
from ..host.edit_models.mgie import ManagedMgie, load
from ..host.model_folders import register_folder
from ..menu import EDIT_MODELS
from . import mgie_paths as paths

_LICENCE = (
    "Its weights are for non-commercial research only (Apple's licence, over LLaMA's and LLaVA's)."
)


@io.comfytype(io_type="MGIE_MODEL")
class MgieType(io.ComfyTypeIO):
    """MGIE's language model and edit head: `ManagedMgie`."""

    Type = object


class MGIELoader(io.ComfyNode):
    """MGIE's language model, which sees, and its edit head."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        folders = list(paths.folders())
        return io.Schema(
            node_id="MGIELoader",
            display_name="Load MGIE",
            category=EDIT_MODELS,
            description="Loads what MGIE puts before its UNet: LLaVA-Lightning-7B-v1, CLIP and the "
            f"edit head. About 14 GB, streamed from RAM where VRAM is short. {_LICENCE}",
            inputs=[
                io.Combo.Input(
                    "llava",
                    options=folders,
                    tooltip="Folder of LLaVA-Lightning-7B-v1 (config.json, tokenizer, weights) in "
                    "models/mgie or models/LLM.",
                ),
                io.Combo.Input(
                    "vision_tower",
                    options=folders,
                    tooltip="Folder of openai/clip-vit-large-patch14, through which that LLaVA "
                    "sees, in models/mgie or models/LLM.",
                ),
                io.Combo.Input(
                    "mllm",
                    options=paths.files(paths.MODELS),
                    tooltip="MGIE's mllm.pt in models/mgie: the edit head and what it trained of "
                    "LLaVA. Read as plain tensors; a file that would run code is refused.",
                ),
            ],
            outputs=[MgieType.Output(display_name="MGIE_MODEL")],
        )

    @classmethod
    def execute(cls, llava, vision_tower, mllm) -> io.NodeOutput:
        folders = paths.folder("llava", llava), paths.folder("vision_tower", vision_tower)
        return io.NodeOutput(load(*folders, paths.file("mllm", paths.MODELS, mllm)))


def _picture(image: Tensor) -> Tensor:
    if image.ndim != 4 or len(image) != 1 or image.shape[-1] < 3:
        raise ValueError(
            f"image: expected one RGB picture (1, height, width, 3), got {tuple(image.shape)}. "
            "Choose one of a batch with ImageFromBatch."
        )
    return image[0, ..., :3]


class _TokenProgress:
    """ComfyUI's progress bar over an answer's tokens; raises where the user cancels."""

    def __init__(self) -> None:
        self.bar = comfy.utils.ProgressBar(MAX_NEW_TOKENS + 1)

    def __call__(self) -> None:
        comfy.model_management.throw_exception_if_processing_interrupted()
        self.bar.update(1)

    def finish(self) -> None:
        """Fill the bar: most answers are shorter than the longest."""
        self.bar.update_absolute(self.bar.total)


def _outputs() -> list[io.Output]:
    return [
        io.Conditioning.Output(display_name="positive"),
        io.Conditioning.Output(display_name="null"),
        io.String.Output(display_name="expressive_instruction"),
    ]


def _conditioned(imagined: Imagined) -> io.NodeOutput:
    positive, null = ([[features, {}]] for features in (imagined.positive, imagined.null))
    shown = {"text": (imagined.expressive,)}
    return io.NodeOutput(positive, null, imagined.expressive, ui=shown)


class MGIEConditioning(io.ComfyNode):
    """What MGIE imagines for an instruction and a picture, as conditioning of its UNet."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="MGIEConditioning",
            display_name="MGIE Conditioning",
            category=EDIT_MODELS,
            description="Lets MGIE's language model look at the picture and say what the edit "
            f"means; gives the text features that its UNet reads. {_LICENCE}",
            is_output_node=True,
            inputs=[
                MgieType.Input("mgie", tooltip="From MGIELoader."),
                io.String.Input(
                    "instruction",
                    multiline=True,
                    tooltip="What to change, in a sentence: 'make the sky look like sunset'.",
                ),
                io.Image.Input(
                    "image",
                    tooltip="The picture to edit, one, any size: the model sees its centre square "
                    "at 224x224 pixels.",
                ),
                io.String.Input(
                    "save_as",
                    default="",
                    optional=True,
                    tooltip="File name in models/mgie_embeddings to keep the outputs in, for "
                    "MGIEEmbeddings; one of that name is replaced. Empty saves nothing.",
                ),
            ],
            outputs=_outputs(),
        )

    @classmethod
    def execute(cls, mgie: ManagedMgie, instruction, image, save_as="") -> io.NodeOutput:
        path = paths.new_file(save_as)
        progress = _TokenProgress()
        imagined = mgie.imagine(instruction, _picture(image), progress)
        progress.finish()
        if path is not None:
            save_embeddings(path, imagined, instruction, mgie.name)
        return _conditioned(imagined)


class MGIEEmbeddings(io.ComfyNode):
    """What MGIEConditioning saved, without the 7B model."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        register_folder(paths.EMBEDDINGS, {".safetensors"})
        return io.Schema(
            node_id="MGIEEmbeddings",
            display_name="Load MGIE Embeddings",
            category=EDIT_MODELS,
            description="Loads what MGIEConditioning saved, so that the language model is needed "
            f"once per edit. {_LICENCE}",
            inputs=[
                io.Combo.Input(
                    "name",
                    options=folder_paths.get_filename_list(paths.EMBEDDINGS),
                    tooltip="A file of models/mgie_embeddings, saved by MGIEConditioning.",
                )
            ],
            outputs=_outputs(),
        )

    @classmethod
    def fingerprint_inputs(cls, name) -> tuple[float, int] | None:
        """Another file when it was saved anew."""
        path = folder_paths.get_full_path(paths.EMBEDDINGS, name)
        if path is None:
            return None
        status = os.stat(path)
        return status.st_mtime, status.st_size

    @classmethod
    def execute(cls, name) -> io.NodeOutput:
        return _conditioned(load_embeddings(paths.file("name", paths.EMBEDDINGS, name)))


NODES: list[type[io.ComfyNode]] = [MGIELoader, MGIEConditioning, MGIEEmbeddings]
