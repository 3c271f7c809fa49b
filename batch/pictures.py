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


def count(where: Path, results: Path | None = None) -> int:
    """How many there are, of which none is an error. Raises ValueError."""
    number = sum(1 for _ in (_files(where, results) if where.is_dir() else _lines(where)))
    if not number:
        raise ValueError(f"{where}: there is no picture in it.")
    return number


def read(where: Path, results: Path | None = None) -> Iterator[Picture]:
    """Every picture of a folder and those below it, or every line of a CSV. Raises ValueError.

    A CSV has the column picture, and if wanted name and any other place; empty cells say nothing.
    results: a folder that is left out, lest what was made be edited again; so are hidden files
    """
    seen: set[str] = set()
    for one in _of_folder(where, results) if where.is_dir() else _of_table(where):
        if one.name in seen:
            raise ValueError(f"{where}: {one.name!r} stands there twice; give a column `name`.")
        seen.add(one.name)
        yield one


def _files(folder: Path, results: Path | None) -> list[Path]:
    """Picture files below a folder, none of them hidden or below `results`."""
    made = None if results is None else results.resolve()

    def counts(path: Path) -> bool:
        hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        is_made = made is not None and path.resolve().is_relative_to(made)
        return path.suffix.lower() in SUFFIXES and not hidden and not is_made and path.is_file()

    return sorted(filter(counts, folder.rglob("*")))


def _of_folder(folder: Path, results: Path | None) -> Iterator[Picture]:
    """By path below the folder, without its end where no other file has the same."""
    files = [path.relative_to(folder) for path in _files(folder, results)]
    stems = [path.with_suffix("").as_posix() for path in files]
    times = Counter(stems)
    for path, stem in zip(files, stems, strict=True):
        yield Picture(path.as_posix() if times[stem] > 1 else stem, {"picture": folder / path})


def _lines(table: Path) -> Iterator[dict[str, str]]:
    if not table.is_file():
        raise ValueError(f"{table}: expected a folder of pictures or a CSV.")
    with table.open(newline="", encoding="utf-8-sig") as file:
        try:
            lines = csv.DictReader(file)
            unknown = set(lines.fieldnames or ()) - {*PLACES, "name"}
            if "picture" in (lines.fieldnames or ()) and not unknown:
                yield from lines
                return
        except (UnicodeDecodeError, csv.Error) as error:
            raise ValueError(f"{table}: expected a CSV in UTF-8 ({error}).") from error
    told = f" {min(unknown)!r} is none." if unknown else ""
    raise ValueError(f"{table}: expected columns of {', '.join((*PLACES, 'name'))}.{told}")


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
