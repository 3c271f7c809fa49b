"""What the gradients of an edit need beside the weights, and whether it is there."""

import math
from dataclasses import dataclass

import comfy.model_management
import torch
from comfy.ldm.flux.model import Flux
from comfy.ldm.lumina.model import NextDiT
from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.ldm.qwen_image.model import QwenImageTransformer2DModel
from comfy.model_patcher import ModelPatcher
from torch import nn

from ..device_memory import free_memory
from .edit import Edit


# What autograd keeps was counted at full size and 512 and 1024 pixels, as a share of ComfyUI's own
# memory factor of the architecture: for UNets on SD 1.5, SD 2.1 and SDXL (0.085 to 0.197, and 0.019
# to 0.025 without blocks, of which the largest block is half); for transformers on the meta device
# in bfloat16 with 256 tokens of text, attention keeping what a fused kernel keeps (tests).
@dataclass(frozen=True)
class Kept:
    """Megabytes for each latent cell, byte of the compute dtype and unit of the memory factor.

    full: all activations; without_blocks: blocks are computed again on the way back
    """

    full: float
    without_blocks: float


_UNETS = Kept(0.22, 0.04)
KEPT: dict[type, Kept] = {
    UNetModel: _UNETS,
    MMDiT: Kept(0.10, 0.02),
    Flux: Kept(0.28, 0.04),
    NextDiT: Kept(0.56, 0.06),
    QwenImageTransformer2DModel: Kept(0.48, 0.05),
}
"""By architecture; another, which only the loss's gradient passes by, is not asked."""


def kept_by(network: nn.Module) -> Kept:
    """The figures of a network's class."""
    return next((kept for kind, kept in KEPT.items() if isinstance(network, kind)), _UNETS)


def compute_dtype(model: ModelPatcher) -> torch.dtype:
    """What the model computes in, whatever its weights are kept in."""
    return model.model.manual_cast_dtype or model.model.get_dtype()


class Memory:
    """What gradients need beside the weights, and whether it is there.

    The figures are megabytes of activations kept for each latent cell and byte of the compute
    dtype, times ComfyUI's own memory factor of the architecture. Without updates there are none,
    and none for the model where gradients do not pass through it.
    """

    def __init__(
        self, model: ModelPatcher, edit: Edit, updates: bool = True, through_model: bool = True
    ):
        base, dtype = model.model, compute_dtype(model)
        shape = edit.noise.shape
        passes = 2 if edit.negative is not None and edit.cfg != 1 else 1
        cells = passes * shape[0] * math.prod(shape[2:])
        unit = updates * through_model * cells * dtype.itemsize * base.memory_usage_factor * 2**20
        pictures, kept = (*shape[:2], *shape[-2:]), kept_by(base.diffusion_model)
        for_loss = edit.loss.memory(pictures) if updates and edit.loss is not None else 0.0
        self.full = unit * kept.full + for_loss
        self.least = unit * kept.without_blocks + for_loss
        weights = sum(one.model_size() for one in (model, *edit.patchers))
        total = comfy.model_management.get_total_memory(model.load_device)
        self.model = model
        self.blocks = weights + self.full > 0.8 * total  # type: ignore[operator]

    @property
    def needed(self) -> float:
        """Bytes that this run keeps for its gradients."""
        return self.least if self.blocks else self.full

    def prepare(self, executor, model, noise_shape, *args, **kwargs):
        """Load as if for a batch that needs as much: ComfyUI then offloads what it must."""
        times = math.ceil(self.needed / max(1.0, model.model.memory_required(list(noise_shape))))
        shape = [noise_shape[0] * max(1, times), *noise_shape[1:]]
        return executor(model, shape, *args, **kwargs)

    def check(self) -> None:
        """Raise ValueError when what is free now will not do."""
        free = free_memory(self.model)
        if self.needed > free:
            device = self.model.load_device
            raise ValueError(
                f"source: its gradients need about {self.needed / 2**30:.1f} GB beside the "
                f"weights, {free / 2**30:.1f} GB are free on {device}. Use a smaller "
                "picture, one picture at a time, cfg 1, or a float16 model."
            )
