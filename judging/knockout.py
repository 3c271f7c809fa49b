"""Pairs among the candidates that tie: each pair is asked in both orders, or it says nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from numpy import ndarray

from .answers import without_thoughts
from .pictures import resized
from .question import NO_ORDERS, Question, Seeing
from .verdicts import Verdict, best_first, shown

MOST = 4
"""How many may take part."""


def prefers_first(
    model: Seeing, source: ndarray, first: ndarray, second: ndarray, instruction: str
) -> bool | None:
    """Whether the model takes the first of two edits; None where it names neither."""
    asked = json.dumps(instruction, ensure_ascii=False)
    text = (
        "The first picture is the source. The second (A) and the third (B) are two edits of it, "
        f"made in these words: {asked}. Which one carries the instruction out better and changes "
        f"less of the rest? {NO_ORDERS}\nAnswer with A or B, one letter."
    )
    answer = without_thoughts(
        model.ask(shown(model, Question(text, (source, first, second), max_tokens=16)))
    )
    said = set(re.findall(r"\b([AB])\b", answer))
    return "A" in said if len(said) == 1 else None


def knock_out(
    model: Seeing,
    source: ndarray,
    edits: Sequence[ndarray],
    instruction: str,
    order: Sequence[int],
) -> int:
    """The index that wins, of those in `order`; who stands first stays where the two orders differ.

    Raises Unanswered as the model does.
    """
    height, width = source.shape[:2]
    holder = order[0]
    for rival in order[1:]:
        pair = [resized(edits[i], width, height) for i in (holder, rival)]
        forward = prefers_first(model, source, pair[0], pair[1], instruction)
        backward = prefers_first(model, source, pair[1], pair[0], instruction)
        if forward is False and backward is True:
            holder = rival
    return holder


def tied_best(verdicts: Sequence[Verdict]) -> list[int]:
    """The candidates that share the best score, at most MOST, in their order."""
    order = best_first(verdicts)
    best = verdicts[order[0]]
    if not best.scored:
        return order[:1]
    same = [
        i
        for i in order
        if verdicts[i].scored
        and verdicts[i].rejected == best.rejected
        and abs(verdicts[i].overall - best.overall) < 1e-9
    ]
    return same[:MOST]
