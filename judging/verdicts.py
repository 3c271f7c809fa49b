"""One edit judged by a rubric; and all of a batch, none of which is ever lost."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from numpy import ndarray

from .answers import Unreadable, one_line, read_numbers, read_reason
from .pictures import resized, side_by_side
from .question import Question, Seeing, Unanswered, Wordless
from .rubrics import Part, Rubric, prompt, schema


@dataclass(frozen=True)
class Verdict:
    """What a judge makes of one edit.

    overall: in [0, 1], higher is better; NaN where it could not be scored, then `unscored` says why
    values: the axes' own numbers; rejected: the rubric rules it out
    """

    overall: float
    values: Mapping[str, float] = field(default_factory=dict)
    rejected: bool = False
    reason: str = ""
    unscored: str = ""

    @property
    def scored(self) -> bool:
        """Whether there is a number."""
        return not math.isnan(self.overall)


def unscored(why: str) -> Verdict:
    """No number, and why."""
    return Verdict(math.nan, unscored=why)


def shown(model: Seeing, question: Question) -> Question:
    """The question as a model can take it: one picture of several where it sees too few."""
    if len(question.pictures) <= model.num_pictures:
        return question
    note = f"The {len(question.pictures)} pictures stand side by side in one, from left to right.\n"
    return Question(
        note + question.text,
        (side_by_side(question.pictures),),
        question.schema,
        question.max_tokens,
    )


def rate(
    model: Seeing, part: Part, pictures: tuple[ndarray, ...], text: str, tries: int
) -> tuple[dict[str, float], str]:
    """The numbers of one part, and why; an answer that cannot be read is asked for again.

    Raises Unreadable after `tries`, Unanswered as the model does.
    """
    wanted: dict | None = schema(part)
    asked = text
    for left in reversed(range(tries)):
        answer = model.ask(shown(model, Question(asked, pictures, wanted)))
        try:
            return read_numbers(answer, part.axes), read_reason(answer)
        except Unreadable as problem:
            if not left:
                said = one_line(answer, 120)
                raise Unreadable(f"{problem}; it said: {said!r}") from None
            # Some servers answer badly just because they are held to a schema.
            wanted = None
            asked = f"{text}\nAn earlier answer could not be read: {problem}."
    raise Unreadable("it was not asked")


def judge(
    model: Seeing,
    rubric: Rubric,
    source: ndarray,
    edited: ndarray,
    instruction: str,
    both_orders: bool = False,
    tries: int = 2,
) -> Verdict:
    """A verdict on one edit; unscored where an answer cannot be read.

    source, edited (H, W, 3) uint8: the edit is brought to the source's size
    both_orders: ask with the source first and with the edit first, and take the mean
    Raises Unanswered where the model gives nothing.
    """
    edited = resized(edited, source.shape[1], source.shape[0])
    values: dict[str, float] = {}
    reasons = []
    for part in rubric.parts:
        orders = (False, True) if both_orders and part.with_source else (False,)
        heard = []
        for swapped in orders:
            pair = (edited, source) if swapped else (source, edited)
            pictures = pair if part.with_source else (edited,)
            text = prompt(part, instruction, swapped)
            try:
                numbers, reason = rate(model, part, pictures, text, tries)
            except Unreadable as problem:
                return unscored(f"{model.name} could not be read: {problem}")
            heard.append(numbers)
            reasons.append(reason)
        values |= {axis.name: _mean([one[axis.name] for one in heard]) for axis in part.axes}
    reason = " / ".join(dict.fromkeys(filter(None, reasons)))
    return Verdict(rubric.overall(values), values, rubric.rejects(values), reason)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def judge_all(
    each: Callable[[ndarray], Verdict],
    edits: Sequence[ndarray],
    keep_going: bool,
    on_verdict: Callable[[], None] = lambda: None,
) -> list[Verdict]:
    """A verdict for every edit, in order.

    each: judges one; keep_going: leave edits unscored where the model fails, else raise Unanswered
    on_verdict: called after each
    """
    verdicts: list[Verdict] = []
    for edit in edits:
        try:
            verdicts.append(each(edit))
        except Unanswered as failure:
            if not keep_going:
                raise
            # A dead server is not asked again for every edit that is left.
            left = 1 if isinstance(failure, Wordless) else len(edits) - len(verdicts)
            verdicts += [unscored(str(failure))] * left
            if len(verdicts) == len(edits):
                return verdicts
        on_verdict()
    return verdicts


def best_first(verdicts: Sequence[Verdict]) -> list[int]:
    """Indices by score; rejected ones after the others, unscored ones last, ties in order."""

    def key(index: int) -> tuple[bool, bool, float]:
        one = verdicts[index]
        return not one.scored, one.rejected, -one.overall if one.scored else 0.0

    return sorted(range(len(verdicts)), key=key)
