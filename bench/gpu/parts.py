"""What is measured on a GPU, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .elections import Rows
from .memory import halved, low_vram, many
from .scenes import Size
from .speed import speed
from .syncs import syncs
from .tino import tino
from .truth import truth
from .weights import weights


@dataclass(frozen=True)
class Part:
    """title: in the page; measure: gives its rows; sizes: of models, in a whole run"""

    title: str
    measure: Callable[[Size], Rows]
    sizes: tuple[str, ...] = ("sd15",)


PARTS = {
    "speed": Part("Candidates a second", speed, ("sd15", "sdxl")),
    "memory": Part("Memory", many, ("sd15", "sdxl")),
    "halved": Part("Out of memory", halved),
    "low-vram": Part("A model that does not fit", low_vram),
    "weights": Part("Float8 and torch.compile", weights),
    "syncs": Part("Waiting for the GPU, outside ComfyUI's own calls", syncs),
    "truth": Part("Seeds and resuming, every sampler", truth, ("tiny",)),
    "tino": Part("TiNO-Edit", tino),
}
