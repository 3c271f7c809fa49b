"""How one node is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Look:
    """What a person sees of a node.

    name: in place of the schema's display name, "" keeps it; search: what people type who want it
    outputs: their tooltips, in order; advanced: inputs that are folded away where ComfyUI can
    inputs: tooltips of inputs that have none of their own
    """

    outputs: tuple[str, ...]
    name: str = ""
    search: tuple[str, ...] = ()
    advanced: frozenset[str] = frozenset()
    inputs: Mapping[str, str] = field(default_factory=dict)


def names(text: str) -> frozenset[str]:
    """Input names from a list separated by spaces."""
    return frozenset(text.split())
