"""What was elected, in the metadata of every file that the rest of the run saves.

ComfyUI's saving nodes write all of ``extra_pnginfo`` into their files, each key by itself, and
the prompt besides. A run without a workflow (through the API) has no ``extra_pnginfo``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from comfy_api.latest import io

KEY = "elect"
HIDDEN = (io.Hidden.unique_id, io.Hidden.prompt, io.Hidden.extra_pnginfo)
"""What a node has to ask for that writes into files."""


def record(told: Mapping[str, Any], going: Iterable[int]) -> dict[str, Any]:
    """An election in a few words; told: its facts, going: the candidates that go on, in order."""
    seeds, scores = told["seeds"], told["scores"]
    return {
        "elected_seed": told["elected_seed"],
        "elected_score": told["elected_score"],
        "candidate": told["elected"] + 1,
        "num_candidates": len(seeds),
        "seeds": [seeds[index] for index in going],
        "scores": [scores[index] for index in going],
    }


def inscribe(node: type[io.ComfyNode], told: Mapping[str, Any], going: Iterable[int]) -> None:
    """Add an election to the metadata of what is saved after it, in the order of the elections."""
    hidden = node.hidden
    if hidden is None:  # called by a script, not by ComfyUI
        return
    entry = {"node": hidden.unique_id, **record(told, going)}
    if hidden.extra_pnginfo is not None:
        hidden.extra_pnginfo.setdefault(KEY, []).append(entry)
    elif hidden.unique_id in (hidden.prompt or {}):
        meta = hidden.prompt[hidden.unique_id].setdefault("_meta", {})
        meta.setdefault(KEY, []).append(entry)
