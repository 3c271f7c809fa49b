"""A file's tensors and what it says of itself, or a ValueError that names the file."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor


@dataclass(frozen=True)
class TensorFile:
    """tensors: by name, on the CPU, mapped into memory where the format allows
    metadata: of a safetensors file; empty where there is none
    """

    tensors: dict[str, Tensor]
    metadata: dict[str, str] = field(default_factory=dict)


def read_tensors(path: str | Path, given: str = "") -> dict[str, Tensor]:
    """The tensors of `read_tensor_file` alone."""
    return read_tensor_file(path, given).tensors


def read_tensor_file(
    path: str | Path, given: str = "", cure: str = "Download it again."
) -> TensorFile:
    """Read `.safetensors`, or a `.pt`, `.bin`, `.ckpt` that holds tensors and nothing else.

    given: the node input that names the file, put before every error; cure: ends it
    Raises ValueError when the file is missing, cut short, or would run code to load.
    """
    path = Path(path)
    named = f"{given}: {path.name}" if given else path.name
    if not path.is_file():
        raise ValueError(f"{named} is not in {path.parent.name}. {cure}")
    if path.suffix != ".safetensors":
        return TensorFile(_plain_tensors(path, named))
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return TensorFile(tensors, file.metadata() or {})
    except SafetensorError as error:
        raise ValueError(
            f"{named} is no whole safetensors file ({error}): cut short, or a pickle under "
            f"another name, which is never loaded. {cure}"
        ) from error


def _plain_tensors(path: Path, named: str) -> dict[str, Tensor]:
    try:
        mapped = zipfile.is_zipfile(path)  # the older format cannot be mapped
        loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except (pickle.UnpicklingError, RuntimeError, EOFError, OSError) as error:
        raise ValueError(
            f"{named} could not be read as plain tensors: it is cut short, or loading it would "
            "run code, which is refused. Download it again from its authors, or use a "
            "safetensors file."
        ) from error
    state = loaded.get("state_dict", loaded) if isinstance(loaded, Mapping) else None
    if not state or not all(isinstance(value, Tensor) for value in state.values()):
        raise ValueError(f"{named} is no state dict (names of weights to tensors).")
    return dict(state)
