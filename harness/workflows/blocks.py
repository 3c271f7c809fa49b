"""A frame's nodes as a block: from top to bottom, or in two columns beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import frames

GAP, FRAME_GAP, TITLE = 10, 20, 30


@dataclass(frozen=True)
class Box:
    """Where a node stands in its block, its title above it."""

    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True)
class Block:
    """A frame of nodes. height: with the frame; width: without its margins."""

    width: float
    height: float
    columns: tuple[Mapping[str, float], ...]
    widths: tuple[float, ...]

    def spread(self, width: float) -> dict[str, Box]:
        """The nodes' boxes where the block is given such a width."""
        more = (width - self.width) / len(self.columns)
        boxes, left = {}, 0.0
        for column, narrow in zip(self.columns, self.widths, strict=True):
            top = 0.0
            for name, height in column.items():
                boxes[name] = Box(left, top + TITLE, narrow + more, height)
                top += height + TITLE + GAP
            left += narrow + more + GAP
        return boxes


def blocks(names: Sequence[str], sizes: Mapping[str, frames.Size]) -> list[Block]:
    """The ways to set up a frame: one column, and, where that is lower, the lowest two."""
    one = _block([names], sizes)
    pairs = [_block([names[:cut], names[cut:]], sizes) for cut in range(1, len(names))]
    two = min(pairs, key=lambda pair: pair.height, default=one)
    return [one, two] if two.height < one.height else [one]


def _block(columns: Sequence[Sequence[str]], sizes: Mapping[str, frames.Size]) -> Block:
    heights = [{name: sizes[name][1] for name in column} for column in columns]
    inside = max(sum(one.values()) + len(one) * (TITLE + GAP) for one in heights)
    widths = tuple(max(sizes[name][0] for name in column) for column in columns)
    whole = sum(widths) + GAP * (len(widths) - 1)
    return Block(whole, inside + frames.HEADING + frames.MARGIN, tuple(heights), widths)
