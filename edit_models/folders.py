"""A diffusers folder: which of its parts denoises, and what their configurations say of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .files import read_json

INDEX = "model_index.json"

# What ComfyUI's models fix in code; diffusers' defaults are the same.
_FIXED: dict[str, dict[str, Any]] = {
    "unet": {
        "norm_num_groups": 32,
        "norm_eps": 1e-5,
        "act_fn": "silu",
        "flip_sin_to_cos": True,
        "freq_shift": 0,
        "resnet_time_scale_shift": "default",
    },
    "transformer": {"patch_size": 2, "attention_head_dim": 64},
}
_PREDICTIONS = ("epsilon", "v_prediction")


@dataclass(frozen=True)
class Facts:
    """What a UNet's weights do not say; the defaults are SD 1.5's.

    heads: of attention, on every level; prediction: epsilon or v_prediction
    """

    heads: int = 8
    prediction: str = "epsilon"


def denoiser(folder: Path) -> str:
    """The subfolder that denoises: unet or transformer.  Raises ValueError for neither."""
    read_json(folder / INDEX, "name")
    for part in ("unet", "transformer"):
        if (folder / part).is_dir():
            return part
    raise ValueError(
        f"name: {folder} has neither unet/ nor transformer/. Choose the folder of an "
        "InstructPix2Pix, MagicBrush or UltraEdit pipeline."
    )


def facts(folder: Path, part: str) -> Facts:
    """What the folder's configurations say of its denoiser, unet or transformer.

    Raises ValueError where one is missing, or says what ComfyUI's models do otherwise.
    """
    path = folder / part / "config.json"
    config = read_json(path, "name")
    for key, fixed in _FIXED[part].items():
        if config.get(key, fixed) != fixed:
            raise ValueError(
                f"name: {path} says {key} = {config[key]!r}; ComfyUI's model has {fixed!r}, so it "
                "would run wrongly."
            )
    return Facts(_heads(config, path), _prediction(folder)) if part == "unet" else Facts()


def _heads(config: dict[str, Any], path: Path) -> int:
    # diffusers took the name attention_head_dim for the number of heads and kept it so.
    heads = config.get("num_attention_heads") or config.get("attention_head_dim", Facts.heads)
    several = set(heads) if isinstance(heads, list) else {heads}
    if len(several) != 1:
        raise ValueError(
            f"name: {path} gives {heads} attention heads; expected one number for all levels, as "
            "SD 1.5 has."
        )
    return int(several.pop())


def _prediction(folder: Path) -> str:
    path = folder / "scheduler" / "scheduler_config.json"
    config = read_json(path, "name") if path.is_file() else {}
    prediction = config.get("prediction_type", Facts.prediction)
    if prediction not in _PREDICTIONS:
        raise ValueError(
            f"name: {path} says prediction_type {prediction!r}; expected one of "
            f"{', '.join(_PREDICTIONS)}."
        )
    return prediction
