"""Candidates of one edit, ranked from their recorded tape as the nodes rank them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import torch
from torch import Tensor

from ...elect_core.confidence import moves_to_come
from ...elect_core.race import Rung
from ...elect_core.relevance import aggregate
from ...elect_core.schedule import window_steps
from ...elect_core.score import CRITERIA, background_inconsistency, change_inside, edit_share, idle
from ...elect_core.selection import Ranking, rank
from ...embedded.world.samples import Sample
from ...nodes.host.latents import mask_like, to_mask
from ..edits import EditBench
from .runs import EditRun

WINDOW, GUARD, LOOK_BACK = (0.0, 0.2), 0.8, 4


@dataclass(frozen=True)
class Recorded:
    """One edit's tape beside what it is compared with.

    source (1, C, h, w), estimates (K, N, C, h, w): in the model's scale; size: of the picture
    """

    run: EditRun
    source: Tensor
    scale: Callable[[Tensor], Tensor]
    size: tuple[int, int]

    def rows(self, some: Sequence[int]) -> Recorded:
        """Some of the candidates alone."""
        run, rows = self.run, list(some)
        return replace(self, run=EditRun(run.estimates[:, rows], run.maps[:, rows]))

    @cached_property
    def estimates(self) -> Tensor:
        """Of every step, in the model's scale."""
        return torch.stack([self.scale(one) for one in self.run.estimates])


def recorded(bench: EditBench, edit: Sample, run: EditRun) -> Recorded:
    """An edit's tape as it is ranked."""
    scale = bench.model.model.process_latent_in
    return Recorded(run, scale(bench.source_latent(edit)), scale, edit.mask.shape)


class Seen(NamedTuple):
    """What is known of candidates at a step.

    history (S, N): the criterion after each of the last steps; outside, inside (N,): at the last
    guard: `minimum_edit`, 0 where the mask is empty; steps_left: to the end
    """

    history: Tensor
    outside: Tensor
    inside: Tensor
    guard: float
    steps_left: int

    def ranking(self) -> Ranking:
        """As the nodes rank."""
        moves = moves_to_come(self.history, self.steps_left)
        did_nothing = idle(self.outside, self.inside)
        shares = edit_share(self.outside, self.inside)
        return rank(self.history[-1], shares, self.guard, did_nothing, moves)


@dataclass
class Contest:
    """Candidates of one edit that are looked at step after step.

    consensus_until: the last step at which agreement ranks, and not the criterion
    """

    recorded: Recorded
    guard: float = GUARD
    consensus_until: int = 0
    criterion: str = "bis"
    ran: dict[int, int] = field(default_factory=dict)

    def see(self, alive: Sequence[int], step: int) -> Seen:
        """Candidates after so many steps, under the map of all who ran a step."""
        one, rows = self.recorded, list(alive)
        self.ran |= dict.fromkeys(rows, step)
        num_steps = len(one.estimates)
        maps = [
            one.run.maps[at][[i for i, steps in sorted(self.ran.items()) if steps > at]]
            for at in window_steps(*WINDOW, num_steps, step)
        ]
        shown = [estimates[rows] for estimates in one.estimates[max(0, step - LOOK_BACK) : step]]
        weight = mask_like(to_mask(aggregate(maps), *one.size), shown[-1])
        criterion = CRITERIA["consensus" if step <= self.consensus_until else self.criterion]
        return Seen(
            torch.stack([criterion(one.source, estimates, weight) for estimates in shown]),
            background_inconsistency(one.source, shown[-1], weight),
            change_inside(one.source, shown[-1], weight),
            self.guard if bool(weight.any()) else 0.0,
            num_steps - step,
        )

    def rank_at(self, alive: Sequence[int], rung: Rung) -> Ranking:
        """The ranking at a rung."""
        return self.see(alive, rung.step).ranking()
