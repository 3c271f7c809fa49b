"""How much signal and how much noise there is at continuous timesteps: ``x_t = a x0 + b e``."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor


def _from_epsilon(x: Tensor, a: Tensor, b: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    return (x - b * prediction) / a, prediction


def _from_v(x: Tensor, a: Tensor, b: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    return a * x - b * prediction, a * prediction + b * x


def _from_flow(x: Tensor, a: Tensor, b: Tensor, prediction: Tensor) -> tuple[Tensor, Tensor]:
    return x - b * prediction, x + a * prediction


PREDICTIONS: dict[str, Callable[[Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]] = {
    "epsilon": _from_epsilon,
    "v_prediction": _from_v,
    "flow": _from_flow,
}
"""What each kind of prediction means: ``(x, a, b, prediction) -> x0, e``.

v is ``a e - b x0`` on Stable Diffusion's schedule, flow ``e - x0`` where ``a + b = 1``.
"""


class Schedule(Protocol):
    """Timesteps on a scale of 1 to `last`, rising with the noise."""

    @property
    def last(self) -> float:
        """The noisiest timestep."""
        ...

    def at(self, share: Tensor) -> Tensor:
        """Timesteps at shares of the schedule, in (0, 1]."""
        ...

    def levels(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """a and b of timesteps of any shape, without a gradient: the paper keeps them constant."""
        ...


class NoiseSchedule:
    """Stable Diffusion's, at timesteps of the model's own scale, fractions allowed.

    alphas_cumprod (S,): of the trained schedule, decreasing; timesteps run from 0 to S - 1.
    """

    def __init__(self, alphas_cumprod: Tensor):
        alphas = alphas_cumprod.double()
        self.log_sigmas = (((1 - alphas) / alphas).log() / 2).float()

    @property
    def last(self) -> float:
        """The noisiest timestep, S - 1."""
        return len(self.log_sigmas) - 1.0

    def at(self, share: Tensor) -> Tensor:
        """``t = share S``, clamped to the last."""
        return (share * (self.last + 1)).clamp(max=self.last)

    def levels(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """``sqrt(alpha(t)), sqrt(1 - alpha(t))`` (Eq. 1)."""
        alpha = self.alpha(t)
        return alpha.sqrt(), (1 - alpha).sqrt()

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


class FlowSchedule:
    """Rectified flow, ``x = (1 - s) x0 + s e``, at timesteps ``t = 1000 s``.

    shift: noise levels s at shares of the schedule, both in (0, 1], as the model was trained to
    space its steps
    """

    last = 1000.0

    def __init__(self, shift: Callable[[float], float]):
        self.shift = shift

    def at(self, share: Tensor) -> Tensor:
        """``t = 1000 shift(share)``."""
        return share.new_tensor([1000 * self.shift(float(one)) for one in share])

    def levels(self, t: Tensor) -> tuple[Tensor, Tensor]:
        """``1 - s, s``."""
        level = t.detach() / 1000
        return 1 - level, level
