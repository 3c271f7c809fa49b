"""Progressive distillation (Salimans and Ho, 2202.00512): a model of few steps from one of many.

From a noised latent the teacher takes several Euler steps to the student's next noise level,
guided where it is a model of many steps (Meng et al., 2210.03142); the student learns to be there
in one, with no guidance. So a step of the student costs one call.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from ..data.batches import Batch
from .editor import Editor
from .sampling import denoise

SUBSTEPS = {4: 3, 2: 2, 1: 2}
"""Of the teacher in each step of a student that samples in so many; 4: from twelve."""

Denoise = Callable[[Tensor, Tensor, Batch], Tensor]


def guided(teacher: Editor, cfg_text: float, cfg_image: float) -> Denoise:
    """The estimate of a many-step teacher, under both guidances: three rows a sample."""

    def estimate(x: Tensor, sigma: Tensor, batch: Batch) -> Tensor:
        return denoise(teacher, x, sigma, batch.source, batch.tokens, cfg_text, cfg_image)

    return estimate


def plain(editor: Editor) -> Denoise:
    """The estimate of a few-step model: one row a sample."""

    def estimate(x: Tensor, sigma: Tensor, batch: Batch) -> Tensor:
        objective = editor.objective
        t = objective.timestep(sigma).expand(len(x))
        source = editor.normalise(batch.source)
        predicted = editor(objective.model_input(x, sigma), source, t, batch.tokens)
        return objective.denoised(predicted, x, sigma)

    return estimate


@torch.no_grad()
def followed(estimate: Denoise, x: Tensor, sigmas: Tensor, batch: Batch) -> Tensor:
    """Euler steps from the first to the last noise level, (N, C, h, w)."""
    for sigma, following in zip(sigmas[:-1], sigmas[1:], strict=True):
        x = x + (x - estimate(x, sigma, batch)) / sigma * (following - sigma)
    return x


def reached_in_one(x: Tensor, end: Tensor, sigma: Tensor, following: Tensor) -> Tensor:
    """The estimate with which a single Euler step from x ends at `end`."""
    return x - sigma * (x - end) / (sigma - following)


@dataclass(frozen=True)
class Distilling:
    """The loss of a student of `steps` steps under a teacher's estimate.

    Each batch is at one noise level of the student's schedule, so that its steps are alike.
    """

    teacher: Denoise
    steps: int

    def __call__(
        self, editor: Editor, batch: Batch, generator: torch.Generator
    ) -> tuple[Tensor, dict[str, float]]:
        substeps = SUBSTEPS[self.steps]
        levels = editor.objective.sigmas(self.steps * substeps).to(batch.source.device)
        one = torch.randint(self.steps, (1,), generator=generator, device=generator.device)
        first = int(one) * substeps
        part = levels[first : first + substeps + 1]
        clean = editor.normalise(batch.target)
        noise = torch.randn(clean.shape, generator=generator, device=generator.device)
        x = editor.objective.at(clean, noise, part[0])
        end = followed(self.teacher, x, part, batch)
        wanted = reached_in_one(x, end, part[0], part[-1])
        error = (plain(editor)(x, part[0], batch) - wanted).square()
        loss = (error * (1 + 4 * batch.mask)).mean()
        return loss, {"distilling": round(loss.item(), 5), "level": int(one)}
