"""The example workflows of the editing models, one each, for files a user downloads.

Sampler, schedule, stop and guidance come from EditModelDefaults.
"""

from __future__ import annotations

from .edit_model_frames import INSTRUCTION, dual, encoded, plain_guider, recipe, shown, texts
from .model_files import (
    CLIP_G,
    CLIP_L,
    FLUX_VAE,
    HIDREAM_FILES,
    HUB,
    SD_VAE,
    T5,
    file,
    loader,
    loaders,
    separate,
    unet,
)
from .newer_edit_models import NEWER_RECIPES
from .parts import Recipe, node


def magicbrush() -> Recipe:
    # Published as .bin and .ckpt alone, which ComfyUI's dialog does not fetch: see the note.
    loading = loaders(
        model=(node("EditModelLoader", name="magicbrush-jul7.bin"), {}),
        clip=loader("CLIPLoader", ("clip_name", CLIP_L), type="stable_diffusion"),
        vae=loader("VAELoader", ("vae_name", SD_VAE)),
    )
    saying = {**texts(("clip", 0)), "conditions": shown(("vae", 0))}
    both, picture = ("conditions", 0), ("conditions", 1)
    saying["guider"] = dual(("model", 0), both, picture, ("empty", 0))
    return recipe("magicbrush", loading, saying, ("conditions", 2))


def instruct_diffusion() -> Recipe:
    name = "v1-5-pruned-emaonly-adaption-task-humanalign.ckpt"
    loading = ({"model": node("CheckpointLoaderSimple", ckpt_name=name)}, {})
    saying = {**texts(("model", 1)), "conditions": shown(("model", 2))}
    saying["guider"] = node(
        "InstructDiffusionGuider",
        model=("model", 0),
        positive=("conditions", 0),
        negative=("conditions", 1),
        cfg=("defaults", 2),
        image_cfg=("defaults", 3),
    )
    return recipe("instruct_diffusion", loading, saying, ("conditions", 2), ("model", 2))


def mgie() -> Recipe:
    tower = HUB + "openai/clip-vit-large-patch14/resolve/main/model.safetensors"
    loading = loaders(
        model=(node("EditModelLoader", name="mgie_unet.pt"), {}),
        mllm=(
            node(
                "MGIELoader",
                llava="LLaVA-Lightning-7B-v1",
                vision_tower="clip-vit-large-patch14",
                mllm="mllm.pt",
            ),
            {"models": [file("mgie", tower, "clip-vit-large-patch14/model.safetensors")]},
        ),
        vae=loader("VAELoader", ("vae_name", SD_VAE)),
    )
    saying = {
        "imagined": node(
            "MGIEConditioning", mgie=("mllm", 0), instruction=INSTRUCTION, image=("picture", 0)
        ),
        "conditions": shown(("vae", 0), "imagined", ("imagined", 1)),
        "guider": dual(("model", 0), ("conditions", 0), ("conditions", 1), ("imagined", 1)),
    }
    return recipe("mgie", loading, saying, ("conditions", 2))


def ultraedit() -> Recipe:
    base = HUB + "BleachNick/SD3_UltraEdit_w_mask/resolve/main/"
    weights = base + "transformer/diffusion_pytorch_model.safetensors"
    vae = file("vae", base + "vae/diffusion_pytorch_model.safetensors", "sd3_vae.safetensors")
    loading = loaders(
        model=loader(
            "EditModelLoader",
            ("name", file("diffusion_models", weights, "ultraedit_w_mask.safetensors")),
        ),
        clip=loader(
            "TripleCLIPLoader", ("clip_name1", CLIP_L), ("clip_name2", CLIP_G), ("clip_name3", T5)
        ),
        vae=loader("VAELoader", ("vae_name", vae)),
    )
    saying = {
        **texts(("clip", 0)),
        "conditions": node(
            "UltraEditConditioning",
            positive=("instruction", 0),
            negative=("empty", 0),
            vae=("vae", 0),
            pixels=("picture", 0),
        ),
        "guider": dual(("model", 0), ("conditions", 0), ("conditions", 1), ("conditions", 2)),
    }
    return recipe("ultraedit", loading, saying, ("conditions", 3))


def cosxl_edit() -> Recipe:
    url = HUB + "stabilityai/cosxl/resolve/main/cosxl_edit.safetensors"
    checkpoint = file("checkpoints", url)
    loading = loaders(model=loader("CheckpointLoaderSimple", ("ckpt_name", checkpoint)))
    saying = {**texts(("model", 1)), "conditions": shown(("model", 2))}
    both, picture = ("conditions", 0), ("conditions", 1)
    saying["guider"] = dual(("model", 0), both, picture, ("empty", 0))
    return recipe("cosxl_edit", loading, saying, ("conditions", 2), ("model", 2))


def _referred(text: str) -> dict:
    return node("ReferenceLatent", conditioning=(text, 0), latent=("encoded", 0))


def flux_kontext() -> Recipe:
    base = HUB + "Comfy-Org/flux1-kontext-dev_ComfyUI/resolve/main/split_files/diffusion_models/"
    weights = unet(base + "flux1-dev-kontext_fp8_scaled.safetensors")
    clips = (("clip_name1", CLIP_L), ("clip_name2", T5))
    loading = separate(weights, loader("DualCLIPLoader", *clips, type="flux"), FLUX_VAE)
    saying = {
        **texts(("clip", 0)),
        "encoded": encoded(),
        "referred": _referred("instruction"),
        "guided": node("FluxGuidance", conditioning=("referred", 0), guidance=("defaults", 4)),
        "guider": plain_guider(("guided", 0), ("empty", 0)),
    }
    return recipe("flux_kontext", loading, saying, ("encoded", 0), null=("empty", 0))


def qwen_image_edit() -> Recipe:
    shared = HUB + "Comfy-Org/Qwen-Image_ComfyUI/resolve/main/split_files/"
    weights = (
        HUB + "Comfy-Org/Qwen-Image-Edit_ComfyUI/resolve/main/split_files/diffusion_models/"
        "qwen_image_edit_fp8_e4m3fn.safetensors"
    )
    clip = file("text_encoders", shared + "text_encoders/qwen_2.5_vl_7b_fp8_scaled.safetensors")
    vae = file("vae", shared + "vae/qwen_image_vae.safetensors")
    reader = loader("CLIPLoader", ("clip_name", clip), type="qwen_image")
    loading = separate(unet(weights), reader, vae)
    seen = {"clip": ("clip", 0), "vae": ("vae", 0), "image": ("picture", 0)}
    kind = "TextEncodeQwenImageEdit"
    saying = {
        "instruction": node(kind, "Instruction", prompt=INSTRUCTION, **seen),
        "empty": node(kind, "Empty text", prompt="", **seen),
        "encoded": encoded(),
        "shifted": node("ModelSamplingAuraFlow", model=("model", 0), shift=3.0),
        "normed": node("CFGNorm", model=("shifted", 0), strength=1.0),
        "guider": plain_guider(("instruction", 0), ("empty", 0), ("normed", 0)),
    }
    return recipe("qwen_image_edit", loading, saying, ("encoded", 0), model=("normed", 0))


def omnigen2() -> Recipe:
    base = HUB + "Comfy-Org/Omnigen2_ComfyUI_repackaged/resolve/main/split_files/"
    clip = file("text_encoders", base + "text_encoders/qwen_2.5_vl_fp16.safetensors")
    weights = unet(base + "diffusion_models/omnigen2_fp16.safetensors")
    reader = loader("CLIPLoader", ("clip_name", clip), type="omnigen2")
    loading = separate(weights, reader, FLUX_VAE)
    saying = {
        **texts(("clip", 0)),
        "encoded": encoded(),
        "both": _referred("instruction"),
        "shown": _referred("empty"),
        "guider": dual(("model", 0), ("both", 0), ("shown", 0), ("empty", 0)),
    }
    return recipe("omnigen2", loading, saying, ("encoded", 0))


def hidream_e1() -> Recipe:
    def encoder(name: str) -> dict:
        return file("text_encoders", f"{HIDREAM_FILES}text_encoders/{name}.safetensors")

    names = ("clip_g_hidream", "clip_l_hidream")
    names += ("t5xxl_fp8_e4m3fn_scaled", "llama_3.1_8b_instruct_fp8_scaled")
    clips = [(f"clip_name{place}", encoder(name)) for place, name in enumerate(names, start=1)]
    weights = unet(HIDREAM_FILES + "diffusion_models/hidream_e1_1_bf16.safetensors")
    vae = file("vae", HIDREAM_FILES + "vae/ae.safetensors")
    loading = separate(weights, loader("QuadrupleCLIPLoader", *clips), vae)
    saying = {
        **texts(("clip", 0)),
        "conditions": shown(("vae", 0)),
        "normed": node("CFGNorm", model=("model", 0), strength=1.0),
        "guider": dual(("normed", 0), ("conditions", 0), ("conditions", 1), ("empty", 0)),
    }
    return recipe("hidream_e1", loading, saying, ("conditions", 2), model=("normed", 0))


def flux2() -> Recipe:
    base = HUB + "Comfy-Org/flux2-dev/resolve/main/split_files/"
    clip = file("text_encoders", base + "text_encoders/mistral_3_small_flux2_bf16.safetensors")
    weights = unet(base + "diffusion_models/flux2_dev_fp8mixed.safetensors")
    reader = loader("CLIPLoader", ("clip_name", clip), type="flux2")
    loading = separate(weights, reader, file("vae", base + "vae/flux2-vae.safetensors"))
    saying = {
        **texts(("clip", 0)),
        "encoded": encoded(),
        "guided": node("FluxGuidance", conditioning=("instruction", 0), guidance=("defaults", 4)),
        "referred": _referred("guided"),
        "guider": plain_guider(("referred", 0), ("empty", 0)),
    }
    sizes = {"latent_image": ("encoded", 0)}
    latent = ("encoded", 0)
    return recipe("flux2", loading, saying, latent, defaults=sizes, null=("empty", 0))


EDIT_RECIPES = (
    magicbrush,
    instruct_diffusion,
    mgie,
    ultraedit,
    cosxl_edit,
    flux_kontext,
    qwen_image_edit,
    omnigen2,
    hidream_e1,
    flux2,
    *NEWER_RECIPES,
)
