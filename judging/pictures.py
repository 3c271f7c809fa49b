"""Pictures as arrays (H, W, 3) uint8: made smaller, put side by side, written as data URLs."""

from __future__ import annotations

import base64
import io
import math

import numpy as np
from numpy import ndarray
from PIL import Image

_GAP = 16  # white pixels between two pictures in one


def as_bytes(picture: ndarray) -> ndarray:
    """A picture (H, W, 3 or more) in [0, 1] as (H, W, 3) uint8, rounded."""
    return np.rint(np.clip(picture[..., :3], 0, 1) * 255).astype(np.uint8)


def resized(picture: ndarray, width: int, height: int) -> ndarray:
    """The picture at another size; itself where it has it."""
    if picture.shape[:2] == (height, width):
        return picture
    return np.asarray(Image.fromarray(picture).resize((width, height), Image.Resampling.LANCZOS))


def at_most(picture: ndarray, max_pixels: int) -> ndarray:
    """The picture, scaled down to at most `max_pixels`, in its proportions."""
    height, width = picture.shape[:2]
    if height * width <= max_pixels:
        return picture
    scale = math.sqrt(max_pixels / (height * width))
    return resized(picture, max(1, int(width * scale)), max(1, int(height * scale)))


def side_by_side(pictures: tuple[ndarray, ...]) -> ndarray:
    """One picture of several, from left to right in the first one's height."""
    height = pictures[0].shape[0]
    row = [pictures[0]]
    for picture in pictures[1:]:
        width = max(1, round(picture.shape[1] * height / picture.shape[0]))
        row += [np.full((height, _GAP, 3), 255, np.uint8), resized(picture, width, height)]
    return np.concatenate(row, axis=1)


def data_url(picture: ndarray, max_pixels: int) -> str:
    """As a PNG in a data URL: lossless, since compression would change what is judged."""
    file = io.BytesIO()
    Image.fromarray(at_most(picture, max_pixels)).save(file, "PNG")
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()
