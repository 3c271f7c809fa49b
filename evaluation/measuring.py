"""Methods, columns and ledger together: what is not measured yet, and the report."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from numpy import ndarray

from ..judging.endpoint import Endpoint, Settings
from .columns import Column, of_weights
from .judged import viescore
from .ledger import Ledger, word_of
from .pixels import COLUMNS
from .published import beside_the_paper
from .published_tino import TABLES, beside_tino
from .results import NO_EDIT, PASTED, Method, imported, no_edit, pasted_back
from .runs import CALLS
from .sample import Sample
from .tables import Records, as_text, by_calls, by_group, finite, paired

ELECT = "elect"
PAPERS: dict[str, Callable[[Records, Sequence[str]], str]] = {
    ELECT: beside_the_paper,
    **{name: partial(beside_tino, name) for name in TABLES},
}
"""Published tables, each printed with the means of methods."""


def methods_of(runs: Sequence[str], imports: Sequence[str] = ()) -> dict[str, Method]:
    """Methods by name: no edit, then each NAME=DIR, and each with the source pasted back.

    runs: folders that may be empty still; imports: folders that must be there. Raises ValueError.
    """
    methods: dict[str, Method] = {NO_EDIT: no_edit}
    for given in (*runs, *imports):
        name, equals, folder = given.partition("=")
        if not equals or name in methods:
            raise ValueError(f"expected NAME=DIR with a name of its own, got {given!r}.")
        methods[name] = imported(Path(folder), given in runs)
        methods[f"{name}{PASTED}"] = pasted_back(methods[name])
    return methods


def calls_told(given: Sequence[str], methods: Mapping[str, Method]) -> dict[str, float]:
    """Model calls for a picture by method, each NAME=N. Raises ValueError."""
    told: dict[str, float] = {}
    for one in given:
        name, _, number = one.rpartition("=")
        if name not in methods or not number.isdecimal():
            raise ValueError(f"--calls: expected NAME=N, a method and a whole number, got {one!r}.")
        told[name] = float(number)
    return told


def spent_by(
    records: Records, methods: Sequence[str], told: Mapping[str, float]
) -> dict[str, float]:
    """Model calls for a picture by method, as its runs tell, else as told; {} where none is known.

    Nothing is none, and pasting back costs nothing more.
    """
    known: dict[str, float] = {}
    for method in methods:
        counted = list(finite(records, method, CALLS).values())
        if counted or method in told:
            known[method] = sum(counted) / len(counted) if counted else told[method]
        elif method.removesuffix(PASTED) in known:
            known[method] = known[method.removesuffix(PASTED)]
    return {NO_EDIT: 0.0, **known} if known else {}


def columns_of(args: argparse.Namespace) -> tuple[dict[str, Column], list[str]]:
    """The columns that can be had, and a line for each that cannot. Raises ValueError."""
    learned, said = of_weights(args.weights)
    judged: dict[str, Column] = {}
    if args.vlm:
        key = {"key_variable": args.vlm_key_variable, "allow_public": args.vlm_public}
        judged = viescore(Endpoint(Settings(args.vlm, args.vlm_model, **key)))
    else:
        said.append("VIEScore: left out, no --vlm")
    return {**COLUMNS, **learned, **judged}, said


def measure(
    samples: Iterator[Sample],
    methods: Mapping[str, Method],
    columns: Mapping[str, Column],
    ledger: Ledger,
    calls: Mapping[tuple[str, str], float],
) -> tuple[Records, dict[str, str]]:
    """Fill the ledger with what it does not hold.

    Returns its records of these samples and methods, and the category of each sample.
    Raises Unanswered.
    """
    groups: dict[str, str] = {}
    for sample in samples:
        groups[sample.name] = sample.group
        for name, method in methods.items():
            result = method(sample)
            if result is None:
                continue
            word = word_of(result, *content(sample))
            known = ledger.known(sample.name, name, word)
            values = {it: of(sample, result) for it, of in columns.items() if it not in known}
            if CALLS not in known and (sample.name, name) in calls:
                values[CALLS] = calls[sample.name, name]
            if values:
                ledger.add(sample.name, name, values, word)
    records = {
        (sample, name): values
        for (sample, name), values in ledger.records.items()
        if sample in groups and name in methods
    }
    return records, groups


def content(sample: Sample) -> tuple[ndarray | str | None, ...]:
    """All that a column may look at, beside the result."""
    pictures = sample.source, sample.mask, sample.target, sample.reference
    return *pictures, sample.instruction, sample.source_caption, sample.target_caption


def report(
    methods: list[str],
    columns: list[str],
    records: Records,
    paper: str,
    told: Mapping[str, float],
    groups: Mapping[str, str],
) -> str:
    """The table, every method against the first, quality by calls, and the paper's table.

    paper: a name of PAPERS, or "" for none; told: calls of methods whose runs do not tell them
    groups: the category of each sample, for tables by category; none where empty
    """
    lines = [as_text(records, methods, columns)]
    for name in methods:
        if len(methods) > 1 and name != methods[1]:
            lines.append(f"\n{name} minus {methods[1]}, paired, 95 % interval:")
            lines += [f"- {paired(records, name, methods[1], one)}" for one in columns]
    spent = spent_by(records, methods, told)
    if spent:
        lines += ["\nBy model calls, fewest first:\n", by_calls(records, spent, columns)]
    for column in columns if groups else ():
        lines += ["\nBy category:\n", by_group(records, groups, methods, column)]
    if paper:
        lines += ["\nBeside the paper's table:\n", PAPERS[paper](records, methods)]
    return "\n".join(lines) + "\n"
