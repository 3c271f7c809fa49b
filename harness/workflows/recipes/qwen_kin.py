"""Workflows of models that read the picture through a language model of the Qwen family."""

from __future__ import annotations

from dataclasses import replace

from .edit_model_frames import INSTRUCTION, encoded, plain_guider, recipe
from .model_files import (
    FLUX_VAE,
    HUB,
    NEWER_HOST,
    QWEN_CLIP,
    QWEN_VAE,
    file,
    loader,
    separate,
    unet,
)
from .parts import Recipe, node

_METHOD = "FluxKontextMultiReferenceLatentMethod"  # a title of its own: this one widens the node


def _of_three(family: str, weights: str, shift: float, *, timestep_zero: bool = False) -> Recipe:
    """Qwen-Image-Edit since 2509 and its kin: up to three pictures, the first is edited."""
    reader = loader("CLIPLoader", ("clip_name", QWEN_CLIP), type="qwen_image")
    seen = {"clip": ("clip", 0), "vae": ("vae", 0), "image1": ("picture", 0)}
    kind = "TextEncodeQwenImageEditPlus"
    said, unsaid = "instruction", "empty"
    saying = {
        said: node(kind, "Instruction", prompt=INSTRUCTION, **seen),
        unsaid: node(kind, "Empty text", prompt="", **seen),
    }
    if timestep_zero:
        way = {"reference_latents_method": "index_timestep_zero"}
        for name, text in (("shown", said), ("unsaid", unsaid)):
            saying[name] = node(_METHOD, "How it reads pictures", conditioning=(text, 0), **way)
        said, unsaid = "shown", "unsaid"
    saying |= {
        "encoded": encoded(),
        "shifted": node("ModelSamplingAuraFlow", model=("model", 0), shift=shift),
        "normed": node("CFGNorm", model=("shifted", 0), strength=1.0),
        "guider": plain_guider((said, 0), (unsaid, 0), ("normed", 0)),
    }
    loading = separate(unet(weights), reader, QWEN_VAE)
    return recipe(family, loading, saying, ("encoded", 0), model=("normed", 0))


def qwen_image_edit_2509() -> Recipe:
    base = HUB + "Comfy-Org/Qwen-Image-Edit_ComfyUI/resolve/main/split_files/diffusion_models/"
    weights = base + "qwen_image_edit_2509_fp8_e4m3fn.safetensors"
    return _of_three("qwen_image_edit_2509", weights, 3.0)


def qwen_image_edit_2511() -> Recipe:
    base = HUB + "Comfy-Org/Qwen-Image-Edit_ComfyUI/resolve/main/split_files/diffusion_models/"
    weights = base + "qwen_image_edit_2511_fp8mixed.safetensors"
    made = _of_three("qwen_image_edit_2511", weights, 3.1, timestep_zero=True)
    return replace(made, host=NEWER_HOST)


def firered_image_edit() -> Recipe:
    weights = (
        HUB + "FireRedTeam/FireRed-Image-Edit-1.1-ComfyUI/resolve/main/"
        "FireRed-Image-Edit-1.1-transformer.safetensors"
    )
    return _of_three("firered_image_edit", weights, 3.1)


def longcat_image_edit() -> Recipe:
    weights = (
        HUB + "TalmajM/LongCat-Image-Edit_ComfyUI_repackaged/resolve/main/split_files/"
        "diffusion_models/longcat_image_edit_bf16.safetensors"
    )
    reader = loader("CLIPLoader", ("clip_name", QWEN_CLIP), type="longcat_image")
    seen = {"clip": ("clip", 0), "vae": ("vae", 0), "image": ("picture", 0)}
    way = {"reference_latents_method": "index"}
    saying = {
        "instruction": node("TextEncodeQwenImageEdit", "Instruction", prompt=INSTRUCTION, **seen),
        "empty": node("TextEncodeQwenImageEdit", "Empty text", prompt="", **seen),
        "shown": node(_METHOD, "How it reads pictures", conditioning=("instruction", 0), **way),
        "unsaid": node(_METHOD, "How it reads pictures", conditioning=("empty", 0), **way),
        "encoded": encoded(),
        "guider": plain_guider(("shown", 0), ("unsaid", 0)),
    }
    made = recipe(
        "longcat_image_edit", separate(unet(weights), reader, FLUX_VAE), saying, ("encoded", 0)
    )
    return replace(made, host=NEWER_HOST)


def joyai_image_edit() -> Recipe:
    base = HUB + "Comfy-Org/JoyAI-Image-Edit/resolve/main/"
    clip = file(
        "text_encoders",
        base + "text_encoders/qwen3vl_8b_joyimage_edit_int8_convrot.safetensors",
    )
    weights = unet(base + "diffusion_models/joyai_image_edit_int8_convrot.safetensors")
    reader = loader("CLIPLoader", ("clip_name", clip), type="joyimage")
    vae = file("vae", base + "vae/wan_2.1_vae.safetensors")
    seen = {"clip": ("clip", 0), "vae": ("vae", 0), "images.image0": ("picture", 0)}
    kind = "TextEncodeJoyImageEdit"
    saying = {
        "instruction": node(kind, "Instruction", prompt=INSTRUCTION, **seen),
        "empty": node(kind, "Empty text", prompt="", **seen),
        "encoded": encoded(),
        "normed": node("CFGNorm", model=("model", 0), strength=1.0, pre_cfg=True),
        "guider": plain_guider(("instruction", 0), ("empty", 0), ("normed", 0)),
    }
    loading = separate(weights, reader, vae)
    made = recipe("joyai_image_edit", loading, saying, ("encoded", 0), model=("normed", 0))
    return replace(made, host=NEWER_HOST)


def boogu_image_edit() -> Recipe:
    weights = HUB + "Comfy-Org/Boogu-Image/resolve/main/diffusion_models/"
    clip = HUB + "Comfy-Org/Qwen3-VL/resolve/main/text_encoders/qwen3vl_8b_fp8_scaled.safetensors"
    reader = loader("CLIPLoader", ("clip_name", file("text_encoders", clip)), type="boogu")
    saying = {
        "said": node(
            "TextEncodeBooguEdit",
            "Instruction",
            clip=("clip", 0),
            vae=("vae", 0),
            prompt=INSTRUCTION,
            negative_prompt="",
            **{"images.image_1": ("picture", 0)},
        ),
        "encoded": encoded(),
        "shifted": node("ModelSamplingAuraFlow", model=("model", 0), shift=3.16),
        "guider": plain_guider(("said", 0), ("said", 1), ("shifted", 0)),
    }
    loading = separate(unet(weights + "boogu_image_edit_fp8_scaled.safetensors"), reader, FLUX_VAE)
    made = recipe("boogu_image_edit", loading, saying, ("encoded", 0), model=("shifted", 0))
    return replace(made, host=NEWER_HOST)


def _mage(family: str, name: str) -> Recipe:
    base = HUB + "Comfy-Org/Mage-Flow/resolve/main/"
    clip = file("text_encoders", base + "text_encoders/qwen3vl_4b_bf16.safetensors")
    reader = loader("CLIPLoader", ("clip_name", clip), type="mage")
    vae = file("vae", base + "vae/mage_flow_vae_bf16.safetensors")
    saying = {
        "said": node(
            "TextEncodeMageFlowEdit",
            "Instruction",
            clip=("clip", 0),
            vae=("vae", 0),
            prompt=INSTRUCTION,
            negative_prompt="",
            **{"images.image_1": ("picture", 0)},
        ),
        "guider": plain_guider(("said", 0), ("said", 1)),
    }
    loading = separate(unet(f"{base}diffusion_models/{name}.safetensors"), reader, vae)
    made = recipe(family, loading, saying, ("said", 2))
    if family.endswith("turbo"):
        made.nodes["candidates"]["inputs"]["null"] = ("said", 1)
    return replace(made, host=NEWER_HOST)


def mage_flow_edit() -> Recipe:
    return _mage("mage_flow_edit", "mage_flow_edit_int8_convrot")


def mage_flow_edit_turbo() -> Recipe:
    return _mage("mage_flow_edit_turbo", "mage_flow_edit_turbo_int8_convrot")
