"""docs/tino_when.md: what to use when, said by the contest's numbers and by no one else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .contest_entries import Contest
from .contest_report import entries
from .entries import Entry
from .tables import markdown

BUDGETS = (1, 2, 4, 8, 16, 32, 64, 150, 250)
_BOUNDS = "Bounds"

_HEAD = """# TiNO-Edit: what to use when

Written by `python3 dev.py bench tino contest{arguments}` from [the benchmark](tino_benchmark.md):
the tiny embedded models, {edits} test edits, every number success against one first noise in points
with a 95 % interval. Nothing here was measured on a real checkpoint. A gain *counts* where its
interval leaves out 0; many rows are compared, so one that only just counts may be luck.
"""


def affordable(rows: Sequence[Entry], passes: float) -> Entry | None:
    """The row that gains most among those of so many passes at most; of equals the cheaper."""
    fit = [row for row in rows if row.base is not None and row.passes is not None]
    fit = [row for row in fit if (row.passes or 0) <= passes]
    return max(fit, key=lambda row: (row.gain()[0], -(row.passes or 0)), default=None)


def verdict(row: Entry) -> str:
    """Whether a gain or a harm counts."""
    _, low, high = row.gain()
    return "gains" if low > 0 else "harms" if high < 0 else "not told from nothing"


def _open(contest: Contest, kinds: Sequence[str]) -> list[Entry]:
    """All rows that somebody could use."""
    found = entries(contest, kinds)
    return [row for group, rows in found.items() if group != _BOUNDS for row in rows]


def _line(row: Entry) -> list[str]:
    return [row.title, f"{row.passes:.3g}", row.said(), verdict(row)]


def _budgets(rows: Sequence[Entry]) -> str:
    """The best row of each budget, each named once."""
    lines, named = [], set()
    for passes in BUDGETS:
        best = affordable(rows, passes)
        if best is not None and best.title not in named:
            named.add(best.title)
            lines.append([f"up to {passes}", *_line(best)])
    return markdown(["passes", "do", "its passes", "success", ""], lines)


def _kinds(contest: Contest) -> str:
    lines = []
    for kind in contest.results.plan.kinds:
        rows = _open(contest, [kind])
        for passes in (16, 64):
            best = affordable(rows, passes)
            if best is not None:
                lines.append([kind, f"up to {passes}", *_line(best)])
    return markdown(["kind", "passes", "do", "its passes", "success", ""], lines)


def _all_verdicts(rows: Sequence[Entry], wanted: str) -> str:
    found = [row for row in rows if row.base is not None and verdict(row) == wanted]
    kept = [f"{row.title} ({row.said()})" for row in found]
    return "\n".join(f"- {text}" for text in kept) or "- none"


def seeds_or_updates(rows: Sequence[Entry]) -> str:
    """Which of the two gains more at equal passes or fewer, in words."""
    tries = [row for row in rows if row.title.startswith("best of ")]
    moved = [row for row in rows if " updates by " in row.title and row.title[0].isdigit()]
    moved = [row for row in moved if "step" not in row.title and "tries" not in row.title]
    if not tries or not moved:
        return ""
    best = max(moved, key=lambda row: row.gain()[0])
    rival = affordable(tries, best.passes or 0)
    assert rival is not None
    seeds = rival.gain()[0] >= best.gain()[0]
    head = "**Seeds beat gradients here.**" if seeds else "**Gradients beat seeds here.**"
    return (
        f"{head} Of all updates *{best.title}* gain most: {best.said()} for {best.passes:.3g} "
        "passes. "
        f"*{rival.title[0].upper()}{rival.title[1:]}*: {rival.said()} for {rival.passes:.3g}."
    )


def write_when(contest: Contest, options: str, path: Path) -> Path:
    """Write the page. options: of the command that remakes it."""
    plan = contest.results.plan
    rows = _open(contest, plan.kinds)
    parts = [
        _HEAD.format(arguments=options, edits=plan.num_edits * len(plan.kinds)),
        f"## By what you can spend\n\n{_budgets(rows)}\n",
        f"{seeds_or_updates(rows)}\n",
        f"## By kind of edit\n\n{plan.num_edits} edits of each kind: the intervals are wide.\n\n"
        f"{_kinds(contest)}\n",
        f"## What harms\n\n{_all_verdicts(rows, 'harms')}\n",
        "## What always holds\n\n- Do not judge by CLIP what was optimised by CLIP.\n- The guard "
        "on the node says for your own model and picture whether the loss prefers the untouched "
        "source; it costs nothing.\n",
    ]
    path.write_text("\n".join(parts), encoding="utf-8")
    return path
