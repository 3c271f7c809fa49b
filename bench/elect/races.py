"""Races on recorded tapes: whom they elect, at what cost, beside single stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from ...elect_core.race import Rung, halving, looks, parse_rungs, run_race
from ...elect_core.schedule import step_count
from ...elect_core.selection import Ranking
from ..bootstrap import interval
from ..edits import EditBench
from .contest import GUARD, Contest, Recorded, recorded
from .measure import measure_edit
from .runs import load_run
from .worth import METRICS

SHOWN = {
    "mse": ("background MSE x1e4", 1),
    "success": ("success %", 100),
    "no_edit": ("no edit %", 100),
}


@dataclass(frozen=True)
class Policy:
    """Rungs for all candidates of an edit, and how they are ranked at them.

    criterion: of the rungs after those by consensus
    settled: confidence from which it ends early; steady: looks in a row that the same candidate
    has to lead for that; 0 for neither
    """

    name: str
    rungs: Sequence[Rung]
    guard: float = GUARD
    consensus_until: int = 0
    criterion: str = "bis"
    settled: float = 0.0
    steady: int = 0


def policies(number: int, num_steps: int) -> list[Policy]:
    """Single stops, races, early ends."""

    def single(stop: float, guard: float = GUARD) -> Policy:
        name = f"Best-of-{number}" if stop == 1 else f"one stop at {stop:.0%}"
        name += ", the paper's (no guard)" if guard == 0 else ""
        return Policy(name, (Rung(step_count(stop, num_steps), 1),), guard)

    half = halving(number, num_steps)
    trial = parse_rungs("8@10%, 4@20%, 2@40%, 1@60%", number, num_steps)
    early = parse_rungs("8@5%, 4@10%, 2@15%, 1@20%", number, num_steps)
    first, last = step_count(0.1, num_steps), step_count(0.8, num_steps)
    settling = looks(max(2, first), last, number)
    until = "no race, 10 to 80 %"
    return [
        *(single(stop) for stop in (0.1, 0.2, 0.4, 0.6, 0.7, 0.8, 1.0)),
        single(0.4, 0.0),
        single(1.0, 0.0),
        Policy("race *halving*", half),
        Policy("race *halving*, no guard", half, guard=0.0),
        Policy("race *halving*, consensus until 10 %", half, consensus_until=first),
        Policy("race *halving*, by composite", half, criterion="composite"),
        Policy("race 8@10%, 4@20%, 2@40%, 1@60%", trial),
        Policy("race 8@10%, 4@20%, 2@40%, 1@60%, by composite", trial, criterion="composite"),
        Policy("race 8@5%, 4@10%, 2@15%, 1@20%", early),
        Policy("race 8@5%, 4@10%, 2@15%, 1@20%, consensus until 10 %", early, GUARD, first),
        *(
            Policy(f"{until}, till confidence {c}", settling, settled=c)
            for c in (0.3, 0.4, 0.5, 0.6, 0.7)
        ),
        *(Policy(f"{until}, till one leads {n} looks", settling, steady=n) for n in (2, 4, 6)),
    ]


def outcome(one: Recorded, policy: Policy) -> tuple[int, int]:
    """Who is elected, and the guider calls with that one finished."""
    num_steps, number = one.estimates.shape[:2]
    contest = Contest(one, policy.guard, policy.consensus_until, policy.criterion)
    rank_at, settled = contest.rank_at, policy.settled
    if policy.steady:
        rank_at, settled = _steady(contest.rank_at, policy.steady), 1.0
    standing = run_race(policy.rungs, number, rank_at, settled)
    elected = standing.elected
    return elected, sum(standing.ran) + num_steps - standing.ran[elected]


def _steady(rank_at: Callable[..., Ranking], number: int) -> Callable[..., Ranking]:
    """Rankings that are sure once the same candidate has led `number` of them in a row."""
    leaders: list[int] = []

    def steadied(alive: tuple[int, ...], rung: Rung) -> Ranking:
        ranking = rank_at(alive, rung)
        leaders.append(alive[ranking.elected])
        steady = len(leaders) >= number and len(set(leaders[-number:])) == 1
        return replace(ranking, confidence=float(steady))

    return steadied


def _row(name: str, nfe: float, values: np.ndarray) -> str:
    cells = [f"{nfe:.0f}"]
    for metric, (_, scale) in SHOWN.items():
        mean, low, high = (scale * one[METRICS.index(metric)] for one in interval(values))
        cells.append(f"{mean:.1f} [{low:.1f}, {high:.1f}]")
    return f"| {name} | {' | '.join(cells)} |"


@torch.inference_mode()
def raced(
    bench: EditBench, folder: Path, worth: Sequence[np.ndarray]
) -> dict[str, tuple[float, np.ndarray]]:
    """Mean calls, and METRICS of whom it elects of every edit, (E, METRICS), by policy's name.

    folder: of the edits' tapes; worth (N, METRICS) each: of the first edits' candidates
    """
    found: dict[str, list[tuple[int, np.ndarray]]] = {}
    for index, each in enumerate(worth):
        one = recorded(bench, bench.edit(index), load_run(folder, index))
        num_steps, number = one.estimates.shape[:2]
        for policy in policies(number, num_steps):
            elected, calls = outcome(one, policy)
            found.setdefault(policy.name, []).append((calls, each[elected]))
    return {
        name: (float(np.mean([calls for calls, _ in each])), np.stack([row for _, row in each]))
        for name, each in found.items()
    }


def write_races(bench: EditBench, folder: Path, num_edits: int, path: Path, command: str) -> str:
    """Write the table; `folder` holds the tapes of the edits."""
    worth = [measure_edit(bench, index, folder).worth for index in range(num_edits)]
    number, num_steps = len(worth[0]), len(bench.sigmas) - 1
    heads = " | ".join(head for head, _ in SHOWN.values())
    lines = [
        f"# Races on the embedded {bench.split} split: variant *{bench.variant}*",
        "",
        f"Made by `{command}` from recorded tapes:",
        f"{num_edits} edits, {number} seeds, {num_steps} steps, euler. Means with 95 % bootstrap",
        "intervals; NFE is the mean. `minimum_edit` is",
        f"{GUARD:g} where nothing else is said; relevance map of the first 20 %; latent scores.",
        "Defaults were chosen on the validation split ([elect_choice.md](elect_choice.md)). *No",
        "race* looks after every step between a floor and a ceiling and drops nobody: it ends when",
        "the [confidence](elect_confidence.md) is high enough, or when one has led so many looks.",
        "",
        f"| choice | NFE | {heads} |",
        "|---" * (2 + len(SHOWN)) + "|",
        _row("one seed", num_steps, np.stack([one.mean(0) for one in worth])),
        *(_row(name, *found) for name, found in raced(bench, folder, worth).items()),
    ]
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return "\n".join(lines)
