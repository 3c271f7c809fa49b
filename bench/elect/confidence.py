"""How sure an election says it is, and how often that comes true: a reliability table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ...elect_core.confidence import LAPSE, STRETCH, chances, fluctuation
from ...elect_core.schedule import step_count
from ..edits import EditBench
from ..markdown import markdown
from .contest import Contest, Recorded, Seen, recorded
from .measure import groups, measure_edit
from .runs import load_run
from .worth import METRICS

STOPS, NUMBERS = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8), (2, 4, 8, 16)
LAPSES, STRETCHES = (0.0, 0.1, 0.2, 0.3), (1.0, 1.4, 2.0, 2.8)
EVERY = "editing mild harsh flow flow_mild"
EDGES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Look:
    """One election before the end, and what became of it.

    edit, number, stop: which; said: the confidence; came: whether it was still first at the end
    best: whether it has the least background error by the ground truth, of those electable
    scores: of those electable, the first one's first; moves: the deviation of what they still move
    """

    edit: int
    number: int
    stop: float
    said: float
    came: bool
    best: bool
    scores: Tensor
    moves: float

    def chance(self, stretch: float) -> float:
        """Of the first, without a lapse, where the scores move `stretch` times as far."""
        return float(chances(self.scores, stretch * self.moves)[0])


def looks_of(one: Recorded, errors: np.ndarray, edit: int) -> list[Look]:
    """Every election of disjoint groups of an edit's candidates before the end.

    errors (N,): background error of each by the ground truth
    """
    num_steps, number, found = *one.estimates.shape[:2], []
    for size in (n for n in NUMBERS if n <= number):
        for rows in groups(size, number):
            contest = Contest(one)
            seen = {stop: contest.see(rows, step_count(stop, num_steps)) for stop in STOPS}
            last = contest.see(rows, num_steps).ranking().elected
            for stop, now in seen.items():
                look = _look(now, stop, last, errors[list(rows)], edit)
                found += [] if look is None else [look]
    return found


def _look(now: Seen, stop: float, last: int, errors: np.ndarray, edit: int) -> Look | None:
    """None where there was no rival, or nothing to say."""
    ranking = now.ranking()
    able = list(ranking.order[: ranking.num_eligible])
    moved = fluctuation(now.history)
    if len(able) < 2 or ranking.confidence is None or moved is None:
        return None
    scores = now.history[-1].double()
    spread = float(scores[scores.isfinite()].std(correction=0))
    return Look(
        edit,
        len(errors),
        stop,
        ranking.confidence,
        ranking.elected == last,
        bool(errors[ranking.elected] == errors[able].min()),
        scores[able],
        moved * spread * math.sqrt(now.steps_left),
    )


def look(bench: EditBench, folder: Path, num_edits: int) -> list[Look]:
    """All elections of the edits whose tapes are in `folder`."""
    found = []
    for index in range(num_edits):
        edit, run = bench.edit(index), load_run(folder, index)
        with torch.inference_mode():
            errors = measure_edit(bench, index, folder).worth[:, METRICS.index("mse")]
            found += looks_of(recorded(bench, edit, run), errors, index)
    return found


def rate(looks: Sequence[Look], name: str) -> tuple[float, float, float]:
    """Share of elections of which something is true, with a 95 % bootstrap interval over edits."""
    edits = sorted({one.edit for one in looks})
    of = np.array([one.edit for one in looks])
    values = np.array([float(getattr(one, name)) for one in looks])
    sums = np.array([[values[of == edit].sum(), (of == edit).sum()] for edit in edits])
    drawn = np.random.default_rng(0).integers(len(edits), size=(2000, len(edits)))
    totals = sums[drawn].sum(1)
    low, high = np.percentile(totals[:, 0] / totals[:, 1], [2.5, 97.5])
    return float(values.mean()), float(low), float(high)


def _percent(looks: Sequence[Look], name: str) -> str:
    return "{:.0f} [{:.0f}, {:.0f}]".format(*(100 * one for one in rate(looks, name)))


def reliability(looks: Sequence[Look]) -> str:
    """What came true of what was said, by what was said."""
    heads = ("said", "elections", "said on average", "came true %")
    lines = []
    for low, high in zip(EDGES, EDGES[1:], strict=False):
        some = [one for one in looks if low <= one.said < high]
        if some:
            said = np.mean([one.said for one in some])
            shares = (_percent(some, "came"), _percent(some, "best"))
            lines.append((f"{low:g} to {high:g}", str(len(some)), f"{said:.2f}", *shares))
    return markdown((*heads, "truly the least change outside %"), lines)


def by_stop(looks: Sequence[Look]) -> str:
    """Said and came true, by the number of candidates and the stop."""
    lines = []
    for number in NUMBERS:
        cells = []
        for stop in STOPS:
            some = [one for one in looks if (one.number, one.stop) == (number, stop)]
            said = f"{np.mean([one.said for one in some]):.2f}" if some else ""
            cells.append(f"{said} / {np.mean([one.came for one in some]):.2f}" if some else "")
        lines.append([str(number), *cells])
    return markdown(["candidates", *(f"stop {stop:.0%}" for stop in STOPS)], lines)


def by_lapse(looks: Sequence[Look]) -> str:
    """Mean logarithmic loss with other lapses, and moves stretched; lower is better."""
    lines = []
    came, able = (np.array(v) for v in zip(*((o.came, len(o.scores)) for o in looks), strict=True))
    first = [np.array([one.chance(stretch) for one in looks]) for stretch in STRETCHES]
    for lapse in LAPSES:
        said = [np.clip((1 - lapse) * one + lapse / able, 0.001, 0.99) for one in first]
        losses = [-np.log(np.where(came, one, 1 - one)).mean() for one in said]
        lines.append([f"{lapse:g}", *(f"{loss:.4f}" for loss in losses)])
    return markdown(["lapse", *(f"moves x {stretch:g}" for stretch in STRETCHES)], lines)


_HEAD = """# How sure is the first?

Made by `{command}` from recorded tapes:
{sizes} seeds, 20 steps, euler, the {split} split,
`minimum_edit` 0.8, in groups of 2, 4, 8 and 16 candidates at stops from 10 to 80 %.

The *confidence* that the nodes say is the probability that the elected candidate would still be the
first, by the same score and guard, if all were run to their end. It takes the scores of the
candidates to wander on as they did in their last four steps (root mean square against each other,
times the root of the steps left), {stretch:g} times as far, each on its own, and integrates; then a
share of {lapse:g} of it is taken as drawn by lot, since some scores leap. Both numbers were chosen
by the logarithmic loss on the [validation split](elect_confidence_val.md), 60 edits of each of
five models: `{validation}`.
Of two candidates it says at most {most:.2f}.

It speaks of the score, not of the truth: the last column says how often the elected one really has
the least background error of the electable ones, which hangs on the mask and on the latent too.
"""


def write_confidence(parts: Sequence[tuple[EditBench, list[Look]]], path: Path, told: str) -> str:
    """Write the page; parts: each variant with its elections; told: the options that were given."""
    command = "python3 dev.py bench confidence"
    bench, looks = parts[0]
    counts = ", ".join(
        f"{len({o.edit for o in found})} edits of *{b.variant}*" for b, found in parts
    )
    text = [
        _HEAD.format(
            command=command + told,
            validation=f"{command} --split val --sure-of {EVERY} --edits 60",
            stretch=STRETCH,
            sizes=f"{counts}, {max(one.number for one in looks)}",
            split=bench.split,
            lapse=LAPSE,
            most=1 - LAPSE / 2,
        )
    ]
    everything = [
        replace(one, edit=10_000 * n + one.edit)
        for n, (_, found) in enumerate(parts)
        for one in found
    ]
    text.append(f"All variants together:\n\n{reliability(everything)}\n")
    if bench.split == "val":
        text.append(f"The loss:\n\n{by_lapse(everything)}\n")
    for one, found in parts:
        text.append(f"## Variant *{one.variant}*\n\n{reliability(found)}\n")
        text.append(f"Said / came true, by number and stop:\n\n{by_stop(found)}\n")
    path.write_text("\n".join(text), encoding="utf-8")
    return "\n".join(text)
