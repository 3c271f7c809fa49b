"""Tensors and text into one safetensors file, whole or not at all."""

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save_file
from torch import Tensor


def write_tensor_file(
    path: str | Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]
) -> None:
    """Write beside the place and move there in one step, so that a kill leaves nothing half."""
    path = Path(path)
    part = path.with_name(path.name + ".part")
    try:
        save_file(dict(tensors), part, dict(metadata))
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
