"""Pictures on their way to teacher and VAE: cut, normalised, scaled, refused."""

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.testing import assert_close

from elect_tino.tino_core.training.pictures import (
    Item,
)
from elect_tino.tino_core.training.reading import read_picture
from elect_tino.tino_core.training.teachers import clip_teacher, preprocess, vgg_teacher
from elect_tino.tino_core.training.vae import load_encoder

from .test_training_data import CPU


def test_wide_pictures_are_cut_in_the_middle_and_anywhere_when_augmented(tmp_path):
    ramp = np.zeros((16, 32, 3), np.uint8)
    ramp[:] = np.arange(32)[None, :, None] * 8
    Image.fromarray(ramp).save(tmp_path / "ramp.png")
    item = Item("ramp.png", tmp_path / "ramp.png")
    middle = read_picture(item, 16)
    assert_close(middle[0, 0], torch.arange(8, 24) * 8 / 255)
    cuts = [read_picture(item, 16, seed) for seed in range(20)]
    assert len({cut[0, 0].min().item() for cut in cuts}) > 3
    assert {bool(cut[0, 0, 0] < cut[0, 0, -1]) for cut in cuts} == {True, False}
    assert torch.equal(read_picture(item, 16, 5), cuts[5])
    assert read_picture(item, 8).shape == (3, 8, 8)


def test_a_broken_picture_is_named(tmp_path):
    (tmp_path / "bad.png").write_text("no picture")
    with pytest.raises(ValueError, match="--images: bad.png could not be read"):
        read_picture(Item("bad.png", tmp_path / "bad.png"), 8)


@pytest.mark.parametrize("shift", [None, 0.1])
def test_latents_are_scaled_as_the_vae_says(tmp_path, shift):
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    torch.manual_seed(0)
    vae = AutoencoderKL(
        block_out_channels=(8,), norm_num_groups=4, scaling_factor=0.18215, shift_factor=shift
    ).eval()  # fmt: skip
    vae.save_pretrained(tmp_path / "pipeline" / "vae")
    (tmp_path / "pipeline" / "model_index.json").write_text("{}")
    pictures = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        out: Any = vae.encode(pictures * 2 - 1)
        drawn = out.latent_dist.sample(torch.Generator().manual_seed(5))
    expected = (drawn - (shift or 0)) * 0.18215
    for path in (tmp_path / "pipeline", tmp_path / "pipeline" / "vae"):
        encode = load_encoder(str(path), None, CPU)
        assert_close(encode(pictures, 5), expected)
        assert not torch.equal(encode(pictures, 6), expected)


def test_a_vae_of_videos_gives_the_normalised_latents_of_one_frame(tmp_path):
    """Qwen-Image's own class, small; ComfyUI's Wan21 format normalises by the same figures."""
    from diffusers.models.autoencoders.autoencoder_kl_qwenimage import AutoencoderKLQwenImage

    torch.manual_seed(0)
    mean, std = [0.5, -1.0, 0.0, 2.0], [2.0, 1.0, 0.5, 4.0]
    sizes: dict[str, Any] = {"base_dim": 8, "z_dim": 4, "dim_mult": [1, 1], "num_res_blocks": 1}
    vae = AutoencoderKLQwenImage(
        **sizes, temperal_downsample=[False], latents_mean=mean, latents_std=std
    ).eval()
    vae.save_pretrained(tmp_path)
    pictures = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        out: Any = vae.encode(pictures.unsqueeze(2) * 2 - 1)
        drawn = out.latent_dist.sample(torch.Generator().manual_seed(5))[:, :, 0]
    found = load_encoder(str(tmp_path), None, CPU)(pictures, 5)
    assert found.shape == (2, 4, 8, 8)
    for channel in range(4):
        expected = (drawn[:, channel] - mean[channel]) / std[channel]
        assert_close(found[:, channel], expected)


def test_a_tiny_autoencoder_gives_its_latents(tmp_path):
    from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny

    vae = AutoencoderTiny(scaling_factor=0.5).eval()
    vae.save_pretrained(tmp_path)
    pictures = torch.rand(1, 3, 16, 16)
    with torch.no_grad():
        out: Any = vae.encode(pictures * 2 - 1)
    expected = out.latents * 0.5
    assert_close(load_encoder(str(tmp_path), None, CPU)(pictures, 0), expected)


def test_pictures_in_0_to_1_are_normalised_per_channel_and_resized():
    white = preprocess(torch.ones(1, 3, 20, 20), 10, (0.5, 0.25, 0.0), (0.5, 0.5, 2.0))
    assert white.shape == (1, 3, 10, 10)
    assert_close(white[0, :, 0, 0], torch.tensor([1.0, 1.5, 0.5]))


@pytest.mark.parametrize("own", [False, True])
def test_the_clip_teacher_sees_what_transformers_own_preprocessing_gives(tmp_path, own):
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection
    from transformers.models.clip import CLIPImageProcessor

    sizes: dict[str, Any] = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = CLIPVisionConfig(image_size=32, patch_size=8, projection_dim=8, **sizes)
    tower = CLIPVisionModelWithProjection(config).eval()
    tower.save_pretrained(tmp_path)
    statistics: dict[str, Any] = {"image_mean": [0.5] * 3, "image_std": [0.25] * 3} if own else {}
    square: dict[str, Any] = {
        "size": {"shortest_edge": 32},
        "crop_size": {"height": 32, "width": 32},
    }
    processor = CLIPImageProcessor(**square, **statistics)
    if own:
        processor.save_pretrained(tmp_path)
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    pixels = processor(images=Image.fromarray(noise), return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        expected = tower(pixel_values=pixels).image_embeds
    pictures = torch.from_numpy(noise).permute(2, 0, 1)[None].float() / 255
    features = clip_teacher(str(tmp_path), CPU).features(pictures)
    # Theirs rounds to bytes after resizing.
    assert_close(features, expected, atol=2e-2, rtol=2e-2)


def test_torchvisions_vgg_file_is_a_teacher(tmp_path):
    from torchvision.models import vgg16

    with torch.device("meta"):
        shapes = vgg16(num_classes=2).state_dict()
    state = {key: torch.zeros(value.shape) for key, value in shapes.items()}
    state["classifier.6.bias"] = torch.tensor([1.0, 2.0])
    torch.save(state, tmp_path / "vgg16.pth")
    teacher = vgg_teacher(str(tmp_path / "vgg16.pth"), CPU)
    assert (teacher.size, teacher.config) == (224, {"num_channels": 3, "num_classes": 2})
    assert_close(teacher.features(torch.rand(1, 3, 64, 64)), torch.tensor([[1.0, 2.0]]))
