"""What a race is given, and what it comes to for so many candidates: rungs and a price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comfy_api.latest import io

from ...elect_core.race import Rung, from_here, halving, looks, parse_rungs, race_nfe, race_steps
from ...elect_core.schedule import step_count
from ..host.elect.batching import batches
from ..host.elect.run import Run, why_from_start
from ..inputs import given

RACES = ("off", "halving", "custom")


def race_input(default: str) -> io.Input:
    """How a node's candidates are thinned out on the way."""
    return io.Combo.Input(
        "race",
        options=list(RACES),
        default=default,
        optional=True,
        tooltip="off: all candidates run to stop. halving: the worse half is dropped again and "
        "again on the way, for about half the calls or less; stop is not used. custom: as rungs "
        "says.",
    )


@dataclass(frozen=True)
class Racing:
    """The inputs of a race besides which."""

    rungs: str = given(
        io.String,
        default="8@20%, 4@40%, 1@60%",
        optional=True,
        tooltip="For race custom: how many candidates go on after which share of the steps. The "
        "last ones are finished.",
    )
    consensus_until: float = given(
        io.Float,
        default=0.0,
        min=0.0,
        max=1.0,
        step=0.01,
        optional=True,
        tooltip="Up to this fraction of the steps a race ranks by consensus, that is by nearness "
        "to what most candidates agree on, and by criterion later; 0 is always by criterion.",
    )
    stop_when_settled: float = given(
        io.Float,
        default=0.0,
        min=0.0,
        max=0.99,
        step=0.01,
        optional=True,
        tooltip="End early once the confidence that the first would still be first at the end "
        "reaches this (above 0.9 it hardly does). Looked at after every rung of a race, else after "
        "every step from settled_from to stop; 0 is off.",
    )
    settled_from: float = given(
        io.Float,
        default=0.1,
        min=0.01,
        max=1.0,
        step=0.01,
        optional=True,
        tooltip="Without a race: fraction of the steps before which nothing is settled.",
    )

    def check(self, race: str) -> None:
        """Raise ValueError naming the input where these are no race at all."""
        if race not in RACES:
            raise ValueError(f"race: expected one of {', '.join(RACES)}, got {race!r}.")
        if race == "custom":
            parse_rungs(self.rungs, 1, 1)

    def plan(self, race: str, run: Run, number: int, stop_step: int, started: int = 0) -> RacePlan:
        """The rungs of a race, or the looks of a run that may end early, or just the stop.

        stop_step: where all `number` would stop without a race; started: steps that all have run
        Raises ValueError naming the input where they make none.
        """
        self.check(race)
        num_steps, anew = run.num_steps, why_from_start(run) is not None
        rungs = (Rung(stop_step, number),)
        if race == "halving":
            rungs = halving(number, num_steps) or rungs
        elif race == "custom":
            rungs = parse_rungs(self.rungs, number, num_steps)
        elif self.stop_when_settled > 0 and not anew:
            first = max(2, step_count(self.settled_from, num_steps, "settled_from"))
            rungs = looks(first, stop_step, number)
        return RacePlan(from_here(rungs, started), number, num_steps, started, anew)

    def early(self, step: int, num_steps: int) -> bool:
        """Whether candidates that have run `step` steps are ranked by consensus."""
        return step <= self.consensus_until * num_steps


@dataclass(frozen=True)
class RacePlan:
    """Rungs for a number of candidates, and what they cost.

    started: steps that all have run before; anew: each look makes them run from their start
    """

    rungs: Sequence[Rung]
    num_candidates: int
    num_steps: int
    started: int = 0
    anew: bool = False

    @property
    def plain(self) -> bool:
        """Whether it is no race: all go to one stop."""
        return len(self.rungs) == 1 and self.rungs[0].keep == self.num_candidates

    @property
    def nfe(self) -> int:
        """Guider calls at one a step, at most, with one candidate finished."""
        one = (*self.rungs[:-1], Rung(self.rungs[-1].step, 1))
        return race_nfe(one, self.num_candidates, self.num_steps, self.started, self.anew)

    def total_steps(self) -> int:
        """Steps of all candidates together, up to the last rung."""
        return race_steps(self.rungs, self.num_candidates)

    def parts(self) -> list[tuple[int, int]]:
        """How many candidates run on together, and how many steps, rung by rung."""
        alive, done, found = self.num_candidates, self.started, []
        for rung in self.rungs:
            begun = 0 if self.anew else done
            if rung.step > done:
                found.append((alive, rung.step - begun))
            alive, done = min(alive, rung.keep), rung.step
        return found

    def side_by_side(self, run: Run, per_batch: int) -> int:
        """Candidates in a batch, throughout the race."""
        return batches(run, per_batch, self.num_candidates, self.parts()).size

    def in_words(self) -> str:
        """What will be run and what it costs, for the node before it runs."""
        alive, last = self.num_candidates, self.rungs[-1].step
        goes = []
        for rung in self.rungs:
            if rung.keep < alive:
                goes.append(f"{rung.keep} after step {rung.step}")
                alive = rung.keep
        said = f"Race of {self.num_candidates}, {self.num_steps} steps: the best go on, "
        said += ", ".join(goes)
        if not goes:
            said = f"{self.num_candidates} candidates to step {last} of {self.num_steps}"
            said += ", or until the choice is settled" if len(self.rungs) > 1 else ""
        whole = self.num_candidates * self.num_steps
        again = " Every rung runs them from their start." if self.anew else ""
        return f"{said}. At most {self.nfe} guider calls, at one a step, of {whole}.{again}"
