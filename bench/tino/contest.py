"""Every loss and every way to spend passes, round by round: any first rounds are whole."""

import argparse
from pathlib import Path

from ...tino_core.settings import Settings
from .contest_entries import Contest
from .contest_report import write_contest
from .contest_rows import ALL_ROWS, CONTEST, SIDE
from .models import TinoBench
from .report import DOCS
from .results import Results
from .runs import Plan
from .sharing import run_shared
from .when_page import write_when


def contest_plan(options: argparse.Namespace) -> Plan:
    """The first edits of each kind."""
    settings = Settings(num_steps=options.steps)
    return Plan(
        settings,
        options.edits,
        options.ablation_edits,
        options.batch,
        main=CONTEST,
        ablations=SIDE,
    )


def wanted(options: argparse.Namespace) -> set[str]:
    """Names of the variants to run."""
    asked = [*(options.rows or []), *(options.leave_out or [])]
    unknown = [name for name in asked if name not in ALL_ROWS]
    if unknown:
        raise SystemExit(f"rows: expected some of {', '.join(ALL_ROWS)}, got {unknown[0]}")
    return set(options.rows or ALL_ROWS) - set(options.leave_out or ())


def run_contest(bench: TinoBench, options: argparse.Namespace, root: Path) -> None:
    """Run and measure what no other process has run or is running."""
    run_shared(bench, contest_plan(options), root, wanted(options))


def report(bench: TinoBench, options: argparse.Namespace, root: Path) -> Path:
    """Write both pages from what is kept."""
    results = Results(bench, contest_plan(options), root)
    given = f" --edits {options.edits} --steps {options.steps} --batch {options.batch}"
    given += f" --ablation-edits {options.ablation_edits}"
    docs = options.docs or DOCS
    docs.mkdir(parents=True, exist_ok=True)
    write_contest(results, given, docs / "tino_benchmark.md")
    return write_when(Contest(results), given, docs / "tino_when.md")
