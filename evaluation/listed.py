"""A plain folder with a CSV: picture, instruction, and if known the rest.

The rest: name, mask, target, reference (what the edit is guided by), source_caption,
target_caption, group.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from numpy import ndarray

from .sample import Sample, read_mask, read_picture

WANTED = ("picture", "instruction")


def read(table: Path) -> Iterator[Sample]:
    """A sample for each line; files are beside the table or below. Raises ValueError."""
    lines = _lines(table)
    missing = [name for name in WANTED if lines and name not in lines[0]]
    if not lines or missing or not all(line["picture"] for line in lines):
        raise ValueError(f"{table}: expected lines with the columns {', '.join(WANTED)}.")
    names = [line.get("name") or Path(line["picture"]).stem for line in lines]
    twice = [name for name, times in Counter(names).items() if times > 1]
    if twice:
        raise ValueError(f"{table}: {twice[0]!r} stands there twice; give a column `name`.")
    for name, line in zip(names, lines, strict=True):
        source = read_picture(inside(table.parent, line["picture"]))
        mask = line.get("mask")
        yield Sample(
            name=name,
            source=source,
            instruction=line["instruction"],
            mask=read_mask(inside(table.parent, mask), source.shape[:2]) if mask else None,
            target=_picture(table.parent, line.get("target")),
            reference=_picture(table.parent, line.get("reference")),
            source_caption=line.get("source_caption") or "",
            target_caption=line.get("target_caption") or "",
            group=line.get("group") or "",
        )


def count(table: Path) -> int:
    """How many lines there are."""
    return len(_lines(table))


def _lines(table: Path) -> list[dict[str, str]]:
    try:
        with table.open(newline="", encoding="utf-8-sig") as file:
            return list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{table}: expected a CSV in UTF-8 ({error}).") from error


def _picture(folder: Path, name: str | None) -> ndarray | None:
    return read_picture(inside(folder, name)) if name else None


def inside(folder: Path, name: str) -> Path:
    """A file by its name in a folder. Raises ValueError for one that is elsewhere."""
    path = (folder / name).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(f"{name}: expected a file in the table's folder.")
    return path
