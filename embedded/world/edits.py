"""The four kinds of edit, and the sentences that ask for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from .objects import COLOURS, SHAPES, Object
from .scene import PLACE_RADIUS, PLACES, Scene, is_free, place_of

KINDS = ("recolour", "replace", "remove", "add")
_WEIGHTS = (0.42, 0.34, 0.14, 0.10)

_PHRASES: dict[str, tuple[str, ...]] = {
    "recolour": (
        "make the {old} {colour}",
        "turn the {old} {colour}",
        "change the color of the {old} to {colour}",
        "paint the {old} {colour}",
    ),
    "replace": (
        "replace the {old} with {new}",
        "turn the {old} into {new}",
        "change the {old} to {new}",
        "swap the {old} for {new}",
    ),
    "remove": ("remove the {old}", "delete the {old}", "erase the {old}", "take away the {old}"),
    "add": (
        "add {new} at the {place}",
        "put {new} in the {place} corner",
        "draw {new} at the {place}",
    ),
}
_CAPTIONS: dict[str, str] = {
    "gradient": "on a smooth gradient",
    "stripes": "on stripes",
    "checks": "on checks",
    "noise": "on clouds",
    "photo": "on a photo",
}


@dataclass(frozen=True)
class Edit:
    """One object before and after: None where it is absent."""

    kind: str
    before: Object | None
    after: Object | None

    def apply(self, scene: Scene) -> Scene:
        objects = [o for o in scene.objects if o != self.before]
        if self.after is not None:
            objects.append(self.after)
        return scene.with_objects(tuple(objects))

    def inverse(self) -> Edit | None:
        """The edit that undoes this one, if it can be said in words."""
        if self.kind in ("recolour", "replace"):
            return Edit(self.kind, self.after, self.before)
        if self.kind == "add":
            return Edit("remove", self.after, None)
        assert self.before is not None
        return Edit("add", None, self.before) if place_of(self.before) else None


def _new_colour(rng: np.random.Generator, item: Object) -> Object:
    names = [c for c in COLOURS if c != item.colour]
    return replace(item, colour=names[rng.integers(len(names))])


def _new_shape(rng: np.random.Generator, item: Object) -> Object:
    names = [s for s in SHAPES if s != item.shape]
    item = replace(item, shape=names[rng.integers(len(names))])
    return _new_colour(rng, item) if rng.random() < 0.3 else item


def _proposal(rng: np.random.Generator, scene: Scene, kind: str) -> Edit:
    if kind == "add":
        x, y = list(PLACES.values())[rng.integers(len(PLACES))]
        shape = SHAPES[rng.integers(len(SHAPES))]
        colour = list(COLOURS)[rng.integers(len(COLOURS))]
        return Edit(kind, None, Object(shape, colour, x, y, PLACE_RADIUS))
    item = scene.objects[rng.integers(len(scene.objects))]
    if kind == "remove":
        return Edit(kind, item, None)
    after = _new_colour(rng, item) if kind == "recolour" else _new_shape(rng, item)
    return Edit(kind, item, after)


def random_edit(rng: np.random.Generator, scene: Scene) -> Edit:
    """An edit after which every object still has its own name and its own room."""
    kind = str(rng.choice(KINDS, p=_WEIGHTS))
    for attempt in range(100):
        if attempt == 30 and kind == "add":
            kind = "recolour"  # no named place is free
        edit = _proposal(rng, scene, kind)
        others = [o for o in scene.objects if o != edit.before]
        if edit.after is None:
            return edit
        named_apart = edit.after.name not in {o.name for o in others}
        if named_apart and (kind != "add" or is_free(edit.after, others)):
            return edit
    raise ValueError("no edit found for this scene; its objects leave no free name")


def instruction(rng: np.random.Generator, edit: Edit) -> str:
    """The sentence that asks for the edit, in one of several phrasings."""
    phrases = _PHRASES[edit.kind]
    phrase = phrases[rng.integers(len(phrases))]
    before, after = edit.before, edit.after
    new = ""
    if after is not None:
        same_colour = before is not None and before.colour == after.colour
        keeps_colour = edit.kind == "replace" and same_colour and rng.random() < 0.5
        new = with_article(after.shape if keeps_colour else after.name)
    return phrase.format(
        old=before.name if before else "",
        new=new,
        colour=after.colour if after else "",
        place=place_of(after) if after and edit.kind == "add" else "",
    )


def with_article(name: str) -> str:
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def caption(scene: Scene) -> str:
    """What the picture shows: "a red circle and a blue star on stripes"."""
    names = sorted(with_article(o.name) for o in scene.objects)
    things = " and ".join(names) if names else "nothing"
    return f"{things} {_CAPTIONS[scene.background_kind]}"


def wording() -> set[str]:
    """Every word an instruction or a caption may contain."""
    sentences = [p for phrases in _PHRASES.values() for p in phrases]
    words = {w for s in sentences for w in s.split() if not w.startswith("{")}
    words |= {w for text in _CAPTIONS.values() for w in text.split()}
    words |= {w for place in PLACES for w in place.split()}
    return words | set(COLOURS) | set(SHAPES) | {"a", "an", "and", "nothing"}
