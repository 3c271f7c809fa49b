"""Five kinds of edit of the embedded world, each with its truth.

recolour, replace   by text alone, inside the true mask
reference           a new object that another picture shows, inside the true mask
strokes             a new object over a rough blob in its colour
composition         a new object pasted with a box of another picture's background
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch

from ...embedded.world.objects import SIZE, Object, coverage, paint
from ...embedded.world.samples import Sample, sample
from ...embedded.world.scene import Scene, random_scene
from ...tino_core.masks import difference_mask

TEST, VALIDATION = "test", "val"
KINDS = ("recolour", "replace", "reference", "strokes", "composition")
_NEW_OBJECT = ("replace", "add")
_BLOB = 1.35  # radii: no shape reaches further, so that nothing of the old object peeks out
_WOBBLE = 0.12
_UNEVEN = 0.02
_REFERENCE_RADIUS = 28.0


@dataclass(frozen=True, eq=False)
class Task:
    """One edit as the methods get it; every picture is (H, W, 3) float32 in [0, 1].

    edit: with its truth; mask (H, W): 1 where the methods may change the picture
    start: what is noised in place of the source, or None
    shown: the reference, strokes or composite that CLIP-I* compares with, or None
    """

    kind: str
    edit: Sample
    mask: np.ndarray
    start: np.ndarray | None = None
    shown: np.ndarray | None = None

    @property
    def reference(self) -> np.ndarray | None:
        """The picture of the reference loss."""
        return self.shown if self.kind == "reference" else None


def difference(picture: np.ndarray, changed: np.ndarray) -> np.ndarray:
    """``1 - delta(I, I*)`` of two pictures (H, W, 3), as TiNOMask gives it: (H, W)."""
    before, after = (torch.from_numpy(one).movedim(-1, 0)[None] for one in (picture, changed))
    return difference_mask(before, after)[0, 0].numpy()


def blob(rng: np.random.Generator, item: Object) -> np.ndarray:
    """A rough stroke that covers the object, (H, W) of 0 or 1."""
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    angle = np.arctan2(y - item.y, x - item.x)
    first, second = rng.uniform(0, 2 * np.pi, size=2)
    wave = (np.sin(2 * angle + first) + np.sin(5 * angle + second)) / 2
    radius = item.radius * (_BLOB + _WOBBLE * (1 + wave) / 2)
    return (np.hypot(x - item.x, y - item.y) <= radius).astype(np.float32)


def with_strokes(rng: np.random.Generator, edit: Sample, split: str) -> np.ndarray:
    """The source with a blob in the new object's colour over its place."""
    item = _new_object(edit)
    dot = Object("circle", item.colour, SIZE / 2, SIZE / 2, SIZE / 4)
    colour = paint(np.zeros_like(edit.source), dot)[SIZE // 2, SIZE // 2]
    # An even brush would leave no difference, thus no mask, over an old object of that colour.
    brush = colour + rng.uniform(-_UNEVEN, _UNEVEN, size=edit.source.shape)
    painted = np.where(blob(rng, item)[..., None] > 0, brush.clip(0, 1), edit.source)
    return painted.astype(np.float32)


def with_paste(rng: np.random.Generator, edit: Sample, split: str) -> np.ndarray:
    """The source with the new object and a box of another scene's background around it."""
    item = _new_object(edit)
    foreign = Scene(random_scene(rng, split).background, "", (item,)).render()
    reach = _BLOB * item.radius
    top, bottom = (int(np.clip(item.y + side, 0, SIZE)) for side in (-reach, reach))
    left, right = (int(np.clip(item.x + side, 0, SIZE)) for side in (-reach, reach))
    picture = edit.source.copy()
    picture[top:bottom, left:right] = foreign[top:bottom, left:right]
    return picture


def reference_picture(rng: np.random.Generator, edit: Sample, split: str) -> np.ndarray:
    """The new object alone, large, in the middle of another scene's background."""
    item = _new_object(edit)
    large = Object(item.shape, item.colour, SIZE / 2, SIZE / 2, _REFERENCE_RADIUS)
    return Scene(random_scene(rng, split).background, "", (large,)).render()


def _new_object(edit: Sample) -> Object:
    assert edit.edit.after is not None
    return edit.edit.after


_START: dict[str, Callable[[np.random.Generator, Sample, str], np.ndarray]] = {
    "strokes": with_strokes,
    "composition": with_paste,
}


def _spoils_another(edit: Sample, mask: np.ndarray) -> bool:
    """Whether the mask covers an object that shall stay."""
    kept = [item for item in edit.scene.objects if item != edit.edit.before]
    return any(bool((mask * coverage(item)).any()) for item in kept)


def make_task(kind: str, number: int, split: str = TEST) -> Task | None:
    """The task that edit `number` of a split makes, if it fits the kind."""
    edit = sample(split, number)
    rng = np.random.default_rng([number, KINDS.index(kind)])
    if kind in ("recolour", "replace"):
        return Task(kind, edit, edit.mask) if edit.kind == kind else None
    if edit.kind not in _NEW_OBJECT:
        return None
    if kind == "reference":
        return Task(kind, edit, edit.mask, shown=reference_picture(rng, edit, split))
    start = _START[kind](rng, edit, split)
    mask = difference(edit.source, start)
    if _spoils_another(edit, mask):
        return None
    return Task(kind, edit, mask, start, shown=start)


@cache
def _numbers(kind: str, split: str) -> tuple[list[int], Iterator[int]]:
    """Edits known to fit the kind, and those still to try."""
    return [], iter(range(10**6))


@cache
def task(kind: str, index: int, split: str = TEST) -> Task:
    """Task `index` of a kind; the same arguments always give the same pixels."""
    known, untried = _numbers(kind, split)
    while len(known) <= index:
        number = next(untried)
        if make_task(kind, number, split) is not None:
            known.append(number)
    made = make_task(kind, known[index], split)
    assert made is not None
    return made


def tasks(kind: str, indices: range, split: str = TEST) -> list[Task]:
    """Several tasks of one kind."""
    return [task(kind, index, split) for index in indices]
