"""Example edits shipped with the pack, so that nodes need no photographs' packages.

They are of the validation split, chosen by a rule and written by `embedded.report.examples`.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from .samples import Sample

FOLDER = Path(__file__).parent / "examples"
SPLIT = "val"
ROLES = (
    ("recolour", True),
    ("replace", True),
    ("recolour", False),
    ("replace", False),
    ("remove", False),
    ("add", False),
)
"""Kind of the edit, and whether its background is a photograph, by the examples' numbers."""


@dataclass(frozen=True, eq=False)
class Example:
    """source (H, W, 3) and mask (H, W) float32 in [0, 1]; mask 1 = may change."""

    source: np.ndarray
    mask: np.ndarray
    instruction: str
    source_caption: str
    caption: str


@lru_cache(maxsize=1)
def index() -> dict[str, dict[str, Any]]:
    """Example name -> its sentences and files."""
    return json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))


def _read(name: str, mode: str) -> np.ndarray:
    with Image.open(FOLDER / name) as image:
        return np.asarray(image.convert(mode), dtype=np.float32) / 255


def known_name(name: str) -> str:
    """The name, or that of the same number for a name of an earlier edition.

    Raises ValueError for a name that is not shipped and never was.
    """
    if name in index():
        return name
    for known in index():
        if known.split(":")[0] == name.split(":")[0]:
            return known
    raise ValueError(f"example must be one of {', '.join(index())}; got {name!r}")


def load_example(name: str) -> Example:
    """The named example; raises ValueError as `known_name` does."""
    entry = index()[known_name(name)]
    return Example(
        source=_read(entry["source"], "RGB"),
        mask=_read(entry["mask"], "L"),
        instruction=entry["instruction"],
        source_caption=entry["source_caption"],
        caption=entry["caption"],
    )


def truth_of(name: str) -> Sample:
    """The edit that a shipped example shows, drawn again: its target is known.

    Raises ModuleNotFoundError where the photographs' packages are missing.
    """
    from .samples import sample

    return sample(SPLIT, index()[name]["index"])


def role_of(edit: Sample) -> tuple[str, bool] | None:
    """The role that an edit could play; None where its picture shows a single object."""
    if len(edit.scene.objects) < 2:
        return None
    return edit.kind, edit.scene.background_kind == "photo"


def write_examples(numbers: Sequence[int]) -> None:
    """Renders edits of the split into FOLDER, by role."""
    from .samples import sample

    FOLDER.mkdir(exist_ok=True)
    entries = {}
    for position, number in enumerate(numbers, start=1):
        edit = sample(SPLIT, number)
        files = {"source": f"example_{position}.png", "mask": f"example_{position}_mask.png"}
        for key, array in (("source", edit.source), ("mask", edit.mask)):
            Image.fromarray((array * 255).round().astype(np.uint8)).save(FOLDER / files[key])
        entries[f"{position}: {edit.instruction}"] = {
            **files,
            "instruction": edit.instruction,
            "source_caption": edit.source_caption,
            "caption": edit.caption,
            "index": number,
        }
    text = json.dumps(entries, indent=2) + "\n"
    (FOLDER / "examples.json").write_text(text, encoding="utf-8")
