"""Wrong answers to an edit, by what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from .edits import Edit
from .objects import COLOURS, SHAPES, Object
from .samples import Sample
from .scene import Scene

SORTS = ("source", "colour", "shape", "object")
"""What is wrong with the pictures of `wrong_pictures`."""


def looks_alike(item: Object) -> dict[str, list[Object]]:
    """The same object in every other colour, and in every other shape."""
    return {
        "colour": [replace(item, colour=c) for c in COLOURS if c != item.colour],
        "shape": [replace(item, shape=s) for s in SHAPES if s != item.shape],
    }


def rivals(scene: Scene, edit: Edit) -> dict[str, list[Edit]]:
    """Edits with the right change in a wrong colour, in a wrong shape, on a wrong object.

    edit must leave an object there (ValueError), since a removal has no colour to get wrong.
    """
    if edit.after is None:
        raise ValueError(f"an edit that leaves an object is needed, got {edit.kind!r}")
    made = {
        name: [replace(edit, after=one) for one in some]
        for name, some in looks_alike(edit.after).items()
    }
    changed = "colour" if edit.kind == "recolour" else "shape"
    value = getattr(edit.after, changed)
    others = [o for o in scene.objects if o != edit.before and getattr(o, changed) != value]
    return {**made, "object": [Edit(edit.kind, o, replace(o, **{changed: value})) for o in others]}


def wrong_pictures(edit: Sample) -> dict[str, list[np.ndarray]]:
    """Pictures (H, W, 3) of the untouched source and of `rivals`, by what is wrong with them."""
    made = rivals(edit.scene, edit.edit).items()
    pictures = {name: [one.apply(edit.scene).render() for one in some] for name, some in made}
    return {"source": [edit.source], **pictures}


def behind(
    truth: float, others: Iterable[float], wrong: Mapping[str, list]
) -> dict[str, list[bool]]:
    """By what is wrong: which wrong pictures have a higher loss than the truth.

    others: the losses of the wrong pictures, in their order
    """
    rest = iter(others)
    return {name: [truth < next(rest) for _ in some] for name, some in wrong.items()}


def wrong_scenes(
    rng: np.random.Generator, scene: Scene, edit: Edit, shapes: int, colours: int
) -> list[Scene]:
    """Scenes with the edited object in other shapes and colours; every name in a scene is its own.

    For a removal it is the object that should be gone. Where too few names are free they repeat.
    """
    item = edit.after or edit.before
    assert item is not None
    taken = {o.name for o in scene.objects if o != edit.before}
    alike = looks_alike(item)
    free = {kind: [o for o in some if o.name not in taken] for kind, some in alike.items()}
    chosen: list[Object] = []
    for kind, count in (("shape", shapes), ("colour", colours)):
        some = free[kind] or free["colour"]
        order = rng.permutation(len(some))
        chosen += [some[order[i % len(some)]] for i in range(count)]
    return [Edit("replace", edit.before, one).apply(scene) for one in chosen]
