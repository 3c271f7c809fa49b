"""Work shared by any number of processes, none of which knows of the others.

Each piece has a lock that the system takes back when its process dies, so that nothing is made
twice and a killed run goes on where it was.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .measure import measure_piece, measured_at
from .methods import Batch
from .models import TinoBench
from .runs import Plan, path_of, run_piece
from .variants import Variant

try:
    import fcntl
except ImportError:  # Windows: run one process
    fcntl = None

Piece = tuple[Variant, Batch]
_TIMES = "times.jsonl"


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Whether a piece is this process's to make, until the block ends."""
    with path.with_suffix(".lock").open("w") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
        yield True


def rounds(plan: Plan) -> list[list[Piece]]:
    """The work, a batch of every kind after the other; what is made on few edits comes last."""
    starts = sorted({batch.indices.start for v in plan.main for batch in plan.batches(v)})
    made = [
        [(v, b) for v in plan.main for b in plan.batches(v) if b.indices.start == start]
        for start in starts
    ]
    return [*made, [(v, b) for v in plan.ablations for b in plan.batches(v)]]


def run_shared(bench: TinoBench, plan: Plan, root: Path, only: set[str]) -> list[Path]:
    """Run and measure what nobody has, of the variants named.  Returns what this process made."""
    folder = plan.folder(bench, root)
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for number, pieces in enumerate(rounds(plan), start=1):
        mine = [(v, b) for v, b in pieces if v.name in only]
        while found := [p for v, b in mine for p in _make(bench, plan, folder, v, b)]:
            made += found
        print(f"round {number}: nothing left that no other process makes", flush=True)
    return made


def _make(bench: TinoBench, plan: Plan, folder: Path, variant: Variant, batch: Batch) -> list[Path]:
    """The piece's file where this process made or measured it; nothing else."""
    path, judged = path_of(folder, variant, batch), measured_at(bench, folder, variant, batch)

    def done() -> bool:
        return path.exists() and judged.exists()

    if done():
        return []
    tried = None
    if variant.setup.tried is not None:
        tried = path_of(folder, plan.named[variant.setup.tried[0]], batch)
        if not tried.exists():
            return []  # another process is at it, or it is left out
    with claimed(path) as mine:
        if not mine or done():
            return []
        begin = time.process_time()
        if not path.exists():
            run_piece(bench, variant, batch, plan.settings, path, tried)
            _note(folder, variant, batch, time.process_time() - begin)
        measure_piece(bench, folder, variant, batch)
    spent = (time.process_time() - begin) / len(batch.indices)
    print(f"{variant.name} {batch.name}: {spent:.2f} CPU s an edit, measured", flush=True)
    return [path]


def _note(folder: Path, variant: Variant, batch: Batch, seconds: float) -> None:
    """One line, which an append writes whole."""
    line = {"variant": variant.name, "batch": batch.name, "edits": len(batch.indices)}
    with (folder / _TIMES).open("a", encoding="utf-8") as file:
        file.write(json.dumps({**line, "seconds": round(seconds, 3)}) + "\n")


def seconds_an_edit(folder: Path) -> dict[str, float]:
    """CPU seconds that each variant took for an edit, of what was run in a folder."""
    path = folder / _TIMES
    if not path.exists():
        return {}
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = {}
    for name in {line["variant"] for line in lines}:
        own = [line for line in lines if line["variant"] == name]
        found[name] = sum(one["seconds"] for one in own) / sum(one["edits"] for one in own)
    return found
