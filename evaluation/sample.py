"""One edit to be made, and what is known of its truth."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
from numpy import ndarray
from PIL import Image, ImageOps


@dataclass(frozen=True, eq=False)
class Sample:
    """source (H, W, 3) uint8; mask (H, W) bool, True where the picture may change, None if unknown

    target: the wanted picture, where there is one; group: the data set's own category
    reference: what the edit is guided by (a reference picture, strokes, a collage), of any size
    turn, after: its place among edits made one upon the other, and the sample whose *result* is its
    source then ("" where the source is the given one)
    other_names: what its result may be called in folders of others
    """

    name: str
    source: ndarray
    instruction: str
    mask: ndarray | None = None
    target: ndarray | None = None
    reference: ndarray | None = None
    source_caption: str = ""
    target_caption: str = ""
    group: str = ""
    turn: int = 1
    after: str = ""
    other_names: tuple[str, ...] = ()


def read_picture(file: Path | IO[bytes]) -> ndarray:
    """A picture file as (H, W, 3) uint8, upright as ComfyUI loads it."""
    with Image.open(file) as image:
        return np.array(ImageOps.exif_transpose(image).convert("RGB"))


def as_png(picture: ndarray) -> bytes:
    """A picture (H, W, 3) uint8 or a mask (H, W) bool as a file."""
    file = io.BytesIO()
    Image.fromarray(picture.astype(np.uint8) * 255 if picture.dtype == bool else picture).save(
        file, "png"
    )
    return file.getvalue()


def read_mask(path: Path | IO[bytes], size: tuple[int, int], from_alpha: bool = False) -> ndarray:
    """A mask file as (H, W) bool at a size (height, width): bright, or transparent, is True."""
    with Image.open(path) as image:
        if from_alpha:
            image = Image.eval(image.convert("RGBA").getchannel("A"), lambda value: 255 - value)
        grey = image.convert("L").resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.asarray(grey) >= 128
