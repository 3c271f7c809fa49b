"""What MGIE imagined, kept in a file: the language model is then needed once per edit."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from ..tensor_files import write_tensor_file
from .mgie import Imagined

_FORMAT = "mgie embeddings 1"


def save_embeddings(path: Path, imagined: Imagined, instruction: str, model: str) -> None:
    """Write safetensors with the words in its metadata, moved into place in one step."""
    tensors = {
        "positive": imagined.positive.contiguous(),
        "null": imagined.null.contiguous(),
    }
    metadata = {
        "format": _FORMAT,
        "instruction": instruction,
        "expressive_instruction": imagined.expressive,
        "model": model,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tensor_file(path, tensors, metadata)


def load_embeddings(path: Path) -> Imagined:
    """What `save_embeddings` wrote. Raises ValueError naming a file that is of another kind."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise ValueError(
            f"name: {path.name} is no whole safetensors file ({error}). Save it again with "
            "MGIEConditioning."
        ) from error
    shapes = {key: tuple(value.shape) for key, value in tensors.items()}
    positive = shapes.get("positive", ())
    alike = shapes == dict.fromkeys(("positive", "null"), positive)
    if metadata.get("format") != _FORMAT or not alike or len(positive) != 3:
        raise ValueError(
            f"name: {path.name} holds {shapes} ({metadata.get('format', 'no format named')}), "
            f"expected {_FORMAT!r} with positive and null of one shape (1, 77, 768). Choose a file "
            "that MGIEConditioning saved."
        )
    said = metadata.get("expressive_instruction", "")
    return Imagined(tensors["positive"], tensors["null"], said)
