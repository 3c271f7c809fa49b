"""A diffusers folder: which files its parts are in, and what their configurations say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

INDEX = "model_index.json"
_MODEL_NAMES = ("diffusion_pytorch_model", "model", "pytorch_model")
# A whole file, or the index of its shards.
_ENDINGS = (
    (".safetensors", ".safetensors.index.json"),
    (".fp16.safetensors", ".safetensors.index.fp16.json"),
    (".bin", ".bin.index.json"),
    (".fp16.bin", ".bin.index.fp16.json"),
)

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


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object.  Raises ValueError naming the path when there is none."""
    if not path.is_file():
        raise ValueError(
            f"name: {path} is missing, so the folder is no whole diffusers model. Download or "
            "save the folder again."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"name: {path} is not JSON ({error}). Download it again.") from error
    if not isinstance(content, dict):
        raise ValueError(f"name: {path} should hold a JSON object, got {type(content).__name__}.")
    return content


def denoiser(folder: Path) -> str:
    """The subfolder that denoises: unet or transformer.  Raises ValueError for neither."""
    read_json(folder / INDEX)
    for part in ("unet", "transformer"):
        if (folder / part).is_dir():
            return part
    raise ValueError(
        f"name: {folder} has neither unet/ nor transformer/. Choose the folder of an "
        "InstructPix2Pix, MagicBrush or UltraEdit pipeline."
    )


def weight_files(part: Path) -> list[Path]:
    """The file of a part's weights, or its shards.  Raises ValueError where one is missing.

    Safetensors before pickles, full precision before its fp16 variant.
    """
    for whole, index in _ENDINGS:
        for name in _MODEL_NAMES:
            if (part / f"{name}{whole}").is_file():
                return [part / f"{name}{whole}"]
            if (part / f"{name}{index}").is_file():
                return _shards(part / f"{name}{index}")
    raise ValueError(
        f"name: {part} holds no weights; expected {_MODEL_NAMES[0]}.safetensors or "
        f"{_MODEL_NAMES[1]}.safetensors. Download the folder again."
    )


def _shards(index: Path) -> list[Path]:
    names = sorted(set(read_json(index).get("weight_map", {}).values()))
    # Names only: an index must not lead out of its folder.
    paths = [index.parent / Path(str(name)).name for name in names]
    missing = [path.name for path in paths if not path.is_file()]
    if missing or not paths:
        raise ValueError(
            f"name: {index} names {len(paths)} files, of which {missing or 'none'} are missing "
            "beside it. Download the folder again."
        )
    return paths


def facts(folder: Path, part: str) -> Facts:
    """What the folder's configurations say of its denoiser, unet or transformer.

    Raises ValueError where one is missing, or says what ComfyUI's models do otherwise.
    """
    path = folder / part / "config.json"
    config = read_json(path)
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
    config = read_json(path) if path.is_file() else {}
    prediction = config.get("prediction_type", Facts.prediction)
    if prediction not in _PREDICTIONS:
        raise ValueError(
            f"name: {path} says prediction_type {prediction!r}; expected one of "
            f"{', '.join(_PREDICTIONS)}."
        )
    return prediction
