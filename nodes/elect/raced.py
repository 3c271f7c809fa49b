"""A race as it is shown: run and drawn once, for whichever candidate is chosen later."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .candidates import notes
from .choice import Chosen
from .kept import Kept
from .kept_scores import with_scores
from .plan import check_ram
from .race_inputs import RacePlan
from .racing import Judge, Raced, race
from .score import decode
from .shown import draw, identity
from .table import Row, as_table, facts, rows
from .types import Candidates


@dataclass(frozen=True)
class ShownRace:
    """Everything about a race that no choice changes; it holds no model."""

    plan: RacePlan
    raced: Raced
    table: list[Row]
    pictures: dict[str, Any]

    def going(self, candidates: Candidates, chosen: Chosen, per_batch: int) -> Candidates:
        """The chosen ones, then the best of those still in the race, at the last stop."""
        ranking, left = self.raced.scored.ranking, self.raced.standing.num_left
        size = self.plan.side_by_side(candidates.run, per_batch)
        return self.raced.take(candidates.run, chosen.order(ranking, left), size)

    def scored(self, going: Candidates, indices: Iterable[int], criterion: str) -> Candidates:
        """The candidates with the numbers of this race; indices: which of all they are."""
        return with_scores(going, indices, self.table, criterion, self.raced.standing.ran)

    def as_ui(self, going: Candidates, chosen: Chosen) -> dict:
        """What a node shows: plan, table, cost, facts, pictures."""
        raced, everyone = self.raced, replace(going, seeds=self.raced.seeds)
        told = facts(everyone, raced.scored, chosen)
        lines = [self.plan.in_words(), self._table(), self._made(told), *notes(everyone)]
        if chosen.gone:
            gone = ", ".join(map(str, chosen.gone))
            lines.append(f"pick_seeds: not among these candidates: {gone}")
        told |= {
            "race": [[rung.step, rung.keep] for rung in self.plan.rungs],
            "ran_steps": list(raced.standing.ran),
            "settled": raced.standing.settled,
            "nfe_planned": self.plan.nfe,
            "tape_bytes": sum(group.tape.nbytes for group in raced.groups),
            "pictures": self.pictures,
        }
        return {"elect": [told], "text": ["\n".join(lines)]}

    def _table(self) -> str:
        ran = self.raced.standing.ran
        out = {
            index + 1: f"left after step {ran[index]}"
            for index in range(len(ran))
            if ran[index] < self.raced.stop_step
        }
        return as_table(self.table, self.raced.scored, out)

    def _made(self, told: dict) -> str:
        step, spent, whole = self.raced.stop_step, told["nfe_spent"], told["nfe"]
        when = "Settled" if self.raced.standing.settled else "Decided"
        return (
            f"{when} after step {step}: {spent} guider calls made, {whole - spent} to finish one, "
            f"{whole} in all; every seed to its end takes {told['nfe_best_of_n']}."
        )


RACED: Kept[ShownRace] = Kept(most=1)


def hold_race(
    first: Candidates,
    plan: RacePlan,
    judge: Judge,
    made_of: Sequence,
    settings: Hashable,
    per_batch: int,
    ram_limit_mb: int,
) -> ShownRace:
    """Run a race, or find it where nothing but the choice has changed.

    first: the candidates, paused or not yet run; made_of, settings: what else decides them, as Kept
    wants it; per_batch, ram_limit_mb: as the nodes take them
    """
    objects, chosen_settings = identity(judge.selection)
    wanted = (settings, plan, judge.racing, judge.window, chosen_settings)
    return RACED.get(
        (*made_of, *objects), wanted, lambda: _held(first, plan, judge, per_batch, ram_limit_mb)
    )


def _held(
    first: Candidates, plan: RacePlan, judge: Judge, per_batch: int, ram_limit_mb: int
) -> ShownRace:
    run = first.run
    limit = ram_limit_mb * 2**20 if ram_limit_mb else math.inf
    check_ram(run, len(first.seeds), plan.rungs[0].step, limit)
    raced = race(first, plan, judge, plan.side_by_side(run, per_batch), limit)
    vae, mask = judge.selection.vae, raced.mask
    images = decode(vae, raced.latents) if vae is not None else None
    seen = replace(raced.scored, images=images)
    pictures = draw(run.model, raced.latents, seen, mask, judge.origin, judge.selection)
    everyone = Candidates(run, raced.seeds, raced.groups[-1].tape, raced.stop_step, raced.cost)
    return ShownRace(plan, raced, rows(everyone, raced.scored), pictures)
