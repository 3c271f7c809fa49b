"""One edit to be made, and what is known of its truth."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy import ndarray
from PIL import Image


@dataclass(frozen=True, eq=False)
class Sample:
    """source (H, W, 3) uint8; mask (H, W) bool, True where the picture may change, None if unknown

    target: the wanted picture, where there is one; group: the data set's own category
    """

    name: str
    source: ndarray
    instruction: str
    mask: ndarray | None = None
    target: ndarray | None = None
    source_caption: str = ""
    target_caption: str = ""
    group: str = ""


def read_picture(path: Path) -> ndarray:
    """A picture file as (H, W, 3) uint8."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def read_mask(path: Path, size: tuple[int, int], from_alpha: bool = False) -> ndarray:
    """A mask file as (H, W) bool at a size (height, width): bright, or transparent, is True."""
    with Image.open(path) as image:
        if from_alpha:
            image = Image.eval(image.convert("RGBA").getchannel("A"), lambda value: 255 - value)
        grey = image.convert("L").resize((size[1], size[0]), Image.Resampling.NEAREST)
    return np.asarray(grey) >= 128
