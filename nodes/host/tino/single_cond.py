"""A guider's model under one of its conditions alone, without guidance."""

from collections.abc import Callable
from typing import Any

import comfy.samplers
from torch import Tensor

SOURCE = "tino_source"
"""Name under which a guider keeps what the source picture shows."""


def shown_by(guider: Any, name: str) -> Callable[..., Tensor]:
    """``x, sigma (B,), model_options, seed -> denoised``, as the guider itself is called."""

    def denoised(x: Tensor, sigma: Tensor, model_options: dict | None = None, seed=None) -> Tensor:
        conds, options = [guider.conds[name]], model_options or {}
        return comfy.samplers.calc_cond_batch(guider.inner_model, conds, x, sigma, options)[0]

    return denoised
