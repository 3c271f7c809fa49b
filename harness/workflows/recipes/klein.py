"""Workflows of FLUX.2 [klein]: base, distilled to four steps, and with cached references."""

from __future__ import annotations

from dataclasses import replace

from .edit_model_frames import encoded, plain_guider, recipe, texts
from .model_files import (
    HUB,
    NEWER_HOST,
    file,
    loader,
    separate,
    unet,
)
from .parts import Recipe, Wire, node


def _klein(family: str, weights: str, clip: str, *, cached: bool = False) -> Recipe:
    reader = loader("CLIPLoader", ("clip_name", file("text_encoders", clip)), type="flux2")
    vae = HUB + "Comfy-Org/flux2-dev/resolve/main/split_files/vae/flux2-vae.safetensors"
    base = family.endswith("base")
    saying = {
        **texts(("clip", 0)),
        "encoded": encoded(),
        "referred": node("ReferenceLatent", conditioning=("instruction", 0), latent=("encoded", 0)),
    }
    negative: Wire = ("empty", 0)
    if base:
        saying["shown"] = node("ReferenceLatent", conditioning=("empty", 0), latent=("encoded", 0))
        negative = ("shown", 0)
    model: Wire = ("model", 0)
    if cached:
        saying["cached"] = node("FluxKVCache", model=model)
        model = ("cached", 0)
    saying["guider"] = plain_guider(("referred", 0), negative, model)
    loading = separate(unet(weights), reader, file("vae", vae))
    latent: Wire = ("encoded", 0)
    made = recipe(family, loading, saying, latent, model=model, defaults={"latent_image": latent})
    if not base:
        made.nodes["candidates"]["inputs"]["null"] = ("empty", 0)
    return made


_QWEN_3_4B = (
    HUB + "Comfy-Org/z_image_turbo/resolve/main/split_files/text_encoders/qwen_3_4b.safetensors"
)


def flux2_klein() -> Recipe:
    weights = "black-forest-labs/FLUX.2-klein-4b-fp8/resolve/main/flux-2-klein-4b-fp8.safetensors"
    return _klein("flux2_klein", HUB + weights, _QWEN_3_4B)


def flux2_klein_base() -> Recipe:
    name = "flux-2-klein-base-4b-fp8.safetensors"
    weights = HUB + "black-forest-labs/FLUX.2-klein-base-4b-fp8/resolve/main/" + name
    return _klein("flux2_klein_base", weights, _QWEN_3_4B)


def flux2_klein_kv() -> Recipe:
    name = "flux-2-klein-9b-kv-fp8.safetensors"
    weights = HUB + "black-forest-labs/FLUX.2-klein-9b-kv-fp8/resolve/main/" + name
    clip = (
        HUB + "Comfy-Org/flux2-klein-9B/resolve/main/split_files/text_encoders/"
        "qwen_3_8b_fp8mixed.safetensors"
    )
    return replace(_klein("flux2_klein_kv", weights, clip, cached=True), host=NEWER_HOST)
