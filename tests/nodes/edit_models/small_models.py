"""Small editing models of random weights, as diffusers and transformers build and save them.

UNet, transformer and text encoders are narrow; the VAEs are of Stable Diffusion's full width, since
ComfyUI's VAE knows no other.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from elect_tino.harness.server.comfy_server import comfy_path

BETAS: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
}


def clip_text(with_projection: bool, num_layers: int):
    """A narrow CLIP text encoder over the real vocabulary."""
    transformers: Any = pytest.importorskip("transformers")

    config = transformers.CLIPTextConfig(
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=num_layers,
        num_attention_heads=2,
        projection_dim=32,
        hidden_act="gelu" if with_projection else "quick_gelu",
        pad_token_id=49407,
    )
    name = "CLIPTextModelWithProjection" if with_projection else "CLIPTextModel"
    # On the CPU ComfyUI holds text encoders in float16: weights that it holds exactly.
    return getattr(transformers, name)(config).half().float().eval()


def vae(latent_channels: int, scaling_factor: float, **given):
    """Stable Diffusion's VAE in its one size."""
    diffusers: Any = pytest.importorskip("diffusers")

    made = diffusers.AutoencoderKL(
        block_out_channels=(128, 256, 512, 512),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=latent_channels,
        scaling_factor=scaling_factor,
        **given,
    )
    return made.half().float().eval()  # of weights that a float16 file holds exactly


def pix2pix_unet(heads: int):
    diffusers: Any = pytest.importorskip("diffusers")

    unet = diffusers.UNet2DConditionModel(
        in_channels=8,
        out_channels=4,
        layers_per_block=1,
        block_out_channels=(32, 64),
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        cross_attention_dim=32,
        attention_head_dim=heads,
    )
    # The levels and scales make 100 of every rounding error: keep them below 1e-4 in float32.
    unet.conv_out.weight.data.mul_(0.3)
    return unet.eval()


def pix2pix_pipeline(heads: int):
    """A diffusers InstructPix2Pix pipeline that keeps to Euler ancestral."""
    diffusers: Any = pytest.importorskip("diffusers")
    transformers: Any = pytest.importorskip("transformers")

    words = comfy_path() / "comfy/sd1_tokenizer"
    pipe = diffusers.StableDiffusionInstructPix2PixPipeline(
        vae=vae(4, 0.18215),
        text_encoder=clip_text(with_projection=False, num_layers=2),
        tokenizer=transformers.CLIPTokenizer.from_pretrained(str(words), model_max_length=77),
        unet=pix2pix_unet(heads),
        scheduler=diffusers.EulerAncestralDiscreteScheduler(**BETAS),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


def save_pix2pix(pipe: Any, folder: Path) -> None:
    """The pipeline's folder, its VAE in half precision to keep the file small."""
    pipe.vae.half()
    pipe.save_pretrained(folder)
    pipe.vae.float()


@dataclass(frozen=True)
class UltraEditModules:
    """Parts of an UltraEdit; its T5, of one size and 9 GB, may be left out, and is."""

    transformer: Any
    vae: Any
    text_encoder: Any
    text_encoder_2: Any

    def save(self, folder: Path, shard: str) -> None:
        """The folder as a diffusers pipeline saves it."""
        diffusers: Any = pytest.importorskip("diffusers")

        parts = {
            name: [type(m).__module__.split(".")[0], type(m).__name__]
            for name, m in vars(self).items()
        }
        index = {"_class_name": "StableDiffusion3InstructPix2PixPipeline", **parts}
        folder.mkdir(parents=True)
        (folder / "model_index.json").write_text(json.dumps(index), encoding="utf-8")
        for name, module in vars(self).items():
            if name == "vae":
                module.half()  # a small file
            size = shard if name == "transformer" else "10GB"
            module.save_pretrained(folder / name, max_shard_size=size)
            module.float()
        scheduler = diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)
        scheduler.save_pretrained(folder / "scheduler")


def ultraedit_transformer(in_channels: int):
    diffusers: Any = pytest.importorskip("diffusers")

    return diffusers.SD3Transformer2DModel(
        sample_size=16,
        patch_size=2,
        in_channels=in_channels,
        out_channels=16,
        num_layers=2,
        attention_head_dim=64,
        num_attention_heads=2,
        joint_attention_dim=4096,
        caption_projection_dim=128,
        pooled_projection_dim=64,
        pos_embed_max_size=12,
    ).eval()


def ultraedit_parts() -> dict[str, Any]:
    """What UltraEdits of both widths share: the VAE and the text encoders."""
    own = {"shift_factor": 0.0609, "use_quant_conv": False, "use_post_quant_conv": False}
    return {
        "vae": vae(16, 1.5305, **own),
        "text_encoder": clip_text(with_projection=True, num_layers=3),
        "text_encoder_2": clip_text(with_projection=True, num_layers=31),
    }
