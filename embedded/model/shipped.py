"""The weights that ship with the pack, read without ComfyUI."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"


@dataclass(frozen=True)
class UNet:
    """One of the UNets: its file in embedded/weights, and what it is for."""

    file: str
    use: str


VARIANTS = {
    "editing": UNet(
        "unet.safetensors", "edits by instruction, v-prediction; learned from true pairs"
    ),
    "mild": UNet("mild.safetensors", "editing, then partly spoilt pairs, as real editors had"),
    "harsh": UNet("harsh.safetensors", "editing, then worse pairs: it often does nothing"),
    "flow": UNet("flow.safetensors", "edits by instruction, rectified flow; the surest"),
    "flow_mild": UNet(
        "flow_mild.safetensors", "flow, then partly spoilt pairs: its seeds disagree"
    ),
    "flow_4": UNet("flow_4.safetensors", "flow in four steps, guidance 1"),
    "flow_2": UNet("flow_2.safetensors", "flow in two steps, guidance 1"),
    "flow_1": UNet("flow_1.safetensors", "flow in one step, guidance 1"),
    "drawing": UNet("drawing.safetensors", "draws what a caption says, for TiNO-Edit"),
    "drawing_4": UNet("drawing_4.safetensors", "drawing in four steps, guidance 1"),
    "drawing_2": UNet("drawing_2.safetensors", "drawing in two steps, guidance 1"),
    "drawing_1": UNet("drawing_1.safetensors", "drawing in one step, guidance 1"),
}
"""All take the same CLIP and VAE."""


def shipped(name: str) -> dict[str, Tensor]:
    """The tensors of a file in embedded/weights, as float32."""
    from safetensors.torch import load_file

    return {key: value.float() for key, value in load_file(WEIGHTS / name).items()}


def shipped_latents(name: str) -> dict[str, list]:
    """How a UNet's file says that latents are normalised: mean, std (C,) and rgb_factors."""
    from safetensors import safe_open

    with safe_open(WEIGHTS / name, framework="pt") as file:
        return json.loads(file.metadata()["latent"])
