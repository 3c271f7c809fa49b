"""Data sets by the word before the colon: where each is, how many samples it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from . import gedit, listed, magicbrush, parquet, pie_bench, world
from .sample import Sample


@dataclass(frozen=True)
class Form:
    """How a data set is read, and counted without reading its pictures."""

    read: Callable[[Path], Iterator[Sample]]
    count: Callable[[Path], int]


FORMS = {
    "pie": Form(pie_bench.read, pie_bench.count),
    "magicbrush": Form(magicbrush.read, magicbrush.count),
    "magicbrush-iterative": Form(partial(magicbrush.read, iterative=True), magicbrush.count),
    "gedit": Form(gedit.read, parquet.count),
    "folder": Form(gedit.read_folder, gedit.count_folder),
    "csv": Form(listed.read, listed.count),
    "world": Form(lambda where: world.read(_number(where)), lambda where: _number(where)),
}


def _number(where: Path) -> int:
    if not str(where).isdecimal():
        raise ValueError(f"world: expected a number of edits, such as world:20, got {where}.")
    return int(str(where))


def form_of(data: str) -> tuple[Form, Path]:
    """A DATA argument, KIND:WHERE. Raises ValueError."""
    kind, colon, where = data.partition(":")
    if kind not in FORMS or not colon:
        raise ValueError(f"expected {', '.join(f'{name}:...' for name in FORMS)}, got {data!r}.")
    return FORMS[kind], Path(where)


def samples_of(data: str) -> Iterator[Sample]:
    """The samples that a DATA argument names. Raises ValueError."""
    form, where = form_of(data)
    return form.read(where)
