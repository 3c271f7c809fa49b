"""Tweedie estimates: the finished latent that a prediction at one noise level points to.

ComfyUI's guiders return this directly as `denoised`; the closed forms serve every other model.
The noise levels are ComfyUI's: ``x = x0 + sigma * eps`` for eps, v and x0 models, and
``x = (1 - sigma) * x0 + sigma * eps`` for flow models.
"""

from collections.abc import Callable

from torch import Tensor


def _like(level: Tensor, x: Tensor) -> Tensor:
    if level.ndim == 0:
        return level  # on the CPU it meets x on any device, and no step waits for a copy
    return level.to(x.dtype).reshape(-1, *[1] * (x.ndim - 1))


def from_epsilon(x: Tensor, sigma: Tensor, prediction: Tensor) -> Tensor:
    """Estimate from a noise prediction: ``x - sigma * eps`` (ELECT, Tweedie's formula).

    The paper writes ``(z - sqrt(1 - a) eps) / sqrt(a)``; with ``x = z / sqrt(a)`` and
    ``sigma = sqrt((1 - a) / a)`` it is the same.

    x, prediction (N, C, h, w); sigma () or (N,).  Returns (N, C, h, w).
    """
    return x - _like(sigma, x) * prediction


def from_v(x: Tensor, sigma: Tensor, prediction: Tensor) -> Tensor:
    """Estimate from a velocity ``v = sqrt(a) eps - sqrt(1 - a) x0`` (Salimans and Ho, 2022).

    ``x0 = x / (sigma^2 + 1) - sigma / sqrt(sigma^2 + 1) * v``.  Shapes as in `from_epsilon`.
    """
    # In sigma's own precision: the square of a high noise level overflows float16.
    skip, out = 1 / (sigma**2 + 1), sigma / (sigma**2 + 1) ** 0.5
    return _like(skip, x) * x - _like(out, x) * prediction


def from_flow(x: Tensor, sigma: Tensor, prediction: Tensor) -> Tensor:
    """Estimate from a rectified-flow velocity ``eps - x0``: ``x - sigma * v``.

    Shapes as in `from_epsilon`; sigma in [0, 1].
    """
    return x - _like(sigma, x) * prediction


def from_x0(x: Tensor, sigma: Tensor, prediction: Tensor) -> Tensor:
    """Estimate from a model that predicts the finished latent: the prediction itself."""
    return prediction


TWEEDIE: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "epsilon": from_epsilon,
    "v_prediction": from_v,
    "flow": from_flow,
    "x0": from_x0,
}
"""Closed form of each prediction type: ``(x, sigma, prediction) -> denoised``."""
