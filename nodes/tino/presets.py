"""Settings that belong together: the paper's, and those that were best on our validation edits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...tino_core.losses import PAPER
from .optimisers import ADAMW, CLIPPED
from .text_spaces import AUTOMATIC

if TYPE_CHECKING:
    from .inputs import Given

AS_SET, TRIES = "as set", "ours: tries"
PRESETS: dict[str, dict[str, Any]] = {
    "paper": {
        "iterations": 50,
        "lr_timesteps": 1.0,
        "lr_noise": 0.005,
        "weight_decay": 0.0,
        "semantic_weight": 1.0,
        "perceptual_weight": 0.5,
        "reference_weight": 1.0,
        "text_loss": PAPER,
        "tries": 1,
        "smoothing": 0,
        "keep_norm": False,
        "optimiser": ADAMW,
    },
    TRIES: {
        "iterations": 0,
        "semantic_weight": 1.0,
        "perceptual_weight": 0.0,
        "reference_weight": 1.0,
        "text_loss": AUTOMATIC,
        "tries": 16,
        "smoothing": 0,
    },
    "ours: updates": {
        "iterations": 10,
        "lr_timesteps": 0.0,
        "lr_noise": 0.02,
        "weight_decay": 0.0,
        "semantic_weight": 1.0,
        "perceptual_weight": 0.0,
        "reference_weight": 1.0,
        "text_loss": AUTOMATIC,
        "tries": 1,
        "smoothing": 8,
        "keep_norm": True,
        "optimiser": ADAMW,
    },
    "ReNO's steps": {
        "iterations": 50,
        "lr_timesteps": 0.0,
        "lr_noise": 5.0,
        "weight_decay": 0.0,
        "semantic_weight": 1.0,
        "perceptual_weight": 0.0,
        "reference_weight": 1.0,
        "text_loss": AUTOMATIC,
        "tries": 1,
        "smoothing": 0,
        "keep_norm": True,
        "optimiser": CLIPPED,
        "gradient_norm": 0.1,
    },
}
"""What each preset sets, by the names of the node's inputs; the rest stays as it is.

A new node begins with TRIES: one plain run each, no update that a fooled loss could spoil.
"""


def with_presets(given: Given) -> Given:
    """The inputs with what a preset sets, from TiNOPreset or from the node's own list."""
    if given.defaults is not None and given.preset not in (AS_SET, TRIES):
        raise ValueError(
            f"preset: defaults is connected, which sets the numbers. Choose {AS_SET!r} here, or "
            "take TiNOPreset away."
        )
    return replace(given, **(given.defaults or PRESETS.get(given.preset, {})))
