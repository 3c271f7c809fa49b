"""Did an edit succeed? A check against the ground truth, by nearest picture.

An edited picture succeeds when all three hold, on pixels of any object or edit:

1. Among the truth, the untouched source, the same edit with every other colour, with every other
   shape, and on every other object, the truth is the nearest (mean squared error over the pixels
   where any of these pictures differ).
2. Where source and truth differ it is nearer the truth: its squared error to the truth is at most
   half of that to the source.
3. Every other object is intact: root mean squared error to the truth of at most 0.2 over its core.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .edits import Edit
from .objects import COLOURS, SHAPES, Object, coverage
from .samples import Sample
from .scene import Scene

_INTACT_RMS = 0.2
_DIFFERS = 0.02  # a pixel differs when any channel changes by more, in [0, 1]


def _other_looks(item: Object) -> list[Object]:
    """The object in every other colour, and in every other shape."""
    colours = [replace(item, colour=c) for c in COLOURS if c != item.colour]
    return colours + [replace(item, shape=s) for s in SHAPES if s != item.shape]


def _on_others(scene: Scene, edit: Edit) -> list[Edit]:
    """The edit done to each object that was not meant."""
    others = [o for o in scene.objects if o != edit.before]
    if edit.kind == "remove":
        return [Edit("remove", o, None) for o in others]
    if edit.kind == "add" or edit.after is None:
        return []
    change = (
        {"colour": edit.after.colour} if edit.kind == "recolour" else {"shape": edit.after.shape}
    )
    return [Edit(edit.kind, o, replace(o, **change)) for o in others]


def alternatives(sample: Sample) -> np.ndarray:
    """Pictures that a failed edit might be nearest to, (K, H, W, 3); the first is the source."""
    edit, scene = sample.edit, sample.scene
    edits = _on_others(scene, edit)
    if edit.after is not None:
        edits += [replace(edit, after=look) for look in _other_looks(edit.after)]
    if edit.kind == "remove" and edit.before is not None:
        edits += [replace(edit, after=look) for look in _other_looks(edit.before)]
    pictures = [sample.source] + [e.apply(scene).render() for e in edits]
    differ = [np.abs(p - sample.target).max() > _DIFFERS for p in pictures]
    return np.stack([p for p, d in zip(pictures, differ, strict=True) if d])


class Judge:
    """The check for one sample; build it once and ask it about many pictures."""

    def __init__(self, sample: Sample):
        self._target = sample.target
        self._alternatives = alternatives(sample)
        difference = np.abs(self._alternatives - sample.target).max(-1)  # (K, H, W)
        self._region = (difference > _DIFFERS).any(0)
        self._changed = difference[0] > _DIFFERS
        kept = [o for o in sample.scene.objects if o != sample.edit.before]
        self._cores = [coverage(o) > 0.9 for o in kept]

    def succeeded(self, picture: np.ndarray) -> bool:
        """picture (H, W, 3) in [0, 1]."""
        if picture.shape != self._target.shape:
            raise ValueError(f"picture must be {self._target.shape}, got {picture.shape}")
        return self._is_nearest(picture) and self._moved(picture) and self._intact(picture)

    def _is_nearest(self, picture: np.ndarray) -> bool:
        seen = picture[self._region]
        to_truth = np.square(seen - self._target[self._region]).mean()
        to_others = np.square(seen - self._alternatives[:, self._region]).mean((1, 2))
        return bool(to_truth < to_others.min())

    def _moved(self, picture: np.ndarray) -> bool:
        seen, source = picture[self._changed], self._alternatives[0][self._changed]
        to_truth = np.square(seen - self._target[self._changed]).mean()
        return bool(to_truth <= 0.5 * np.square(seen - source).mean())

    def _intact(self, picture: np.ndarray) -> bool:
        errors = [np.square(picture[c] - self._target[c]).mean() for c in self._cores]
        return all(e <= _INTACT_RMS**2 for e in errors)


def edit_succeeded(sample: Sample, picture: np.ndarray) -> bool:
    """Whether the picture (H, W, 3) in [0, 1] is the edit that the sample asks for."""
    return Judge(sample).succeeded(picture)


def background_error(sample: Sample, picture: np.ndarray) -> float:
    """Mean squared error to the source outside the true mask, times 1e4; lower is better."""
    outside = sample.mask == 0
    return float(np.square(picture[outside] - sample.source[outside]).mean() * 1e4)
