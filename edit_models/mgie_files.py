"""MGIE's files: folders and state dicts read as plain tensors, or refused with the reason."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ..tensor_files import read_tensors
from .files import read_json, weight_files


def read_config(folder: Path, kinds: Collection[str], given: str) -> dict[str, Any]:
    """config.json of a folder whose model_type is one of `kinds`; `given` names the input.

    Raises ValueError where there is none, or where it describes another architecture.
    """
    config = read_json(folder / "config.json", given)
    kind = config.get("model_type")
    if kind not in kinds:
        raise ValueError(
            f"{given}: {folder.name} holds a model of type {kind!r}, expected "
            f"{' or '.join(map(repr, sorted(kinds)))}. Choose another folder."
        )
    return config


def read_folder(folder: Path, given: str) -> dict[str, Tensor]:
    """All tensors of a folder in Hugging Face's layout, from the files that `weight_files` finds.

    Raises ValueError naming the file that is missing, cut short or would run code.
    """
    return {
        key: value
        for path in weight_files(folder, given)
        for key, value in read_tensors(path, given).items()
    }


def split(state: Mapping[str, Tensor], prefix: str) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """What lies under a prefix, without it; and the rest."""
    inside = {
        key.removeprefix(prefix): value for key, value in state.items() if key.startswith(prefix)
    }
    rest = {key: value for key, value in state.items() if not key.startswith(prefix)}
    return inside, rest
