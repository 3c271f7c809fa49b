"""Spoils targets as generated training pairs are spoilt: what real editors learned from.

InstructPix2Pix and its kin are trained on pairs that another model drew. Often the background
changed along with the edit, or the edit is missing or in another place. A model learns that spread,
and each seed is one draw from it. Pairs spoilt by these kinds, at a known dose, do the same to the
embedded model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from ..world.backgrounds import BACKGROUNDS
from ..world.edits import Edit
from ..world.objects import COLOURS, Object
from ..world.scene import PLACES, Scene, is_free

CLEAN, NONE = "clean", "none"
"""The true target, and the source instead of it: both need no picture of their own."""
_GAIN, _OFFSET, _BLEND = (0.6, 1.35), 0.2, (0.3, 0.7)


def tone(rng: np.random.Generator, scene: Scene, edit: Edit, split: str) -> np.ndarray:
    """A cast over the whole target: a gain and an offset for each channel."""
    gain = rng.uniform(*_GAIN, size=3)
    offset = rng.uniform(-_OFFSET, _OFFSET, size=3)
    return np.clip(edit.apply(scene).render() * gain + offset, 0, 1).astype(np.float32)


def background(rng: np.random.Generator, scene: Scene, edit: Edit, split: str) -> np.ndarray:
    """The target's objects on another background of the split."""
    kind = str(rng.choice(list(BACKGROUNDS)))
    return replace(edit.apply(scene), background=BACKGROUNDS[kind](rng, split)).render()


def blend(rng: np.random.Generator, scene: Scene, edit: Edit, split: str) -> np.ndarray:
    """The target's objects on a mixture of its background and another."""
    target, weight = edit.apply(scene).render(), rng.uniform(*_BLEND)
    mixed = target + weight * (background(rng, scene, edit, split) - target)
    return mixed.astype(np.float32)


def _others(scene: Scene, edit: Edit) -> list[Object]:
    return [item for item in scene.objects if item != edit.before]


def _likewise(rng: np.random.Generator, edit: Edit, item: Object) -> Edit:
    """The edit done to another object; where that would change nothing, another colour."""
    if edit.kind == "remove" or edit.after is None:
        return Edit("remove", item, None)
    if edit.kind == "replace":
        after = replace(item, shape=edit.after.shape)
    else:
        after = replace(item, colour=edit.after.colour)
    if after == item:
        colours = [colour for colour in COLOURS if colour != item.colour]
        after = replace(item, colour=colours[rng.integers(len(colours))])
    return Edit(edit.kind, item, after)


def _elsewhere(rng: np.random.Generator, scene: Scene, edit: Edit) -> Edit | None:
    """The edit done to an object that was not meant, or in a place that was not named."""
    if edit.kind == "add" and edit.after is not None:
        moved = [replace(edit.after, x=x, y=y) for x, y in PLACES.values()]
        free = [item for item in moved if item != edit.after and is_free(item, scene.objects)]
        return Edit("add", None, free[rng.integers(len(free))]) if free else None
    others = _others(scene, edit)
    return _likewise(rng, edit, others[rng.integers(len(others))]) if others else None


def second(rng: np.random.Generator, scene: Scene, edit: Edit, split: str) -> np.ndarray | None:
    """The target with another object edited too; None where there is no other."""
    others = _others(scene, edit)
    if not others:
        return None
    also = _likewise(rng, edit, others[rng.integers(len(others))])
    return also.apply(edit.apply(scene)).render()


def wrong(rng: np.random.Generator, scene: Scene, edit: Edit, split: str) -> np.ndarray | None:
    """The edit done to another object, or elsewhere, instead; None where there is neither."""
    other = _elsewhere(rng, scene, edit)
    return None if other is None else other.apply(scene).render()


Spoil = Callable[[np.random.Generator, Scene, Edit, str], np.ndarray | None]
SPOILS: dict[str, Spoil] = {
    "tone": tone,
    "background": background,
    "blend": blend,
    "second": second,
    "wrong": wrong,
}
"""Kinds that need a picture of their own."""
KINDS = tuple(SPOILS)

DOSES: dict[str, dict[str, float]] = {
    CLEAN: {CLEAN: 1.0},
    "mild": {
        CLEAN: 0.45, "tone": 0.165, "background": 0.11, "blend": 0.11, "second": 0.11, NONE: 0.055,
    },
    "harsh": {
        CLEAN: 0.35, "tone": 0.105, "background": 0.07, "blend": 0.07, "second": 0.07, NONE: 0.185,
        "wrong": 0.15,
    },
}  # fmt: skip
"""Shares of the training pairs; each adds up to 1."""


def spoilt(
    rng: np.random.Generator, scene: Scene, edit: Edit, split: str, wanted: str
) -> tuple[str, np.ndarray]:
    """A kind and its picture (H, W, 3) in [0, 1]: the wanted kind, or tone where it cannot be."""
    picture = SPOILS[wanted](rng, scene, edit, split)
    if picture is None:
        return "tone", tone(rng, scene, edit, split)
    return wanted, picture
