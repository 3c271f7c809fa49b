"""How many candidates a run is going to make, read from its prompt before any is run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .sampling import parse_seeds

SAMPLER = "MultiSeedPartialSampler"


def foreseen(prompt: Mapping[str, Any] | None, node_id: str | None) -> int | None:
    """Candidates that the node `node_id` will be given.

    None where that cannot be told: they come through another node, are added to earlier ones, or
    their number comes by a wire; or somebody calls the node from a script, without a prompt.
    """
    if not prompt or node_id is None:
        return None
    wire = prompt.get(node_id, {}).get("inputs", {}).get("candidates")
    sampler = prompt.get(wire[0], {}) if isinstance(wire, list) else {}
    given = sampler.get("inputs", {})
    if sampler.get("class_type") != SAMPLER or "previous" in given:
        return None
    seeds, number = given.get("seeds", ""), given.get("num_candidates")
    if not isinstance(seeds, str):
        return None
    return len(parse_seeds(seeds)) or (number if isinstance(number, int) else None)


def is_wired(hidden: Any, name: str) -> bool:
    """Whether a wire leads to the input of that name; hidden: what ComfyUI told the node."""
    prompt, node_id = getattr(hidden, "prompt", None), getattr(hidden, "unique_id", None)
    return isinstance((prompt or {}).get(node_id, {}).get("inputs", {}).get(name), list)
