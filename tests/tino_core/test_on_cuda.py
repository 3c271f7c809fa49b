"""One recipe for a minute at full size, where there is CUDA: the loss falls."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional as F

from elect_tino.tino_core.latent_clip import VIT_B_32, LatentCLIP

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"),
]


def photographs(folder, number: int) -> None:
    """Smooth random pictures, all different: nothing is downloaded."""
    folder.mkdir()
    generator = torch.Generator().manual_seed(0)
    for index in range(number):
        coarse = torch.rand(1, 3, 6, 6, generator=generator)
        picture = F.interpolate(coarse, (512, 512), mode="bicubic").clamp(0, 1)[0]
        pixels = (picture.movedim(0, -1).numpy() * 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:03}.png")


def test_the_recipe_for_sd_lowers_its_loss_at_full_size(tmp_path):
    """SD's VAE and ViT-B/32 at their sizes, random weights, 60 steps of batch 16 in bfloat16."""
    import json

    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    from elect_tino.tino_core.training.cost import RECIPES
    from elect_tino.tino_core.training.distil import distil
    from elect_tino.tino_core.training.options import Options

    torch.manual_seed(0)
    RECIPES["SD 1.5, SD 2.1"].vae().save_pretrained(tmp_path / "vae")  # type: ignore[operator]
    sizes = {**VIT_B_32, "num_channels": 3, "image_size": 224, "patch_size": 32}
    CLIPVisionModelWithProjection(CLIPVisionConfig(**sizes)).save_pretrained(tmp_path / "teacher")
    photographs(tmp_path / "images", 256)
    options = Options(
        student="clip",
        teacher=str(tmp_path / "teacher"),
        vae=str(tmp_path / "vae"),
        latent_space="SD15",
        images=str(tmp_path / "images"),
        output=tmp_path / "student.safetensors",
        run=tmp_path / "run",
        steps=60,
        lr=1e-4,
        precision="bf16",
        validation_count=16,
        validate_every=60,
        checkpoint_every=60,
        from_scratch=True,
    )
    distil(options)
    lines = (tmp_path / "run" / "loss.jsonl").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:5])


@torch.no_grad()
def test_a_student_gives_on_cuda_what_it_gives_on_the_cpu():
    torch.manual_seed(0)
    student, latent = LatentCLIP().eval(), torch.randn(2, 4, 64, 64)
    expected = student(latent)
    device = torch.device("cuda")
    found = student.to(device)(latent.to(device)).cpu()
    assert F.cosine_similarity(found, expected).min() > 0.999
