"""What flows between the judging nodes, and pictures as the judges take them."""

from __future__ import annotations

from comfy_api.latest import io
from numpy import ndarray
from torch import Tensor

from ...judging.endpoint import Endpoint
from ...judging.pictures import as_bytes
from ...judging.question import Seeing


@io.comfytype(io_type="EDIT_VLM")
class EditVlm(io.ComfyTypeIO):
    """A model that sees and answers: `judging.question.Seeing`."""

    Type = object


@io.comfytype(io_type="EDIT_SCORES")
class EditScores(io.ComfyTypeIO):
    """A judge's score of each picture of a batch: a tuple of floats, NaN where unscored."""

    Type = object


def pictures(images: Tensor) -> list[ndarray]:
    """IMAGE (N, H, W, 3) as arrays (H, W, 3) uint8."""
    return [as_bytes(one) for one in images.cpu().float().numpy()]


def free(model: Seeing | None) -> None:
    """Ask Ollama to take its model out of memory; other models are ComfyUI's own to free."""
    if isinstance(model, Endpoint):
        model.free()


def one_source(source: Tensor) -> Tensor:
    """The source as IMAGE (1, H, W, 3), or a ValueError."""
    if source.ndim != 4 or len(source) != 1 or source.shape[-1] < 3:
        raise ValueError(
            f"source: expected one RGB picture (1, height, width, 3), got {tuple(source.shape)}. "
            "Choose one of a batch with ImageFromBatch."
        )
    return source[..., :3]
