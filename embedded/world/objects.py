"""The things of the tiny world: upright coloured shapes with anti-aliased edges."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

SIZE = 128  # pixels, height and width of every picture
_OVERSAMPLING = 4

COLOURS: dict[str, tuple[int, int, int]] = {
    "red": (214, 39, 40),
    "orange": (255, 140, 0),
    "yellow": (245, 225, 50),
    "green": (40, 160, 60),
    "cyan": (60, 200, 220),
    "blue": (40, 70, 210),
    "purple": (145, 40, 150),
    "pink": (250, 140, 200),
}
SHAPES = ("circle", "square", "triangle", "star")


@dataclass(frozen=True)
class Object:
    """One upright shape: centre (x, y) and radius in pixels.

    Objects have no rotation, so replacing a shape has exactly one right answer.
    """

    shape: str
    colour: str
    x: float
    y: float
    radius: float

    @property
    def name(self) -> str:
        return f"{self.colour} {self.shape}"


def _star(outer: float, inner: float) -> list[tuple[float, float]]:
    points = []
    for k in range(10):
        length = outer if k % 2 == 0 else inner
        angle = -math.pi / 2 + k * math.pi / 5
        points.append((length * math.cos(angle), length * math.sin(angle)))
    return points


# Corners in units of the radius, centred on the object, y pointing down.
_CORNERS: dict[str, list[tuple[float, float]]] = {
    "square": [(-0.86, -0.86), (0.86, -0.86), (0.86, 0.86), (-0.86, 0.86)],
    "triangle": [(0.0, -1.05), (1.05, 0.8), (-1.05, 0.8)],
    "star": _star(1.15, 0.48),
}


def coverage(item: Object) -> np.ndarray:
    """Share of each pixel that the object covers: (H, W) float32 in [0, 1]."""
    reach = math.ceil(1.2 * item.radius) + 1
    left, top = math.floor(item.x) - reach, math.floor(item.y) - reach
    side = 2 * reach + 2
    scale = _OVERSAMPLING
    tile = Image.new("L", (side * scale, side * scale))
    cx, cy, r = (item.x - left) * scale, (item.y - top) * scale, item.radius * scale
    draw = ImageDraw.Draw(tile)
    if item.shape == "circle":
        draw.ellipse((cx - r, cy - r, cx + r, cy + r), fill=255)
    else:
        draw.polygon([(cx + r * u, cy + r * v) for u, v in _CORNERS[item.shape]], fill=255)
    canvas = Image.new("L", (SIZE, SIZE))
    canvas.paste(tile.reduce(scale), (left, top))
    return np.asarray(canvas, dtype=np.float32) / 255


def paint(picture: np.ndarray, item: Object) -> np.ndarray:
    """The picture (H, W, 3) in [0, 1] with the object on top."""
    alpha = coverage(item)[..., None]
    colour = np.asarray(COLOURS[item.colour], dtype=np.float32) / 255
    return picture * (1 - alpha) + colour * alpha
