"""Scores that stay with their candidates: as numbers, into a file and out of it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .table import Row
    from .types import Candidates

_LONGEST = 40


@dataclass(frozen=True)
class Score:
    """What an election said of one candidate.

    rank: from 1, among all that took part; score: by the criterion, lower is better; bis,
    change_inside: change outside and inside the mask; step: finished steps when it was scored;
    judge: a judge's score, higher is better, where there was one
    """

    rank: int
    score: float
    bis: float
    change_inside: float
    criterion: str
    step: int
    judge: float | None = None


def with_scores(
    candidates: Candidates,
    indices: Iterable[int],
    table: Sequence[Row],
    criterion: str,
    ran: Sequence[int] | None = None,
) -> Candidates:
    """The candidates with what a table says of each.

    indices: which of the table's they are; ran: steps after which each of the table's was scored,
    where that is not the candidates' stop
    """
    rows, stop = {row.candidate - 1: row for row in table}, candidates.stop_step
    scores = tuple(_of(rows[i], criterion, stop if ran is None else ran[i]) for i in indices)
    return replace(candidates, scores=scores)


def _of(row: Row, criterion: str, step: int) -> Score:
    return Score(row.rank, row.score, row.bis, row.change_inside, criterion, step, row.judge)


def as_plain(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """Scores as JSON can say them: None for NaN and infinities."""
    return [{name: _sayable(value) for name, value in asdict(one).items()} for one in scores]


def _sayable(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def from_plain(said: Any, number: int) -> tuple[Score, ...] | None:
    """The reverse; None where nothing is said, as in older files.

    Raises ValueError where it is no list of scores, one for each of `number` candidates.
    """
    if said is None:
        return None
    if not isinstance(said, list) or len(said) != number:
        raise ValueError(f"scores should be one for each of {number} candidates")
    return tuple(map(_score, said))


def _score(said: Any) -> Score:
    if not isinstance(said, dict):
        raise ValueError("a score is no set of numbers")
    kinds = {one.name: one.type for one in fields(Score)}
    values = {name: _checked(name, str(kind), said.get(name)) for name, kind in kinds.items()}
    return Score(**values)


def _checked(name: str, kind: str, value: Any) -> Any:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if kind == "str":
        good = isinstance(value, str) and len(value) <= _LONGEST
    elif kind == "int":
        good = number and isinstance(value, int) and value > 0
    else:
        good = number or value is None
    if not good:
        raise ValueError(f"{name} of a score is {str(value)[:20]!r}")
    if kind == "float":
        return math.nan if value is None else float(value)
    return value


def in_words(candidates: Candidates) -> str | None:
    """What is kept of the candidates' scores, in one line; None where nothing is."""
    if not candidates.scores:
        return None
    first = candidates.scores[0]
    each = ", ".join(
        f"seed {seed} {one.score:.4g} (rank {one.rank})"
        for seed, one in zip(candidates.seeds, candidates.scores, strict=True)
    )
    return f"Scores ({first.criterion}) after step {first.step}: {each}."
