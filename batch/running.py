"""Jobs, servers and book together: what is done is skipped, what fails is written down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tqdm import tqdm

from .book import Book
from .fleet import Fleet
from .jobs import Job, Made


@dataclass(frozen=True)
class Again:
    """What is done once more: only what failed; what was made with other settings."""

    failed_only: bool = False
    changed: bool = False


def run(
    jobs: Iterable[Job],
    total: int,
    fleet: Fleet,
    book: Book,
    again: Again,
) -> tuple[int, int]:
    """Work off what the book does not hold; how many were made and how many given up.

    Shows progress, pictures a second and the time left. Raises ValueError, AllServersLost.
    """
    made = failed = 0
    with tqdm(total=total, unit="picture", mininterval=1, dynamic_ncols=True) as bar:
        for job, outcome in fleet.work_off(_open(jobs, book, again, bar)):
            if isinstance(outcome, Made):
                book.keep(job, outcome)
                made += 1
            else:
                book.give_up(job, outcome)
                failed += 1
                bar.write(f"{job.sample}, {job.method}: {outcome.why.splitlines()[0]}")
            bar.update()
            bar.set_postfix(failed=failed)
    return made, failed


def _open(jobs: Iterable[Job], book: Book, again: Again, bar: tqdm) -> Iterator[Job]:
    """The jobs that are still to be done."""
    for job in jobs:
        failed = book.why_failed(job.sample, job.method) is not None
        todo = failed if again.failed_only else not failed and not _is_made(job, book, again)
        if todo:
            yield job
        else:
            bar.initial += 1
            bar.update()


def _is_made(job: Job, book: Book, again: Again) -> bool:
    """Whether the book holds it. Raises ValueError where it was made of something else."""
    record = book.made(job.sample, job.method)
    if record is None:
        return False
    try:
        key = job.key
    except (OSError, ValueError):
        return False  # its picture is no longer there: that is told where it is handed out
    if again.changed and record.key != key:
        return False
    if record.key != key:
        raise ValueError(
            f"{job.sample}, {job.method}: {book.folder} has it of another picture, instruction or "
            "settings. Take another --out, or make what has changed anew: --redo."
        )
    return True
