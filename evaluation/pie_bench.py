"""PIE-Bench: 700 edits in ten categories, from its own mapping_file.json (PnPInversion's form).

To be had from its authors' form; 512x512 pictures. The mask is a flat list start, length, start,
length ..., row by row; 1 may change. Its evaluation sets the frame of one pixel to 1, and so do we.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy import ndarray

from .indexes import entry_of, read_object
from .sample import Sample, read_picture

SOURCE = "Its authors give it away after a form: github.com/cure-lab/PnPInversion."
INDEX = "mapping_file.json"
CATEGORIES = (
    "random",
    "change object",
    "add object",
    "delete object",
    "change content",
    "change pose",
    "change colour",
    "change material",
    "change background",
    "change style",
)


def decode_mask(runs: list[int] | str, height: int = 512, width: int = 512) -> ndarray:
    """Run lengths as (H, W) bool, cut at the end, the frame set. Raises ValueError.

    runs: start, length, start, length ...; or the same as text, as the Hub's copy has it
    """
    if isinstance(runs, str):
        runs = [int(word) for word in runs.replace(",", " ").strip("[] ").split()]
    if len(runs) % 2 or any(number < 0 for number in runs):
        raise ValueError(f"mask: expected pairs of start and length, got {len(runs)} numbers.")
    flat = np.zeros(height * width, bool)
    for start, length in zip(runs[::2], runs[1::2], strict=True):
        flat[start : start + length] = True
    mask = flat.reshape(height, width)
    mask[[0, -1], :] = True
    mask[:, [0, -1]] = True
    return mask


def read(folder: Path) -> Iterator[Sample]:
    """The samples of a folder with mapping_file.json and annotation_images. Raises ValueError."""
    for name, entry in _index(folder).items():
        with entry_of(folder / INDEX, name):
            sample = _sample(folder, name, entry)
        yield sample


def count(folder: Path) -> int:
    """How many samples its mapping_file.json has. Raises ValueError."""
    return len(_index(folder))


def _sample(folder: Path, name: str, entry: dict) -> Sample:
    source = read_picture(folder / "annotation_images" / entry["image_path"])
    height, width = source.shape[:2]
    return Sample(
        name=name,
        source=source,
        instruction=entry["editing_instruction"],
        mask=decode_mask(entry["mask"], height, width),
        source_caption=_plain(entry["original_prompt"]),
        target_caption=_plain(entry["editing_prompt"]),
        group=CATEGORIES[int(entry["editing_type_id"])],
        other_names=(Path(entry["image_path"]).with_suffix("").as_posix(),),
    )


def _index(folder: Path) -> dict[str, dict]:
    index = folder / INDEX
    if not index.is_file():
        raise ValueError(
            f"{folder}: expected PIE-Bench's mapping_file.json and annotation_images. {SOURCE}"
        )
    return read_object(index)


def _plain(caption: str) -> str:
    """A caption without the brackets around the edited words."""
    return caption.replace("[", "").replace("]", "")
