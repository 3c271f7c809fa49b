"""python3 dev.py bench gpu: measures on this machine's GPU, writes docs/elect_system.md's section.

Without a GPU, or with ``--size tiny``, it is a rehearsal: on small models, to the screen alone.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from ..system import write_gpu
from .elections import Row
from .parts import PARTS
from .scenes import SIZES

PAGE = Path(__file__).resolve().parents[2] / "docs" / "elect_system.md"
MODULE = __name__.rsplit(".", 2)[0]
"""Of the benchmarks, whose command line this is a part of."""


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="dev.py bench gpu", description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--size", choices=SIZES, help="of models (default: each part's own)")
    parser.add_argument("--minutes", type=float, default=9, help="begin no part later (default 9)")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def measured(part: str, size: str) -> Iterator[Row]:
    """The rows of a part, from a process of its own; of one that fails, its last words."""
    command = [sys.executable, "-m", MODULE, "gpu", "--alone", "--parts", part, "--size", size]
    child = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = child.stdout.splitlines()
    yield from (tuple(json.loads(line)) for line in lines if line.startswith('["'))
    if child.returncode:
        said = [line for line in child.stderr.splitlines() if line.strip()]
        yield "FAILED", said[-1] if said else f"ended with {child.returncode}"


def rows_of(options: argparse.Namespace) -> Iterator[tuple[str, list[Row]]]:
    """The heading and the rows of each part and size, as they are done; later ones are left out."""
    begin = time.monotonic()
    for name in options.parts:
        for size in [options.size] if options.size else PARTS[name].sizes:
            if time.monotonic() - begin > 60 * options.minutes:
                yield f"{PARTS[name].title}, {size}", [("left out", "no time was left")]
            else:
                yield f"{PARTS[name].title}, {size}", list(measured(name, size))


def as_text(heading: str, rows: list[Row]) -> str:
    """One part of the page."""
    lines = [f"- {what}: {found}" for what, found in rows]
    return "\n".join([f"### {heading}", "", *lines, ""])


def machine() -> str:
    """The card and PyTorch, in words."""
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU: a rehearsal"
    return f"{card}, PyTorch {torch.__version__}"


def main(arguments: Sequence[str]) -> None:
    """Measure, print as it goes, and write down what a real GPU gave at real sizes."""
    options = parse(arguments)
    if options.alone:
        for row in PARTS[options.parts[0]].measure(SIZES[options.size]):
            print(json.dumps(row), flush=True)
        return
    rehearsal = not torch.cuda.is_available()
    options.size = options.size or ("tiny" if rehearsal else None)
    text = f"Made by `python3 dev.py bench gpu`: {machine()}.\n"
    print(text)
    for heading, rows in rows_of(options):
        part = as_text(heading, rows)
        print(part, flush=True)
        text += f"\n{part}"
        if options.size is None:
            write_gpu(text, PAGE)
