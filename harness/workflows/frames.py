"""Frames and notes of a workflow file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TITLE = 30
MARGIN, HEADING = 20, 40
LETTERS, LETTER = 24, 0.54
"""A frame's title: its size where there is room, and a letter's share of that in width."""

Size = tuple[float, float]
Position = tuple[float, float]


@dataclass(frozen=True)
class Group:
    """A titled frame around nodes."""

    title: str
    nodes: Sequence[str]
    color: str = "#3f789e"


@dataclass(frozen=True)
class Note:
    """A Markdown note beside the nodes."""

    text: str
    position: Position
    size: Size = (400, 200)
    title: str = "Note"


def ui_note(note: Note, node_id: int, rank: int) -> dict[str, Any]:
    return {
        "id": node_id,
        "type": "MarkdownNote",
        "pos": list(note.position),
        "size": list(note.size),
        "flags": {},
        "order": rank,
        "mode": 0,
        "inputs": [],
        "outputs": [],
        "title": note.title,
        "properties": {},
        "widgets_values": [note.text],
        "color": "#432",
        "bgcolor": "#653",
    }


def ui_group(
    group_id: int, group: Group, places: Mapping[str, Position], sizes: Mapping[str, Size]
) -> dict[str, Any]:
    left = min(places[key][0] for key in group.nodes) - MARGIN
    top = min(places[key][1] for key in group.nodes) - TITLE - HEADING
    right = max(places[key][0] + sizes[key][0] for key in group.nodes) + MARGIN
    bottom = max(places[key][1] + sizes[key][1] for key in group.nodes) + MARGIN
    return {
        "id": group_id,
        "title": group.title,
        "bounding": [left, top, right - left, bottom - top],
        "color": group.color,
        "font_size": min(LETTERS, int((right - left - 8) / (LETTER * len(group.title)))),
        "flags": {},
    }
