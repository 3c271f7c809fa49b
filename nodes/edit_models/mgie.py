"""MGIE: a language model that sees the picture turns an instruction into what its UNet reads."""

from __future__ import annotations

import os
import re
from pathlib import Path

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

_LICENCE = (
    "Its weights are for non-commercial research only (Apple's licence, over LLaMA's and LLaVA's)."
)
_MODELS, _EMBEDDINGS = "mgie", "mgie_embeddings"


@io.comfytype(io_type="MGIE_MODEL")
class MgieType(io.ComfyTypeIO):
    """MGIE's language model and edit head: `ManagedMgie`."""

    Type = object


def _folders() -> dict[str, Path]:
    """Folders with a config.json below models/mgie and models/LLM, by their names there."""
    register_folder(_MODELS, {".pt", ".safetensors"})
    register_folder("LLM", set())
    roots = [
        Path(root) for kind in (_MODELS, "LLM") for root in folder_paths.get_folder_paths(kind)
    ]
    found = {
        config.parent.relative_to(root).as_posix(): config.parent
        for root in reversed(roots)  # the first root wins, as in ComfyUI
        for config in [*root.glob("*/config.json"), *root.glob("*/*/config.json")]
    }
    return dict(sorted(found.items()))


def _folder(given: str, name: str) -> Path:
    found = _folders().get(name)
    if found is None:
        raise ValueError(
            f"{given}: there is no folder {name!r} with a config.json in models/mgie or "
            "models/LLM. Put it there, or choose another."
        )
    return found


def _files(kind: str) -> list[str]:
    """Files of models/<kind> that are no part of a model's folder."""
    names = folder_paths.get_filename_list(kind)
    paths = {name: folder_paths.get_full_path(kind, name) for name in names}
    return [
        name
        for name, path in paths.items()
        if path is not None and not Path(path).with_name("config.json").exists()
    ]


def _file(given: str, kind: str, name: str) -> Path:
    found = folder_paths.get_full_path(kind, name)
    if found is None:
        raise ValueError(
            f"{given}: {name} is not in models/{kind}. Put it there, or choose another."
        )
    return Path(found)


class MGIELoader(io.ComfyNode):
    """MGIE's language model, which sees, and its edit head."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        folders = list(_folders())
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
                    options=_files(_MODELS),
                    tooltip="MGIE's mllm.pt in models/mgie: the edit head and what it trained of "
                    "LLaVA. Read as plain tensors; a file that would run code is refused.",
                ),
            ],
            outputs=[MgieType.Output(display_name="MGIE_MODEL")],
        )

    @classmethod
    def execute(cls, llava, vision_tower, mllm) -> io.NodeOutput:
        folders = _folder("llava", llava), _folder("vision_tower", vision_tower)
        return io.NodeOutput(load(*folders, _file("mllm", _MODELS, mllm)))


def _picture(image: Tensor) -> Tensor:
    if image.ndim != 4 or len(image) != 1 or image.shape[-1] < 3:
        raise ValueError(
            f"image: expected one RGB picture (1, height, width, 3), got {tuple(image.shape)}. "
            "Choose one of a batch with ImageFromBatch."
        )
    return image[0, ..., :3]


def _new_file(save_as: str) -> Path | None:
    """Where embeddings are to be saved; None for nowhere."""
    stem = save_as.strip().removesuffix(".safetensors")
    if not stem:
        return None
    if not re.fullmatch(r"\w[\w .()-]*", stem):
        raise ValueError(
            "save_as: expected a plain file name of letters, digits, spaces and -_.(), without "
            f"folders, got {save_as!r}."
        )
    register_folder(_EMBEDDINGS, {".safetensors"})
    return Path(folder_paths.get_folder_paths(_EMBEDDINGS)[0], f"{stem}.safetensors")


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
        path = _new_file(save_as)
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
        register_folder(_EMBEDDINGS, {".safetensors"})
        return io.Schema(
            node_id="MGIEEmbeddings",
            display_name="Load MGIE Embeddings",
            category=EDIT_MODELS,
            description="Loads what MGIEConditioning saved, so that the language model is needed "
            f"once per edit. {_LICENCE}",
            inputs=[
                io.Combo.Input(
                    "name",
                    options=folder_paths.get_filename_list(_EMBEDDINGS),
                    tooltip="A file of models/mgie_embeddings, saved by MGIEConditioning.",
                )
            ],
            outputs=_outputs(),
        )

    @classmethod
    def fingerprint_inputs(cls, name) -> tuple[float, int] | None:
        """Another file when it was saved anew."""
        path = folder_paths.get_full_path(_EMBEDDINGS, name)
        if path is None:
            return None
        status = os.stat(path)
        return status.st_mtime, status.st_size

    @classmethod
    def execute(cls, name) -> io.NodeOutput:
        return _conditioned(load_embeddings(_file("name", _EMBEDDINGS, name)))


NODES: list[type[io.ComfyNode]] = [MGIELoader, MGIEConditioning, MGIEEmbeddings]
