"""Verdicts as text."""

from __future__ import annotations

from collections.abc import Sequence

from ...judging.verdicts import Verdict, best_first


def as_table(verdicts: Sequence[Verdict], best: int, judge: str, rubric: str) -> str:
    """A line for each, best first, counted from 1; why, below each."""
    lines = [f"judged by {judge}, rubric {rubric}; overall from 0 to 1"]
    order = best_first(verdicts)
    order.remove(best)
    for index in [best, *order]:
        one = verdicts[index]
        if not one.scored:
            lines.append(f"{index + 1}  unscored: {one.unscored}")
            continue
        values = ", ".join(f"{name} {value:.3g}" for name, value in one.values.items())
        note = "  rejected" if one.rejected else ""
        lines.append(f"{index + 1}  {one.overall:.3f}  {values}{note}")
        if one.reason:
            lines.append(f"   {one.reason}")
    return "\n".join(lines)
