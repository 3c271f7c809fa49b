"""What Algorithm 1 is run on, and what it asks of a loss."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ....tino_core.losses import Total


class EditLoss(Protocol):
    """A loss with the models it calls."""

    @property
    def patchers(self) -> Sequence[ModelPatcher]:
        """Models that ComfyUI has to load beside the edited one."""
        ...

    def memory(self, shape: Sequence[int]) -> float:
        """Bytes that its gradients keep for latents of a shape (B, C, h, w)."""
        ...

    def __call__(self, source: Tensor) -> Total:
        """The loss beside a source (B, C, h, w); called once, when all models are loaded."""
        ...


@dataclass(frozen=True)
class BareLoss:
    """A loss that calls no model. build: ``source (B, C, h, w) -> loss``"""

    build: Callable[[Tensor], Callable[[Tensor], Tensor]]
    patchers: Sequence[ModelPatcher] = ()

    def memory(self, shape: Sequence[int]) -> float:
        """Small beside the UNet's."""
        return 0.0

    def __call__(self, source: Tensor) -> Total:
        loss = self.build(source)
        return Total(lambda x0: {"loss": loss(x0)})


@dataclass(frozen=True)
class Edit:
    """What Algorithm 1 is run on.

    model: MODEL; positive, negative: CONDITIONING, the latter only for cfg other than 1
    latent: LATENT with the source; start: LATENT noised in its place, or None
    mask (B or 1, 1, h, w): 1 = edited; noise (B, C, h, w): the first N
    loss: None where nothing is compared, so that none is needed
    more_noises: further first noises, (B, C, h, w) each, of which the loss elects one
    invert: CONDITIONING of what the source shows; the noise that it comes from is then found and
    takes the place of `noise`. None keeps that
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
    more_noises: Sequence[Tensor] = ()
    invert: list | None = None

    @property
    def patchers(self) -> Sequence[ModelPatcher]:
        """Models that ComfyUI has to load beside the edited one."""
        return self.loss.patchers if self.loss is not None else ()
