"""Where frames, nodes and the note of a workflow stand: in few columns, seen at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import frames
from .recipes.notes import STOCK
from .recipes.parts import Recipe

MOST_WIDTH = 1740
"""The narrower of what the frontends show at a scale at which text is still drawn."""
SEEN = (1500, 870)
"""What is free of bars in a window of 1600 x 1000 pixels."""
NOTE = 300
HEIGHTS = range(400, 4000, 25)
GAP, FRAME_GAP, TITLE = 14, 20, 30
NOTE_LINE, NOTE_CHARACTER, NOTE_MARGIN = 19, 7.2, 46


@dataclass(frozen=True)
class Block:
    """A frame of nodes, from top to bottom. nodes: name -> height."""

    width: float
    height: float
    nodes: Mapping[str, float]


def one_note(recipe: Recipe) -> str:
    """What the recipe's frames have to say, but for what the nodes' own help says."""
    first, *others = recipe.sections
    parts = [first.note.strip()]
    for section in others:
        note = section.note
        for stock in STOCK:
            note = note.replace(stock.strip(), "")
        if note.strip():
            parts.append(f"**{section.title}**\n\n{note.strip()}")
    return "\n\n".join(parts) + "\n"


def note_height(text: str, width: float) -> float:
    """About the height of a rendered note: its lines as they wrap."""
    per_line = width / NOTE_CHARACTER
    paragraphs = [" ".join(part.split("\n")) for part in text.split("\n\n")]
    lines = [line for part in paragraphs for line in part.split(" - ")]
    wrapped = sum(1 + len(line) // per_line for line in lines)
    return NOTE_MARGIN + NOTE_LINE * (wrapped + 0.7 * len(paragraphs))


def blocks(recipe: Recipe, sizes: Mapping[str, frames.Size]) -> list[Block]:
    """The frames, each as wide as its widest node."""
    found = []
    for section in recipe.sections:
        heights = {name: sizes[name][1] for name in section.nodes}
        inside = sum(heights.values()) + len(heights) * (TITLE + GAP)
        width = max(sizes[name][0] for name in section.nodes)
        found.append(Block(width, inside + frames.HEADING + frames.MARGIN, heights))
    return found


def columns(found: Sequence[Block], most_height: float) -> list[list[Block]]:
    """The blocks from top to bottom, a new column where the height would not do."""
    made: list[list[Block]] = [[]]
    for block in found:
        if made[-1] and height_of([*made[-1], block]) > most_height:
            made.append([])
        made[-1].append(block)
    return made


def height_of(column: list[Block]) -> float:
    return sum(block.height + FRAME_GAP for block in column) - FRAME_GAP


def width_of(made: list[list[Block]]) -> float:
    widths = [max(block.width for block in column) + 2 * frames.MARGIN for column in made]
    return sum(widths) + FRAME_GAP * (len(made) - 1)


def layouts(found: Sequence[Block]) -> list[list[list[Block]]]:
    """All layouts that are narrow enough, the lowest one first."""
    made = [columns(found, height) for height in HEIGHTS]
    differ = [one for one, last in zip(made, [None, *made], strict=False) if one != last]
    return [one for one in differ if width_of(one) <= MOST_WIDTH] or [list(map(list, [found]))]


def scale_of(width: float, height: float) -> float:
    """At which scale so much is seen at once."""
    return min(SEEN[0] / width, SEEN[1] / height)


def arrange(
    recipe: Recipe, sizes: Mapping[str, frames.Size]
) -> tuple[dict[str, frames.Position], dict[str, frames.Size], frames.Note]:
    """Places and sizes of all nodes, and the one note: as large as they can be seen at once."""
    text = one_note(recipe)
    tried = [(made, place_note(text, made)) for made in layouts(blocks(recipe, sizes))]
    made, note = max(tried, key=lambda one: scale_of(*extent(*one)))
    places: dict[str, frames.Position] = {}
    grown: dict[str, frames.Size] = {}
    left = 0.0
    for column in made:
        width, top = max(block.width for block in column), 0.0
        for block in column:
            below = top + frames.HEADING + TITLE
            for name, height in block.nodes.items():
                places[name], grown[name] = (left, below), (width, height)
                below += height + TITLE + GAP
            top += block.height + FRAME_GAP
        left += width + 2 * frames.MARGIN + FRAME_GAP
    return places, grown, note


def extent(made: list[list[Block]], note: frames.Note) -> frames.Size:
    """Width and height of all of it."""
    (left, top), (width, height) = note.position, note.size
    right = max(width_of(made), left + width + 2 * frames.MARGIN)
    bottom = max(*map(height_of, made), top + height)
    return right, bottom - min(0.0, top - TITLE)


def place_note(text: str, made: list[list[Block]]) -> frames.Note:
    """The note where all is seen largest: below a column, as a column, or above all of them."""
    notes = [_below(text, made, place) for place in range(len(made))]
    notes += [_above(text, made), _beside(text, made)]
    narrow = [one for one in notes if extent(made, one)[0] <= MOST_WIDTH]
    return max(narrow, key=lambda one: scale_of(*extent(made, one)))


def _below(text: str, made: list[list[Block]], place: int) -> frames.Note:
    widths = [max(block.width for block in column) for column in made]
    left = sum(width + 2 * frames.MARGIN + FRAME_GAP for width in widths[:place])
    top = height_of(made[place]) + TITLE + FRAME_GAP
    size = (widths[place], note_height(text, widths[place]))
    return frames.Note(text, (left, top), size, "About")


def _above(text: str, made: list[list[Block]]) -> frames.Note:
    whole = width_of(made)
    height = note_height(text, whole)
    return frames.Note(text, (-frames.MARGIN, -height - FRAME_GAP), (whole, height), "About")


def _beside(text: str, made: list[list[Block]]) -> frames.Note:
    right = width_of(made) + FRAME_GAP
    return frames.Note(text, (right, TITLE), (NOTE, note_height(text, NOTE)), "About")
