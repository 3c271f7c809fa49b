"""Joint choice of seed and prompt: instructions with an unknown word, with and without variants."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from ...elect_core.schedule import step_count
from ...embedded.world.samples import Sample
from ..bootstrap import interval
from ..edits import EditBench
from .contest import Contest, Recorded, Seen, recorded
from .runs import load_run, run_edits
from .wordings import wordings
from .worth import METRICS, judge_pictures

STOP = 0.4
TYPED, AGAIN, KNOWN, WRONG = range(4)
HELPFUL, MIXED = (TYPED, AGAIN, KNOWN), (TYPED, AGAIN, KNOWN, WRONG)
SUCCESS, ERROR = METRICS.index("success"), METRICS.index("mse")


@dataclass(frozen=True)
class Said:
    """An edit in one wording. worth (N, METRICS): of every seed run to its end."""

    recorded: Recorded
    worth: np.ndarray

    def see(self, number: int) -> Seen:
        """The first `number` seeds at the stop, under their own map."""
        step = step_count(STOP, len(self.recorded.estimates))
        return Contest(self.recorded).see(range(number), step)


@dataclass(frozen=True)
class Policy:
    """How one result is chosen. places: wordings; share: of the seeds that each of them gets

    judged: a judge who knows the truth has the last word among the elected of each wording
    """

    name: str
    places: tuple[int, ...]
    share: int = 1
    judged: bool = False

    def number(self, seeds: int) -> int:
        """Seeds of each wording."""
        return max(1, seeds // self.share)

    def calls(self, seeds: int, steps: int) -> int:
        """Guider calls, those that are finished included."""
        before = step_count(STOP, steps)
        ends = len(self.places) if self.judged else 1
        return len(self.places) * self.number(seeds) * before + ends * (steps - before)


POLICIES = (
    Policy("ELECT over seeds, as typed", (TYPED,)),
    Policy("ELECT over seeds and three wordings, as many candidates in all", HELPFUL, 3),
    Policy("the same, all seeds of each", HELPFUL),
    Policy("the same, and a fourth wording that is wrong", MIXED, 4),
    Policy("three wordings, then a judge without error", HELPFUL, 3, True),
    Policy("four, one of them wrong, then a judge without error", MIXED, 4, True),
    Policy("ELECT over seeds, had it been said in known words", (KNOWN,)),
)


def together(seen: Sequence[Seen]) -> Seen:
    """Candidates of several wordings in one ranking, each measured under its own map."""
    return seen[0]._replace(
        history=torch.cat([one.history for one in seen], 1),
        outside=torch.cat([one.outside for one in seen]),
        inside=torch.cat([one.inside for one in seen]),
    )


def result_of(policy: Policy, said: Sequence[Said]) -> np.ndarray:
    """METRICS of what a policy ends with."""
    number = policy.number(len(said[0].worth))
    chosen = [said[place] for place in policy.places]
    seen = [one.see(number) for one in chosen]
    if not policy.judged:
        place, row = divmod(together(seen).ranking().elected, number)
        return chosen[place].worth[row]
    ends = [one.worth[found.ranking().elected] for one, found in zip(chosen, seen, strict=True)]
    return max(ends, key=lambda worth: (worth[SUCCESS], -worth[ERROR]))


def edit_said(bench: EditBench, place: int, index: int) -> Sample:
    """The bench's edit in one of its wordings."""
    edit = bench.edit(index)
    return replace(edit, instruction=wordings(edit, index).each()[place])


def load_said(bench: EditBench, folder: Path, index: int) -> list[Said]:
    """One edit in every wording, of the tapes in `folder`."""
    edit, found = bench.edit(index), []
    with torch.inference_mode():
        source = bench.decode(bench.source_latent(edit))[0].clamp(0, 1).numpy()
        for place in MIXED:
            run = load_run(folder / str(place), index)
            pictures = bench.decode(run.estimates[-1]).clamp(0, 1).numpy()
            worth = judge_pictures(edit, pictures, source)
            found.append(Said(recorded(bench, edit, run), worth))
    return found


def _row(name: str, calls: int, values: np.ndarray, typed: np.ndarray) -> str:
    percent = "{:.1f} [{:.1f}, {:.1f}]".format(*(100 * x for x in interval(values[:, SUCCESS])))
    more = interval(values[:, SUCCESS] - typed[:, SUCCESS])
    points = "{:+.1f} [{:+.1f}, {:+.1f}]".format(*(100 * x for x in more))
    error = "{:.1f} [{:.1f}, {:.1f}]".format(*interval(values[:, ERROR]))
    return f"| {name} | {calls} | {percent} | {points} | {error} |"


def write_prompts(bench: EditBench, options: argparse.Namespace, path: Path) -> str:
    """Run what is missing, and write the page."""
    folder = options.folder / bench.run_fingerprint / f"prompts-{options.seeds}x{options.steps}"
    for place in MIXED:
        said = partial(edit_said, bench, place)
        run_edits(bench, folder / str(place), "euler", options.edits, options.seeds, said)
    every = [load_said(bench, folder, index) for index in range(options.edits)]
    results = {one.name: np.stack([result_of(one, said) for said in every]) for one in POLICIES}
    typed = results[POLICIES[0].name]
    alone = np.stack([said[TYPED].worth.mean(0) for said in every])
    rows = [_row("one seed, as typed", options.steps, alone, typed)]
    for one in POLICIES:
        calls = one.calls(options.seeds, options.steps)
        rows.append(_row(one.name, calls, results[one.name], typed))
    told = f"--variant {bench.variant} --edits {options.edits} --seeds {options.seeds}"
    page = (
        HEAD.format(**{**vars(options), "told": told, "split": bench.split})
        + "\n".join(rows)
        + "\n"
    )
    path.write_text(page, encoding="utf-8")
    return page


HEAD = """# Seed and prompt elected together

Made by `python3 dev.py bench prompts {told}`: {edits} edits of the {split} split, {seeds} seeds,
{steps} steps, euler, stop at 40 %, 95 % bootstrap intervals over edits. The word that says what is
wanted is one that the model has never read (*crimson*, *wedge*). Wordings: as typed; another phrase
with the same word; the model's own word; in two rows also a wrong word. As *Pool Candidates* and
*BIS Select* do, each wording's candidates are measured under its own map and ranked together with
all others. BIS sees the background alone, and so cannot tell a wrong edit from a right one; *a
judge without error* stands for a model that can, and is the most that one could gain.

| choice | calls | success % | points against ELECT as typed | background MSE x1e4 |
|---|---|---|---|---|
"""
