"""Editing models as real diffusers folders: small, of random weights, in ComfyUI's model folders.

UNet, transformer and text encoders are narrow; the VAEs are of Stable Diffusion's full width, since
ComfyUI's VAE knows no other. Everything is written by diffusers and transformers themselves.
"""

import functools
import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch

PROMPT = "make it red"
BETAS: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "num_train_timesteps": 1000,
}


@dataclass(frozen=True)
class Saved:
    """A folder in ComfyUI's models/diffusers, and the modules that were saved there."""

    name: str
    folder: Path
    modules: Any


def models(kind: str) -> Path:
    """ComfyUI's folder of a kind, made if need be."""
    import folder_paths

    folder = Path(folder_paths.get_folder_paths(kind)[0])
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def picture(height: int = 64, width: int = 48) -> torch.Tensor:
    """An IMAGE (1, H, W, 3) that is not square."""
    return torch.rand(1, height, width, 3, generator=torch.Generator().manual_seed(1))


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
    import comfy.sd1_clip

    diffusers: Any = pytest.importorskip("diffusers")
    transformers: Any = pytest.importorskip("transformers")

    words = Path(str(comfy.sd1_clip.__file__)).parent / "sd1_tokenizer"
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


@pytest.fixture(scope="session")
def instruct_pix2pix() -> Saved:
    """As its authors publish it: safetensors, 8 heads."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        pipe = pix2pix_pipeline(heads=8)
    folder = models("diffusers") / "instruct-pix2pix"
    pipe.vae.half()  # a small file
    pipe.save_pretrained(folder)
    pipe.vae.float()
    return Saved("instruct-pix2pix/", folder, pipe)


@pytest.fixture(scope="session")
def magicbrush(instruct_pix2pix: Saved) -> Saved:
    """The same architecture with a UNet of its own, in pickles, below a folder of the author's."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        unet = pix2pix_unet(heads=4)
    pipe = type(instruct_pix2pix.modules)(
        **{**instruct_pix2pix.modules.components, "unet": unet}, requires_safety_checker=False
    )
    pipe.set_progress_bar_config(disable=True)
    folder = models("diffusers") / "author" / "magicbrush"
    shutil.copytree(
        instruct_pix2pix.folder,
        folder,
        ignore=shutil.ignore_patterns("unet"),
        copy_function=lambda a, b: Path(b).symlink_to(a),
    )
    unet.save_config(folder / "unet")
    torch.save(unet.state_dict(), folder / "unet/diffusion_pytorch_model.bin")
    return Saved("author/magicbrush/", folder, pipe)


@dataclass(frozen=True)
class UltraEditModules:
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


@pytest.fixture(scope="session")
def ultraedit_parts() -> dict[str, Any]:
    """What UltraEdits of both widths share: the VAE and the text encoders."""
    with torch.random.fork_rng():
        torch.manual_seed(2)
        return {
            "vae": vae(
                16, 1.5305, shift_factor=0.0609, use_quant_conv=False, use_post_quant_conv=False
            ),
            "text_encoder": clip_text(with_projection=True, num_layers=3),
            "text_encoder_2": clip_text(with_projection=True, num_layers=31),
        }


@pytest.fixture(scope="session")
def free_form(ultraedit_parts: dict[str, Any]) -> Saved:
    """UltraEdit with 32 input channels."""
    return _saved_ultraedit("ultraedit-free", 32, "10GB", ultraedit_parts)


@pytest.fixture(scope="session")
def masked(ultraedit_parts: dict[str, Any]) -> Saved:
    """UltraEdit with 48 input channels, its transformer in shards."""
    return _saved_ultraedit("ultraedit-mask", 48, "1MB", ultraedit_parts)


def _saved_ultraedit(name: str, in_channels: int, shard: str, parts: dict[str, Any]) -> Saved:
    with torch.random.fork_rng():
        torch.manual_seed(in_channels)
        modules = UltraEditModules(ultraedit_transformer(in_channels), **parts)
    folder = models("diffusers") / name
    modules.save(folder, shard)
    return Saved(f"{name}/", folder, modules)


@pytest.fixture(scope="session")
def load():
    """EditModelLoader's `execute`, in inference mode as ComfyUI runs it."""
    from elect_tino.nodes.edit_model_loader import EditModelLoader

    @torch.inference_mode()
    def run(name: str, weight_dtype: str = "fp32") -> tuple:
        return EditModelLoader.execute(name, weight_dtype).args

    return run


@pytest.fixture(scope="session")
def loaded(load):
    """As `load`, but each name and dtype once: for folders that no test changes."""
    return functools.cache(load)


@pytest.fixture(scope="session")
def encode():
    """CLIPTextEncode."""

    @torch.inference_mode()
    def run(clip, text: str) -> list:
        return clip.encode_from_tokens_scheduled(clip.tokenize(text))

    return run
