"""A tape as tensors by name, and back: what a file of candidates holds of it.

``call/0003/denoised`` is what call 3 answered under that name, ``step/0002/blended`` what step 2
kept of its own; the steps' calls are a list beside them.
"""

import re
from collections.abc import Mapping, Sequence

from torch import Tensor

from .tape import Answer, Step, Tape

_NAME = re.compile(r"(call|step)/(\d{4})/(\w{1,40})")


def tape_tensors(tape: Tape) -> tuple[dict[str, Tensor], list[int]]:
    """Every tensor of a tape by its name, and the call of each finished step."""
    found = {
        f"call/{number:04}/{name}": value.contiguous()
        for number, call in enumerate(tape.calls)
        for name, value in call.items()
    }
    for number, step in enumerate(tape.steps):
        if step.blended is not None:
            found[f"step/{number:04}/blended"] = step.blended.contiguous()
    return found, [step.call for step in tape.steps]


def tape_of(tensors: Mapping[str, Tensor], steps: Sequence[int], shape: Sequence[int]) -> Tape:
    """The tape that `tape_tensors` took apart.

    steps: the call of each step; shape: (N, C, h, w) of every estimate
    Raises ValueError, saying what is wrong, where they do not make a tape.
    """
    calls: dict[int, Answer] = {}
    blended: dict[int, Tensor] = {}
    for name, value in tensors.items():
        kind, number, part = _parts(name)
        _check(name, value, shape, whole=part != "relevance")
        if kind == "call":
            calls.setdefault(number, {})[part] = value
        elif part == "blended" and number < len(steps):
            blended[number] = value
        else:
            raise ValueError(f"it has no place for {name}")
    if sorted(calls) != list(range(len(calls))) or any("denoised" not in c for c in calls.values()):
        raise ValueError("a recorded call is missing")
    if list(steps) != sorted(set(steps)) or not all(0 <= call < len(calls) for call in steps):
        raise ValueError("its steps do not belong to its calls")
    kept = [Step(call, blended.get(number)) for number, call in enumerate(steps)]
    return Tape([calls[number] for number in range(len(calls))], kept)


def _parts(name: str) -> tuple[str, int, str]:
    found = _NAME.fullmatch(name)
    if found is None:
        raise ValueError(f"it has no place for {name[:60]!r}")
    return found[1], int(found[2]), found[3]


def _check(name: str, value: Tensor, shape: Sequence[int], whole: bool) -> None:
    """Raise ValueError unless it is an estimate, or a map of one channel, of that many numbers."""
    wanted = [tuple(shape)] if whole else [(shape[0], 1, *shape[2:])]
    if not value.is_floating_point() or tuple(value.shape) not in wanted:
        raise ValueError(
            f"{name} is {value.dtype} {tuple(value.shape)}, not numbers of {wanted[0]}"
        )
