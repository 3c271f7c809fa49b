"""ComfyUI's noise schedules at fractions of timesteps, for gradients to a timestep."""

import copy
from typing import Any, Protocol

import torch
from comfy.model_sampling import CONST, EPS, V_PREDICTION, ModelSamplingDiscrete
from comfy_extras.nodes_model_advanced import LCM
from torch import Tensor

from ....tino_core.schedule import FlowSchedule, NoiseSchedule, Schedule

_SUPPORTED = tuple(kind.calculate_denoised for kind in (EPS, V_PREDICTION, LCM))


def sigma_at(log_sigmas: Tensor, t: Tensor) -> Tensor:
    """Noise level at fractional timesteps (B,), linear in its logarithm, with a gradient to t."""
    low = t.detach().floor().long().clamp(0, len(log_sigmas) - 2)
    return torch.lerp(log_sigmas[low], log_sigmas[low + 1], t - low).exp()


def timestep_at(log_sigmas: Tensor, sigma: Tensor) -> Tensor:
    """The inverse of `sigma_at`, with a gradient to sigma."""
    log_sigma = sigma.log()
    high = torch.searchsorted(log_sigmas, log_sigma.detach().contiguous())
    low = (high - 1).clamp(0, len(log_sigmas) - 2)
    return low + (log_sigma - log_sigmas[low]) / (log_sigmas[low + 1] - log_sigmas[low])


def _twin(sampling: Any, fractional: dict) -> Any:
    """A copy whose noise level has a gradient on its way to the timestep alone.

    Its other uses get it without one: the paper does not optimise alpha.
    """
    kind = type(sampling)

    class Continuous(kind):
        def calculate_input(self, sigma, noise):
            return super().calculate_input(sigma.detach(), noise)

        def calculate_denoised(self, sigma, model_output, model_input):
            return super().calculate_denoised(sigma.detach(), model_output, model_input)

    for name, function in fractional.items():
        setattr(Continuous, name, function)
    twin = copy.copy(sampling)
    twin.__class__ = Continuous
    return twin


class Scale(Protocol):
    """A family's noise levels, and how its model is asked on the scale of `tino_core.schedule`.

    prediction: a key of PREDICTIONS, what `ask` gives
    """

    prediction: str

    def continuous(self) -> Any:
        """The model_sampling whose timesteps may be fractions and have gradients."""
        ...

    def schedule(self, device: torch.device) -> Schedule:
        """The same levels as tino_core takes them."""
        ...

    def sigma(self, t: Tensor) -> Tensor:
        """ComfyUI's noise levels of timesteps, with a gradient to t."""
        ...

    def timestep(self, sigma: Tensor) -> Tensor:
        """The inverse of `sigma`."""
        ...

    def ask(self, guider: Any, x: Tensor, t: Tensor, extra_args: dict) -> Tensor:
        """The guided prediction for x (B, C, h, w) at timesteps (B,)."""
        ...


class DiscreteScale:
    """Stable Diffusion's: timesteps 0 to 999, x in ComfyUI is ``x0 + sigma e``.

    A latent consistency model's (ModelSamplingDiscrete, lcm) has 50 of them, 0 to 49.
    """

    prediction = "epsilon"

    def __init__(self, sampling):
        self.sampling = sampling
        self.log_sigmas = sampling.log_sigmas.detach().clone()

    def continuous(self):
        skipped = getattr(self.sampling, "skip_steps", 1)

        def timestep(sampling, sigma):
            own = timestep_at(sampling.log_sigmas.to(sigma.device), sigma)
            return own * skipped + skipped - 1

        return _twin(self.sampling, {"timestep": timestep})

    def schedule(self, device: torch.device) -> NoiseSchedule:
        self.log_sigmas = self.log_sigmas.to(device).clone()  # of no inference mode from here
        return NoiseSchedule(torch.sigmoid(-2 * self.log_sigmas.double()))

    def sigma(self, t: Tensor) -> Tensor:
        return sigma_at(self.log_sigmas.to(t.device), t)

    def timestep(self, sigma: Tensor) -> Tensor:
        log_sigmas = self.log_sigmas.to(sigma.device)
        return timestep_at(log_sigmas, sigma).clamp(0, len(log_sigmas) - 1)

    def ask(self, guider, x: Tensor, t: Tensor, extra_args: dict) -> Tensor:
        sigma = self.sigma(t)
        level = sigma.detach()[:, None, None, None]
        x = x * (1 + level**2).sqrt()
        return (x - guider(x, sigma, **extra_args)) / level


class FlowScale:
    """Rectified flow's: timesteps are 1000 sigma, x in ComfyUI is ``(1 - sigma) x0 + sigma e``."""

    prediction = "flow"

    def __init__(self, sampling):
        self.sampling = sampling

    def continuous(self):
        return _twin(self.sampling, {})

    def schedule(self, device: torch.device) -> FlowSchedule:
        return FlowSchedule(lambda share: float(self.sampling.percent_to_sigma(1 - share)))

    def sigma(self, t: Tensor) -> Tensor:
        return t / 1000

    def timestep(self, sigma: Tensor) -> Tensor:
        return 1000 * sigma

    def ask(self, guider, x: Tensor, t: Tensor, extra_args: dict) -> Tensor:
        sigma = self.sigma(t)
        level = sigma.detach()[:, None, None, None]
        return (x - guider(x, sigma, **extra_args)) / level


def scale_of(sampling) -> Scale:
    """The scale of a model's model_sampling, or ValueError where the method does not cover it."""
    kind = type(sampling)
    if isinstance(sampling, ModelSamplingDiscrete) and kind.calculate_denoised in _SUPPORTED:
        return DiscreteScale(sampling)
    if kind.calculate_denoised is CONST.calculate_denoised and hasattr(kind, "percent_to_sigma"):
        return FlowScale(sampling)
    bases = ", ".join(base.__name__ for base in kind.__bases__)
    raise ValueError(
        "model: expected one that predicts noise or v on Stable Diffusion's schedule (SD 1.5, "
        "SD 2.1, SDXL) or a flow model (SD3, Flux), since the method optimises its timesteps; "
        f"this one has {bases}."
    )
