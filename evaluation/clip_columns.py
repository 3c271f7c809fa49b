"""Columns by CLIP: PIE-Bench's similarity to the wanted caption, MagicBrush's CLIP-I and CLIP-T.

And TiNO-Edit's CLIP-I, which compare with the source and with what the edit is guided by.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from numpy import ndarray
from torch import Tensor

from .pixels import fitted
from .sample import Sample


class Clip:
    """A CLIP of transformers in a local folder. Raises OSError where it cannot be loaded."""

    def __init__(self, folder: Path) -> None:
        from transformers import AutoTokenizer, CLIPImageProcessor, CLIPModel

        given: dict[str, Any] = {"local_files_only": True}
        self._model: Any = CLIPModel.from_pretrained(folder, **given).eval()
        self._pixels: Any = CLIPImageProcessor.from_pretrained(folder, **given)
        self._words: Any = AutoTokenizer.from_pretrained(folder, **given)

    @torch.no_grad()
    def picture(self, picture: ndarray) -> Tensor:
        """(H, W, 3) uint8 as a unit vector (D,)."""
        # A copy: torch warns of pictures that cannot be written to, as Pillow's.
        pixels = self._pixels(images=picture.copy(), return_tensors="pt")["pixel_values"]
        pooled = self._model.vision_model(pixel_values=pixels).pooler_output
        return torch.nn.functional.normalize(self._model.visual_projection(pooled)[0], dim=0)

    @torch.no_grad()
    def caption(self, text: str) -> Tensor:
        """A text, cut at what the model reads, as a unit vector (D,)."""
        given = {"truncation": True, "max_length": 77, "return_tensors": "pt"}
        pooled = self._model.text_model(**self._words(text, **given)).pooler_output
        return torch.nn.functional.normalize(self._model.text_projection(pooled)[0], dim=0)

    def whole(self, sample: Sample, result: ndarray) -> float:
        """100 times the similarity to the wanted caption, not below 0; higher is better."""
        if not sample.target_caption:
            return math.nan
        found = self.picture(fitted(result, sample.source)) @ self.caption(sample.target_caption)
        return 100 * max(float(found), 0.0)

    def edited(self, sample: Sample, result: ndarray) -> float:
        """The same of the edited part, black outside it."""
        if sample.mask is None or not sample.mask.any():
            return math.nan
        return self.whole(sample, fitted(result, sample.source) * sample.mask[..., None])

    def to_target(self, sample: Sample, result: ndarray) -> float:
        """CLIP-I: similarity to the wanted picture, in [-1, 1]; higher is better."""
        if sample.target is None:
            return math.nan
        return float(self.picture(result) @ self.picture(sample.target))

    def to_source(self, sample: Sample, result: ndarray) -> float:
        """TiNO-Edit's CLIP-I: similarity to the source, in [-1, 1]; 1 where nothing was done."""
        return float(self.picture(result) @ self.picture(sample.source))

    def to_reference(self, sample: Sample, result: ndarray) -> float:
        """Its CLIP-I r, s, c: similarity to reference, strokes or collage; higher is better."""
        if sample.reference is None:
            return math.nan
        return float(self.picture(result) @ self.picture(sample.reference))

    def to_caption(self, sample: Sample, result: ndarray) -> float:
        """CLIP-T: similarity to the wanted picture's caption, in [-1, 1]; higher is better."""
        if not sample.target_caption:
            return math.nan
        return float(self.picture(result) @ self.caption(sample.target_caption))
