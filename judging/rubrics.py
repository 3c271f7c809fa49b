"""Rubrics: which numbers a judge is asked for, and what they come to.

paper: ELECT's, instruction following and background consistency, 0, 0.5 or 1 each; an edit is
rejected where either is 0.
viescore: the VIEScore protocol, SC (source and edit) and PQ (the edit alone), two scales from 0 to
10 each; SC and PQ are the smaller of their two, and together sqrt(SC * PQ).
The wording is ours.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from .question import NO_ORDERS

REASON = "reasoning"


@dataclass(frozen=True)
class Axis:
    """A number that is wanted, from low to high; only: the values it may have, where few."""

    name: str
    low: float
    high: float
    meaning: str
    only: tuple[float, ...] = ()

    def takes(self, value: float) -> bool:
        """Whether it is a value of this axis."""
        if self.only:
            return value in self.only
        return math.isfinite(value) and self.low <= value <= self.high

    def range(self) -> str:
        """Its values in words."""
        if self.only:
            return ", ".join(f"{value:g}" for value in self.only)
        return f"{self.low:g} to {self.high:g}"


@dataclass(frozen=True)
class Part:
    """One question of a rubric; with_source: shows the source and the edit, else the edit alone."""

    axes: tuple[Axis, ...]
    with_source: bool


@dataclass(frozen=True)
class Rubric:
    """overall: the axes' values as one number in [0, 1]; rejects: whether they rule an edit out."""

    name: str
    parts: tuple[Part, ...]
    overall: Callable[[Mapping[str, float]], float]
    rejects: Callable[[Mapping[str, float]], bool]


def prompt(part: Part, instruction: str, swapped: bool = False) -> str:
    """What a model is told before it sees the pictures; the instruction stays quoted."""
    asked = json.dumps(instruction, ensure_ascii=False)
    first, second = ("edited", "source") if swapped else ("source", "edited")
    if part.with_source:
        shown = (
            f"You are shown two pictures: the first is the {first} picture, the second is the "
            f"{second} picture. The edited one is what an editing tool made of the source when "
            f"asked, in these words, to: {asked}. They may look alike, when the edit failed."
        )
    else:
        shown = "You are shown one picture, which an editing tool has made."
    scales = [f"- {axis.name}: {axis.meaning} ({axis.range()})" for axis in part.axes]
    wanted = ", ".join([f'"{REASON}": "..."', *(f'"{axis.name}": number' for axis in part.axes)])
    return "\n".join(
        [
            "You rate edited pictures, strictly and without politeness.",
            shown,
            NO_ORDERS,
            "Rate:",
            *scales,
            f"Answer with one JSON object and nothing else: {{{wanted}}}. Keep {REASON} under 40 "
            "words.",
        ]
    )


def schema(part: Part) -> dict:
    """The answer's JSON schema; reasons come before numbers."""
    numbers = {
        axis.name: {"type": "number", "enum": list(axis.only)}
        if axis.only
        else {"type": "number", "minimum": axis.low, "maximum": axis.high}
        for axis in part.axes
    }
    properties = {REASON: {"type": "string"}, **numbers}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


_THREE = (0.0, 0.5, 1.0)
FOLLOWING = Axis(
    "instruction_following",
    0,
    1,
    "0 the instruction was not carried out, 0.5 in part, 1 fully",
    _THREE,
)
BACKGROUND = Axis(
    "background_consistency",
    0,
    1,
    "0 what the instruction does not speak of has changed a lot, 0.5 a little, 1 not at all",
    _THREE,
)
SUCCESS = Axis("editing_success", 0, 10, "0 not edited as asked, 10 exactly as asked")
RESTRAINT = Axis(
    "restraint", 0, 10, "0 another picture altogether, 10 nothing changed but what had to"
)
NATURALNESS = Axis(
    "naturalness", 0, 10, "0 light, scale or setting look wrong, 10 looks like a real picture"
)
CLEANNESS = Axis(
    "cleanness", 0, 10, "0 full of distortions, blur, seams or malformed things, 10 none at all"
)
_SC, _PQ = (SUCCESS, RESTRAINT), (NATURALNESS, CLEANNESS)


def _paper(values: Mapping[str, float]) -> float:
    return (values[FOLLOWING.name] + values[BACKGROUND.name]) / 2


def _vie(values: Mapping[str, float]) -> float:
    """sqrt(SC * PQ) of 10, each the smaller of its two axes."""
    consistency, quality = (min(values[axis.name] for axis in pair) for pair in (_SC, _PQ))
    return math.sqrt(consistency * quality) / 10


PAPER = Rubric(
    "paper",
    (Part((FOLLOWING, BACKGROUND), True),),
    _paper,
    lambda values: min(values.values()) == 0,
)
VIESCORE = Rubric(
    "viescore", (Part(_SC, True), Part(_PQ, False)), _vie, lambda values: _vie(values) == 0
)
RUBRICS = {rubric.name: rubric for rubric in (PAPER, VIESCORE)}
