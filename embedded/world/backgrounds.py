"""Backgrounds with detail worth preserving; each is (H, W, 3) float32 in [0, 1].

Photographs come from scikit-image and scikit-learn, which only development needs, so they
are imported where they are read. No photograph is in two splits.
"""

from __future__ import annotations

import colorsys
import functools
import importlib.util
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from .objects import SIZE

PHOTOS: dict[str, tuple[str, ...]] = {
    "train": ("chelsea.png", "coffee.png", "motorcycle_left.png", "flower.jpg"),
    "val": ("rocket.jpg",),
    "test": ("astronaut.png", "china.jpg"),
}
_SKLEARN = ("flower.jpg", "china.jpg")


def _muted_colour(rng: np.random.Generator) -> np.ndarray:
    """A colour paler or greyer than any object's, (3,)."""
    hue, saturation, value = rng.random(), rng.uniform(0.05, 0.4), rng.uniform(0.25, 0.95)
    return np.asarray(colorsys.hsv_to_rgb(hue, saturation, value), dtype=np.float32)


def _two_colours(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    return _muted_colour(rng), _muted_colour(rng)


def _mix(a: np.ndarray, b: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return (a + (b - a) * weight[..., None]).astype(np.float32)


def _axes(angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Rotated pixel coordinates u, v, each (H, W), centred on the picture."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32) - SIZE / 2
    c, s = np.cos(angle), np.sin(angle)
    return c * x + s * y, c * y - s * x


def gradient(rng: np.random.Generator, split: str) -> np.ndarray:
    u, _ = _axes(rng.uniform(0, 2 * np.pi))
    return _mix(*_two_colours(rng), np.clip(u / SIZE + 0.5, 0, 1))


def stripes(rng: np.random.Generator, split: str) -> np.ndarray:
    u, _ = _axes(rng.uniform(0, np.pi))
    period = rng.uniform(14, 36)
    wave = np.sin(2 * np.pi * u / period + rng.uniform(0, 6.28)) * period / 6
    return _mix(*_two_colours(rng), np.clip(wave + 0.5, 0, 1))


def checks(rng: np.random.Generator, split: str) -> np.ndarray:
    u, v = _axes(rng.uniform(0, np.pi / 2))
    period = rng.uniform(24, 56)
    wave = np.sin(2 * np.pi * u / period) * np.sin(2 * np.pi * v / period) * period / 4
    return _mix(*_two_colours(rng), np.clip(wave + 0.5, 0, 1))


def noise(rng: np.random.Generator, split: str) -> np.ndarray:
    """Smooth clouds: two octaves of bicubic value noise."""
    total = np.zeros((SIZE, SIZE), dtype=np.float32)
    for cells, weight in ((5, 0.65), (12, 0.35)):
        grid = Image.fromarray(rng.random((cells, cells), dtype=np.float32), mode="F")
        total += weight * np.asarray(grid.resize((SIZE, SIZE), Image.Resampling.BICUBIC))
    return _mix(*_two_colours(rng), np.clip((total - 0.5) * 2 + 0.5, 0, 1))


@functools.cache
def _photo(name: str) -> Image.Image:
    package, folder = ("sklearn", "datasets/images") if name in _SKLEARN else ("skimage", "data")
    spec = importlib.util.find_spec(package)  # found, not imported: only its files are needed
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            f"photograph {name} comes with {package}: install the development requirements"
        )
    path = Path(spec.origin).parent / folder / name
    return Image.open(path).convert("RGB")


def photo(rng: np.random.Generator, split: str) -> np.ndarray:
    """A random square crop of one of the split's photographs, mirrored half of the time."""
    names = PHOTOS[split]
    picture = _photo(names[rng.integers(len(names))])
    side = int(rng.uniform(140, min(picture.size)))
    left = int(rng.integers(picture.width - side + 1))
    top = int(rng.integers(picture.height - side + 1))
    crop = picture.crop((left, top, left + side, top + side))
    crop = crop.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
    array = np.asarray(crop, dtype=np.float32) / 255
    return array[:, ::-1] if rng.random() < 0.5 else array


BACKGROUNDS: dict[str, Callable[[np.random.Generator, str], np.ndarray]] = {
    "gradient": gradient,
    "stripes": stripes,
    "checks": checks,
    "noise": noise,
    "photo": photo,
}
