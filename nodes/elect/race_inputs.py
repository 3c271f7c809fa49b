"""What a race is given, and what it comes to for so many candidates: rungs and a price."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from comfy_api.latest import io

from ...elect_core.race import Rung, from_here, halving, looks, parse_rungs, race_nfe, race_steps
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
        tooltip="End early once the confidence that the first stays ahead reaches this. Looked at "
        "after every rung of a race, else after every step from settled_from to stop; 0 is off.",
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

    def plan(
        self, race: str, num_candidates: int, num_steps: int, stop_step: int, started: int = 0
    ) -> RacePlan:
        """The rungs of a race, or the looks of a run that may end early, or just the stop.

        stop_step: where all would stop without a race; started: steps that all have run before
        Raises ValueError naming the input where they make none.
        """
        if race not in RACES:
            raise ValueError(f"race: expected one of {', '.join(RACES)}, got {race!r}.")
        if race == "off":
            first = stop_step
            if self.stop_when_settled > 0:
                first = max(2, round(self.settled_from * num_steps))  # one step tells nothing
            rungs = looks(max(1, min(first, stop_step)), stop_step, num_candidates)
        elif race == "halving":
            rungs = halving(num_candidates, num_steps)
        else:
            rungs = parse_rungs(self.rungs, num_candidates, num_steps)
        rungs = from_here(rungs or (Rung(stop_step, num_candidates),), started)
        return RacePlan(rungs, num_candidates, num_steps, started)

    def early(self, step: int, num_steps: int) -> bool:
        """Whether candidates that have run `step` steps are ranked by consensus."""
        return step <= self.consensus_until * num_steps


@dataclass(frozen=True)
class RacePlan:
    """Rungs for a number of candidates, and what they cost."""

    rungs: Sequence[Rung]
    num_candidates: int
    num_steps: int
    started: int = 0

    @property
    def drops(self) -> bool:
        """Whether any candidate is dropped on the way."""
        return self.rungs[-1].keep < self.num_candidates

    def total_steps(self) -> int:
        """Steps of all candidates together, up to the last rung."""
        return race_steps(self.rungs, self.num_candidates)

    def in_words(self, anew: bool, calls_before: int = 0) -> str:
        """What will be run and what it costs at one call a step, with one candidate finished.

        anew: every candidate starts again after each rung; calls_before: made already
        """
        goes = [
            f"{rung.keep} after step {rung.step}"
            for rung, before in zip(self.rungs, (None, *self.rungs), strict=False)
            if rung.keep < (before.keep if before else self.num_candidates)
        ]
        said = f"Race of {self.num_candidates}: the best go on, " + ", ".join(goes)
        if not goes:
            first, last = self.rungs[0].step, self.rungs[-1].step
            said = f"{self.num_candidates} candidates to step {last}"
            if first < last:
                said = f"{self.num_candidates} candidates to step {last}, or till it is settled"
        one = (*self.rungs[:-1], Rung(self.rungs[-1].step, 1))
        nfe = race_nfe(one, self.num_candidates, self.num_steps, self.started, anew)
        done = f", {calls_before} of them made" if calls_before else ""
        return (
            f"{said}: at most {nfe} guider calls at one a step{done}, in place of "
            f"{self.num_candidates * self.num_steps}."
        )
