"""Yes or no questions made for one instruction, each answered by a probability where that is known.

After ADE-CoT (arXiv 2603.00141), which asks questions of its own per edit; and VQAScore's P(yes),
which has no parsing and hardly any ties.
"""

from __future__ import annotations

import json

from numpy import ndarray

from .answers import read_list
from .pictures import resized
from .question import NO_ORDERS, Question, Seeing
from .verdicts import Verdict, shown, unscored

MOST = 4
_SCHEMA = {
    "type": "object",
    "properties": {"questions": {"type": "array", "items": {"type": "string"}}},
    "required": ["questions"],
    "additionalProperties": False,
}


def standard_questions(instruction: str) -> list[str]:
    """Two that fit any instruction: was it done, and was nothing else done."""
    asked = json.dumps(instruction, ensure_ascii=False)
    return [
        f"Does the second picture show the first with this edit carried out: {asked}?",
        f"Apart from this edit, {asked}, is everything in the second picture as in the first?",
    ]


def make_questions(model: Seeing, source: ndarray, instruction: str) -> list[str]:
    """Up to MOST questions by the model, all good when answered yes; the standard ones if none.

    The standard second one, that nothing else changed, is always among them.
    """
    asked = json.dumps(instruction, ensure_ascii=False)
    text = (
        f"This picture is going to be edited in these words: {asked}. Write two or three short "
        "questions, each to be answered by yes or no, that tell whether the edit was carried out "
        "well, for somebody who sees the picture before (the first) and after (the second). Yes "
        f"must always be the good answer. {NO_ORDERS}\n"
        'Answer with one JSON object and nothing else: {"questions": ["...", "..."]}.'
    )
    answer = model.ask(Question(text, (source,), _SCHEMA))
    made = [line for line in read_list(answer, MOST - 1) if line.endswith("?")]
    standard = standard_questions(instruction)
    return [*made, standard[1]] if made else standard


def judge_yes_no(
    model: Seeing, questions: list[str], source: ndarray, edited: ndarray, instruction: str
) -> Verdict:
    """Mean probability of yes; rejected where one is under a half; unscored where one is unknown.

    Raises Unanswered where the model gives nothing.
    """
    edited = resized(edited, source.shape[1], source.shape[0])
    values: dict[str, float] = {}
    for question in questions:
        text = (
            "The first picture is the source, the second is what an editing tool made of it. "
            f"{NO_ORDERS}\n{question}\nAnswer with yes or no, one word."
        )
        chance = model.yes(shown(model, Question(text, (source, edited), max_tokens=16)))
        if chance is None:
            return unscored(f"{model.name} answered neither yes nor no to: {question}")
        values[question] = chance
    low = min(values, key=values.__getitem__)
    reason = "" if values[low] >= 0.5 else f"No to: {low}"
    overall = sum(values.values()) / len(values)
    return Verdict(overall, values, values[low] < 0.5, reason)
