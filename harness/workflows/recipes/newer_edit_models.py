"""The example workflows of the editing models of 2025-09 to 2026-08, wired as ComfyUI's own are.

Those whose nodes the pinned ComfyUI lacks say which one they are written on (`Recipe.host`).
"""

from __future__ import annotations

from dataclasses import replace

from .edit_model_frames import plain_guider, recipe, texts
from .klein import flux2_klein, flux2_klein_base, flux2_klein_kv
from .model_files import (
    HUB,
    NEWER_HOST,
    file,
    loader,
    loaders,
)
from .parts import Recipe, Wire, node
from .qwen_kin import (
    boogu_image_edit,
    firered_image_edit,
    joyai_image_edit,
    longcat_image_edit,
    mage_flow_edit,
    mage_flow_edit_turbo,
    qwen_image_edit_2509,
    qwen_image_edit_2511,
)
from .video_edit_models import capybara, chronoedit


def hidream_o1() -> Recipe:
    base = HUB + "Comfy-Org/HiDream-O1-Image/resolve/main/checkpoints/"
    weights = file("checkpoints", base + "hidream_o1_image_bf16.safetensors")
    loading = loaders(model=loader("CheckpointLoaderSimple", ("ckpt_name", weights)))
    vae: Wire = ("model", 2)
    shown = {"images.image_1": ("picture", 0)}
    saying = {
        **texts(("model", 1)),
        "shown": node(
            "HiDreamO1ReferenceImages", positive=("instruction", 0), negative=("empty", 0), **shown
        ),
        "noisy": node("ModelNoiseScale", model=("model", 0), noise_scale=8.0),
        "start": node("EmptyHiDreamO1LatentImage", width=("size", 0), height=("size", 1)),
        "size": node("GetImageSize", image=("picture", 0)),
        "guider": plain_guider(("shown", 0), ("shown", 1), ("noisy", 0)),
    }
    made = recipe(
        "hidream_o1", loading, saying, ("start", 0), vae, ("noisy", 0), source=("picture", 0)
    )
    return replace(made, host=NEWER_HOST)


NEWER_RECIPES = (
    qwen_image_edit_2509,
    qwen_image_edit_2511,
    firered_image_edit,
    flux2_klein,
    flux2_klein_base,
    flux2_klein_kv,
    longcat_image_edit,
    joyai_image_edit,
    boogu_image_edit,
    mage_flow_edit,
    mage_flow_edit_turbo,
    hidream_o1,
    chronoedit,
    capybara,
)
