"""Algorithm 1 of TiNO-Edit: optimise the noise and every timestep of a short DDIM run.

Latents are in the model's own variance-preserving scale, ``x_t = sqrt(a) L + sqrt(1 - a) N``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from .schedule import NoiseSchedule

Predict = Callable[[Tensor, Tensor], Tensor]
"""``(x (B, C, h, w), t (B,)) -> prediction (B, C, h, w)``, with gradients to both."""

OnIteration = Callable[[int, Tensor, Tensor], bool | None]
"""Called with (iteration, loss (B,), x0 (B, C, h, w)); returning True ends the run."""

_MIN_GAP = 1.0  # timesteps that two steps stay apart


def _epsilon_from_epsilon(x: Tensor, alpha: Tensor, prediction: Tensor) -> Tensor:
    return prediction


def _epsilon_from_v(x: Tensor, alpha: Tensor, prediction: Tensor) -> Tensor:
    return alpha.sqrt() * prediction + (1 - alpha).sqrt() * x


PREDICTIONS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "epsilon": _epsilon_from_epsilon,
    "v_prediction": _epsilon_from_v,
}
"""The noise that each kind of prediction means: ``(x, alpha, prediction) -> eps``."""


RESULTS = ("best", "last")


@dataclass(frozen=True)
class Settings:
    """Numbers of the paper by default.

    num_steps: K; strength: T, share of the schedule to start from, above 0 to 1
    iterations: W updates; 0 is the plain blended image-to-image run
    lr_timesteps, lr_noise: of the two AdamW optimisers, 0 keeps that input constant
    weight_decay: of both; AdamW's own 0.01 at lr 1 would drag the timesteps down by 1 % an update
    gradient_steps: let gradients through the last so many steps only, None for all
    patience: end after so many iterations without a better loss, None for never
    prediction: a key of `PREDICTIONS`; keep_all: keep result and noise of every iteration
    recompute: compute each denoising step again on the way back, so that memory does not grow with
    num_steps; without it a third less time is needed
    result: "best" gives each image's lowest loss, "last" the last iteration
    scale_loss: scale it so that gradients survive a float16 model
    """

    num_steps: int = 10
    strength: float = 0.75
    iterations: int = 50
    lr_timesteps: float = 1.0
    lr_noise: float = 5e-3
    weight_decay: float = 0.0
    gradient_steps: int | None = None
    patience: int | None = None
    prediction: str = "epsilon"
    keep_all: bool = False
    recompute: bool = True
    result: str = "best"
    scale_loss: bool = False

    def __post_init__(self):
        truncate, patience = self.gradient_steps, self.patience
        checks = {
            "num_steps": (self.num_steps >= 1, "1 or more"),
            "strength": (0 < self.strength <= 1, "above 0 and up to 1"),
            "iterations": (self.iterations >= 0, "0 or more"),
            "gradient_steps": (truncate is None or truncate >= 1, "1 or more"),
            "patience": (patience is None or patience >= 1, "1 or more"),
            "prediction": (self.prediction in PREDICTIONS, f"one of {list(PREDICTIONS)}"),
            "result": (self.result in RESULTS, f"one of {list(RESULTS)}"),
        }
        for name, (fits, expected) in checks.items():
            if not fits:
                raise ValueError(f"{name}: expected {expected}, got {getattr(self, name)}.")


@dataclass(frozen=True)
class Optimised:
    """What the optimisation found, each image at its own chosen iteration.

    latent, noise (B, C, h, w); timesteps (B, K) rising, on the model's scale; chosen (B,) iteration
    losses (W + 1, B); trajectory (W + 1, B, K): timesteps of each iteration
    iterates, noises (W + 1, B, C, h, w) where all were kept, else None
    nan_at: iteration at which the loss stopped being a number, else None
    """

    latent: Tensor
    noise: Tensor
    timesteps: Tensor
    chosen: Tensor
    losses: Tensor
    trajectory: Tensor
    iterates: Tensor | None
    noises: Tensor | None
    nan_at: int | None


def initial_timesteps(settings: Settings, schedule: NoiseSchedule, num_images: int) -> Tensor:
    """``t_k = k T / K`` for k = 1 .. K on the model's scale, (B, K)."""
    k = torch.arange(1, settings.num_steps + 1) / settings.num_steps
    return (
        (k * settings.strength * (schedule.last + 1)).clamp(max=schedule.last).repeat(num_images, 1)
    )


def keep_in_order(t: Tensor, last: float) -> Tensor:
    """Timesteps (B, K) made rising, at least one apart, inside [1, last]."""
    k = torch.arange(t.shape[1], device=t.device, dtype=t.dtype)
    gap = min(_MIN_GAP, (last - 1) / max(1, t.shape[1] - 1))
    # Without the gaps, rising is a running maximum; the range leaves room for the gaps above.
    level = (t - gap * k).clamp(1, last - gap * (t.shape[1] - 1))
    return level.cummax(1).values + gap * k


def _blend(x: Tensor, source: Tensor, mask: Tensor) -> Tensor:
    return x * mask + source * (1 - mask)


def denoise(
    predict: Predict,
    schedule: NoiseSchedule,
    settings: Settings,
    start: Tensor,
    source: Tensor,
    mask: Tensor,
    noise: Tensor,
    timesteps: Tensor,
) -> Tensor:
    """The inner loop of Algorithm 1: x0 of a blended DDIM run, (B, C, h, w).

    start: what is noised (the source, or the user's picture with strokes); source: pasted where
    mask (B, 1, h, w) is 0, clean, after every step as written; timesteps (B, K).
    """
    alphas = schedule.alpha(timesteps)[..., None, None, None]
    to_noise = PREDICTIONS[settings.prediction]

    def step(x: Tensor, t: Tensor, alpha: Tensor, following: Tensor) -> Tensor:
        eps = to_noise(x, alpha, predict(x, t))
        denoised = (x - (1 - alpha).sqrt() * eps) / alpha.sqrt()
        return _blend(following.sqrt() * denoised + (1 - following).sqrt() * eps, source, mask)

    again = partial(checkpoint, step, use_reentrant=False, preserve_rng_state=False)
    run = again if settings.recompute else step
    first = alphas[:, -1]
    x = _blend(first.sqrt() * start + (1 - first).sqrt() * noise, source, mask)
    for k in reversed(range(timesteps.shape[1])):
        following = alphas[:, k - 1] if k > 0 else torch.ones_like(first)
        if settings.gradient_steps == k + 1:
            x = x.detach()
        x = run(x, timesteps[:, k], alphas[:, k], following)
    return x


class _Record:
    """Each image's chosen iteration so far, and what happened in all."""

    def __init__(self, settings: Settings):
        self.keep_all, self.keep_last = settings.keep_all, settings.result == "last"
        self.losses: list[Tensor] = []
        self.trajectory: list[Tensor] = []
        self.iterates: list[Tensor] = []
        self.noises: list[Tensor] = []
        self.kept: tuple[Tensor, Tensor, Tensor] | None = None
        self.at = self.best_at = torch.zeros(0)

    def add(self, loss: Tensor, x0: Tensor, noise: Tensor, timesteps: Tensor) -> None:
        now = (x0.detach().clone(), noise.detach().clone(), timesteps.detach().clone())
        if self.kept is None:
            self.kept = now
            self.at = self.best_at = torch.zeros(len(loss), dtype=torch.long)
        else:
            better = loss < torch.stack(self.losses).amin(0)
            self.best_at = torch.where(better.cpu(), len(self.losses), self.best_at)
            better = torch.ones_like(better) if self.keep_last else better
            self.at = torch.where(better.cpu(), len(self.losses), self.at)
            self.kept = tuple(  # type: ignore[assignment]
                torch.where(better.reshape(-1, *[1] * (new.ndim - 1)), new, old)
                for new, old in zip(now, self.kept, strict=True)
            )
        self.losses.append(loss.detach())
        self.trajectory.append(now[2])
        if self.keep_all:
            self.iterates.append(now[0].cpu())
            self.noises.append(now[1].cpu())

    def without_progress(self) -> int:
        """Iterations since any image last found a better result."""
        return len(self.losses) - 1 - int(self.best_at.max())

    def result(self, nan_at: int | None) -> Optimised:
        assert self.kept is not None
        every = (self.iterates, self.noises)
        iterates, noises = map(torch.stack, every) if self.keep_all else (None, None)
        losses, trajectory = torch.stack(self.losses), torch.stack(self.trajectory)
        return Optimised(*self.kept, self.at, losses, trajectory, iterates, noises, nan_at)


def optimise(
    predict: Predict,
    loss: Callable[[Tensor], Tensor],
    schedule: NoiseSchedule,
    source: Tensor,
    mask: Tensor,
    noise: Tensor,
    settings: Settings,
    start: Tensor | None = None,
    on_iteration: OnIteration = lambda *_: None,
) -> Optimised:
    """Edit by optimising the noise and the timesteps (Algorithm 1); each image's best comes back.

    predict: see `Predict`; loss: ``x0 (B, C, h, w) -> (B,)``, see `losses`
    source (B, C, h, w): the clean latent L; mask (B, 1, h, w): 1 = edited; noise (B, C, h, w): N
    start (B, C, h, w): noised in place of the source, for strokes and compositions
    Images do not touch each other: each has its own timesteps and its own best iteration.
    Ends early when `on_iteration` says so, at a loss that is not a number, or out of patience.
    Raises ValueError when the very first loss is not a number.
    """
    start = source if start is None else start
    noise = noise.detach().clone().requires_grad_(settings.lr_noise > 0)
    t = initial_timesteps(settings, schedule, len(source)).to(source.device)
    t = t.requires_grad_(settings.lr_timesteps > 0)
    optimisers = [
        torch.optim.AdamW([tensor], lr=lr, weight_decay=settings.weight_decay)
        for tensor, lr in ((t, settings.lr_timesteps), (noise, settings.lr_noise))
        if lr > 0
    ]
    scaler = torch.amp.GradScaler(source.device.type, enabled=settings.scale_loss)
    found = _Record(settings)
    for iteration in range(settings.iterations + 1):
        last = iteration == settings.iterations or not optimisers
        with torch.set_grad_enabled(not last):
            x0 = denoise(predict, schedule, settings, start, source, mask, noise, t)
            value = loss(x0)
        if not bool(value.isfinite().all()):
            if iteration == 0:
                raise ValueError(
                    "loss: it is not a number before the first update. Check the model's "
                    "precision and the loss models."
                )
            return found.result(nan_at=iteration)
        found.add(value, x0, noise, t)
        with torch.no_grad():
            stop = on_iteration(iteration, value.detach(), x0.detach())
        if stop or last:
            break
        if settings.patience is not None and found.without_progress() >= settings.patience:
            break
        for optimiser in optimisers:
            optimiser.zero_grad(set_to_none=True)
        scaler.scale(value.sum()).backward()
        for optimiser in optimisers:
            scaler.step(optimiser)
        scaler.update()
        with torch.no_grad():
            t.copy_(keep_in_order(t, schedule.last))
    return found.result(nan_at=None)
