"""Pictures as numpy renders them, as bytes, and as the networks read them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def to_bytes(pictures: np.ndarray) -> Tensor:
    """(N, H, W, 3) in [0, 1] -> (N, 3, H, W) uint8."""
    return torch.from_numpy((pictures * 255).round().astype(np.uint8)).permute(0, 3, 1, 2)


def to_floats(pictures: Tensor) -> Tensor:
    """uint8 -> float32 in [0, 1], channels last in memory."""
    return (pictures.float() / 255).contiguous(memory_format=torch.channels_last)
