"""Other words for an instruction: the user's own list, or a model's; the original always first."""

from __future__ import annotations

import json

from numpy import ndarray

from .answers import read_list
from .question import NO_ORDERS, Question, Seeing

_SCHEMA = {
    "type": "object",
    "properties": {"instructions": {"type": "array", "items": {"type": "string"}}},
    "required": ["instructions"],
    "additionalProperties": False,
}


def own_list(text: str) -> list[str]:
    """One a line; empty lines, and lines that begin with #, are left out."""
    lines = (line.strip() for line in text.splitlines())
    return [line for line in lines if line and not line.startswith("#")]


def rewrites(
    model: Seeing,
    instruction: str,
    number: int,
    complaint: str = "",
    picture: ndarray | None = None,
) -> list[str]:
    """Up to `number` other instructions for the same edit. Raises Unanswered as the model does."""
    asked = json.dumps(instruction, ensure_ascii=False)
    failed = (
        f" Last time the result was criticised so: {json.dumps(complaint)}." if complaint else ""
    )
    text = (
        f"A picture is to be edited in these words: {asked}.{failed} Write {number} other short "
        "instructions for exactly the same edit, each in one line: plain common words, the thing "
        "named as it is seen, nothing added to the wish. "
        f"{NO_ORDERS}\n"
        'Answer with one JSON object and nothing else: {"instructions": ["...", "..."]}.'
    )
    pictures = () if picture is None else (picture,)
    return read_list(model.ask(Question(text, pictures, _SCHEMA)), number)


def variants(instruction: str, *others: list[str]) -> list[str]:
    """The instruction, then the others, each once."""
    every = [instruction.strip(), *(one.strip() for several in others for one in several)]
    seen: dict[str, str] = {}
    for one in every:
        seen.setdefault(one.casefold(), one)
    return [one for one in seen.values() if one]
