"""Where frames, nodes and the note of a workflow stand: in few columns, seen at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

from . import frames
from .blocks import FRAME_GAP, TITLE, Block, blocks
from .recipes.notes import STOCK
from .recipes.parts import Recipe

MOST_WIDTH = 1740
"""The narrower of what the frontends show at a scale at which text is still drawn."""
SEEN = (1390, 770)
"""What the newest frontend fills when it fits a graph into a window of 1600 x 1000 pixels."""
NARROWER = 240
"""Width of plain nodes where that makes all of it be seen larger."""
NOTE, LEAST_NOTE = 300, 200
NOTE_LINE, NOTE_CHARACTER, NOTE_MARGIN = 19, 7.2, 46
ENOUGH = 0.6
"""A scale at which all frontends draw texts; from there on more of the note counts first."""

Columns = list[list[Block]]


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


def height_of(column: Sequence[Block]) -> float:
    return sum(block.height + FRAME_GAP for block in column) - FRAME_GAP


def widths_of(made: Columns) -> list[float]:
    return [max(block.width for block in column) + 2 * frames.MARGIN for column in made]


def width_of(made: Columns) -> float:
    return sum(widths_of(made)) + FRAME_GAP * (len(made) - 1)


def layouts(recipe: Recipe, sizes: Mapping[str, frames.Size]) -> Iterator[Columns]:
    """The frames in their order, in columns: all ways that are narrow enough."""
    choices = [blocks(section.nodes, sizes) for section in recipe.sections]
    for found in product(*choices):
        for number in range(1, len(found) + 1):
            for cuts in combinations(range(1, len(found)), number - 1):
                edges = (0, *cuts, len(found))
                made = [list(found[a:b]) for a, b in zip(edges, edges[1:], strict=False)]
                if width_of(made) <= MOST_WIDTH:
                    yield made


def scale_of(width: float, height: float) -> float:
    """At which scale so much is seen at once."""
    return min(SEEN[0] / width, SEEN[1] / height)


@dataclass(frozen=True)
class Tried:
    """One way to place everything. seen: the share of the note that needs no scrolling."""

    made: Columns
    note: frames.Note
    scale: float
    seen: float
    narrowed: bool = False

    @property
    def worth(self) -> tuple[float, float, bool, float]:
        return min(self.scale, ENOUGH), self.seen, not self.narrowed, self.scale


def narrowed(sizes: Mapping[str, frames.Size]) -> dict[str, frames.Size]:
    least = min(width for width, _ in sizes.values())
    return {
        name: (NARROWER if width == least else width, height)
        for name, (width, height) in sizes.items()
    }


def arrange(
    recipe: Recipe, sizes: Mapping[str, frames.Size]
) -> tuple[dict[str, frames.Position], dict[str, frames.Size], frames.Note]:
    """Places and sizes of all nodes, and the one note: as large as they can be seen at once."""
    text = one_note(recipe)
    best = max(
        (
            one
            for narrow, natural in ((False, sizes), (True, narrowed(sizes)))
            for made in layouts(recipe, natural)
            for one in tries(text, made, narrow)
        ),
        key=lambda one: one.worth,
    )
    places: dict[str, frames.Position] = {}
    grown: dict[str, frames.Size] = {}
    left = 0.0
    for column, width in zip(best.made, widths_of(best.made), strict=True):
        top = 0.0
        for block in column:
            below = top + frames.HEADING
            for name, box in block.spread(width - 2 * frames.MARGIN).items():
                places[name] = (left + box.left, below + box.top)
                grown[name] = (box.width, box.height)
            top += block.height + FRAME_GAP
        left += width + FRAME_GAP
    return places, grown, best.note


def tries(text: str, made: Columns, narrow: bool) -> Iterator[Tried]:
    """The note below some columns, above all of them or beside them; whole, or to be scrolled."""
    whole, lowest = width_of(made), max(map(height_of, made))
    for left, top, width in spots(made):
        full = note_height(text, width)
        least = max(max(lowest, SEEN[1] / ENOUGH) - top, LEAST_NOTE) if top > 0 else full
        right = max(whole, left + width + frames.MARGIN)
        if right > MOST_WIDTH:
            continue
        for tall in {full, min(full, least)}:
            above = 0.0 if top > 0 else tall + FRAME_GAP + TITLE
            note = frames.Note(text, (left, top or -tall - FRAME_GAP), (width, tall), "About")
            scale = scale_of(right, max(lowest, top + tall) + above)
            yield Tried(made, note, scale, tall / full, narrow)


def spots(made: Columns) -> Iterator[tuple[float, float, float]]:
    """Left edge, upper edge (0: above all) and width of where the note may stand."""
    widths = widths_of(made)
    for first in range(len(made)):
        left = sum(widths[:first]) + FRAME_GAP * first
        for last in range(first, len(made)):
            across = sum(widths[first : last + 1]) + FRAME_GAP * (last - first)
            top = max(map(height_of, made[first : last + 1])) + TITLE + FRAME_GAP
            yield left, top, across - 2 * frames.MARGIN
    yield -frames.MARGIN, 0.0, width_of(made)
    yield width_of(made) + FRAME_GAP, TITLE, NOTE
