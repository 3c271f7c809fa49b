"""Stable Diffusion's noise schedule at continuous timesteps."""

from collections.abc import Callable

import torch
from torch import Tensor


def _epsilon_from_epsilon(x: Tensor, alpha: Tensor, prediction: Tensor) -> Tensor:
    return prediction


def _epsilon_from_v(x: Tensor, alpha: Tensor, prediction: Tensor) -> Tensor:
    return alpha.sqrt() * prediction + (1 - alpha).sqrt() * x


PREDICTIONS: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "epsilon": _epsilon_from_epsilon,
    "v_prediction": _epsilon_from_v,
}
"""The noise that each kind of prediction means: ``(x, alpha, prediction) -> eps``."""


class NoiseSchedule:
    """How much signal is left at a timestep on the model's own scale, fractions allowed.

    alphas_cumprod (S,): of the trained schedule, decreasing; timesteps run from 0 to S - 1.
    """

    def __init__(self, alphas_cumprod: Tensor):
        alphas = alphas_cumprod.double()
        self.log_sigmas = (((1 - alphas) / alphas).log() / 2).float()

    @property
    def last(self) -> float:
        """The noisiest timestep, S - 1."""
        return len(self.log_sigmas) - 1.0

    def alpha(self, t: Tensor) -> Tensor:
        """alpha(t) of Eq. 1, interpolated in log sigma; in (0, 1), float32, without a gradient.

        The paper does not optimise alpha, so t gets its gradient through the model alone.
        """
        log_sigmas = self.log_sigmas.to(t.device)
        t = t.detach().clamp(0, self.last)
        low = t.floor().long()
        high = (low + 1).clamp(max=len(log_sigmas) - 1)
        log_sigma = torch.lerp(log_sigmas[low], log_sigmas[high], t - low)
        return torch.sigmoid(-2 * log_sigma)
