"""Samples of the tiny world: every (split, index) is one edit whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .edits import Edit, caption, instruction, random_edit
from .objects import SIZE, coverage
from .scene import Scene, random_scene

# The first word of each seed: no two splits can ever draw the same stream.
_SPLIT_SEED = {"train": 1, "val": 2, "test": 3}
_MASK_MARGIN = 3.0  # pixels of radius around the object that may change with it


@dataclass(frozen=True, eq=False)
class Sample:
    """One edit and its truth.

    source, target (H, W, 3) float32 in [0, 1]; mask (H, W) float32, 1 where the picture may
    change; scene and edit are what the pictures were drawn from.
    """

    source: np.ndarray
    target: np.ndarray
    mask: np.ndarray
    instruction: str
    source_caption: str
    caption: str
    kind: str
    scene: Scene
    edit: Edit


def rng_for(split: str, index: int) -> np.random.Generator:
    """The only source of randomness of a sample."""
    if split not in _SPLIT_SEED:
        raise ValueError(f"split must be one of {', '.join(_SPLIT_SEED)}, got {split!r}")
    return np.random.default_rng([_SPLIT_SEED[split], index])


def edit_mask(edit: Edit) -> np.ndarray:
    """Where the edit may change the picture: old and new object with a margin, (H, W) 0 or 1."""
    union = np.zeros((SIZE, SIZE), dtype=np.float32)
    for item in (edit.before, edit.after):
        if item is not None:
            grown = coverage(replace(item, radius=item.radius + _MASK_MARGIN))
            union = np.maximum(union, grown > 0)
    return union


def describe(rng: np.random.Generator, scene: Scene, edit: Edit) -> Sample:
    """The sample that applying the edit to the scene makes."""
    after = edit.apply(scene)
    return Sample(
        source=scene.render(),
        target=after.render(),
        mask=edit_mask(edit),
        instruction=instruction(rng, edit),
        source_caption=caption(scene),
        caption=caption(after),
        kind=edit.kind,
        scene=scene,
        edit=edit,
    )


def sample(split: str, index: int) -> Sample:
    """Edit number index of the split; the same arguments always give the same pixels."""
    rng = rng_for(split, index)
    scene = random_scene(rng, split)
    return describe(rng, scene, random_edit(rng, scene))
