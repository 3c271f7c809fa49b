"""Candidates of a scene, recorded to their stop as the nodes do it."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ...elect_core.tape import Tape
from ...nodes.host.elect.run import record
from .scenes import STOP, Scene

Row = tuple[str, str]
"""What was measured, and what came out, both in words."""
Rows = Iterator[Row]
NO_GPU = "needs CUDA"
"""What comes out where there is none."""


@torch.inference_mode()
def recorded(scene: Scene, number: int, batch: int, sampler: str = "euler") -> Tape:
    """The tape of so many candidates, `batch` at a time."""
    run = scene.run(sampler)
    return record(run, range(number), STOP, batch, lambda *_: None)[0]


def apart(found: Tensor, expected: Tensor) -> float:
    """The largest difference as a share of the expected's spread."""
    return float((found.float() - expected.float()).abs().max() / expected.float().std())
