"""Edits many pictures: python -m elect_tino.batch PICTURES --workflow FILE --instruction TEXT.

PICTURES is a folder, or a CSV with the columns picture and, if wanted, name, instruction, mask,
reference, source_caption, target_caption, seed, num_candidates. FILE is a workflow saved by
ComfyUI. Edited pictures and the records go to --out; run it again to go on after a stop of any
kind.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from . import pictures
from .arguments import add_arguments, fleet_of, workflow_of
from .book import Book
from .fleet import AllServersLost
from .jobs import Job
from .places import NUMBERS, TEXTS, Places
from .running import Again, run

METHOD = "edited"


def jobs_of(
    where: Path, workflow: Places, values: dict[str, Any], results: Path | None = None
) -> Iterator[Job]:
    """A job a picture; a table's own values go before those given for all.

    results: a folder whose pictures are none to edit
    """
    for one in pictures.read(where, results):
        workflow.check((*one.files, *values, *one.values))
        yield Job(one.name, METHOD, workflow, one.files, {**values, **one.values})


def list_failures(book: Book, path: Path) -> int:
    """All that was given up as a CSV; how many there are."""
    failures = book.failures()
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("name", "method", "servers", "why"), *failures])
    return len(failures)


def parse(argv: list[str] | None) -> argparse.Namespace:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="edit", description=__doc__, formatter_class=form)
    parser.add_argument("pictures", type=Path)
    parser.add_argument("--workflow", type=Path, required=True, metavar="FILE")
    parser.add_argument("--out", type=Path, default=Path("output/edits"))
    for place in (*TEXTS, *NUMBERS):
        kind = int if place in NUMBERS else str
        parser.add_argument(f"--{place.replace('_', '-')}", type=kind, help="for every picture")
    add_arguments(parser)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> int:
    args = parse(argv)
    values = {name: getattr(args, name) for name in (*TEXTS, *NUMBERS)}
    given = {name: value for name, value in values.items() if value is not None}
    try:
        results = args.out / METHOD
        total = pictures.count(args.pictures, results)
        fleet, workflow = fleet_of(args), workflow_of(args.workflow, args)
        with closing(Book(args.out)) as book:
            jobs = jobs_of(args.pictures, workflow, given, results)
            made, _ = run(jobs, total, fleet, book, Again(args.retry_failed, args.redo))
            failed = list_failures(book, args.out / "failures.csv")
    except (ValueError, OSError, AllServersLost) as error:
        print(f"edit: {error}", file=sys.stderr)
        return 2
    print(f"{made} edited now, into {args.out / METHOD}")
    if failed:
        print(f"{failed} failed: {args.out / 'failures.csv'}; try them again: --retry-failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
