"""Defaults chosen on the validation split: which way for which kind, and FlowOpt's rate."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from ...nodes.tino.kinds import BOTH, CHOSEN_FILE, KINDS, TRIES, UPDATES
from ...tino_core.settings import Settings
from .contest_entries import AN_UPDATE, Contest
from .contest_methods import updates
from .contest_rows import FEW_MARKS, LOSS_ONLY, MARKS, NUM_SEEDS, SEEDS, TRIED_THEN_UPDATED, row
from .entries import Entry, table
from .measure import METRICS
from .models import TinoBench
from .report import DOCS
from .results import Results
from .runs import Plan
from .setups import LOSS_TITLES, LOSSES, OUR_NUMBERS
from .sharing import run_shared
from .tasks import VALIDATION

RATES = {"ours": (0.01, 0.02, 0.05), "towards": (0.02, 0.05)}
"""By loss, the second being the first without its smoothing."""
LOSS_ONLY_RATES = (2.0, 10.0, 50.0)
KINDS_OF = {"text": ("recolour", "replace"), **{k: (k,) for k in KINDS if k != "text"}}
"""Of the benchmark, by kind of the node."""
ROWS = (
    SEEDS,
    *(
        row(
            f"v-{loss}-{rate}",
            "",
            partial(updates, FEW_MARKS),
            OUR_NUMBERS | {"lr_noise": rate},
            LOSSES[loss],
        )
        for loss, rates in RATES.items()
        for rate in rates
    ),
    TRIED_THEN_UPDATED,
    *(
        row(
            f"v-loss-only-{rate:g}",
            "",
            partial(updates, MARKS),
            LOSS_ONLY | {"lr_noise": rate},
            LOSSES["towards"],
        )
        for rate in LOSS_ONLY_RATES
    ),
)


def validation_plan(options: argparse.Namespace) -> Plan:
    """The first validation edits of each kind."""
    settings = Settings(num_steps=options.steps)
    batch = min(options.batch, options.edits)
    return Plan(settings, options.edits, 0, batch, main=ROWS, ablations=(), split=VALIDATION)


def run_validation(bench: TinoBench, options: argparse.Namespace, root: Path) -> None:
    """Run and measure what no other process has."""
    plan = validation_plan(options)
    run_shared(bench, plan, root, set(plan.named))


def ways(contest: Contest, kinds: Sequence[str]) -> dict[str, Entry]:
    """The ways of TiNOPreset, each against the mean seed."""
    mean = contest.seeds("seeds", kinds).mean(0)
    tries = contest.best_of("seeds", "ours", NUM_SEEDS, kinds)
    made, update = contest.worth("v-ours-0.02", kinds)[0], 10 * AN_UPDATE
    both = contest.worth("tried", kinds)[0]
    return {
        TRIES: Entry("16 tries", NUM_SEEDS, tries, mean),
        UPDATES: Entry("10 updates", 1 + update, made, contest.worth("seeds", kinds)[0]),
        BOTH: Entry("16 tries, then 10 updates", NUM_SEEDS + update, both, mean),
    }


def choose(found: dict[str, Entry]) -> str:
    """The way that gains most success; of equals the one with the lower error.

    Tries where no way gains anything: they are the cheapest, and put out what the model drew.
    """
    gaining = {way: entry for way, entry in found.items() if entry.gain()[0] > 0}
    if not gaining:
        return TRIES
    error = METRICS.index("error")
    return max(gaining, key=lambda w: (found[w].gain()[0], -float(found[w].worth[:, error].mean())))


def rate_of_loss_only(contest: Contest, kinds: Sequence[str]) -> float:
    """The rate with the lowest error after 50 updates."""

    def error(rate: float) -> float:
        worth = contest.worth(f"v-loss-only-{rate:g}", kinds)[-1]
        return float(worth[:, METRICS.index("error")].mean())

    return min(LOSS_ONLY_RATES, key=error)


def _rates(contest: Contest, kinds: Sequence[str]) -> list[Entry]:
    """Every rate that was looked at."""
    first = contest.worth("seeds", kinds)[0]
    rows = [
        Entry(
            f"{mark} updates by {LOSS_TITLES[loss]}, lr_noise {rate:g}",
            1 + mark * AN_UPDATE,
            made,
            first,
        )
        for loss, rates in RATES.items()
        for rate in rates
        for mark, made in zip(FEW_MARKS, contest.worth(f"v-{loss}-{rate}", kinds), strict=True)
    ]
    return rows + [
        Entry(f"{mark} through the loss only, lr_noise {rate:g}", 1 + mark, made, first)
        for rate in LOSS_ONLY_RATES
        for mark, made in zip(MARKS, contest.worth(f"v-loss-only-{rate:g}", kinds), strict=True)
    ]


_HEAD = """# TiNO-Edit's defaults, chosen on the validation split

Made by `python3 dev.py bench tino validate --edits {edits} --steps {steps}`, which also writes what
*TiNO Preset* takes for each kind. The first {edits} validation edits of each of five kinds; columns
as in [tino_benchmark.md](tino_benchmark.md). For each kind the way that gains most success against
the mean seed is taken (of equals that of the lower error); where none gains, tries. With so few
edits the intervals are wide: this says what was chosen and by what rule, not that it is best.
"""


def write_choice(
    bench: TinoBench, options: argparse.Namespace, root: Path, chosen_file: Path = CHOSEN_FILE
) -> Path:
    """Write docs/tino_defaults.md and the file that the node reads."""
    plan = validation_plan(options)
    contest, docs = Contest(Results(bench, plan, root)), options.docs or DOCS
    parts, chosen = [_HEAD.format(edits=plan.num_edits, steps=options.steps)], {}
    for kind, kinds in KINDS_OF.items():
        found = ways(contest, kinds)
        chosen[kind] = choose(found)
        parts.append(f"## {kind.capitalize()}: {chosen[kind]}\n\n{table(list(found.values()))}\n")
    rate = rate_of_loss_only(contest, plan.kinds)
    parts.append(
        f"## Rates, all kinds\n\n*Through the loss only*: lr_noise {rate:g}, the lowest error "
        f"after {MARKS[-1]} updates.\n\n{table(_rates(contest, plan.kinds))}\n"
    )
    said = {"ways": chosen, "loss_only_rate": rate, "edits": plan.num_edits}
    chosen_file.write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    docs.mkdir(parents=True, exist_ok=True)
    path = docs / "tino_defaults.md"
    path.write_text("\n".join(parts), encoding="utf-8")
    return path
