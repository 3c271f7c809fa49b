"""What an optimisation found, kept image by image while it runs."""

from dataclasses import dataclass

import torch
from torch import Tensor

from .settings import Settings


@dataclass(frozen=True)
class Optimised:
    """What the optimisation found, each image at its own chosen iteration.

    latent, noise (B, C, h, w); timesteps (B, K) rising, on the model's scale; chosen (B,) iteration
    losses (W + 1, B); trajectory (W + 1, B, K): timesteps of each iteration
    steps (W, B): L2 length of each update of the noise
    iterates, noises (W + 1, B, C, h, w) where all were kept, else None
    nan_at: iteration at which the loss stopped being a number, else None
    """

    latent: Tensor
    noise: Tensor
    timesteps: Tensor
    chosen: Tensor
    losses: Tensor
    trajectory: Tensor
    steps: Tensor
    iterates: Tensor | None
    noises: Tensor | None
    nan_at: int | None


class Record:
    """Each image's chosen iteration so far, and what happened in all."""

    def __init__(self, settings: Settings):
        self.keep_all, self.keep_last = settings.keep_all, settings.result == "last"
        self.least_gain = settings.least_gain
        self.losses: list[Tensor] = []
        self.trajectory: list[Tensor] = []
        self.steps: list[Tensor] = []
        self.iterates: list[Tensor] = []
        self.noises: list[Tensor] = []
        self.kept: tuple[Tensor, Tensor, Tensor] | None = None
        self.noise = self.at = self.progress_at = self.progress = torch.zeros(0)

    def add(self, loss: Tensor, x0: Tensor, noise: Tensor, timesteps: Tensor) -> None:
        now = (x0.detach().clone(), noise.detach().clone(), timesteps.detach().clone())
        if self.kept is None:
            self.kept = now
            self.at = self.progress_at = torch.zeros(len(loss), dtype=torch.long)
            self.progress = loss.detach()
        else:
            self.steps.append((now[1] - self.noise).flatten(1).norm(dim=1))
            self._count_progress(loss.detach())
            better = loss < torch.stack(self.losses).amin(0)
            better = torch.ones_like(better) if self.keep_last else better
            self.at = torch.where(better.cpu(), len(self.losses), self.at)
            self.kept = tuple(  # type: ignore[assignment]
                torch.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)
                for new, old in zip(now, self.kept, strict=True)
            )
        self.noise = now[1]
        self.losses.append(loss.detach())
        self.trajectory.append(now[2])
        if self.keep_all:
            self.iterates.append(now[0].cpu())
            self.noises.append(now[1].cpu())

    def _count_progress(self, loss: Tensor) -> None:
        """Images whose loss (B,) fell since their last progress by its least share count."""
        fell, so_far = self.progress - loss, self.losses[0] - loss
        better = (fell > 0) & (fell >= self.least_gain * so_far)
        self.progress = torch.where(better, loss, self.progress)
        self.progress_at = torch.where(better.cpu(), len(self.losses), self.progress_at)

    def without_progress(self) -> int:
        """Iterations since any image last found a result that was better by enough."""
        return len(self.losses) - 1 - int(self.progress_at.max())

    def result(self, nan_at: int | None) -> Optimised:
        assert self.kept is not None
        every = (self.iterates, self.noises)
        iterates, noises = map(torch.stack, every) if self.keep_all else (None, None)
        losses, trajectory = torch.stack(self.losses), torch.stack(self.trajectory)
        steps = torch.stack(self.steps) if self.steps else losses[:0]
        return Optimised(*self.kept, self.at, losses, trajectory, steps, iterates, noises, nan_at)
