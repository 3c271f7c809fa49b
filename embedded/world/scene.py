"""A scene: a background and one to three objects that no phrase confuses."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from .backgrounds import BACKGROUNDS
from .objects import COLOURS, SHAPES, SIZE, Object, paint

# Named places (x, y) in pixels where an "add" instruction may put an object.
PLACES: dict[str, tuple[float, float]] = {
    "top left": (34, 34),
    "top right": (94, 34),
    "bottom left": (34, 94),
    "bottom right": (94, 94),
}
PLACE_RADIUS = 20.0
_KINDS = ("gradient", "stripes", "checks", "noise", "photo")
_KIND_WEIGHTS = (0.16, 0.16, 0.14, 0.14, 0.4)


@dataclass(frozen=True, eq=False)
class Scene:
    """background (H, W, 3) in [0, 1]; objects do not touch and no two share colour and shape."""

    background: np.ndarray
    background_kind: str
    objects: tuple[Object, ...]

    def render(self) -> np.ndarray:
        """The picture, (H, W, 3) float32 in [0, 1]."""
        picture = self.background
        for item in self.objects:
            picture = paint(picture, item)
        return picture

    def with_objects(self, objects: tuple[Object, ...]) -> Scene:
        return replace(self, objects=objects)


def place_of(item: Object) -> str | None:
    """The named place the object stands at, if it does."""
    for name, centre in PLACES.items():
        if (item.x, item.y) == centre and item.radius == PLACE_RADIUS:
            return name
    return None


def is_free(item: Object, others: tuple[Object, ...] | list[Object]) -> bool:
    """Whether the object keeps clear of all others."""
    return all(
        math.hypot(item.x - o.x, item.y - o.y) > 1.12 * (item.radius + o.radius) for o in others
    )


def _candidate(rng: np.random.Generator) -> Object:
    shape = SHAPES[rng.integers(len(SHAPES))]
    colour = list(COLOURS)[rng.integers(len(COLOURS))]
    if rng.random() < 0.3:
        x, y = list(PLACES.values())[rng.integers(len(PLACES))]
        return Object(shape, colour, x, y, PLACE_RADIUS)
    radius = rng.uniform(14, 28)
    x, y = rng.uniform(1.15 * radius, SIZE - 1.15 * radius, size=2)
    return Object(shape, colour, float(x), float(y), float(radius))


def random_scene(rng: np.random.Generator, split: str) -> Scene:
    """One to three objects on a random background of the split."""
    kind = str(rng.choice(_KINDS, p=_KIND_WEIGHTS))
    background = BACKGROUNDS[kind](rng, split)
    wanted = int(rng.choice((1, 2, 3), p=(0.2, 0.45, 0.35)))
    # Two objects of one colour (told apart by shape only) are kept, but made rare.
    allow_shared_colour = rng.random() < 0.3
    objects: list[Object] = []
    for _ in range(60):
        if len(objects) == wanted:
            break
        item = _candidate(rng)
        if item.name in {o.name for o in objects} or not is_free(item, objects):
            continue
        if not allow_shared_colour and item.colour in {o.colour for o in objects}:
            continue
        objects.append(item)
    return Scene(background, kind, tuple(objects))
