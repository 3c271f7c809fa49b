"""Architectures whose gradients were checked against central differences."""

from comfy.ldm.flux.model import Flux
from comfy.ldm.lumina.model import NextDiT
from comfy.ldm.modules.diffusionmodules.mmdit import MMDiT
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.ldm.qwen_image.model import QwenImageTransformer2DModel
from torch import nn

CHECKED = (UNetModel, MMDiT, Flux, NextDiT, QwenImageTransformer2DModel)
"""Stable Diffusion's UNet; SD3; FLUX; Lumina 2 and Z-Image; Qwen-Image, see tests/nodes/tino."""


def refuse_unchecked(network: nn.Module) -> None:
    """Raise ValueError for a network whose gradients nobody has looked at."""
    if not isinstance(network, CHECKED):
        raise ValueError(
            f"iterations: gradients through {type(network).__name__} have not been checked, only "
            "those of Stable Diffusion's UNets, SD3, FLUX, Lumina 2, Z-Image and Qwen-Image. Set "
            "iterations to 0 and raise tries, or optimiser to 'through the loss only (FlowOpt)': "
            "both only call the model."
        )
