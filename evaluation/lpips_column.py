"""LPIPS of the unedited part, as PIE-Bench's evaluation takes it: SqueezeNet, by torchmetrics."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from numpy import ndarray
from torch import Tensor

from .pixels import unedited
from .sample import Sample


class Lpips:
    """x 10^3, lower is better; both pictures black where they may change. Raises OSError.

    weights: torchvision's SqueezeNet 1.1
    """

    def __init__(self, weights: Path) -> None:
        from torchmetrics.functional.image.lpips import _LPIPS

        self._net: Any = _LPIPS(pretrained=True, net="squeeze", pnet_rand=True).eval()
        told = torch.load(weights, map_location="cpu", weights_only=True)
        own = self._net.net.state_dict()
        # slices.<slice>.<number in torchvision's features>.<tensor>
        ours = {name: told["features." + name.split(".", 2)[2]] for name in own}
        self._net.net.load_state_dict(ours)

    @torch.no_grad()
    def __call__(self, sample: Sample, result: ndarray) -> float:
        pair = unedited(sample, result)
        if pair is None:
            return math.nan
        return 1e3 * float(self._net(*(_signed(one) for one in pair)))


def _signed(picture: ndarray) -> Tensor:
    """(H, W, 3) in [0, 1] as (1, 3, H, W) in [-1, 1]."""
    return torch.from_numpy(picture).movedim(2, 0)[None].float() * 2 - 1
