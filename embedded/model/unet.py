"""The tiny InstructPix2Pix UNet: ComfyUI's own UNetModel, small, with a start fit for training.

Eight input channels: the noisy latent, then the source latent (zeros: draw from the caption).
"""

from __future__ import annotations

import torch
from torch import nn

from .text import WIDTH as CONTEXT_DIM

NUM_HEADS = 4
CONFIG = {
    "image_size": 16,
    "in_channels": 8,
    "out_channels": 4,
    "model_channels": 64,
    "num_res_blocks": [1, 2],
    "channel_mult": [1, 1],
    "transformer_depth": [0, 1, 1],
    "transformer_depth_output": [0, 0, 1, 1, 1],
    "transformer_depth_middle": 1,
    "context_dim": CONTEXT_DIM,
    "use_spatial_transformer": True,
    "use_linear_in_transformer": False,
    "legacy": False,
    "adm_in_channels": None,
    "num_heads": NUM_HEADS,
    "num_head_channels": -1,
}


def build_unet() -> nn.Module:
    """An untrained UNet whose residual branches and output start at zero."""
    from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
    from comfy.ops import disable_weight_init

    config = {k: list(v) if isinstance(v, list) else v for k, v in CONFIG.items()}
    unet = UNetModel(**config, dtype=torch.float32, operations=disable_weight_init)
    # ComfyUI's layers skip initialisation: do it with torch's own rules.
    for module in unet.modules():
        for kind in (nn.Conv2d, nn.Linear, nn.GroupNorm, nn.LayerNorm):
            if isinstance(module, kind):
                kind.reset_parameters(module)  # pyright: ignore[reportArgumentType]
    for name, module in unet.named_modules():
        if name.endswith(("out_layers.3", "proj_out")) or name == "out.2":
            nn.init.zeros_(module.weight)
            nn.init.zeros_(module.bias)
    return unet
