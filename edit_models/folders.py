"""A diffusers folder: which of its parts denoises, and what their configurations say of it."""

from __future__ import annotations

import math
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
# The noise levels of ComfyUI's models.  diffusers' defaults differ, but a pipeline states its own.
_FIXED_LEVELS: dict[str, dict[str, Any]] = {
    "unet": {
        "beta_start": 0.00085,
        "beta_end": 0.012,
        "beta_schedule": "scaled_linear",
        "trained_betas": None,
        "num_train_timesteps": 1000,
        "rescale_betas_zero_snr": False,
    },
    "transformer": {
        "prediction_type": "flow_prediction",
        "num_train_timesteps": 1000,
        "use_dynamic_shifting": False,
    },
}
_PREDICTIONS = ("epsilon", "v_prediction")


@dataclass(frozen=True)
class Facts:
    """What a denoiser's weights do not say; the defaults are SD 1.5's and SD3's.

    heads: a UNet's, of attention, on every level; prediction: a UNet's, epsilon or v_prediction
    shift: a transformer's, of its noise levels toward noise; 1 is none
    """

    heads: int = 8
    prediction: str = "epsilon"
    shift: float = 3.0


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
    _require(config, _FIXED[part], path)
    levels_path = folder / "scheduler" / "scheduler_config.json"
    levels = read_json(levels_path, "name") if levels_path.is_file() else {}
    _require(levels, _FIXED_LEVELS[part], levels_path)
    if part == "unet":
        return Facts(heads=_heads(config, path), prediction=_prediction(levels, levels_path))
    return Facts(shift=_shift(levels, levels_path))


def _require(config: dict[str, Any], fixed: dict[str, Any], path: Path) -> None:
    """Raise ValueError where a configuration states another value than the fixed one."""
    for key, value in fixed.items():
        if config.get(key, value) != value:
            raise ValueError(
                f"name: {path} says {key} = {config[key]!r}; ComfyUI's model has {value!r}, so it "
                "would run wrongly."
            )


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


def _prediction(levels: dict[str, Any], path: Path) -> str:
    prediction = levels.get("prediction_type", Facts.prediction)
    if prediction not in _PREDICTIONS:
        raise ValueError(
            f"name: {path} says prediction_type {prediction!r}; expected one of "
            f"{', '.join(_PREDICTIONS)}."
        )
    return prediction


def _shift(levels: dict[str, Any], path: Path) -> float:
    shift = levels.get("shift", Facts.shift)
    if not isinstance(shift, int | float) or not 0 < shift < math.inf:
        raise ValueError(f"name: {path} says shift {shift!r}; expected a number above 0.")
    return float(shift)
