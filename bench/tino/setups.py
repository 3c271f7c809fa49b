"""What a run of the benchmark minimises, and how its model is guided."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from ...nodes.host.tino.edit import BareLoss
from ...tino_core.losses import DIRECTIONAL, PAPER, TOWARDS


@dataclass(frozen=True)
class Setup:
    """The paper's by default.

    text_loss: a key of TEXT_LOSSES; semantic, perceptual: weights of those terms; signed: Eq. 4 as
    printed; copies: of smoothing; model: a key of shipped.VARIANTS
    text_and_reference: where there is a reference, the texts count beside it
    cfg: guidance, None as the benchmark's; tries: first noises among which the loss elects
    truth: the error to the true edit is the loss, a bound that nobody has
    inverted: the first noise is what the source comes from
    tried: (variant, loss, number): begin with the elected of its first so many kept noises
    """

    text_loss: str = PAPER
    perceptual: float = 0.5
    copies: int = 0
    text_and_reference: bool = False
    cfg: float | None = None
    tries: int = 1
    truth: bool = False
    semantic: float = 1.0
    signed: bool = False
    model: str = "drawing"
    inverted: bool = False
    tried: tuple[str, str, int] | None = None


PAPERS = Setup()
OURS = Setup(TOWARDS, 0.0, 8, text_and_reference=True)
LOSSES = {
    "paper": PAPERS,
    "eq4": Setup(perceptual=0.0),
    "towards": Setup(TOWARDS, 0.0, text_and_reference=True),
    "directional": Setup(DIRECTIONAL, 0.0, text_and_reference=True),
    "ours": OURS,
}
"""By which seeds are elected; a reference takes the texts' place in *paper* and *eq4*."""
LOSS_TITLES = {
    "paper": "the paper's (Eq. 8)",
    "eq4": "the paper's without the perceptual term",
    "towards": "towards the target",
    "directional": "directional",
    "ours": "towards the target, smoothed over 8 copies (ours)",
}
EVERY_LOSS = {**LOSSES, "signed": Setup(perceptual=0.0, signed=True), "vgg": Setup(semantic=0.0)}
EVERY_TITLE = {
    **LOSS_TITLES,
    "signed": "Eq. 4 as printed, signed",
    "vgg": "the perceptual term alone",
}
"""Those that are only looked at."""
OUR_NUMBERS = {"iterations": 10, "lr_timesteps": 0.0, "lr_noise": 0.02, "keep_norm": True}
"""The node's preset *ours: updates*."""


def true_error(truth: Tensor, mask: Tensor) -> BareLoss:
    """Mean squared error to the true latents (B, C, h, w), model's scale, inside the mask, (B,)."""

    def build(source: Tensor) -> Callable[[Tensor], Tensor]:
        wanted, inside = (one.clone().to(source) for one in (truth, mask))
        count = inside.sum((1, 2, 3)) * wanted.shape[1]
        return lambda x0: ((x0 - wanted).square() * inside).sum((1, 2, 3)) / count

    return BareLoss(build)
