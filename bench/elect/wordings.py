"""Instructions with a word that the embedded model has never read, and other wordings of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from ...embedded.world.edits import instruction
from ...embedded.world.objects import COLOURS, SHAPES
from ...embedded.world.samples import Sample

UNKNOWN = {
    "red": "crimson",
    "orange": "amber",
    "yellow": "golden",
    "green": "emerald",
    "cyan": "turquoise",
    "blue": "azure",
    "purple": "violet",
    "pink": "magenta",
    "circle": "disc",
    "square": "box",
    "triangle": "wedge",
    "star": "asterisk",
}
"""What somebody may say instead, by the model's own word."""


@dataclass(frozen=True)
class Wordings:
    """One edit said four times. typed: with the unknown word; again: so too, in another phrase

    known: as the model was taught; wrong: as `known`, but for something else
    """

    typed: str
    again: str
    known: str
    wrong: str

    def each(self) -> tuple[str, ...]:
        """All of them, the typed one first."""
        return self.typed, self.again, self.known, self.wrong


def word_of(edit: Sample) -> str:
    """The word that says what is wanted: a colour to paint in, a shape to make or to take away."""
    before, after = edit.edit.before, edit.edit.after
    if edit.kind == "recolour" and after is not None:
        return after.colour
    item = after if after is not None else before
    assert item is not None
    return item.shape


def said_with(text: str, old: str, new: str) -> str:
    """A sentence with its last mention of a word put otherwise."""
    last = list(re.finditer(rf"\b(an? )?(\w+ )??{old}\b", text))[-1]
    head, adjective = last[1] or "", last[2] or ""
    if head and not adjective:
        head = "an " if new[0] in "aeiou" else "a "
    return text[: last.start()] + head + adjective + new + text[last.end() :]


def wordings(edit: Sample, seed: int) -> Wordings:
    """Four wordings of an edit; the same seed gives the same."""
    rng = np.random.default_rng([7, seed])
    word = word_of(edit)
    kinds = tuple(COLOURS) if word in COLOURS else SHAPES
    taken = {word, *(getattr(edit.edit.before, name, "") for name in ("colour", "shape"))}
    others = [one for one in kinds if one not in taken]
    wrong = others[rng.integers(len(others))]
    again = edit.instruction
    for _ in range(20):
        if again != edit.instruction:
            break
        again = instruction(rng, edit.edit)
    return Wordings(
        said_with(edit.instruction, word, UNKNOWN[word]),
        said_with(again, word, UNKNOWN[word]),
        edit.instruction,
        said_with(edit.instruction, word, wrong),
    )
