"""Candidates of several runs together: each keeps its own run, to be scored and finished in it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...elect_core.schedule import Cost
from .types import Candidates


@dataclass(frozen=True)
class Pool:
    """Candidates of several runs, in any order.

    parts: candidates of one run each; order: for each candidate the number of its part, whose rows
    come in their own order; names: of the parts
    """

    parts: tuple[Candidates, ...]
    order: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def seeds(self) -> tuple[int, ...]:
        """One per candidate; runs may share them."""
        rows = [iter(part.seeds) for part in self.parts]
        return tuple(next(rows[part]) for part in self.order)

    def _comfy_cache_tensors(self) -> list[Tensor]:
        """As of `Candidates`, of all its parts."""
        return [tensor for part in self.parts for tensor in part.tape.tensors()]

    @property
    def labels(self) -> tuple[str, ...]:
        """What tells candidates of one seed apart: seed@run, runs counted from 1."""
        pairs = zip(self.seeds, self.order, strict=True)
        return tuple(f"{seed}@{part + 1}" for seed, part in pairs)

    @property
    def cost(self) -> Cost:
        """Spent on all of them so far."""
        return sum((part.cost for part in self.parts), Cost())

    @property
    def stop_step(self) -> int:
        """Steps that all of them have finished."""
        return min(part.stop_step for part in self.parts)

    def rows(self, indices: Sequence[int]) -> Pool | Candidates:
        """Some of the candidates, in the order given; those of one run alone are its candidates."""
        row_of = [self.order[:i].count(part) for i, part in enumerate(self.order)]
        chosen = [(self.order[i], row_of[i]) for i in indices]
        left = sorted({part for part, _ in chosen})
        parts = [self.parts[p].rows([row for part, row in chosen if part == p]) for p in left]
        if len(parts) == 1:
            return parts[0]
        order = tuple(left.index(part) for part, _ in chosen)
        return Pool(tuple(parts), order, tuple(self.names[part] for part in left))

    def estimates(self, step: int = -1) -> Tensor:
        """Tweedie estimates at a recorded step, (N, C, h, w) in LATENT scale."""
        return self.gather([part.estimates(step) for part in self.parts])

    def gather(self, parts: Sequence[Tensor]) -> Tensor:
        """Rows of each part as rows of the candidates: (N_part, ...) each to (N, ...)."""
        together = torch.cat([one.to(parts[0].device) for one in parts])
        place = torch.tensor(self.order).argsort(stable=True).argsort()
        return together[place.to(together.device)]

    def scatter(self, rows: Tensor) -> list[Tensor]:
        """The reverse of `gather`."""
        parts = torch.tensor(self.order, device=rows.device)
        return [rows[parts == number] for number in range(len(self.parts))]

    def each(self, change: Callable[[Candidates], Candidates]) -> Pool:
        """The pool with every part changed, its candidates kept in number and order."""
        return Pool(tuple(change(part) for part in self.parts), self.order, self.names)


def one_run(candidates: Candidates | Pool, node: str) -> Candidates:
    """The candidates, or a ValueError where they are of several runs."""
    if isinstance(candidates, Pool):
        raise ValueError(
            f"candidates: they come from {len(candidates.parts)} runs, and {node} takes those of "
            "one. Use it on each run before PoolCandidates, or elect first."
        )
    return candidates
