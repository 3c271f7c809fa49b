"""Races on recorded tapes: whom they elect, at what cost, beside single stops."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...elect_core.race import Rung, halving, looks, parse_rungs, run_race
from ...elect_core.relevance import aggregate
from ...elect_core.schedule import step_count, window_steps
from ...elect_core.score import CRITERIA, background_inconsistency, change_inside, idle
from ...elect_core.selection import Ranking, fluctuation, rank
from ...nodes.host.latents import mask_like, to_mask
from ..bootstrap import interval
from ..edits import EditBench
from .runs import EditRun, load_run
from .worth import METRICS, judge_pictures

WINDOW, GUARD, LOOK_BACK = (0.0, 0.2), 0.8, 4
SHOWN = {
    "mse": ("background MSE x1e4", 1),
    "success": ("success %", 100),
    "no_edit": ("no edit %", 100),
}


@dataclass(frozen=True)
class Policy:
    """Rungs for all candidates of an edit, and how they are ranked at them."""

    name: str
    rungs: Sequence[Rung]
    guard: float = GUARD
    consensus_until: int = 0
    settled: float = 0.0


@dataclass
class Contest:
    """The candidates of one edit, ranked from their tape as the nodes rank them."""

    run: EditRun
    source: Tensor
    scale: Callable[[Tensor], Tensor]
    size: tuple[int, int]
    policy: Policy
    ran: dict[int, int] = field(default_factory=dict)

    def rank_at(self, alive: tuple[int, ...], rung: Rung) -> Ranking:
        """The ranking at a rung, under the map of all who ran a step."""
        rows, step = list(alive), rung.step
        self.ran |= dict.fromkeys(rows, step)
        maps = [
            self.run.maps[at][[i for i, steps in sorted(self.ran.items()) if steps > at]]
            for at in window_steps(*WINDOW, len(self.run.estimates), step)
        ]
        mask = to_mask(aggregate(maps), *self.size)
        before = self.run.estimates[max(0, step - LOOK_BACK) : step]
        shown = [self.scale(one[rows]) for one in before]
        weight = mask_like(mask, shown[-1])
        criterion = CRITERIA["consensus" if step <= self.policy.consensus_until else "bis"]
        history = torch.stack([criterion(self.source, one, weight) for one in shown])
        outside = background_inconsistency(self.source, shown[-1], weight)
        inside = change_inside(self.source, shown[-1], weight)
        guard = self.policy.guard if bool(weight.any()) else 0.0
        return rank(history[-1], inside, guard, idle(outside, inside), fluctuation(history))


def policies(number: int, num_steps: int) -> list[Policy]:
    """Single stops, races, early ends."""

    def single(stop: float, guard: float = GUARD) -> Policy:
        name = f"Best-of-{number}" if stop == 1 else f"one stop at {stop:.0%}"
        name += ", the paper's (no guard)" if guard == 0 else ""
        return Policy(name, (Rung(step_count(stop, num_steps), 1),), guard)

    half = halving(number, num_steps)
    trial = parse_rungs("8@10%, 4@20%, 2@40%, 1@60%", number, num_steps)
    first, last = step_count(0.1, num_steps), step_count(0.6, num_steps)
    settling = looks(first, last, number)
    return [
        *(single(stop) for stop in (0.1, 0.2, 0.4, 0.6, 1.0)),
        single(0.4, 0.0),
        single(1.0, 0.0),
        Policy("race *halving*", half),
        Policy("race *halving*, no guard", half, guard=0.0),
        Policy("race *halving*, consensus until 10 %", half, consensus_until=first),
        Policy("race 8@10%, 4@20%, 2@40%, 1@60%", trial),
        *(Policy(f"no race, 10 to 60 %, settled at {c}", settling, settled=c) for c in (0.5, 0.9)),
    ]


def outcome(contest: Contest, number: int, num_steps: int) -> tuple[int, int]:
    """Who is elected, and the guider calls with that one finished."""
    policy = contest.policy
    standing = run_race(policy.rungs, number, contest.rank_at, policy.settled)
    elected = standing.elected
    return elected, sum(standing.ran) + num_steps - standing.ran[elected]


def _row(name: str, nfe: float, values: np.ndarray) -> str:
    cells = [f"{nfe:.0f}"]
    for metric, (_, scale) in SHOWN.items():
        mean, low, high = (scale * one[METRICS.index(metric)] for one in interval(values))
        cells.append(f"{mean:.1f} [{low:.1f}, {high:.1f}]")
    return f"| {name} | {' | '.join(cells)} |"


def write_races(bench: EditBench, folder: Path, num_edits: int, path: Path, command: str) -> str:
    """Write the table; `folder` holds the tapes of the edits."""
    scale, worth, chosen = bench.model.model.process_latent_in, [], {}
    for index in range(num_edits):
        edit, run = bench.edit(index), load_run(folder, index)
        num_steps, number = run.estimates.shape[:2]
        with torch.inference_mode():
            latent = bench.source_latent(edit)
            pictures = bench.decode(run.estimates[-1]).clamp(0, 1).numpy()
            source = bench.decode(latent)[0].clamp(0, 1).numpy()
            worth.append(judge_pictures(edit, pictures, source))
            for policy in policies(number, num_steps):
                contest = Contest(run, scale(latent), scale, edit.mask.shape, policy)
                chosen.setdefault(policy.name, []).append(outcome(contest, number, num_steps))
    heads = " | ".join(head for head, _ in SHOWN.values())
    lines = [
        f"# Races on the embedded {bench.split} split: variant *{bench.variant}*",
        "",
        f"Made by `{command}` from recorded tapes: {num_edits} edits, {number} seeds, {num_steps}",
        "steps, euler. Means with 95 % bootstrap intervals; NFE is the mean. `minimum_edit` is",
        f"{GUARD:g} where nothing else is said; relevance map of the first 20 %; latent scores.",
        "The rungs of *halving* were chosen on 40 validation edits of an earlier flow_mild.",
        "",
        f"| choice | NFE | {heads} |",
        "|---" * (2 + len(SHOWN)) + "|",
        _row("one seed", num_steps, np.stack([one.mean(0) for one in worth])),
    ]
    for name, found in chosen.items():
        values = np.stack([one[elected] for one, (elected, _) in zip(worth, found, strict=True)])
        lines.append(_row(name, float(np.mean([nfe for _, nfe in found])), values))
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return "\n".join(lines)
