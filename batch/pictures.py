"""The folder or table of pictures that `edit` reads, one line or file at a time."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .places import NUMBERS, PICTURES, PLACES

SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"}


@dataclass(frozen=True)
class Picture:
    """A name that is the edited picture's too, files by place, and other values by place."""

    name: str
    files: dict[str, Path]
    values: dict[str, Any] = field(default_factory=dict)


def count(where: Path) -> int:
    """How many there are. Raises ValueError."""
    return sum(1 for _ in (_files(where) if where.is_dir() else _lines(where)))


def read(where: Path) -> Iterator[Picture]:
    """Every picture of a folder and those below it, or every line of a CSV. Raises ValueError.

    A CSV has the column picture, and if wanted name and any other place; empty cells say nothing.
    """
    seen: set[str] = set()
    for one in _of_folder(where) if where.is_dir() else _of_table(where):
        if one.name in seen:
            raise ValueError(f"{where}: {one.name!r} stands there twice; give a column `name`.")
        seen.add(one.name)
        yield one


def _files(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())


def _of_folder(folder: Path) -> Iterator[Picture]:
    """By path below the folder, without its end where no other file has the same."""
    files = [path.relative_to(folder) for path in _files(folder)]
    stems = [path.with_suffix("").as_posix() for path in files]
    times = Counter(stems)
    for path, stem in zip(files, stems, strict=True):
        yield Picture(path.as_posix() if times[stem] > 1 else stem, {"picture": folder / path})


def _lines(table: Path) -> Iterator[dict[str, str]]:
    if not table.is_file():
        raise ValueError(f"{table}: expected a folder of pictures or a CSV.")
    with table.open(newline="", encoding="utf-8-sig") as file:
        lines = csv.DictReader(file)
        unknown = set(lines.fieldnames or ()) - {*PLACES, "name"}
        if "picture" not in (lines.fieldnames or ()) or unknown:
            told = f" {min(unknown)!r} is none." if unknown else ""
            raise ValueError(f"{table}: expected columns of {', '.join((*PLACES, 'name'))}.{told}")
        yield from lines


def _of_table(table: Path) -> Iterator[Picture]:
    for number, line in enumerate(_lines(table), start=2):
        given = {name: text for name, text in line.items() if text}
        if "picture" not in given:
            raise ValueError(f"{table}, line {number}: no picture.")
        name = given.pop("name", "") or Path(given["picture"]).with_suffix("").as_posix()
        files = {place: table.parent / given.pop(place) for place in PICTURES if place in given}
        numbers = {n: _number(table, number, given.pop(n)) for n in NUMBERS if n in given}
        yield Picture(name, files, {**given, **numbers})


def _number(table: Path, line: int, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{table}, line {line}: expected a whole number, got {text!r}.") from None
