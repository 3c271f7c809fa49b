"""How well a LatentCLIP says of latents what its teacher says of the pictures; nothing is trained.

python -m elect_tino.tino_core.training --evaluate student.safetensors --teacher ... --vae ...
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from ..latent_clip import load_latent_clip
from .pictures import open_source
from .reading import read_picture
from .teachers import clip_teacher
from .vae import load_encoder


def ranking_agreement(student: Tensor, teacher: Tensor) -> float:
    """Share of triples that both order alike: is picture i nearer to j or to k? 0.5 is chance.

    student (N, D), teacher (N, E): features of the same pictures, at least three.
    """
    unit = [F.normalize(features.float(), dim=1) for features in (student, teacher)]
    shares = []
    for anchor in range(len(student)):  # one at a time: all triples at once are N cubed
        others = torch.arange(len(student)) != anchor
        near = [(features @ features[anchor])[others] for features in unit]
        alike = (near[0][:, None] > near[0]) == (near[1][:, None] > near[1])
        pairs = torch.ones_like(alike).triu(1)
        shares.append(alike[pairs].float().mean())
    return float(torch.stack(shares).mean())


def figures(student: Tensor, teacher: Tensor) -> dict[str, float]:
    """Mean cosine of each pair, of each with its neighbour's, and the agreement of the rankings.

    student, teacher (N, D).  The second is what a student that sees nothing would get.
    """
    own = F.cosine_similarity(student.float(), teacher.float(), dim=1)
    shifted = F.cosine_similarity(student.float(), teacher.float().roll(1, 0), dim=1)
    return {
        "pictures": len(student),
        "cosine": float(own.mean()),
        "lowest cosine": float(own.min()),
        "cosine with another picture's": float(shifted.mean()),
        "ranking agreement": ranking_agreement(student, teacher),
    }


@torch.no_grad()
def evaluate(options: argparse.Namespace) -> dict[str, float]:
    """The figures over the first pictures of a folder. Raises ValueError naming the option."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    student = load_latent_clip(options.evaluate).to(device)
    encode = load_encoder(options.vae, options.vae_config, device)
    teacher = clip_teacher(options.teacher, device)
    source = open_source(options.images, "--images")
    items = [one for block in range(source.num_blocks) for one in source.items(block)]
    items = items[: options.count]
    if len(items) < 3:
        raise ValueError(f"--images: expected 3 pictures or more to rank, got {len(items)}.")
    seen, wanted = [], []
    for first in range(0, len(items), options.batch):
        batch = items[first : first + options.batch]
        pictures = torch.stack([read_picture(one, options.resolution) for one in batch])
        latents = encode(pictures, first)
        if latents.shape[1] != student.config["num_channels"]:
            raise ValueError(
                f"--vae: its latents have {latents.shape[1]} channels, "
                f"{Path(options.evaluate).name} reads {student.config['num_channels']}."
            )
        seen.append(student(latents).cpu())
        wanted.append(teacher.features(pictures).cpu())
    student_features, teacher_features = torch.cat(seen), torch.cat(wanted)
    if student_features.shape != teacher_features.shape:
        raise ValueError(
            f"--teacher: it gives {teacher_features.shape[1]} numbers, the student "
            f"{student_features.shape[1]}, so it is not the one that taught it."
        )
    return figures(student_features, teacher_features)


def parse(arguments: list[str] | None) -> argparse.Namespace:
    """The command line with --evaluate."""
    parser = argparse.ArgumentParser(
        prog="python -m elect_tino.tino_core.training",
        description=__doc__,
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--evaluate", required=True, metavar="FILE", help="a LatentCLIP's weights")
    parser.add_argument("--teacher", required=True, help="folder or hub name of its CLIP")
    parser.add_argument("--vae", required=True, help="that made the latents it was trained on")
    parser.add_argument("--vae-config", help="config of a single-file VAE")
    parser.add_argument("--images", required=True, help="folder or shards that it was not taught")
    parser.add_argument("--resolution", type=int, default=512, help="pixels a side")
    parser.add_argument("--batch", type=int, default=8, help="pictures at once")
    parser.add_argument("--count", type=int, default=200, help="pictures at most")
    return parser.parse_args(arguments)


def report(options: argparse.Namespace) -> None:
    """Print the figures as JSON."""
    print(json.dumps({name: round(value, 4) for name, value in evaluate(options).items()}))
