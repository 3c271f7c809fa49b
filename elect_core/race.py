"""Races: run all candidates a little, drop the worst, run the rest further.

A race is a list of rungs. At each the candidates still in it are ranked, and the best go on:

    16 candidates, "8@20%, 4@40%, 1@60%": all run 20 % of the steps, the best 8 go on to 40 %, the
    best 4 of them to 60 %, and the best one of these is finished.

Successive halving (Jamieson and Talwalkar, 2016) keeps half at every rung.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .schedule import step_count
from .selection import Ranking

HALVING_STOPS = (0.8, 0.4, 0.2, 0.05)
"""Fractions of the steps at which halves are dropped, the last one first: chosen on validation,
where early rungs could be harsh and the last two were best told apart late."""
_RUNG = re.compile(r"(\d+)\s*@\s*(\d+(?:\.\d+)?)\s*%")


@dataclass(frozen=True)
class Rung:
    """A stop at which candidates are ranked.

    step: finished steps, at least 1; keep: how many of the best go on, at least 1
    """

    step: int
    keep: int


@dataclass(frozen=True)
class Standing:
    """How a race came out.

    order: all candidates, those still in it first and the elected one before all; num_left: how
    many are still in it; ran (N,): steps that each ran, as they are numbered
    last: the last ranking, of those who took part in it, which `order` begins with
    settled: whether it ended early because the choice was sure
    """

    order: tuple[int, ...]
    num_left: int
    ran: tuple[int, ...]
    last: Ranking
    settled: bool

    @property
    def elected(self) -> int:
        """Index of the best candidate."""
        return self.order[0]


def run_race(
    rungs: Sequence[Rung],
    num_candidates: int,
    rank_at: Callable[[tuple[int, ...], Rung], Ranking],
    settled: float = 0.0,
) -> Standing:
    """Rank at every rung whoever is still in the race, and let the best go on.

    rank_at: (candidates still in it, the rung) -> their ranking, in the places they are given in
    settled: confidence from which the choice is sure: the race then ends with as many as its last
        rung keeps; 0 runs all rungs
    """
    alive, out, ran = tuple(range(num_candidates)), (), [0] * num_candidates
    ranking, sure, last = None, False, None
    for rung in rungs:
        last, ranking = rung, rank_at(alive, rung)
        for index in alive:
            ran[index] = rung.step
        confidence = ranking.confidence
        sure = settled > 0 and confidence is not None and confidence >= settled
        ordered = tuple(alive[place] for place in ranking.order)
        keep = rungs[-1].keep if sure else rung.keep
        alive, out = ordered[:keep], (*ordered[keep:], *out)
        if sure or len(alive) == 1:
            break
    assert ranking is not None
    early = sure and last is not rungs[-1]
    return Standing((*alive, *out), len(alive), tuple(ran), ranking, early)


def parse_rungs(text: str, num_candidates: int, num_steps: int) -> tuple[Rung, ...]:
    """The rungs that "8@20%, 4@40%, 1@60%" says: so many go on after such a share of the steps.

    Rungs at which nobody would go are left out, but for the last one; of rungs that fall on one
    step the last one counts. Raises ValueError naming the input `rungs`.
    """
    words = [word.strip() for word in re.split(r"[,;\n]", text) if word.strip()]
    found = [_parse(word) for word in words]
    if not found:
        raise ValueError("rungs: expected at least one, such as 8@20%, 4@40%, 1@60%, got none.")
    for (keep, share), (next_keep, next_share) in zip(found, found[1:], strict=False):
        if next_share <= share or next_keep >= keep:
            raise ValueError(
                "rungs: expected ever fewer candidates at ever later stops, got "
                f"{next_keep}@{next_share:g}% after {keep}@{share:g}%."
            )
    rungs = [Rung(step_count(share / 100, num_steps, "rungs"), keep) for keep, share in found]
    return _tidy(rungs, num_candidates)


def _parse(word: str) -> tuple[int, float]:
    match = _RUNG.fullmatch(word)
    if match is None:
        raise ValueError(
            "rungs: expected how many go on and after which share of the steps, such as 8@20%, "
            f"got {word!r}."
        )
    keep, share = int(match[1]), float(match[2])
    if keep < 1 or not 0 < share <= 100:
        raise ValueError(f"rungs: expected 1 or more candidates at above 0 to 100 %, got {word!r}.")
    return keep, share


def _tidy(rungs: Sequence[Rung], num_candidates: int) -> tuple[Rung, ...]:
    """One rung a step, and none at which nobody goes but for the last."""
    found: list[Rung] = []
    for place, rung in enumerate(rungs):
        if found and found[-1].step == rung.step:
            found.pop()
        alive = found[-1].keep if found else num_candidates
        if rung.keep < alive or place == len(rungs) - 1:
            found.append(Rung(rung.step, min(rung.keep, alive)))
    return tuple(found)


def halving(num_candidates: int, num_steps: int) -> tuple[Rung, ...]:
    """Rungs that keep the better half, one candidate after the last; none for one candidate."""
    alive, kept = num_candidates, []
    while alive > 1:
        alive = (alive + 1) // 2
        kept.append(alive)
    stops = [*HALVING_STOPS, *[HALVING_STOPS[-1]] * len(kept)][: len(kept)]
    rungs = [
        Rung(step_count(stop, num_steps), keep)
        for stop, keep in zip(reversed(stops), kept, strict=True)
    ]
    return _tidy(rungs, num_candidates)


def looks(first: int, last: int, num_candidates: int) -> tuple[Rung, ...]:
    """Rungs at every step from one to another that drop nobody: to look whether it is settled."""
    return tuple(Rung(step, num_candidates) for step in range(min(first, last), last + 1))


def from_here(rungs: Sequence[Rung], step: int) -> tuple[Rung, ...]:
    """The rungs for candidates that have run `step` steps: those they are past fall on it."""
    found: list[Rung] = []
    for rung in rungs:
        rung = Rung(max(rung.step, step), rung.keep)
        if found and found[-1].step == rung.step:
            found.pop()
        found.append(rung)
    return tuple(found)


def race_steps(
    rungs: Sequence[Rung], num_candidates: int, started: int = 0, anew: bool = False
) -> int:
    """Steps that all candidates together make up to the last rung, those they have made included.

    started: steps that each has run before; anew: they run from their start after every rung
    For a sampler of one call a step it is the NFE without the finish.
    """
    alive, done, total = num_candidates, started, num_candidates * started
    for rung in rungs:
        if rung.step > done:
            total += alive * (rung.step if anew and done else rung.step - done)
        alive, done = min(alive, rung.keep), rung.step
    return total


def race_nfe(
    rungs: Sequence[Rung],
    num_candidates: int,
    num_steps: int,
    started: int = 0,
    anew: bool = False,
) -> int:
    """NFE of a race for a sampler with one call a step, with those still in it finished.

    Arguments as in `race_steps`.
    """
    survivors, done = min(num_candidates, rungs[-1].keep), rungs[-1].step
    rest = num_steps if anew and done < num_steps else num_steps - done
    return race_steps(rungs, num_candidates, started, anew) + survivors * rest
