"""First noises side by side: as many as fit, each as true as alone."""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..device_memory import free_memory

_MIXING = (
    "sampler_cfg_function",
    "sampler_pre_cfg_function",
    "sampler_post_cfg_function",
    "sampler_calc_cond_batch_function",
    "model_function_wrapper",
)
"""Hooks of a MODEL that may look across the batch, so that a try would depend on the others."""


def tries_that_fit(model: ModelPatcher, shape: tuple[int, ...], passes: int, number: int) -> int:
    """How many tries of noises of `shape` (B, C, h, w) one batch can hold, from 1 to `number`.

    passes: conditions of each, 2 with guidance. By ComfyUI's own estimate, against what is free
    once the models are loaded.
    """
    if any(name in model.model_options for name in _MIXING):
        return 1
    one = model.model.memory_required([passes * shape[0], *shape[1:]])
    fit = max(1, min(number, int(free_memory(model) / (one * 1.5))))
    logging.info("TiNO-Edit: %d tries, %d at once.", number, fit)
    return fit


def side_by_side(
    denoised: Callable[[Tensor, Callable[[Tensor], Tensor]], Tensor],
    loss: Callable[[Tensor], Tensor],
) -> Callable[[Tensor], Tensor]:
    """The losses (n, B) of noises (n, B, C, h, w), denoised in one batch.

    denoised: ``noise (n B, C, h, w), repeat -> x0 (n B, C, h, w)``, where repeat gives what belongs
    to the B images once for each try; loss: of x0 (B, C, h, w), with the images' own features
    """

    def values(noises: Tensor) -> Tensor:
        def repeat(tensor: Tensor) -> Tensor:
            return tensor.repeat(len(noises), *[1] * (tensor.ndim - 1))

        x0 = denoised(noises.flatten(0, 1), repeat)
        return torch.stack([loss(one) for one in x0.unflatten(0, noises.shape[:2])])

    return values
