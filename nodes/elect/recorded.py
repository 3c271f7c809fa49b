"""Candidates recorded before, taken up again where nothing but the choice or a seed changed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...elect_core.schedule import Cost
from ...elect_core.tape import Tape
from ..host.elect.run import Run
from .kept import Kept
from .types import Candidates


@dataclass(frozen=True)
class _Recording:
    """Candidates without the run that holds the model."""

    seeds: tuple[int, ...]
    tape: Tape
    stop_step: int
    cost: Cost


RECORDED: Kept[_Recording] = Kept(most=1)


def recorded(
    run: Run, seeds: Sequence[int], settings: tuple, record: Callable[[], Candidates]
) -> Candidates:
    """The last candidates if they are these, else new ones; the guider's own life bounds theirs.

    settings: whatever else decides what a candidate is
    """
    wanted = (tuple(seeds), *run.numbers, *settings)

    def made() -> _Recording:
        found = record()
        return _Recording(found.seeds, found.tape, found.stop_step, found.cost)

    last = RECORDED.get(run.made_of, wanted, made)
    return Candidates(run, last.seeds, last.tape, last.stop_step, last.cost)
