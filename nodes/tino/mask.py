"""TiNOMask: what may change, in each of the paper's four ways, or as the model itself sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_management
import folder_paths
import torch
from comfy_api.latest import io
from torch import Tensor, nn

from ...tino_core.clipseg import load_clipseg, word_mask
from ...tino_core.masks import (
    changed_words,
    check_mask,
    difference_mask,
    relevance_mask,
    soften,
    whole_mask,
)
from ..host.model_folders import register_folder
from ..host.tino.relevance import relevance
from ..inputs import given, inputs, takes_records
from ..menu import TINO
from .latent_models import managed
from .latents import check_source

_DRAWS, _SHARE = 8, 0.5  # of noise, and of the schedule it is taken from, as in DiffEdit
_FRACTION: dict[str, Any] = {"min": 0.0, "max": 1.0, "step": 0.01}
_NO_MODEL = "(none: put a folder into models/clipseg)"


def _clipseg_folders() -> dict[str, str]:
    """Folders with a CLIPSeg, by name."""
    roots = [Path(root) for root in folder_paths.get_folder_paths("clipseg")]
    found = (config.parent for root in roots for config in sorted(root.glob("*/config.json")))
    return {folder.name: str(folder) for folder in found}


@dataclass(frozen=True)
class Given:
    """The node's optional inputs."""

    image2: Any = given(io.Image, optional=True, tooltip="difference: the changed picture.")
    mask: Any = given(io.Mask, optional=True, tooltip="user: 1 = edited, soft edges kept.")
    source_prompt: str = given(
        io.String, default="", optional=True, tooltip="object, relevance: what is there."
    )
    target_prompt: str = given(
        io.String, default="", optional=True, tooltip="object, relevance: what is wanted."
    )
    clipseg: str = given(
        io.Combo, lacking="", optional=True, tooltip="object: a folder of models/clipseg."
    )
    threshold: float = given(
        io.Float,
        default=0.5,
        **_FRACTION,
        optional=True,
        tooltip="object: least probability. relevance: least share of the strongest change. 0 to "
        "1.",
    )
    tolerance: float = given(
        io.Float,
        default=0.0,
        **_FRACTION,
        optional=True,
        tooltip="difference: changes up to this much of full brightness count as none.",
    )
    soft_edge: int = given(
        io.Int,
        default=0,
        min=0,
        max=256,
        optional=True,
        tooltip="Pixels over which the edge fades; 0 keeps it hard.",
    )
    model: Any = given(io.Model, optional=True, tooltip="relevance: the MODEL that will edit.")
    source: Any = given(io.Latent, optional=True, tooltip="relevance: image, encoded.")
    clip: Any = given(io.Clip, optional=True, tooltip="relevance: reads both prompts.")


def _object_mask(image: Tensor, given: Given) -> Tensor:
    """Where CLIPSeg sees the words that target_prompt lacks."""
    words = changed_words(given.source_prompt, given.target_prompt)
    folder = _clipseg_folders().get(given.clipseg)
    if folder is None:
        raise ValueError(
            f"clipseg: {given.clipseg!r} is not in models/clipseg. Put the files of "
            "CIDAS/clipseg-rd64-refined (huggingface.co) into a folder there, or use mode "
            "'user' with a mask of your own."
        )
    model, processor = load_clipseg(folder)
    # ModelPatcher sets `device`, which is read-only on transformers' own modules.
    comfy.model_management.load_models_gpu([managed(nn.ModuleList([model]))])
    mask = word_mask(model, processor, image, words, given.threshold)
    if not mask.any():
        raise ValueError(
            f"mask: CLIPSeg sees none of {', '.join(map(repr, words))} in the image. Name the "
            "object otherwise in source_prompt, lower threshold, or use mode 'user'."
        )
    return mask


def _relevance_mask(image: Tensor, given: Given) -> Tensor:
    """Where the MODEL itself answers the two prompts differently."""
    wired = {"model": given.model, "source": given.source, "clip": given.clip}
    missing = [name for name, one in wired.items() if one is None]
    if missing:
        raise ValueError(
            f"{missing[0]}: mode 'relevance' asks the MODEL about both prompts. Connect "
            f"{', '.join(missing)}."
        )
    prompts = {"source_prompt": given.source_prompt, "target_prompt": given.target_prompt}
    for name, text in prompts.items():
        if not text.strip():
            raise ValueError(f"{name}: it is empty. Mode 'relevance' compares both prompts.")
    now, wanted = (
        given.clip.encode_from_tokens_scheduled(given.clip.tokenize(text))
        for text in prompts.values()
    )
    source = check_source(given.model, given.source)
    found = relevance(given.model, source, now, wanted, range(_DRAWS), _SHARE)
    height, width = image.shape[-2:]
    return relevance_mask(found, (height, width), given.threshold)


def _user_mask(image: Tensor, mask: Tensor | None) -> Tensor:
    if mask is None:
        raise ValueError("mask: mode 'user' needs one. Connect a mask (1 = edited).")
    mask = mask.reshape(-1, 1, *mask.shape[-2:]).float()
    if mask.shape[-2:] != image.shape[-2:]:
        raise ValueError(
            f"mask: expected the image's size {image.shape[-1]}x{image.shape[-2]}, got "
            f"{mask.shape[-1]}x{mask.shape[-2]}."
        )
    return check_mask(mask)


def _second(image2: Tensor | None) -> Tensor:
    if image2 is None:
        raise ValueError(
            "image2: mode 'difference' compares image with it. Connect the picture with strokes "
            "or pasted parts."
        )
    return _chw(image2)


def _chw(image: Tensor) -> Tensor:
    return image[..., :3].movedim(-1, 1)


class TiNOMask(io.ComfyNode):
    """Marks what an edit may change."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        register_folder("clipseg", set())
        folders = list(_clipseg_folders()) or [_NO_MODEL]
        return io.Schema(
            node_id="TiNOMask",
            display_name="TiNO Mask",
            category=TINO,
            description="object: words of source_prompt that target_prompt lacks, found by "
            "CLIPSeg. style: the whole picture. user: your mask. difference: where image2 differs "
            "(strokes, composition). relevance: where the MODEL answers the prompts differently.",
            inputs=[
                io.Combo.Input(
                    "mode",
                    options=["object", "style", "user", "difference", "relevance"],
                    default="user",
                    tooltip="How the mask comes about.",
                ),
                io.Image.Input("image", tooltip="The picture to edit."),
                *inputs(Given, clipseg={"options": folders, "default": folders[0]}),
            ],
            outputs=[io.Mask.Output(display_name="mask")],
        )

    @classmethod
    @takes_records()
    def execute(cls, mode: str, image: Tensor, given: Given) -> io.NodeOutput:
        picture = _chw(image)
        modes = {
            "object": lambda: _object_mask(picture, given),
            "style": lambda: whole_mask(picture),
            "user": lambda: _user_mask(picture, given.mask),
            "difference": lambda: difference_mask(picture, _second(given.image2), given.tolerance),
            "relevance": lambda: _relevance_mask(picture, given),
        }
        with torch.no_grad():
            return io.NodeOutput(soften(modes[mode](), given.soft_edge)[:, 0])


NODES: list[type[io.ComfyNode]] = [TiNOMask]
