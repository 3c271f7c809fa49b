"""The editing models of today at small size, with random weights, as ComfyUI itself builds them.

Each is ComfyUI's own architecture behind ComfyUI's own configuration class, its weights read from a
real safetensors file. ComfyUI's loader takes the sizes of Wan from the file, so Wan goes through
`comfy.sd.load_diffusion_model`. For the others it fixes the width (Flux 3072, Qwen-Image 3072,
OmniGen2 2520, HiDream 2560, Flux.2 6144, CosXL 320 channels), so they are built by the class that
the loader would choose for the same configuration, only narrower.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from .conftest import UNET

WIDTH = 16
"""Width of the random text features."""

FLUX = {
    "image_model": "flux",
    "in_channels": 16,
    "out_channels": 16,
    "patch_size": 2,
    "hidden_size": 48,
    "num_heads": 2,
    "axes_dim": [4, 10, 10],
    "theta": 10000,
    "depth": 2,
    "depth_single_blocks": 2,
    "mlp_ratio": 4.0,
    "vec_in_dim": WIDTH,
    "context_in_dim": WIDTH,
    "qkv_bias": True,
    "guidance_embed": True,
}
FLUX2 = {
    **FLUX,
    "image_model": "flux2",
    "in_channels": 128,
    "out_channels": 128,
    "patch_size": 1,
    "axes_dim": [6, 6, 6, 6],
    "theta": 2000,
    "depth": 1,
    "depth_single_blocks": 1,
    "mlp_ratio": 3.0,
    "vec_in_dim": None,
    "qkv_bias": False,
    "ops_bias": False,
    "global_modulation": True,
    "mlp_silu_act": True,
    "default_ref_method": "index",
    "ref_index_scale": 10.0,
}
QWEN = {
    "image_model": "qwen_image",
    "in_channels": 64,
    "out_channels": 16,
    "num_layers": 2,
    "num_attention_heads": 2,
    "attention_head_dim": 24,
    "joint_attention_dim": WIDTH,
    "axes_dims_rope": (4, 10, 10),
}
OMNIGEN2 = {
    "image_model": "omnigen2",
    "in_channels": 16,
    "hidden_size": 48,
    "num_layers": 2,
    "num_refiner_layers": 1,
    "num_attention_heads": 2,
    "num_kv_heads": 1,
    "multiple_of": 16,
    "axes_dim_rope": [8, 8, 8],
    "axes_lens": [64, 64, 64],
    "text_feat_dim": WIDTH,
    "timestep_scale": 1000.0,
}
HIDREAM = {
    "image_model": "hidream",
    "in_channels": 16,
    "out_channels": 16,
    "patch_size": 2,
    "num_layers": 1,
    "num_single_layers": 1,
    "num_attention_heads": 2,
    "attention_head_dim": 24,
    "axes_dims_rope": [8, 8, 8],
    "caption_channels": [WIDTH, WIDTH],
    "llama_layers": [0, 1],
    "text_emb_dim": WIDTH,
    "num_routed_experts": 4,
    "num_activated_experts": 2,
    "max_resolution": [128, 128],
}
COSXL = {name: value for name, value in UNET.items() if name != "dtype"} | {
    "context_dim": WIDTH,
    "use_linear_in_transformer": True,
    "num_classes": "sequential",
    "adm_in_channels": WIDTH + 6 * 256,
}
EDM_VPRED = {
    "edm_vpred.sigma_max": torch.tensor(120.0),
    "edm_vpred.sigma_min": torch.tensor(0.002),
}
"""By these ComfyUI's loader tells CosXL from SDXL."""
WAN = {"image_model": "wan2.1", "model_type": "t2v", "dim": 128, "ffn_dim": 64}
# Keys by which ComfyUI's loader tells the files of FLUX and FLUX.2.
_FLUX_KEYS = ("img_in.weight", "txt_in.weight", "double_blocks.0.img_attn.norm.key_norm.scale")
_TOLD_BY = {
    "flux": _FLUX_KEYS,
    "flux2": (*_FLUX_KEYS, "double_stream_modulation_img.lin.weight"),
}


def completed(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings, and what else this ComfyUI's own detection says of a file of that kind.

    Newer versions have further settings without a default, such as FLUX's ``txt_ids_dims``.
    """
    import comfy.model_detection

    keys = _TOLD_BY.get(settings.get("image_model", ""))
    if keys is None:
        return dict(settings)
    state = dict.fromkeys(keys, torch.empty(3072, 64, device="meta"))
    return {**comfy.model_detection.detect_unet_config(state, ""), **settings}


def _config(settings: dict[str, Any]):
    """The configuration class that ComfyUI's loader chooses for the settings, on the CPU."""
    import comfy.model_detection
    import comfy.supported_models

    kind = settings.get("config")
    if kind is not None:
        made = {key: value for key, value in completed(settings).items() if key != "config"}
        config = getattr(comfy.supported_models, kind)(made)
        config.unet_config = made | {
            key: value for key, value in config.unet_extra_config.items() if key not in made
        }
    elif "image_model" in settings:
        config = comfy.model_detection.model_config_from_unet_config(completed(settings))
    else:
        config = comfy.supported_models.SDXL_instructpix2pix(dict(settings))
    config.set_inference_dtype(torch.float32, None)
    config.custom_operations = None
    return config


def randomise(module: torch.nn.Module, seed: int = 0) -> torch.nn.Module:
    """Random weights under which text, picture and noise level all matter to the output."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in sorted(module.named_parameters()):
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.ndim > 1 and min(parameter.shape[:2]) > 1:
                parameter.copy_(noise / parameter[0].numel() ** 0.5)
            else:
                is_scale = name.endswith(("weight", "scale", "gamma"))
                parameter.copy_(0.1 * noise + float(is_scale))
    return module


def build(settings: dict[str, Any], folder: Path, state_dict: dict | None = None):
    """A MODEL of ComfyUI's class for the settings, its weights read from a file in `folder`."""
    import comfy.model_management
    import comfy.model_patcher
    import comfy.utils

    file = folder / "model.safetensors"
    config = _config(settings)
    marks = {} if "image_model" in settings else dict(EDM_VPRED)
    model = config.get_model(marks, device=torch.device("cpu"))
    if state_dict is None:
        state_dict = randomise(model.diffusion_model).state_dict()
    comfy.utils.save_torch_file(dict(state_dict), str(file))
    model.load_model_weights(comfy.utils.load_torch_file(str(file)))
    device = comfy.model_management.get_torch_device()
    return comfy.model_patcher.ModelPatcher(model.eval(), device, torch.device("cpu"))


def build_wan(folder: Path, **changes):
    """Wan 2.1: a file of its layout through ComfyUI's own loader.

    changes: to the layout of text to video, such as ``in_dim=36, model_type="i2v"``
    """
    import comfy.ldm.wan.model
    import comfy.ops
    import comfy.sd
    import comfy.utils

    file = folder / "wan.safetensors"
    layout = {"dim": 128, "ffn_dim": 64, "num_heads": 1, "num_layers": 1, **changes}
    net = comfy.ldm.wan.model.WanModel(**layout, operations=comfy.ops.disable_weight_init)
    comfy.utils.save_torch_file(randomise(net).state_dict(), str(file))
    return comfy.sd.load_diffusion_model(str(file), {"dtype": torch.float32})


def wan_vae(folder: Path):
    """The VAE of Wan and Qwen-Image, 16 channels wide: a real file through ComfyUI's loader."""
    import comfy.ldm.wan.vae
    import comfy.sd
    import comfy.utils

    file = folder / "vae.safetensors"
    net = comfy.ldm.wan.vae.WanVAE(dim=16, z_dim=16, temperal_downsample=[False, True, True])
    comfy.utils.save_torch_file(randomise(net).state_dict(), str(file))
    return comfy.sd.VAE(comfy.utils.load_torch_file(str(file)), dtype=torch.float32)


def kl_vae(latent_channels: int, pixels: int):
    """An AutoencoderKL of ComfyUI's, small, behind its own VAE object; 16 pixels is Flux.2's.

    The loader fixes the width to 128, so the configuration is given, as some checkpoints do it.
    """
    import comfy.sd
    from comfy.ldm.models.autoencoder import AutoencoderKL

    shape = {"ch": 32, "ch_mult": [1, 1, 1, 1], "num_res_blocks": 1, "attn_resolutions": []}
    flux2 = pixels == 16
    moments = latent_channels // 4 if flux2 else latent_channels
    settings = {"double_z": True, "z_channels": moments, "resolution": 64, "in_channels": 3}
    ddconfig = {**shape, **settings, "out_ch": 3, "dropout": 0.0, "batch_norm_latent": flux2}
    params = {"embed_dim": moments, "ddconfig": ddconfig}
    weights = randomise(AutoencoderKL(**params)).state_dict()
    vae = comfy.sd.VAE(weights, config={"params": params}, dtype=torch.float32)
    vae.latent_channels = latent_channels
    vae.downscale_ratio = vae.upscale_ratio = pixels
    return vae
