"""Files of a model's folder: JSON objects, and weights whole or in shards.

Every error names the path, and in front the node's input that chose it (`given`).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_NAMES = ("diffusion_pytorch_model", "model", "pytorch_model")
# A whole file, or the index of its shards.
_ENDINGS = (
    (".safetensors", ".safetensors.index.json"),
    (".fp16.safetensors", ".safetensors.index.fp16.json"),
    (".bin", ".bin.index.json"),
    (".fp16.bin", ".bin.index.fp16.json"),
)


def read_json(path: Path, given: str) -> dict[str, Any]:
    """A JSON object.  Raises ValueError naming the path when there is none."""
    if not path.is_file():
        raise ValueError(
            f"{given}: {path} is missing, so its folder is no whole model. Download or save the "
            "folder again."
        )
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # no JSON, or no UTF-8
        raise ValueError(f"{given}: {path} is not JSON ({error}). Download it again.") from error
    if not isinstance(content, dict):
        raise ValueError(
            f"{given}: {path} should hold a JSON object, got {type(content).__name__}. Download it "
            "again."
        )
    return content


def weight_files(part: Path, given: str) -> list[Path]:
    """The file of a folder's weights, or its shards.  Raises ValueError where one is missing.

    Safetensors before pickles, full precision before its fp16 variant, a whole file before shards.
    """
    for whole, index in _ENDINGS:
        for name in _NAMES:
            if (part / f"{name}{whole}").is_file():
                return [part / f"{name}{whole}"]
            if (part / f"{name}{index}").is_file():
                return _shards(part / f"{name}{index}", given)
    raise ValueError(
        f"{given}: {part} holds no weights; expected {', '.join(_NAMES[:-1])} or {_NAMES[-1]}, "
        ".safetensors or .bin, whole or as shards with their index. Download the folder again."
    )


def _shards(index: Path, given: str) -> list[Path]:
    """The files beside an index that its weight_map names, in order."""
    weight_map = read_json(index, given).get("weight_map")
    names = list(weight_map.values()) if isinstance(weight_map, dict) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise ValueError(
            f"{given}: {index} has no weight_map from weights to files. Download it again."
        )
    # Names only: an index must not lead out of its folder.
    paths = sorted({index.parent / Path(name).name for name in names})
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise ValueError(
            f"{given}: {index} names {len(paths)} files, of which {missing} are missing beside it. "
            "Download the folder again."
        )
    return paths
