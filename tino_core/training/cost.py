"""What the recipes cost: FLOPs of a step counted on the meta device, hours on named GPUs.

Hours are reckoned, not measured: FLOPs over the GPU's peak times the share of it that is assumed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ..latent_clip import VIT_B_32, LatentCLIP
from ..latent_vgg import VGG16, LatentVGG
from .teachers import VGG_SIZE

SIDE = 512  # pixels
GPUS = {"A100 80 GB": 156.0, "H100 SXM": 494.0, "RTX 4090": 82.6}
"""Dense TF32 peak, TFLOP/s, by their makers' data sheets; TF32 is what convolutions run in here."""
SHARE = 0.35  # of the peak that a step is assumed to reach


@dataclass(frozen=True)
class Recipe:
    """vae: builds the VAE; channels: of its latents, whose side is an eighth of the picture's"""

    vae: Callable[[], nn.Module]
    channels: int
    latent_space: str


def _kl(channels: int, quant: bool) -> nn.Module:
    """The VAE of Stable Diffusion; SD3's and FLUX's have more channels and no last convolution."""
    from diffusers.models.autoencoders.autoencoder_kl import AutoencoderKL

    sizes: dict[str, Any] = {
        "block_out_channels": (128, 256, 512, 512),
        "down_block_types": ("DownEncoderBlock2D",) * 4,
        "up_block_types": ("UpDecoderBlock2D",) * 4,
        "layers_per_block": 2,
        "latent_channels": channels,
        "use_quant_conv": quant,
        "use_post_quant_conv": quant,
    }
    return AutoencoderKL(**sizes)


def _qwen() -> nn.Module:
    from diffusers.models.autoencoders.autoencoder_kl_qwenimage import AutoencoderKLQwenImage

    return AutoencoderKLQwenImage()


RECIPES = {
    "SD 1.5, SD 2.1": Recipe(lambda: _kl(4, True), 4, "SD15"),
    "SDXL": Recipe(lambda: _kl(4, True), 4, "SDXL"),
    "SD3": Recipe(lambda: _kl(16, False), 16, "SD3"),
    "FLUX": Recipe(lambda: _kl(16, False), 16, "Flux"),
    "Qwen-Image": Recipe(_qwen, 16, "Wan21"),
}


def flops(run: Callable[[], Any]) -> float:
    """FLOPs of a call, a multiplication and an addition each."""
    with FlopCounterMode(display=False) as counter:
        run()
    return float(counter.get_total_flops())


def encoder_flops(recipe: Recipe) -> float:
    """Of encoding one picture."""
    with torch.device("meta"), torch.no_grad():
        vae: Any = recipe.vae().eval()
        shape = (1, 3, 1, SIDE, SIDE) if recipe.latent_space == "Wan21" else (1, 3, SIDE, SIDE)
        return flops(lambda: vae.encode(torch.zeros(shape)))


def student_flops(student: str, channels: int) -> float:
    """Of a teacher's look at one picture, and of a student's way there and back."""
    with torch.device("meta"):
        if student == "clip":
            seen = {**VIT_B_32, "num_channels": 3, "image_size": 224, "patch_size": 32}
            teacher, own = LatentCLIP(seen), LatentCLIP({**VIT_B_32, "num_channels": channels})
            side = 224
        else:
            teacher, own = (LatentVGG({**VGG16, "num_channels": c}) for c in (3, channels))
            side = VGG_SIZE
        inner: Any = teacher.tower if isinstance(teacher, LatentCLIP) else teacher.network
        with torch.no_grad():
            look = flops(lambda: inner(torch.zeros(1, 3, side, side)))
        latent = torch.zeros(1, channels, SIDE // 8, SIDE // 8)
        return look + flops(lambda: own(latent).sum().backward())


def hours(picture_flops: float, pictures: int, tflops: float) -> float:
    """On a GPU of that peak, see SHARE."""
    return picture_flops * pictures / (tflops * 1e12 * SHARE) / 3600


def table(steps: int, batch: int) -> str:
    """One row a recipe and student."""
    head = ["recipe", "student", "GFLOP a picture", *(f"hours, {name}" for name in GPUS)]
    rows = [head, ["---"] * len(head)]
    for title, recipe in RECIPES.items():
        encoding = encoder_flops(recipe)
        for student, name in (("clip", "LatentCLIP"), ("vgg", "LatentVGG")):
            each = encoding + student_flops(student, recipe.channels)
            times = [f"{hours(each, steps * batch, peak):.1f}" for peak in GPUS.values()]
            rows.append([title, name, f"{each / 1e9:.0f}", *times])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def measured_gflops(side: int = 128) -> float:
    """GFLOP/s that one thread of this CPU reaches in SD's encoder, by its own time."""
    vae: Any = _kl(4, True).eval()
    picture = torch.zeros(1, 3, side, side)
    with torch.no_grad():
        count = flops(lambda: vae.encode(picture))
        begin = time.process_time()
        vae.encode(picture)
    return count / (time.process_time() - begin) / 1e9


def print_cost(arguments: list[str]) -> None:
    """`--cost`: the table, and how fast this CPU is."""
    parser = argparse.ArgumentParser(prog="python -m elect_tino.tino_core.training --cost")
    parser.add_argument("--steps", type=int, default=100_000, help="default 100000")
    parser.add_argument("--batch", type=int, default=16, help="pictures a step (default 16)")
    options = parser.parse_args(arguments)
    print(table(options.steps, options.batch))
    print(f"\nThis CPU, one thread: {measured_gflops():.0f} GFLOP/s in SD's encoder.")
