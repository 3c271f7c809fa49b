"""Where the editing models' files are to be had, and the loader nodes that say so."""

from __future__ import annotations

from .parts import node

HUB = "https://huggingface.co/"
HIDREAM_FILES = HUB + "Comfy-Org/HiDream-I1_ComfyUI/resolve/main/split_files/"


def file(directory: str, url: str, name: str = "") -> dict[str, str]:
    """What ComfyUI's templates store of a model file; its name is the URL's where not given."""
    return {"name": name or url.rpartition("/")[2], "url": url, "directory": directory}


def unet(url: str) -> dict:
    return file("diffusion_models", url)


CLIP_L = file(
    "text_encoders", HUB + "comfyanonymous/flux_text_encoders/resolve/main/clip_l.safetensors"
)
T5 = file(
    "text_encoders",
    HUB + "comfyanonymous/flux_text_encoders/resolve/main/t5xxl_fp8_e4m3fn_scaled.safetensors",
)
CLIP_G = file(
    "text_encoders",
    HUB + "Comfy-Org/stable-diffusion-3.5-fp8/resolve/main/text_encoders/clip_g.safetensors",
)
SD_VAE = file(
    "vae",
    HUB + "stabilityai/sd-vae-ft-mse-original/resolve/main/"
    "vae-ft-mse-840000-ema-pruned.safetensors",
)
FLUX_VAE = file(
    "vae",
    HUB + "Comfy-Org/Lumina_Image_2.0_Repackaged/resolve/main/split_files/vae/ae.safetensors",
)
_QWEN_FILES = HUB + "Comfy-Org/Qwen-Image_ComfyUI/resolve/main/split_files/"
QWEN_CLIP = file(
    "text_encoders", _QWEN_FILES + "text_encoders/qwen_2.5_vl_7b_fp8_scaled.safetensors"
)
QWEN_VAE = file("vae", _QWEN_FILES + "vae/qwen_image_vae.safetensors")
NEWER_HOST = "0.33.0"
"""The ComfyUI on which workflows are written whose nodes the pinned one lacks."""
Loaders = tuple[dict[str, dict], dict[str, dict]]
"""Nodes by name, and the properties of those that say where their files come from."""


def loader(kind: str, *files: tuple[str, dict], **given: object) -> tuple[dict, dict]:
    """A loader node and its properties; files by the input that names them."""
    chosen = {name: one["name"] for name, one in files}
    return node(kind, **chosen, **given), {"models": [one for _, one in files]}


def loaders(**kinds: tuple[dict, dict]) -> Loaders:
    return {name: made for name, (made, _) in kinds.items()}, {
        name: properties for name, (_, properties) in kinds.items()
    }


def separate(weights: dict, clip: tuple[dict, dict], vae: dict) -> Loaders:
    """ComfyUI's three loaders of a model in parts; clip: the loader of its text encoders."""
    return loaders(
        model=loader("UNETLoader", ("unet_name", weights)),
        clip=clip,
        vae=loader("VAELoader", ("vae_name", vae)),
    )
