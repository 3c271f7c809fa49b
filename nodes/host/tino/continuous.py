"""ComfyUI's discrete noise schedule at fractions of timesteps, for gradients to a timestep."""

import copy

import torch
from comfy.model_sampling import EPS, V_PREDICTION, ModelSamplingDiscrete
from torch import Tensor

_SUPPORTED = (EPS.calculate_denoised, V_PREDICTION.calculate_denoised)


def require_discrete(sampling) -> None:
    """Raise ValueError unless a model predicts noise or v on Stable Diffusion's schedule."""
    kind = type(sampling)
    if not isinstance(sampling, ModelSamplingDiscrete) or kind.calculate_denoised not in _SUPPORTED:
        bases = ", ".join(base.__name__ for base in kind.__bases__)
        raise ValueError(
            "model: expected one that predicts noise or v on Stable Diffusion's schedule (SD 1.5, "
            f"SD 2.1, SDXL), since the method optimises its timesteps; this one has {bases}. "
            "Flow models (SD3, Flux), EDM and few-step ones are not covered by the method."
        )


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


def continuous(sampling):
    """The model_sampling with fractional timesteps whose gradient comes in through sigma.

    Sigma's other uses get it without a gradient: the paper does not optimise alpha.
    """
    kind = type(sampling)

    class Continuous(kind):
        def timestep(self, sigma):
            return timestep_at(self.log_sigmas.to(sigma.device), sigma)

        def calculate_input(self, sigma, noise):
            return super().calculate_input(sigma.detach(), noise)

        def calculate_denoised(self, sigma, model_output, model_input):
            return super().calculate_denoised(sigma.detach(), model_output, model_input)

    twin = copy.copy(sampling)
    twin.__class__ = Continuous
    return twin
