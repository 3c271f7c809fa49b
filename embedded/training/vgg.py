"""Trains the VGG-like teacher: which names and which background a picture shows.

Its outputs before the sigmoid are the perceptual feature, as VGG-16's 1000 logits are. A head that
tells what each cell shows helps the convolutions to learn and is dropped.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import Conv2d
from torch.nn import functional as F

from ...tino_core.latent_vgg import LatentVGG
from ..data.pixels import to_floats
from ..data.teacher_pictures import BACKGROUNDS, NAMES, Pictures, load_pictures, render_pairs
from ..world.objects import SIZE
from .run import Budget, Run

BATCH, LR, NUM_VAL_PAIRS = 32, 1e-3, 200
VGG_CONFIG = {
    "num_channels": 3,
    "num_classes": len(NAMES) + len(BACKGROUNDS),
    "layers": [16, "M", 32, "M", 64, 64, "M", 96, "M"],
    "pool": 1,
    "hidden": 256,
    "dropout": 0.0,
    "image_size": SIZE,
}
# As the training script normalises pictures for any VGG.
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class VggTeacher(nn.Module):
    """The network that ships, and the head of the training."""

    def __init__(self) -> None:
        super().__init__()
        self.vgg = LatentVGG(VGG_CONFIG, "pixels")
        self.cells_head = Conv2d(VGG_CONFIG["layers"][-2], len(NAMES) + 1, 1)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Outputs (N, 37), and logits (N, 33, GRID, GRID) of the cells."""
        network = self.vgg.network
        maps = network.features(vgg_pixels(pictures))
        return network.classifier(network.avgpool(maps).flatten(1)), self.cells_head(maps)


def vgg_pixels(pictures: Tensor) -> Tensor:
    """Pictures in [0, 1] normalised with ImageNet's mean and deviation."""
    mean, std = (torch.tensor(v).view(1, 3, 1, 1).to(pictures) for v in (MEAN, STD))
    return (pictures - mean) / std


@torch.no_grad()
def named_rightly(vgg: nn.Module, pictures: Pictures) -> dict[str, float]:
    """How well names are told from pictures (flat).

    ranked: chance that a name that is shown gets a higher output than one that is not, 0.5 to 1;
    recall, precision: of outputs above 0
    """
    parts = pictures.pictures.split(50)
    out = torch.cat([vgg(vgg_pixels(to_floats(part))) for part in parts])[:, : len(NAMES)]
    shown = pictures.shown[:, : len(NAMES)].bool()
    told = out > 0
    return {
        "ranked": (out[shown][:, None] > out[~shown]).float().mean().item(),
        "recall": (told & shown).sum().item() / shown.sum().item(),
        "precision": (told & shown).sum().item() / max(1, int(told.sum())),
    }


def train_vgg(folder: Path, pictures_folder: Path, budget: Budget) -> Run:
    """Runs or resumes the training in the folder."""
    torch.manual_seed(0)
    teacher = VggTeacher()
    run = Run(folder, nn.ModuleDict({"teacher": teacher}), lr=LR, budget=budget, ema=0.99)
    if run.progress >= 1:
        return run
    pictures = load_pictures(pictures_folder).flat()
    held_out = render_pairs("val", 0, NUM_VAL_PAIRS).flat()

    def loss_of(generator: torch.Generator):
        chosen = torch.randint(len(pictures), (BATCH,), generator=generator)
        batch, cells = to_floats(pictures.pictures[chosen]), pictures.cells[chosen]
        if torch.rand(1, generator=generator) < 0.5:
            batch, cells = batch.flip(-1), cells.flip(-1)
        out, told = teacher(batch)
        named = F.binary_cross_entropy_with_logits(out, pictures.shown[chosen])
        placed = F.cross_entropy(told, cells)
        parts = {"names": round(named.item(), 4), "cells": round(placed.item(), 4)}
        return 10 * named + placed, parts

    def report(run: Run) -> None:
        if run.step % 200 == 0:
            figures = named_rightly(averaged_vgg(run), held_out)
            print(f"vgg step {run.step} {run.seconds:.0f} s", figures, flush=True)

    run.loop(loss_of, 100, report)
    return run


def averaged_vgg(run: Run) -> LatentVGG:
    """A copy with the averaged weights; the head stays behind."""
    teacher = VggTeacher()
    teacher.load_state_dict({k.removeprefix("teacher."): v for k, v in run.average.items()})
    return teacher.vgg.eval().requires_grad_(False)
