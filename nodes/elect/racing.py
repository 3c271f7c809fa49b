"""A race of candidates: run on, scored and thinned out at every rung, each call made once."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ...elect_core.race import Rung, Standing, run_race
from ...elect_core.schedule import Cost
from ...elect_core.selection import Ranking
from ...elect_core.tape import Tape
from ..host.elect.run import Run
from ..host.latents import to_mask
from ..host.preview import CandidateProgress
from .candidates import advanced
from .race_inputs import RacePlan, Racing
from .relevance import Window, image_size, relevance_weight
from .score import Scored, score
from .selection import Selection
from .types import Candidates


@dataclass(frozen=True)
class Together:
    """Candidates that stopped together, without the run that holds the model."""

    indices: tuple[int, ...]
    tape: Tape
    stop_step: int


@dataclass(frozen=True)
class Raced:
    """A race that was run: who stands where, and everybody's record.

    groups: those who left at each rung, and last those who are still in it
    scored: of every candidate at its own last step; latents (N, C, h, w) its estimates there,
        LATENT scale; mask (B, H, W): 1 = edited
    """

    seeds: tuple[int, ...]
    standing: Standing
    groups: tuple[Together, ...]
    cost: Cost
    scored: Scored
    latents: Tensor
    mask: Tensor

    @property
    def stop_step(self) -> int:
        """Steps that those still in it have run."""
        return self.groups[-1].stop_step

    def take(self, run: Run, indices: Sequence[int], size: int = 1) -> Candidates:
        """Some candidates at the last stop, in the order given; who had left catches up."""
        parts, order = [], []
        for group in self.groups:
            rows = [row for row, index in enumerate(group.indices) if index in indices]
            if rows:
                seeds = tuple(self.seeds[group.indices[row]] for row in rows)
                part = Candidates(run, seeds, group.tape.rows(rows), group.stop_step, Cost())
                parts.append(advanced(part, self.stop_step, size))
                order += [group.indices[row] for row in rows]
        cost = sum((part.cost for part in parts), self.cost)
        tape = Tape.concatenate([part.tape for part in parts])
        tape = tape.rows([order.index(index) for index in indices])
        seeds = tuple(self.seeds[index] for index in indices)
        return Candidates(run, seeds, tape, self.stop_step, cost)


@dataclass(frozen=True)
class Judge:
    """How candidates are scored at a rung.

    origin (1, C, h, w): the source's latent, LATENT scale
    """

    selection: Selection
    window: Window
    racing: Racing
    origin: Tensor

    def region(self, candidates: Candidates, left: Sequence[Tape]) -> Tensor:
        """MASK (B, H, W) of what is edited, by all who ran a step, dropped since or not."""
        run, relevance = candidates.run, None
        if self.selection.needs_relevance():
            size = image_size(run, self.selection.source_image)
            relevance = to_mask(relevance_weight(candidates, self.window, left), *size)
        return self.selection.region(run, relevance, candidates.estimates(), self.origin)

    def __call__(self, candidates: Candidates, mask: Tensor) -> Scored:
        """Scores by the criterion; ranked by it or by consensus, as the step wants it."""
        selection = self.selection
        early = self.racing.early(candidates.stop_step, candidates.run.num_steps)
        if selection.space == "latent":  # pictures are decoded once, at the end
            selection = replace(selection, vae=None)
        ranked_by = "consensus" if early else None
        estimates = candidates.estimates()
        return score(candidates, estimates, mask, self.origin, selection, ranked_by)


@dataclass
class _Field:
    """Who is in the race, and what is known of everybody; changed at every rung."""

    candidates: Candidates
    judge: Judge
    size: int
    limit: float
    progress: CandidateProgress
    alive: tuple[int, ...]
    groups: list[Together] = field(default_factory=list)
    values: dict[int, tuple[float, ...]] = field(default_factory=dict)
    latents: dict[int, Tensor] = field(default_factory=dict)

    def rank_at(self, alive: tuple[int, ...], rung: Rung) -> Ranking:
        """Drop who is not alive any more, run the others to the rung, score them."""
        self.keep(alive)
        held = sum(group.tape.nbytes for group in self.groups)
        self.candidates = advanced(
            self.candidates, rung.step, self.size, self.limit - held, self.progress
        )
        self.mask = self.judge.region(self.candidates, [group.tape for group in self.groups])
        self.scored = self.judge(self.candidates, self.mask)
        latents = self.candidates.estimates()
        for row, index in enumerate(alive):
            values = (self.scored.scores, self.scored.outside, self.scored.edits)
            self.values[index] = tuple(float(some[row]) for some in values)
            self.latents[index] = latents[row : row + 1]
        return self.scored.ranking

    def keep(self, alive: Sequence[int]) -> None:
        """Let go of all others, with their record, and take the rest in the order given."""
        left = [index for index in self.alive if index not in alive]
        if left:
            self.groups.append(self.together(left))
        if tuple(alive) != self.alive:
            self.candidates = self.candidates.rows([self.alive.index(index) for index in alive])
            self.alive = tuple(alive)

    def together(self, indices: Sequence[int]) -> Together:
        rows = [self.alive.index(index) for index in indices]
        tape = self.candidates.tape.rows(rows)
        return Together(tuple(indices), tape, self.candidates.stop_step)


def race(
    first: Candidates, plan: RacePlan, judge: Judge, size: int, limit: float = math.inf
) -> Raced:
    """Run a race to its last rung, or till it is settled.

    first: the candidates, paused or not yet run; size: side by side; limit: bytes of all tapes
    """
    number = len(first.seeds)
    progress = CandidateProgress(first.run.model, first.seeds, 0, plan.total_steps())
    ring = _Field(first, judge, size, limit, progress, tuple(range(number)))
    standing = run_race(plan.rungs, number, ring.rank_at, judge.racing.stop_when_settled)
    ring.keep(standing.order[: standing.num_left])
    groups = (*ring.groups, ring.together(ring.alive))
    if standing.settled:
        logging.info("ELECT: settled after step %d.", ring.candidates.stop_step)
    return Raced(
        first.seeds,
        standing,
        groups,
        ring.candidates.cost,
        _everybody(ring, standing, number),
        torch.cat([ring.latents[index] for index in range(number)]),
        ring.mask,
    )


def _everybody(ring: _Field, standing: Standing, number: int) -> Scored:
    """The last scores of all, ranked as they stand; only the last ones' are of one step."""
    scores, outside, edits = torch.tensor([ring.values[i] for i in range(number)]).unbind(1)
    ranking = replace(standing.last, order=standing.order)
    return replace(
        ring.scored,
        scores=scores,
        outside=outside,
        edits=edits,
        ranking=ranking,
        images=None,
        placements=None,
    )
