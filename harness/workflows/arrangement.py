"""Where frames, nodes and the note of a workflow stand: in few columns, seen at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import frames
from .recipes.notes import STOCK
from .recipes.parts import Recipe

MOST_WIDTH = 1740
"""The narrower of what the frontends show at a scale at which text is still drawn."""
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


def lowest(found: list[Block]) -> list[list[Block]]:
    """The lowest layout that is narrow enough."""
    tried = (columns(found, height) for height in HEIGHTS)
    return next((made for made in tried if width_of(made) <= MOST_WIDTH), [found])


def arrange(
    recipe: Recipe, sizes: Mapping[str, frames.Size]
) -> tuple[dict[str, frames.Position], dict[str, frames.Size], frames.Note]:
    """Places and sizes of all nodes, and the one note above them."""
    made = lowest(blocks(recipe, sizes))
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
    return places, grown, note_beside(one_note(recipe), made)


def note_beside(text: str, made: list[list[Block]]) -> frames.Note:
    """The note below the lowest column if there is room for it, else above all of them."""
    heights = [height_of(column) for column in made]
    place = heights.index(min(heights))
    widths = [max(block.width for block in column) for column in made]
    height = note_height(text, widths[place])
    if heights[place] + TITLE + FRAME_GAP + height <= max(heights):
        left = sum(width + 2 * frames.MARGIN + FRAME_GAP for width in widths[:place])
        top = heights[place] + TITLE + FRAME_GAP
        return frames.Note(text, (left, top), (widths[place], height), "About")
    whole = width_of(made)
    height = note_height(text, whole)
    return frames.Note(text, (-frames.MARGIN, -height - FRAME_GAP), (whole, height), "About")
