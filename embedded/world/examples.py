"""Example edits shipped with the pack, so that nodes need no photographs' packages.

python -m elect_tino.embedded.world.examples writes them anew from the test split.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image

FOLDER = Path(__file__).parent / "examples"
# Test-split edits: each kind at least once, photographs first (NASA's public-domain portrait).
INDICES: tuple[int, ...] = (58, 38, 1, 17, 53, 33)


@dataclass(frozen=True, eq=False)
class Example:
    """source (H, W, 3) and mask (H, W) float32 in [0, 1]; mask 1 = may change."""

    source: np.ndarray
    mask: np.ndarray
    instruction: str
    source_caption: str
    caption: str


@lru_cache(maxsize=1)
def index() -> dict[str, dict[str, str]]:
    """Example name -> its sentences and files."""
    return json.loads((FOLDER / "examples.json").read_text(encoding="utf-8"))


def _read(name: str, mode: str) -> np.ndarray:
    with Image.open(FOLDER / name) as image:
        return np.asarray(image.convert(mode), dtype=np.float32) / 255


def load_example(name: str) -> Example:
    """The named example; raises ValueError for a name that is not shipped."""
    if name not in index():
        raise ValueError(f"example must be one of {', '.join(index())}; got {name!r}")
    entry = index()[name]
    return Example(
        source=_read(entry["source"], "RGB"),
        mask=_read(entry["mask"], "L"),
        instruction=entry["instruction"],
        source_caption=entry["source_caption"],
        caption=entry["caption"],
    )


def write_examples(indices: tuple[int, ...] = INDICES) -> None:
    """Renders the chosen test edits into FOLDER."""
    from .samples import sample

    FOLDER.mkdir(exist_ok=True)
    entries = {}
    for position, number in enumerate(indices, start=1):
        edit = sample("test", number)
        files = {"source": f"example_{position}.png", "mask": f"example_{position}_mask.png"}
        for key, array in (("source", edit.source), ("mask", edit.mask)):
            Image.fromarray((array * 255).round().astype(np.uint8)).save(FOLDER / files[key])
        entries[f"{position}: {edit.instruction}"] = {
            **files,
            "instruction": edit.instruction,
            "source_caption": edit.source_caption,
            "caption": edit.caption,
            "test_index": number,
        }
    text = json.dumps(entries, indent=2) + "\n"
    (FOLDER / "examples.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_examples()
