"""CLIPSeg: where in a picture the named words are (TiNO-Edit, section 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

_SOURCE = (
    "put a CLIPSeg folder there (config.json, model.safetensors, tokenizer and preprocessor files "
    "of CIDAS/clipseg-rd64-refined on huggingface.co)"
)


def load_clipseg(folder: str | Path) -> tuple[Any, Any]:
    """The model and its processor from a transformers folder, never from the network.

    Raises ValueError naming the folder when it holds no CLIPSeg in safetensors.
    """
    from safetensors import SafetensorError
    from transformers import AutoProcessor, CLIPSegForImageSegmentation

    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise ValueError(f"clipseg: {folder} holds no CLIPSeg; {_SOURCE}.")
    options: dict[str, Any] = {"local_files_only": True}
    try:
        model = CLIPSegForImageSegmentation.from_pretrained(
            folder, use_safetensors=True, torch_dtype=torch.float32, **options
        )
        processor = AutoProcessor.from_pretrained(folder, use_fast=False, **options)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        raise ValueError(
            f"clipseg: {folder.name} could not be read ({error}); {_SOURCE}."
        ) from error
    return model.eval(), processor


def word_mask(
    model: Any, processor: Any, image: Tensor, words: Sequence[str], threshold: float = 0.5
) -> Tensor:
    """1 where CLIPSeg sees any of the words.

    image (B, 3, H, W) in [0, 1]; threshold: of its probability, 0 to 1.  Returns (B, 1, H, W).
    """
    found = [_probability(model, processor, picture, words) for picture in image]
    probability = F.interpolate(torch.stack(found), image.shape[-2:], mode="bilinear")
    return (probability > threshold).to(image)


def _probability(model: Any, processor: Any, picture: Tensor, words: Sequence[str]) -> Tensor:
    pixels = processor.image_processor(
        images=[picture.movedim(0, -1).cpu().numpy()], do_rescale=False, return_tensors="pt"
    )["pixel_values"].to(model.device)
    tokens = processor.tokenizer(list(words), padding=True, return_tensors="pt").to(model.device)
    with torch.no_grad():
        logits = model(pixel_values=pixels.expand(len(words), -1, -1, -1), **tokens).logits
    return logits.reshape(len(words), *logits.shape[-2:]).sigmoid().amax(0, keepdim=True)
