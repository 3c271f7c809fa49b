"""Where MGIE's files lie: models/mgie, models/LLM, models/mgie_embeddings."""

from __future__ import annotations

import re
from pathlib import Path

import folder_paths

from ..host.model_folders import register_folder

MODELS, EMBEDDINGS = "mgie", "mgie_embeddings"


def folders() -> dict[str, Path]:
    """Folders with a config.json below models/mgie and models/LLM, by their names there."""
    register_folder(MODELS, {".pt", ".safetensors"})
    register_folder("LLM", set())
    roots = [Path(root) for kind in (MODELS, "LLM") for root in folder_paths.get_folder_paths(kind)]
    found = {
        config.parent.relative_to(root).as_posix(): config.parent
        for root in reversed(roots)  # the first root wins, as in ComfyUI
        for config in [*root.glob("*/config.json"), *root.glob("*/*/config.json")]
    }
    return dict(sorted(found.items()))


def folder(given: str, name: str) -> Path:
    """A folder of `folders` for the input `given`. Raises ValueError."""
    found = folders().get(name)
    if found is None:
        raise ValueError(
            f"{given}: there is no folder {name!r} with a config.json in models/mgie or "
            "models/LLM. Put it there, or choose another."
        )
    return found


def files(kind: str) -> list[str]:
    """Files of models/<kind> that are no part of a model's folder."""
    names = folder_paths.get_filename_list(kind)
    paths = {name: folder_paths.get_full_path(kind, name) for name in names}
    return [
        name
        for name, path in paths.items()
        if path is not None and not Path(path).with_name("config.json").exists()
    ]


def file(given: str, kind: str, name: str) -> Path:
    """A file of models/<kind> for the input `given`. Raises ValueError."""
    found = folder_paths.get_full_path(kind, name)
    if found is None:
        raise ValueError(
            f"{given}: {name} is not in models/{kind}. Put it there, or choose another."
        )
    return Path(found)


def new_file(save_as: str) -> Path | None:
    """Where embeddings are to be saved; None for nowhere. Raises ValueError."""
    stem = save_as.strip().removesuffix(".safetensors")
    if not stem:
        return None
    if not re.fullmatch(r"\w[\w .()-]*", stem):
        raise ValueError(
            "save_as: expected a plain file name of letters, digits, spaces and -_.(), without "
            f"folders, got {save_as!r}."
        )
    register_folder(EMBEDDINGS, {".safetensors"})
    return Path(folder_paths.get_folder_paths(EMBEDDINGS)[0], f"{stem}.safetensors")
