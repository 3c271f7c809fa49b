"""Workflows of editing models that make a short video, of which one frame is the edit."""

from __future__ import annotations

from dataclasses import replace

from .edit_model_frames import plain_guider, recipe, texts
from .model_files import (
    HUB,
    file,
    loader,
    loaders,
    unet,
)
from .parts import Recipe, node

_WAN_VAE = file(
    "vae",
    HUB + "Comfy-Org/Wan_2.2_ComfyUI_Repackaged/resolve/main/split_files/vae/"
    "wan_2.1_vae.safetensors",
)


def _vision(name: str, url: str) -> tuple[dict, dict]:
    return loader("CLIPVisionLoader", ("clip_name", file("clip_vision", url, name)))


def chronoedit() -> Recipe:
    base = HUB + "Comfy-Org/Wan_2.1_ComfyUI_repackaged/resolve/main/split_files/"
    weights = unet(
        HUB + "Comfy-Org/Wan_2.2_ComfyUI_Repackaged/resolve/main/split_files/diffusion_models/"
        "chrono_edit_14B_fp16.safetensors"
    )
    clip = file("text_encoders", base + "text_encoders/umt5_xxl_fp8_e4m3fn_scaled.safetensors")
    loading = loaders(
        model=loader("UNETLoader", ("unet_name", weights)),
        clip=loader("CLIPLoader", ("clip_name", clip), type="wan"),
        vae=loader("VAELoader", ("vae_name", _WAN_VAE)),
        vision=_vision("", base + "clip_vision/clip_vision_h.safetensors"),
    )
    saying = {
        **texts(("clip", 0)),
        "seen": node(
            "CLIPVisionEncode", clip_vision=("vision", 0), image=("picture", 0), crop="none"
        ),
        "size": node("GetImageSize", image=("picture", 0)),
        "shown": node(
            "WanImageToVideo",
            positive=("instruction", 0),
            negative=("empty", 0),
            vae=("vae", 0),
            width=("size", 0),
            height=("size", 1),
            length=5,
            clip_vision_output=("seen", 0),
            start_image=("picture", 0),
        ),
        "roped": node("ScaleROPE", model=("model", 0), scale_t=7.0),
        "shifted": node("ModelSamplingSD3", model=("roped", 0), shift=5.0),
        "still": node("RepeatImageBatch", "The picture as a video", image=("picture", 0), amount=5),
        "guider": plain_guider(("shown", 0), ("shown", 1), ("shifted", 0)),
    }
    made = recipe(
        "chronoedit", loading, saying, ("shown", 2), model=("shifted", 0), source=("still", 0)
    )
    nodes = dict(made.nodes)
    last = node("ImageFromBatch", "The last frame", image=("decoded", 0), batch_index=4, length=1)
    nodes["edited"] = {
        **nodes["edited"],
        "inputs": {**nodes["edited"]["inputs"], "images": ("last", 0)},
    }
    load, say, *others, finish = made.sections
    sections = (
        replace(load, nodes=(*load.nodes, "size")),
        replace(say, nodes=tuple(name for name in say.nodes if name != "size")),
        *others,
        replace(finish, nodes=(*finish.nodes[:2], "last", *finish.nodes[2:])),
    )
    return replace(made, nodes={**nodes, "last": last}, sections=sections)


def capybara() -> Recipe:
    base = HUB + "Comfy-Org/HunyuanVideo_1.5_repackaged/resolve/main/split_files/"
    words = (
        HUB + "Comfy-Org/HunyuanImage_2.1_ComfyUI/resolve/main/split_files/text_encoders/"
        "qwen_2.5_vl_7b.safetensors"
    )
    clips = (
        ("clip_name1", file("text_encoders", words)),
        (
            "clip_name2",
            file("text_encoders", base + "text_encoders/byt5_small_glyphxl_fp16.safetensors"),
        ),
    )
    weights = unet(base + "diffusion_models/capybara_v0.1.safetensors")
    vae = file("vae", base + "vae/hunyuanvideo15_vae_fp16.safetensors")
    loading = loaders(
        model=loader("UNETLoader", ("unet_name", weights)),
        clip=loader("DualCLIPLoader", *clips, type="hunyuan_video_15"),
        vae=loader("VAELoader", ("vae_name", vae)),
        vision=_vision("", base + "clip_vision/sigclip_vision_patch14_384.safetensors"),
    )
    saying = {
        **texts(("clip", 0)),
        "seen": node(
            "CLIPVisionEncode", clip_vision=("vision", 0), image=("picture", 0), crop="none"
        ),
        "size": node("GetImageSize", image=("picture", 0)),
        "shown": node(
            "HunyuanVideo15ImageToVideo",
            positive=("instruction", 0),
            negative=("empty", 0),
            vae=("vae", 0),
            width=("size", 0),
            height=("size", 1),
            length=1,
            clip_vision_output=("seen", 0),
            start_image=("picture", 0),
        ),
        "shifted": node("ModelSamplingSD3", model=("model", 0), shift=7.0),
        "guider": plain_guider(("shown", 0), ("shown", 1), ("shifted", 0)),
    }
    return recipe(
        "capybara", loading, saying, ("shown", 2), model=("shifted", 0), source=("picture", 0)
    )
