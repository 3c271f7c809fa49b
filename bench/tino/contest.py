"""Every loss and every way to spend passes, round by round: any first rounds are whole."""

import argparse
from pathlib import Path

from ...tino_core.settings import Settings
from .contest_report import write_contest
from .measure import measure_missing
from .models import TinoBench
from .ranking import ranking_text
from .report import DOCS
from .results import Results
from .runs import Plan, run_missing
from .slopes import slopes_text
from .variants import CONTEST, CONTEST_FEW


def contest_plan(options: argparse.Namespace, num_edits: int) -> Plan:
    """The first edits of each kind."""
    settings = Settings(num_steps=options.steps)
    return Plan(
        settings,
        num_edits,
        options.ablation_edits,
        options.batch,
        main=CONTEST,
        ablations=CONTEST_FEW,
    )


def run_contest(bench: TinoBench, options: argparse.Namespace, root: Path) -> None:
    """Run and measure what is missing, a batch of every kind after the other."""
    for number in range(options.batch, options.edits + options.batch, options.batch):
        plan = contest_plan(options, min(number, options.edits))
        run_missing(bench, plan, root)
        measure_missing(bench, plan, root)
        print(f"{plan.num_edits} edits of each kind are done", flush=True)


def report(bench: TinoBench, options: argparse.Namespace, root: Path) -> Path:
    """Write the page from what is kept."""
    results = Results(bench, contest_plan(options, options.edits), root)
    given = f" --edits {options.edits} --steps {options.steps} --batch {options.batch}"
    given += f" --ablation-edits {options.ablation_edits}"
    docs = options.docs or DOCS
    docs.mkdir(parents=True, exist_ok=True)
    extra = ranking_text(bench, 2 * options.edits) + "\n" + slopes_text(bench, options.edits)
    return write_contest(results, given, extra, docs / "tino_benchmark.md")
