"""python3 dev.py bench tino [contest|validate [report|run]] | [run|report|cost|all] [options].

contest: every loss, tries against updates, docs/tino_benchmark.md and docs/tino_when.md; `contest
report` only writes the pages from what is kept, `contest run` only runs. Start `contest run` once
for each core: the processes share the work, and a killed one goes on when it is started again.
validate: the same on validation edits, which chooses the defaults: docs/tino_defaults.md.
The others make the page of the paper's form, docs/tino_benchmark_paper.md.
"""

import argparse
from pathlib import Path

from comfy.cli_args import args as comfy_args

_PAPERS, _SHARED = ("all", "run", "report", "cost"), ("contest", "validate")


def _share(text: str) -> tuple[int, int]:
    number, _, whole = text.partition("/")
    if not (number.isdigit() and whole.isdigit() and 1 <= int(number) <= int(whole)):
        raise argparse.ArgumentTypeError(f"expected i/n with i from 1 to n, got {text}")
    return int(number), int(whole)


def parse(arguments: list[str]) -> argparse.Namespace:
    """The command line after `bench tino`."""
    parser = argparse.ArgumentParser(prog="dev.py bench tino", description=__doc__)
    parser.add_argument("part", nargs="?", choices=[*_PAPERS, *_SHARED], default="all")
    parser.add_argument(
        "only",
        nargs="?",
        choices=["report", "run"],
        help="the second half, or the first",
    )
    parser.add_argument("--rows", nargs="+", metavar="NAME", help="of contest: run these alone")
    parser.add_argument("--leave-out", nargs="+", metavar="NAME", help="of contest: all but these")
    parser.add_argument("--edits", type=int, default=60, help="of each kind (default 60)")
    parser.add_argument("--ablation-edits", type=int, default=30, help="in all (default 30)")
    parser.add_argument("--steps", type=int, default=10, help="K (default 10)")
    parser.add_argument("--iterations", type=int, default=50, help="W (default 50)")
    parser.add_argument("--cfg", type=float, default=1.0, help="guidance (default 1, the paper's)")
    parser.add_argument("--batch", type=int, default=15, help="pictures at once (default 15)")
    parser.add_argument(
        "--part",
        dest="share",
        type=_share,
        default=(1, 1),
        metavar="I/N",
        help="of `run`: only every N-th piece of work from the I-th, for N processes",
    )
    parser.add_argument("--folder", type=Path, help="of kept results (default .cache/bench)")
    parser.add_argument("--docs", type=Path, help="where the report goes (default docs)")
    options = parser.parse_args(arguments)
    if options.only and options.part not in _SHARED:
        parser.error(f"{options.only}: expected after contest or validate, not {options.part}")
    return options


def main(arguments: list[str]) -> None:
    options = parse(arguments)
    import torch

    comfy_args.cpu = not torch.cuda.is_available()
    import comfy.utils

    comfy.utils.PROGRESS_BAR_ENABLED = False
    from ...tino_core.settings import Settings
    from .cost import measure_cost
    from .measure import measure_missing
    from .models import TinoBench
    from .report import DOCS, write_report
    from .results import Results
    from .runs import CACHE, Plan, run_missing

    bench, root = TinoBench(options.cfg), options.folder or CACHE
    if options.part in _SHARED:
        from . import contest, validation

        run, write = {
            "contest": (contest.run_contest, contest.report),
            "validate": (validation.run_validation, validation.write_choice),
        }[options.part]
        if options.only != "report":
            run(bench, options, root)
        if options.only != "run":
            print(write(bench, options, root))
        return
    settings = Settings(num_steps=options.steps, iterations=options.iterations)
    plan = Plan(settings, options.edits, options.ablation_edits, options.batch)
    if options.part in ("all", "run"):
        run_missing(bench, plan, root, options.share)
        measure_missing(bench, plan, root, options.share)
    if options.part in ("all", "cost"):
        print(measure_cost(bench, settings, root))
    if options.part in ("all", "report"):
        print(write_report(Results(bench, plan, root), options.docs or DOCS))
