"""Workflows over a data set: what is run, turn by turn, and what the runs say of themselves."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from ..batch.arguments import fleet_of, workflow_of
from ..batch.book import Book
from ..batch.jobs import Job
from ..batch.places import NUMBERS, TEXTS, Places
from ..batch.running import Again, run
from .sample import Sample, as_png

CALLS = "calls"
Samples = Callable[[], Iterator[Sample]]


@dataclass(frozen=True)
class Planned:
    """A method that is run: its workflow, and values of places that are the same for all."""

    name: str
    workflow: Places
    values: Mapping[str, Any]


def planned(given: str, args: argparse.Namespace) -> Planned:
    """NAME=FILE, or NAME=FILE,seed=3,num_candidates=8. Raises ValueError."""
    name, equals, rest = given.partition("=")
    file, *settings = re.split(rf",(?=(?:{'|'.join(NUMBERS)})=)", rest)
    if not equals or not name.strip() or not file:
        raise ValueError(f"--method: expected NAME=FILE[,num_candidates=N], got {given!r}.")
    pairs = [one.partition("=") for one in settings]
    workflow = workflow_of(Path(file), args)
    values = {place: int(value) for place, _, value in pairs}
    workflow.check(("picture", *values))
    if not any(workflow.inputs[place] for place in TEXTS):
        raise ValueError(f"{file}: no place for an instruction: --place instruction=NODE.INPUT.")
    return Planned(name, workflow, values)


def make(
    samples: Samples, total: int, methods: list[Planned], folder: Path, args: argparse.Namespace
) -> int:
    """Make what the folder lacks, the pictures in folder/METHOD; how many were given up.

    Where samples stand upon each other, a turn begins when the one before it is done.
    Raises ValueError, AllServersLost.
    """
    book, failed = Book(folder), 0
    try:
        for turn in count(1):
            now = sum(1 for sample in samples() if sample.turn == turn) if turn > 1 else total
            if not now:
                return failed
            again = Again(args.retry_failed, args.redo)
            jobs = (
                job
                for sample in samples()
                if sample.turn == turn
                for method in methods
                for job in _jobs(sample, method, book)
            )
            _, lost = run(jobs, now * len(methods), fleet_of(args), book, again)
            failed += lost
    finally:
        book.close()
    return failed


def calls_of(folder: Path) -> dict[tuple[str, str], float]:
    """Model calls by sample and method, of the runs that tell."""
    book = Book(folder)
    try:
        told = ((one.sample, one.method, one.facts.get("nfe")) for one in book.all_made())
        return {(sample, method): float(nfe) for sample, method, nfe in told if nfe is not None}
    finally:
        book.close()


def _jobs(sample: Sample, method: Planned, book: Book) -> Iterator[Job]:
    """The sample's job; none where the result it stands upon is not there."""
    source: bytes | Path = as_png(sample.source)
    if sample.after:
        before = book.made(sample.after, method.name)
        if before is None:
            return
        source = book.folder / before.files[0]
    has = method.workflow.inputs
    pictures: dict[str, Path | bytes] = {"picture": source}
    for place in ("mask", "reference"):
        given = getattr(sample, place)
        if has[place] and given is not None:
            pictures[place] = as_png(given)
    texts = {place: getattr(sample, place) for place in TEXTS if has[place]}
    yield Job(sample.name, method.name, method.workflow, pictures, {**texts, **method.values})
