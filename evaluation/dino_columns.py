"""Columns by DINO: PIE-Bench's structure distance, similarity to the target or the source."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy import ndarray
from PIL import Image
from torch import Tensor
from torch.nn import functional

from .pixels import fitted
from .sample import Sample

MEAN, STD = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
SIDE, LONGEST, BEFORE_CROP = 224, 480, 256


class Dino:
    """A DINO vision transformer in a local folder. Raises OSError where it cannot be loaded."""

    def __init__(self, folder: Path) -> None:
        from transformers import ViTModel

        given: dict[str, Any] = {"local_files_only": True, "add_pooling_layer": False}
        self._model: Any = ViTModel.from_pretrained(folder, **given).eval()

    def structure(self, sample: Sample, result: ndarray) -> float:
        """x 10^3: how much the self-similarity of the last layer's keys changed; lower is better.

        As PIE-Bench's evaluation: the whole picture, its values from 0 to 255 normalised as if
        they were from 0 to 1.
        """
        before = self._similarities(sample.source)
        after = self._similarities(fitted(result, sample.source))
        return 1e3 * float(functional.mse_loss(after, before))

    def to_target(self, sample: Sample, result: ndarray) -> float:
        """Similarity to the wanted picture by the class token, in [-1, 1]; higher is better."""
        if sample.target is None:
            return math.nan
        return float(self._class_token(result) @ self._class_token(sample.target))

    def to_source(self, sample: Sample, result: ndarray) -> float:
        """TiNO-Edit's DINO-I: the same to the source; 1 where nothing was done."""
        return float(self._class_token(result) @ self._class_token(sample.source))

    @torch.no_grad()
    def _similarities(self, picture: ndarray) -> Tensor:
        """Cosines between the keys of all tokens in the last layer, (T, T)."""
        height, width = picture.shape[:2]
        scale = min(SIDE / min(height, width), LONGEST / max(height, width))
        pixels = torch.from_numpy(picture.copy()).movedim(2, 0)[None].float()
        size = (int(height * scale), int(width * scale))
        pixels = functional.interpolate(pixels, size, mode="bilinear", antialias=True)
        (keys,) = self._keys((pixels - MEAN.view(3, 1, 1)) / STD.view(3, 1, 1))
        unit = functional.normalize(keys, dim=1)
        return unit @ unit.T

    def _keys(self, pixels: Tensor) -> Tensor:
        """The keys of the last layer, all heads side by side, (1, T, D)."""
        heard: list[Tensor] = []
        layer = [m for name, m in self._model.named_modules() if name.endswith(KEYS)][-1]
        hook = layer.register_forward_hook(lambda _, __, out: heard.append(out))
        try:
            self._model(pixel_values=pixels, interpolate_pos_encoding=True)
        finally:
            hook.remove()
        return heard[0]

    @torch.no_grad()
    def _class_token(self, picture: ndarray) -> Tensor:
        """A unit vector (D,) of the middle 224 pixels of the picture at 256."""
        pixels = torch.from_numpy(_middle(picture)).movedim(2, 0)[None].float() / 255
        normal = (pixels - MEAN.view(3, 1, 1)) / STD.view(3, 1, 1)
        told = self._model(pixel_values=normal, interpolate_pos_encoding=True)
        return functional.normalize(told.last_hidden_state[0, 0], dim=0)


KEYS = ("attention.key", "k_proj")
"""The layer of keys by the names that transformers has had for it."""


def _middle(picture: ndarray) -> ndarray:
    """The shorter side brought to 256, then the middle 224 x 224."""
    height, width = picture.shape[:2]
    scale = BEFORE_CROP / min(height, width)
    size = int(width * scale), int(height * scale)
    image = Image.fromarray(picture).resize(size, Image.Resampling.BICUBIC)
    left, top = (round((length - SIDE) / 2) for length in image.size)
    return np.array(image.crop((left, top, left + SIDE, top + SIDE)))
