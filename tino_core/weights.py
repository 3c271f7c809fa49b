"""Files of latent models: safetensors with metadata of ours, plain state dicts of the authors'."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ..tensor_files import read_tensor_file, written_whole


@dataclass(frozen=True)
class WeightsFile:
    """A state dict and what its file says of itself.

    latent_space: name of the VAE latents it was trained on; None where the file does not say
    config: sizes of the architecture; empty where the file does not say
    text_space: name of the texts' space that its features share; None where the file does not say
    text_config: sizes of the text tower that the file has too; empty where it has none
    """

    state_dict: dict[str, Tensor]
    latent_space: str | None
    config: dict[str, Any]
    text_space: str | None = None
    text_config: dict[str, Any] = field(default_factory=dict)


def read_weights(path: str | Path) -> WeightsFile:
    """Read `.safetensors`, or a `.pt` / `.ckpt` that holds tensors and nothing else.

    Raises ValueError naming the file when it is missing, cut short, or would run code to load.
    """
    file = read_tensor_file(path)
    names = ("config", "text_config")
    config, text_config = (json.loads(file.metadata.get(name, "{}")) for name in names)
    spaces = (file.metadata.get(name) for name in ("latent_space", "text_space"))
    latent_space, text_space = spaces
    return WeightsFile(file.tensors, latent_space, config, text_space, text_config)


def save_weights(
    path: str | Path, state_dict: Mapping[str, Tensor], latent_space: str,
    config: Mapping[str, Any],
    dtype: torch.dtype | None = None, notes: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Write weights with the metadata that `read_weights` reads, moved into place in one step.

    dtype: to store floating-point weights in, None as they are; notes: more metadata
    """
    tensors = {
        name: value.detach().to("cpu", dtype if value.is_floating_point() else None).contiguous()
        for name, value in state_dict.items()
    }
    metadata = {**(notes or {}), "latent_space": latent_space, "config": json.dumps(dict(config))}
    with written_whole(path) as part:
        save_file(tensors, part, metadata)
        part.chmod(0o644)


def check_space(name: str, trained: str | None, given: str) -> None:
    """Raise ValueError when a latent model is shown latents of another VAE."""
    if trained is not None and trained != given:
        raise ValueError(
            f"{name}: it was trained on latents of {trained}, but the MODEL uses {given}. "
            f"Load one trained for {given}."
        )


def load_into(model: nn.Module, state_dict: Mapping[str, Tensor], name: str) -> None:
    """Fill a model, or raise ValueError saying what does not fit."""
    own = model.state_dict()
    missing = sorted(own.keys() - state_dict.keys())
    unknown = sorted(state_dict.keys() - own.keys())
    wrong = [
        f"{key} is {tuple(state_dict[key].shape)}, expected {tuple(own[key].shape)}"
        for key in own.keys() & state_dict.keys()
        if own[key].shape != state_dict[key].shape
    ]
    if missing or unknown or wrong:
        raise ValueError(
            f"{name}: its weights are of another architecture: {len(missing)} keys missing "
            f"{missing[:3]}, {len(unknown)} unknown {unknown[:3]}, {len(wrong)} of another shape "
            f"{wrong[:1]}."
        )
    model.load_state_dict(dict(state_dict))
