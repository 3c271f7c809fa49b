"""Results kept by the identity of what they were made from, and no longer than it lives."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

Result = TypeVar("Result")


class Kept(Generic[Result]):
    """The last few results. Nothing in it keeps a model or a recording alive.

    ComfyUI hands a cached output on as the same object, so the same objects are the same inputs.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._entries: list[tuple[list[Callable], Hashable, Result]] = []

    def get(self, made_of: Sequence, settings: Hashable, make: Callable[[], Result]) -> Result:
        """The result of just these objects and equal settings: the one kept, or made now."""
        kept = self.find(made_of, settings)
        return self.keep(made_of, settings, make()) if kept is None else kept

    def find(self, made_of: Sequence, settings: Hashable = None) -> Result | None:
        """The result of just these objects and equal settings, or None."""
        parts = _flat(made_of)
        for references, wanted, result in self._entries:
            same = len(references) == len(parts) and wanted == settings
            if same and all(ref() is part for ref, part in zip(references, parts, strict=True)):
                return result
        return None

    def keep(self, made_of: Sequence, settings: Hashable, result: Result) -> Result:
        """Keep a result, in the place of the oldest one where there is no room; returns it."""
        entry = ([self._reference(part) for part in _flat(made_of)], settings, result)
        self._entries = [*self._entries[1 - self.most :], entry][-self.most :]
        return result

    def _reference(self, part) -> Callable:
        if part is None or isinstance(part, list | str | int | float):  # no weak ones of these
            return lambda: part
        return weakref.ref(part, self._drop)

    def _drop(self, dead: weakref.ref) -> None:
        kept = self._entries
        self._entries = [one for one in kept if not any(ref is dead for ref in one[0])]


def _flat(parts: Sequence) -> list:
    """The parts with a LATENT's own tensors in its place: its dict may be made anew."""
    found = []
    for part in parts:
        if isinstance(part, dict):
            found += [part[name] for name in sorted(part)]
        else:
            found.append(part)
    return found
