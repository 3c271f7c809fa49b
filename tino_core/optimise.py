"""Algorithm 1 of TiNO-Edit: optimise the noise and every timestep of a short DDIM run."""

from collections.abc import Callable

import torch
from torch import Tensor

from .denoise import Predict, denoise, initial_timesteps, keep_in_order
from .descent import noise_optimiser, prepare_gradient, settle
from .record import Optimised, Record
from .schedule import Schedule
from .settings import Settings

OnIteration = Callable[[int, Tensor, Tensor], bool | None]
"""Called with (iteration, loss (B,), x0 (B, C, h, w)); returning True ends the run."""


def _optimisers(t: Tensor, noise: Tensor, settings: Settings) -> list[torch.optim.Optimizer]:
    """One for each input that moves, the timesteps' first."""
    decay, found = settings.weight_decay, []
    if settings.lr_timesteps > 0 and settings.through_model:
        found.append(torch.optim.AdamW([t], lr=settings.lr_timesteps, weight_decay=decay))
    if settings.lr_noise > 0:
        found.append(noise_optimiser(noise, settings))
    return found


def optimise(
    predict: Predict,
    loss: Callable[[Tensor], Tensor],
    schedule: Schedule,
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
    Without gradients through the model the noise gets those of the result, inside the mask.
    Images do not touch each other: each has its own timesteps and its own best iteration.
    Ends early when `on_iteration` says so, at a loss that is not a number, or out of patience.
    Raises ValueError when the very first loss is not a number.
    """
    start = source if start is None else start
    first = noise.detach().clone()
    noise = first.clone().requires_grad_(settings.lr_noise > 0)
    t = initial_timesteps(settings, schedule, len(source)).to(source.device)
    t = t.requires_grad_(settings.lr_timesteps > 0)
    optimisers = _optimisers(t, noise, settings)
    scaler = torch.amp.GradScaler(source.device.type, enabled=settings.scale_loss)
    found = Record(settings)
    for iteration in range(settings.iterations + 1):
        last = iteration == settings.iterations or not optimisers
        with torch.set_grad_enabled(not last and settings.through_model):
            x0 = denoise(predict, schedule, settings, start, source, mask, noise, t)
        with torch.set_grad_enabled(not last):
            if not settings.through_model:
                x0 = x0 + mask * (noise - noise.detach())
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
        before = noise.detach().clone()
        if noise.grad is not None:
            scaler.unscale_(optimisers[-1])
            noise.grad = prepare_gradient(noise.grad, settings)
        for optimiser in optimisers:
            scaler.step(optimiser)
        scaler.update()
        with torch.no_grad():
            t.copy_(keep_in_order(t, schedule.last))
            noise.copy_(settle(noise, before, first, mask, settings))
    return found.result(nan_at=None)
