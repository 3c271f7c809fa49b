"""The editing models of 2025-09 to 2026-08 at small size; see `reference_models` for how.

"config" names the class of ComfyUI's configurations, where its loader would need the full width to
choose it.
"""

from __future__ import annotations

import importlib
import inspect
from typing import Any

import pytest

from .reference_models import FLUX, FLUX2, OMNIGEN2, QWEN, WIDTH

QWEN_2511 = {**QWEN, "default_ref_method": "index_timestep_zero"}
KLEIN = {**FLUX2, "guidance_embed": False}
LONGCAT = {
    **FLUX,
    "config": "LongCatImage",
    "guidance_embed": False,
    "vec_in_dim": None,
    "txt_ids_dims": [1, 2],
}
JOYAI = {
    "image_model": "joyimage",
    "config": "JoyImage",
    "patch_size": [1, 2, 2],
    "in_channels": 16,
    "hidden_size": 48,
    "num_attention_heads": 2,
    "text_dim": WIDTH,
    "num_layers": 2,
    "rope_dim_list": [8, 8, 8],
    "theta": 10000,
}
BOOGU = {
    **{k: v for k, v in OMNIGEN2.items() if k != "text_feat_dim"},
    "image_model": "boogu",
    "config": "Boogu",
    "num_double_stream_layers": 1,
    "instruction_feat_dim": WIDTH,
}
MAGE = {
    "image_model": "mage_flow",
    "config": "MageFlow",
    "in_channels": 128,
    "num_layers": 2,
    "num_attention_heads": 2,
    "attention_head_dim": 24,
    "joint_attention_dim": WIDTH,
    "axes_dims_rope": (4, 10, 10),
}
CAPYBARA: dict[str, Any] = {
    "image_model": "hunyuan_video",
    "config": "HunyuanVideo15",
    "in_channels": 65,
    "out_channels": 32,
    "patch_size": [1, 1, 1],
    "hidden_size": 48,
    "num_heads": 2,
    "axes_dim": [4, 10, 10],
    "theta": 256,
    "depth": 1,
    "depth_single_blocks": 1,
    "mlp_ratio": 4.0,
    "vec_in_dim": None,
    "context_in_dim": WIDTH,
    "qkv_bias": True,
    "guidance_embed": False,
    "meanflow": False,
    "meanflow_sum": True,
    "byt5": False,
    "use_cond_type_embedding": True,
    "vision_in_dim": 1152,
}


NEWER_SETTINGS = {
    "z_image_modulation": "comfy.ldm.lumina.model.NextDiT",
    "default_ref_method": "comfy.ldm.qwen_image.model.QwenImageTransformer2DModel",
    "meanflow_sum": "comfy.ldm.hunyuan_video.model.HunyuanVideoParams",
}
"""Settings that came with a newer ComfyUI, and the class that must take them."""


def lacking(settings: dict[str, Any]) -> str | None:
    """Why this ComfyUI cannot build the model, for a skip; None where it can."""
    import comfy.supported_models

    kind = settings.get("config")
    if kind is not None and not hasattr(comfy.supported_models, kind):
        return f"this ComfyUI has no {kind}"
    for name in NEWER_SETTINGS.keys() & settings.keys():
        module, _, taker = NEWER_SETTINGS[name].rpartition(".")
        known = inspect.signature(getattr(importlib.import_module(module), taker)).parameters
        if name not in known:
            return f"this ComfyUI's {taker} does not know {name}"
    return None


def skip_where_lacking(settings: dict[str, Any]) -> None:
    """Skip the test, with the reason, where this ComfyUI cannot build the model."""
    reason = lacking(settings)
    if reason is not None:
        pytest.skip(reason)
