"""The weights that ship with the pack, read without ComfyUI."""

from __future__ import annotations

import json
from pathlib import Path

from torch import Tensor

WEIGHTS = Path(__file__).resolve().parents[1] / "weights"


def shipped(name: str) -> dict[str, Tensor]:
    """The tensors of a file in embedded/weights, as float32."""
    from safetensors.torch import load_file

    return {key: value.float() for key, value in load_file(WEIGHTS / name).items()}


def shipped_latents(name: str) -> dict[str, list]:
    """How a UNet's file says that latents are normalised: mean, std (C,) and rgb_factors."""
    from safetensors import safe_open

    with safe_open(WEIGHTS / name, framework="pt") as file:
        return json.loads(file.metadata()["latent"])
