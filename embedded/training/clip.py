"""Trains the CLIP-like teacher: pictures and captions of the tiny world in one space.

The text encoder stays as it is; a small projection of its outputs is learned. Source, target and
wrong answers of an edit are always in one batch: their captions differ in a word or two, mostly in
the shape, which is learned last. Two helps that leave no trace in the weights: heads that name what
the picture and each of its cells show.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import Linear
from torch.nn import functional as F

from ..data.pixels import to_floats
from ..data.teacher_pictures import BACKGROUNDS, NAMES, Pictures, load_pictures, render_pairs
from ..model.observers import CLIP_CONFIG, build_clip_tower, clip_pixels
from ..model.shipped import shipped
from ..model.text import CONFIG, END, PROJECTION_DIM, TextProjection, TinyTextModel
from .run import Budget, Run

BATCH_GROUPS, LR, NUM_VAL_PAIRS = 15, 1e-3, 200
_NAMES_WEIGHT, _CELLS_WEIGHT = 0.5, 0.5
_LARGEST_SCALE = math.log(100)


class ClipTeacher(nn.Module):
    """Image tower, text projection and temperature; two heads for training."""

    tower: Any

    def __init__(self) -> None:
        super().__init__()
        self.tower = build_clip_tower()
        self.text_projection = TextProjection(CONFIG["hidden_size"], PROJECTION_DIM)
        self.logit_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))
        self.names_head = Linear(PROJECTION_DIM, len(NAMES) + len(BACKGROUNDS))
        self.cells_head = Linear(CLIP_CONFIG["hidden_size"], len(NAMES) + 1)

    def logits(self, image: Tensor, text: Tensor) -> Tensor:
        """Scaled cosines (N, N) of image features with projected text features."""
        scale = self.logit_scale.clamp(max=_LARGEST_SCALE).exp()
        return scale * F.normalize(image, dim=-1) @ F.normalize(text, dim=-1).T


@torch.no_grad()
def text_outputs(captions: Tensor) -> Tensor:
    """Outputs (N, L, width) of the shipped text encoder for token ids (N, L)."""
    model = TinyTextModel({}).eval()
    model.load_state_dict(shipped("text_encoder.safetensors"))
    return torch.cat([model(rows)[0] for rows in captions.split(500)])


def lengths(captions: Tensor) -> Tensor:
    """Tokens up to END, (N,), of token ids (N, L)."""
    return (captions == END).int().argmax(1) + 1


def contrastive_loss(logits: Tensor, captions: Tensor) -> Tensor:
    """InfoNCE both ways over (N, N) logits; rows with the same caption are no negatives."""
    same = (captions[:, None] == captions[None]).all(-1)
    same.fill_diagonal_(False)
    logits = logits.masked_fill(same, -torch.inf)
    right = torch.arange(len(logits))
    return (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2


def clip_loss(
    teacher: ClipTeacher, batch: Pictures, outputs: Tensor, generator: torch.Generator
) -> tuple[Tensor, dict[str, float]]:
    """Contrastive loss plus the heads' cross-entropies; half of the batches are mirrored."""
    pictures, cells = to_floats(batch.pictures), batch.cells
    if torch.rand(1, generator=generator) < 0.5:  # captions say nothing of left and right
        pictures, cells = pictures.flip(-1), cells.flip(-1)
    out = teacher.tower(pixel_values=clip_pixels(pictures))
    text = teacher.text_projection(outputs, lengths(batch.captions))
    logits = teacher.logits(out.image_embeds, text)
    contrast = contrastive_loss(logits, batch.captions)
    named = F.binary_cross_entropy_with_logits(teacher.names_head(out.image_embeds), batch.shown)
    told = teacher.cells_head(out.last_hidden_state[:, 1:]).flatten(0, 1)
    placed = F.cross_entropy(told, cells.flatten())
    parts = {"contrast": contrast.item(), "names": named.item(), "cells": placed.item()}
    loss = contrast + 10 * _NAMES_WEIGHT * named + _CELLS_WEIGHT * placed
    return loss, {key: round(value, 4) for key, value in parts.items()}


@torch.no_grad()
def retrieval(teacher: ClipTeacher, pairs: Pictures) -> dict[str, float]:
    """Shares of pictures whose caption is found, among all and among source and target."""
    flat = pairs.flat()
    image = torch.cat(
        [
            teacher.tower(pixel_values=clip_pixels(to_floats(part))).image_embeds
            for part in flat.pictures.split(50)
        ]
    )
    text = teacher.text_projection(text_outputs(flat.captions), lengths(flat.captions))
    logits = teacher.logits(image, text)
    found = (flat.captions[logits.argmax(1)] == flat.captions).all(-1)
    blocks = logits.view(len(pairs), 2, len(pairs), 2)
    own = blocks[torch.arange(len(pairs)), :, torch.arange(len(pairs))]  # (P, image, text)
    told_apart = own.argmax(2) == torch.arange(2)
    # A removal of one of two alike scenes may leave the caption as it was.
    differ = (pairs.captions[:, 0] != pairs.captions[:, 1]).any(-1)
    return {
        "retrieval": found.float().mean().item(),
        "source_or_target": told_apart[differ].float().mean().item(),
    }


def shipped_teacher() -> ClipTeacher:
    """What ships, with new heads."""
    torch.manual_seed(0)
    teacher = ClipTeacher()
    teacher.tower.load_state_dict(shipped("teacher_clip.safetensors"))
    projection = shipped("text_projection.safetensors")
    named = {k.removeprefix("text_projection."): v for k, v in projection.items()}
    teacher.text_projection.load_state_dict(named)
    return teacher


def train_clip(
    folder: Path, pictures_folder: Path, budget: Budget, start: ClipTeacher | None = None
) -> Run:
    """Runs or resumes the training in the folder, from nothing or on from a trained teacher."""
    torch.manual_seed(0)
    teacher = ClipTeacher() if start is None else start
    run = Run(folder, nn.ModuleDict({"teacher": teacher}), lr=LR, budget=budget, ema=0.995)
    if run.progress >= 1:
        return run
    groups, held_out = load_pictures(pictures_folder), render_pairs("val", 0, NUM_VAL_PAIRS)
    outputs = text_outputs(groups.captions.flatten(0, 1)).half()
    outputs = outputs.unflatten(0, groups.captions.shape[:2])

    def loss_of(generator: torch.Generator):
        chosen = torch.randint(len(groups), (BATCH_GROUPS,), generator=generator)
        batch = groups.of(chosen).flat()
        return clip_loss(teacher, batch, outputs[chosen].flatten(0, 1).float(), generator)

    def report(run: Run) -> None:
        if run.step % 200 == 0:
            print(f"clip step {run.step} {run.seconds:.0f} s", measured(run, held_out), flush=True)

    run.loop(loss_of, 100, report)
    return run


def averaged_clip(run: Run) -> ClipTeacher:
    """A copy with the averaged weights."""
    teacher = ClipTeacher()
    teacher.load_state_dict({k.removeprefix("teacher."): v for k, v in run.average.items()})
    return teacher.eval().requires_grad_(False)


def measured(run: Run, pairs: Pictures) -> dict[str, float]:
    """Validation figures of the averaged weights, rounded."""
    return {key: round(v, 4) for key, v in retrieval(averaged_clip(run), pairs).items()}
