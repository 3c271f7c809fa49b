"""Evaluates folders of edited pictures: python -m elect_tino.evaluation DATA --import NAME=DIR.

DATA is pie:FOLDER, magicbrush:FOLDER, csv:FILE or world:COUNT. Nothing is downloaded. The ledger in
--out holds what was measured; run it again to go on. Methods are compared with the first import.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

from . import listed, magicbrush, pie_bench, world
from .ledger import Ledger
from .pixels import COLUMNS
from .results import Method, imported, no_edit, pasted_back
from .sample import Sample
from .tables import as_text, paired

DATA: dict[str, Callable[[str], Iterator[Sample]]] = {
    "pie": lambda where: pie_bench.read(Path(where)),
    "magicbrush": lambda where: magicbrush.read(Path(where)),
    "csv": lambda where: listed.read(Path(where)),
    "world": lambda where: world.read(int(where)),
}


def samples_of(data: str) -> Iterator[Sample]:
    """The samples that a DATA argument names. Raises ValueError."""
    kind, colon, where = data.partition(":")
    if kind not in DATA or not colon:
        raise ValueError(f"expected {', '.join(f'{name}:...' for name in DATA)}, got {data!r}.")
    return DATA[kind](where)


def methods_of(imports: list[str]) -> dict[str, Method]:
    """Methods by name: no edit, then each import, and each with the source pasted back."""
    methods: dict[str, Method] = {"no edit": no_edit}
    for given in imports:
        name, equals, folder = given.partition("=")
        if not equals or name in methods:
            raise ValueError(f"--import: expected NAME=DIR with a name of its own, got {given!r}.")
        methods[name] = imported(Path(folder))
        methods[f"{name}, pasted back"] = pasted_back(methods[name])
    return methods


def measure(samples: Iterator[Sample], methods: dict[str, Method], ledger: Ledger) -> None:
    """Fill the ledger with what it does not hold."""
    for sample in samples:
        for name, method in methods.items():
            if (sample.name, name) in ledger.records:
                continue
            result = method(sample)
            if result is not None:
                values = {column: of(sample, result) for column, of in COLUMNS.items()}
                ledger.add(sample.name, name, values)


def report(methods: list[str], ledger: Ledger) -> str:
    """The table, and every method against the first import."""
    lines = [as_text(ledger.records, methods, list(COLUMNS))]
    for name in methods:
        if len(methods) > 1 and name != methods[1]:
            lines.append(f"\n{name} minus {methods[1]}, paired, 95 % interval:")
            lines += [f"- {paired(ledger.records, name, methods[1], one)}" for one in COLUMNS]
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="evaluation", description=__doc__)
    parser.add_argument("data")
    parser.add_argument("--import", dest="imports", action="append", default=[], metavar="NAME=DIR")
    parser.add_argument("--out", type=Path, default=Path("output/evaluation"))
    args = parser.parse_args(argv)
    methods = methods_of(args.imports)
    ledger = Ledger(args.out / "ledger.jsonl")
    measure(samples_of(args.data), methods, ledger)
    told = report(list(methods), ledger)
    (args.out / "table.md").write_text(told, encoding="utf-8")
    print(told)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
