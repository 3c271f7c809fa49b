"""EditModelLoader: InstructPix2Pix and MagicBrush in diffusers' form, and UltraEdit."""

from __future__ import annotations

import os
from pathlib import Path

import folder_paths
import torch
from comfy_api.latest import io
from comfy_execution.graph import ExecutionBlocker

from ...edit_models.folders import INDEX, denoiser
from ..host.edit_models.diffusers_folder import load_clip, load_vae
from ..host.edit_models.unets import load_file, load_folder
from ..menu import EDIT_MODELS

DTYPES = {
    "default": None,
    "fp8_e4m3fn": torch.float8_e4m3fn,
    "bf16": torch.bfloat16,
    "fp16": torch.float16,
    "fp32": torch.float32,
}
_EXTENSIONS = (".safetensors", ".sft", ".ckpt", ".bin", ".pt")


def model_files() -> dict[str, Path]:
    """Files of models/diffusion_models, by the name the node shows."""
    names = folder_paths.get_filename_list("diffusion_models")
    paths = {name: folder_paths.get_full_path("diffusion_models", name) for name in names}
    return {n: Path(p) for n, p in paths.items() if p and n.lower().endswith(_EXTENSIONS)}


def model_folders() -> dict[str, Path]:
    """Diffusers folders of models/diffusers, by the name the node shows: it ends in a slash."""
    found: dict[str, Path] = {}
    for base in folder_paths.get_folder_paths("diffusers"):
        for root, below, files in os.walk(base, followlinks=True):
            if INDEX in files:
                below.clear()  # its parts hold no other model
                name = Path(root).relative_to(base).as_posix()
                found.setdefault(f"{name}/", Path(root))
    return found


def _instead(kind: str, loader: str) -> ExecutionBlocker:
    return ExecutionBlocker(
        f"EditModelLoader: a bare file holds no {kind}. Use {loader}, or choose a diffusers folder."
    )


def load_edit_model(name: str, dtype: torch.dtype | None) -> tuple:
    """MODEL, CLIP and VAE of a listed name; what a bare file lacks blocks whoever asks for it.

    Raises ValueError for a name that is not there.
    """
    file, folder = model_files().get(name), model_folders().get(name)
    if folder is not None:
        model, layout = load_folder(folder, denoiser(folder), dtype)
        embeddings = folder_paths.get_folder_paths("embeddings")
        return model, load_clip(folder, layout, embeddings), load_vae(folder, layout)
    if file is None:
        raise ValueError(
            f"name: {name} is neither in models/diffusion_models nor a folder with {INDEX} in "
            "models/diffusers. Put it there, or choose another."
        )
    clip = _instead("CLIP", "Load CLIP (UltraEdit: TripleCLIPLoader)")
    return load_file(file, name, dtype), clip, _instead("VAE", "Load VAE")


class EditModelLoader(io.ComfyNode):
    """Loads editing models that ComfyUI's own loaders do not recognise, told by their contents."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="EditModelLoader",
            display_name="Load Edit Model",
            category=EDIT_MODELS,
            description="Loads InstructPix2Pix and MagicBrush in diffusers' form, and UltraEdit. "
            "Models that ComfyUI's own loaders take are refused with the loader's name.",
            inputs=[
                io.Combo.Input(
                    "name",
                    options=[*model_files(), *model_folders()],
                    tooltip="A file of models/diffusion_models, or a diffusers folder (with a "
                    "slash at its end) of models/diffusers. Nothing is downloaded.",
                ),
                io.Combo.Input(
                    "weight_dtype",
                    options=list(DTYPES),
                    default="default",
                    optional=True,
                    tooltip="How the model's weights are held, 8 to 32 bits each; default lets "
                    "ComfyUI choose by the file and the device.",
                ),
            ],
            outputs=[io.Model.Output(), io.Clip.Output(), io.Vae.Output()],
        )

    @classmethod
    def execute(cls, name: str, weight_dtype: str = "default") -> io.NodeOutput:
        if weight_dtype not in DTYPES:
            raise ValueError(f"weight_dtype: expected one of {list(DTYPES)}, got {weight_dtype!r}.")
        return io.NodeOutput(*load_edit_model(name, DTYPES[weight_dtype]))


NODES: list[type[io.ComfyNode]] = [EditModelLoader]
