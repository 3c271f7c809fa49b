"""How the noise moves, by the names of TiNOOptimize's input, as settings of a run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

ADAMW = "AdamW"
CLIPPED = "clipped gradient (ReNO)"
NORMALISED = "normalised gradient"
LOSS_ONLY = "through the loss only (FlowOpt)"
OPTIMISERS: dict[str, Callable[[float], dict[str, Any]]] = {
    ADAMW: lambda norm: {},
    CLIPPED: lambda norm: {"clip": norm},
    NORMALISED: lambda norm: {"clip": norm, "normalise": True},
    LOSS_ONLY: lambda norm: {"through_model": False},
}
"""``gradient_norm -> fields of Settings``."""
