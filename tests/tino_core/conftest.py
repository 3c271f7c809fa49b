"""Small files to train from."""

from pathlib import Path
from typing import Any

import pytest
import torch

from elect_tino.tino_core.latent_vgg import LatentVGG

from .small_training import CLIP_SIZES, NUM_PICTURES, VGG_SIZES, save_pictures


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    """Pictures of one colour each, a VAE, and a teacher of either kind."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    root = tmp_path_factory.mktemp("training")
    torch.manual_seed(0)
    save_pictures(root / "images" / "some", NUM_PICTURES // 2, 0)
    save_pictures(root / "images" / "more", NUM_PICTURES // 2, 1)
    sizes: dict[str, Any] = {
        "down_block_types": ("DownEncoderBlock2D",) * 2,
        "up_block_types": ("UpDecoderBlock2D",) * 2,
        "block_out_channels": (8, 8),
        "norm_num_groups": 4,
    }
    AutoencoderKL(**sizes, scaling_factor=0.25).save_pretrained(root / "vae")
    CLIPVisionModelWithProjection(CLIPVisionConfig(**CLIP_SIZES)).save_pretrained(root / "clip")
    LatentVGG(VGG_SIZES, "pixels").save(root / "vgg.safetensors")
    return root
