"""Measures edits by published protocols: python -m elect_tino.evaluation [run] DATA ...

DATA is pie:FOLDER, magicbrush:FOLDER (every turn from the true picture before it),
magicbrush-iterative:FOLDER (every turn from the method's own last result), gedit:FOLDER,
folder:FOLDER (with metadata), csv:FILE or world:COUNT. Nothing is downloaded.

  evaluation DATA --import NAME=DIR          measures folders of pictures
  evaluation run DATA --method NAME=FILE     runs workflows on ComfyUI first (--server URL)

The ledger in --out holds what was measured; run it again to go on. Methods are compared with the
first of them.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from ..batch.arguments import add_arguments
from ..batch.fleet import AllServersLost
from ..judging.question import Unanswered
from . import page
from .data import form_of
from .judged import check_same_judge
from .ledger import Ledger
from .measuring import ELECT, PAPERS, calls_told, columns_of, measure, methods_of, report
from .runs import calls_of, make, planned
from .sample import Sample


def natural(text: str) -> int:
    """A whole number from 0."""
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"expected a whole number, got {text!r}")
    return int(text)


def parse(argv: list[str]) -> argparse.Namespace:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="evaluate", description=__doc__, formatter_class=form)
    runs = argv[:1] == ["run"]
    parser.set_defaults(methods=[])
    parser.add_argument("data")
    parser.add_argument("--import", dest="imports", action="append", default=[], metavar="NAME=DIR")
    parser.add_argument("--out", type=Path, default=Path("output/evaluation"))
    parser.add_argument(
        "--paper",
        choices=PAPERS,
        help="print this published table beside the measured means; for pie: elect",
    )
    parser.add_argument(
        "--calls",
        action="append",
        default=[],
        metavar="NAME=N",
        help="model calls for a picture, of a method whose runs do not tell them",
    )
    parser.add_argument("--group", default="", help="only samples of this category")
    parser.add_argument(
        "--categories", action="store_true", help="means by category too, and the mean of those"
    )
    parser.add_argument("--limit", type=natural, help="only the first so many samples")
    parser.add_argument("--weights", type=Path, metavar="DIR", help="models of LPIPS, CLIP, DINO")
    parser.add_argument("--vlm", metavar="URL", help="VIEScore by this OpenAI-compatible server")
    parser.add_argument("--vlm-model", default="", help="empty: the first that it has")
    parser.add_argument("--vlm-key-variable", default="", help="environment variable of its key")
    parser.add_argument("--vlm-public", action="store_true", help="it may be outside this network")
    parser.add_argument(
        "--page", type=natural, default=200, help="samples on page.html, 0 for none"
    )
    if runs:
        named = {"metavar": "NAME=FILE", "required": True}
        parser.add_argument("--method", dest="methods", action="append", **named)
        add_arguments(parser)
    return parser.parse_args(argv[1:] if runs else argv)


def chosen(args: argparse.Namespace, group: str) -> Iterator[Sample]:
    """The samples that the arguments name. Raises ValueError."""
    form, where = form_of(args.data)
    wanted = (one for one in form.read(where) if group in ("", one.group))
    return islice(wanted, args.limit)


def evaluate(args: argparse.Namespace) -> int:
    """Run, measure, tell; 1 where something was given up. Raises as its parts do."""
    samples = partial(chosen, args, args.group)
    columns, said = columns_of(args)
    folder, failed, calls = args.out / "runs", 0, {}
    runs = [planned(given, args) for given in args.methods]
    methods = methods_of([f"{one.name}={folder / one.name}" for one in runs], args.imports)
    told_calls = calls_told(args.calls, methods)
    if runs:
        form, where = form_of(args.data)
        total = min(form.count(where), args.limit or sys.maxsize)
        stacked = args.data.startswith("magicbrush-iterative:")
        failed = make(partial(chosen, args, "") if stacked else samples, total, runs, folder, args)
        calls = calls_of(folder)
    if args.vlm:
        check_same_judge(args.out, args.vlm_model or args.vlm)
    ledger = Ledger(args.out / "ledger.jsonl")
    records, groups = measure(samples(), methods, columns, ledger, calls)
    if not records:
        of_group = f" of the group {args.group!r}" if args.group else ""
        raise ValueError(f"{args.data}: there is no sample{of_group}.")
    paper = args.paper or (ELECT if args.data.startswith("pie:") else "")
    by_category = groups if args.categories else {}
    told = report(list(methods), list(columns), records, paper, told_calls, by_category)
    told += "".join(f"\n- {line}" for line in said) + "\n"
    (args.out / "table.md").write_text(told, encoding="utf-8")
    if args.page:
        page.write(args.out / "page.html", islice(samples(), args.page), methods, records)
    print(told)
    return 1 if failed else 0


def main(argv: list[str] | None = None) -> int:
    args = parse(sys.argv[1:] if argv is None else argv)
    try:
        return evaluate(args)
    except (ValueError, OSError, AllServersLost, Unanswered) as error:
        print(f"evaluate: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    raise SystemExit(main())
