"""TiNOPreset: settings for a kind of edit, chosen by how many passes one wants to spend."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from comfy_api.latest import io

from ..menu import TINO
from .preset_type import TinoPresetType
from .presets import PRESETS

BEST, TRIES, UPDATES, BOTH, PAPER = (
    *("best for the kind", "tries", "updates", "tries, then updates"),
    "paper",
)
WAYS: dict[str, dict[str, Any]] = {
    TRIES: PRESETS["ours: tries"],
    UPDATES: PRESETS["ours: updates"],
    BOTH: {**PRESETS["ours: updates"], "tries": 16},
    PAPER: PRESETS["paper"],
}
"""What costs 16, 48, 64 and 238 passes of the denoising steps."""
_NO_REFERENCE, _REFERENCE = {"reference_weight": 0.0}, {"reference_weight": 1.0}
KINDS: dict[str, dict[str, Any]] = {
    "text": _NO_REFERENCE,
    "reference": _REFERENCE,
    "strokes": _NO_REFERENCE,
    "composition": _NO_REFERENCE,
}
"""What a kind of edit adds: only a reference has something to resemble."""


CHOSEN_FILE = Path(__file__).with_name("chosen.json")
CHOSEN: dict[str, Any] = json.loads(CHOSEN_FILE.read_text(encoding="utf-8"))
"""What `bench tino validate` chose on validation edits: docs/tino_defaults.md."""


def preset(kind: str, way: str) -> dict[str, Any]:
    """Values by the names of TiNOOptimize's inputs."""
    return {**WAYS[CHOSEN["ways"][kind] if way == BEST else way], **KINDS[kind]}


class TiNOPreset(io.ComfyNode):
    """Good defaults for a kind of edit."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="TiNOPreset",
            display_name="TiNO Preset",
            category=TINO,
            description="Settings of TiNO Optimize for a kind of edit. Connect it to defaults.",
            inputs=[
                io.Combo.Input(
                    "kind",
                    options=list(KINDS),
                    default="text",
                    tooltip="What leads the edit: prompts alone, a reference picture, strokes over "
                    "the source, or pasted parts.",
                ),
                io.Combo.Input(
                    "way",
                    options=[BEST, *WAYS],
                    default=BEST,
                    tooltip="best for the kind: what validation chose. tries: 16 first noises, "
                    "the best by the loss (16 passes). updates: 10 (48). paper: its own form, 50 "
                    "updates (238 passes).",
                ),
            ],
            outputs=[
                TinoPresetType.Output(display_name="defaults"),
                io.String.Output(display_name="as text"),
            ],
        )

    @classmethod
    def execute(cls, kind, way) -> io.NodeOutput:
        made = preset(kind, way)
        return io.NodeOutput(made, ", ".join(f"{name} {value}" for name, value in made.items()))


NODES: list[type[io.ComfyNode]] = [TiNOPreset]
