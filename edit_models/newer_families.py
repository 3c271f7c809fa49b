"""The editing models of 2025-09 to 2026-09, with the settings of ComfyUI 0.33.0's own templates.

Qwen-Image 2.1 came with ComfyUI 0.37: its settings are those of the template published since.
"""

from __future__ import annotations

from dataclasses import replace

from .family import Family

_HUB = "https://huggingface.co/"
_QWEN = Family(
    title="Qwen-Image-Edit 2509",
    loader="UNETLoader",
    conditioning="TextEncodeQwenImageEditPlus",
    guider="CFGGuider",
    prediction="flow",
    sampler="euler",
    scheduler="simple",
    steps=20,
    cfg=4.0,
    licence="Apache-2.0",
    url=_HUB + "Qwen/Qwen-Image-Edit-2509",
)
_KLEIN_BASE = replace(
    _QWEN,
    title="FLUX.2 [klein] base",
    conditioning="ReferenceLatent",
    scheduler="flux2",
    cfg=5.0,
    licence="Apache-2.0 (4B), FLUX non-commercial (9B)",
    url=_HUB + "black-forest-labs/FLUX.2-klein-base-4B",
)
_FEW = {"steps": 4, "cfg": 1.0, "stop": 0.5, "window": 0.25, "stop_steps": 2, "window_steps": 1}
"""Distilled to four steps: half of them, and the first one for the relevance map."""
_MAGE = replace(
    _QWEN,
    title="Mage-Flow-Edit",
    conditioning="TextEncodeMageFlowEdit",
    steps=30,
    cfg=5.0,
    licence="MIT",
    url=_HUB + "Comfy-Org/Mage-Flow",
)

NEWER: dict[str, Family] = {
    "qwen_image_edit_2509": _QWEN,
    "qwen_image_edit_2511": replace(
        _QWEN,
        title="Qwen-Image-Edit 2511",
        steps=40,
        url=_HUB + "Qwen/Qwen-Image-Edit-2511",
    ),
    "firered_image_edit": replace(
        _QWEN,
        title="FireRed-Image-Edit 1.1",
        steps=40,
        licence="Apache-2.0",
        url=_HUB + "FireRedTeam/FireRed-Image-Edit-1.1-ComfyUI",
    ),
    "qwen_image_21": replace(
        _QWEN,
        title="Qwen-Image 2.1",
        conditioning="TextEncodeQwenImage21",
        steps=25,
        cfg=1.0,
        licence="Qwen Research, non-commercial",
        url=_HUB + "Qwen/Qwen-Image-2.1",
    ),
    "flux2_klein": replace(
        _KLEIN_BASE,
        title="FLUX.2 [klein], 4 steps",
        url=_HUB + "black-forest-labs/FLUX.2-klein-4B",
        **_FEW,
    ),
    "flux2_klein_base": _KLEIN_BASE,
    "flux2_klein_kv": replace(
        _KLEIN_BASE,
        title="FLUX.2 [klein] 9B, KV-cached",
        licence="FLUX non-commercial",
        url=_HUB + "black-forest-labs/FLUX.2-klein-9b-kv-fp8",
        **_FEW,
    ),
    "longcat_image_edit": replace(
        _QWEN,
        title="LongCat-Image-Edit",
        conditioning="TextEncodeQwenImageEdit",
        steps=50,
        cfg=4.5,
        licence="Apache-2.0",
        url=_HUB + "meituan-longcat/LongCat-Image-Edit",
    ),
    "joyai_image_edit": replace(
        _QWEN,
        title="JoyAI-Image-Edit",
        conditioning="TextEncodeJoyImageEdit",
        scheduler="normal",
        steps=40,
        licence="Apache-2.0",
        url=_HUB + "Comfy-Org/JoyAI-Image-Edit",
    ),
    "boogu_image_edit": replace(
        _QWEN,
        title="Boogu-Image-Edit 0.1",
        conditioning="TextEncodeBooguEdit",
        sampler="dpmpp_2m",
        steps=25,
        cfg=3.5,
        licence="Apache-2.0",
        url=_HUB + "Boogu/Boogu-Image-0.1-Edit",
    ),
    "mage_flow_edit": _MAGE,
    "mage_flow_edit_turbo": replace(_MAGE, title="Mage-Flow-Edit Turbo, 4 steps", **_FEW),
    "hidream_o1": replace(
        _QWEN,
        title="HiDream-O1-Image",
        loader="CheckpointLoaderSimple",
        conditioning="HiDreamO1ReferenceImages",
        sampler="dpmpp_2m_sde_gpu",
        scheduler="normal",
        steps=40,
        cfg=5.0,
        licence="MIT",
        url=_HUB + "Comfy-Org/HiDream-O1-Image",
    ),
    "chronoedit": replace(
        _QWEN,
        title="ChronoEdit 14B",
        conditioning="WanImageToVideo",
        sampler="uni_pc",
        licence="NVIDIA Open Model License",
        url=_HUB + "nvidia/ChronoEdit-14B-Diffusers",
    ),
    "capybara": replace(
        _QWEN,
        title="Capybara 0.1",
        conditioning="HunyuanVideo15ImageToVideo",
        cfg=6.0,
        licence="MIT; HunyuanVideo 1.5's terms may restrict it",
        url=_HUB + "Comfy-Org/HunyuanVideo_1.5_repackaged",
    ),
}
"""In the order of the page's table."""
