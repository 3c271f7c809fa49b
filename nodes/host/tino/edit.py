"""What Algorithm 1 is run on, and what it asks of a loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from comfy.model_patcher import ModelPatcher
from torch import Tensor


class EditLoss(Protocol):
    """A loss with the models it calls."""

    @property
    def patchers(self) -> Sequence[ModelPatcher]:
        """Models that ComfyUI has to load beside the edited one."""
        ...

    def memory(self, shape: Sequence[int]) -> float:
        """Bytes that its gradients keep for latents of a shape (B, C, h, w)."""
        ...

    def __call__(self, source: Tensor) -> Callable[[Tensor], Tensor]:
        """``x0 (B, C, h, w) -> (B,)`` beside a source; called once, when all models are loaded."""
        ...


@dataclass(frozen=True)
class BareLoss:
    """A loss that calls no model. build: ``source (B, C, h, w) -> loss``"""

    build: Callable[[Tensor], Callable[[Tensor], Tensor]]
    patchers: Sequence[ModelPatcher] = ()

    def memory(self, shape: Sequence[int]) -> float:
        """Small beside the UNet's."""
        return 0.0

    def __call__(self, source: Tensor) -> Callable[[Tensor], Tensor]:
        return self.build(source)


@dataclass(frozen=True)
class Edit:
    """What Algorithm 1 is run on.

    model: MODEL; positive, negative: CONDITIONING, the latter only for cfg other than 1
    latent: LATENT with the source; start: LATENT noised in its place, or None
    mask (B or 1, 1, h, w): 1 = edited; noise (B, C, h, w): the first N
    loss: None where no update is made, so that none is needed
    """

    model: ModelPatcher
    positive: list
    negative: list | None
    cfg: float
    latent: dict
    start: dict | None
    mask: Tensor
    noise: Tensor
    loss: EditLoss | None

    @property
    def patchers(self) -> Sequence[ModelPatcher]:
        """Models that ComfyUI has to load beside the edited one."""
        return self.loss.patchers if self.loss is not None else ()
