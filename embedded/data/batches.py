"""Training batches: which edit, which direction, which conditions are dropped."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..model.text import token_ids

CAPTION_SHARE = 0.15
# InstructPix2Pix: 5 % without text, 5 % without image, 5 % without either.
NO_TEXT, NO_IMAGE, NEITHER = 0.05, 0.05, 0.05


@dataclass(frozen=True)
class Batch:
    """source, target (N, C, h, w); mask (N, 1, h, w) in [0, 1]; tokens (N, L).

    grounded (N,) is 1 where both instruction and source are given, so that the mask can be told.
    """

    source: Tensor
    target: Tensor
    mask: Tensor
    tokens: Tensor
    grounded: Tensor


def _uniform(size: int, generator: torch.Generator) -> Tensor:
    return torch.rand(size, generator=generator)


def _integers(high: int, size: int, generator: torch.Generator) -> Tensor:
    return torch.randint(high, (size,), generator=generator)


def draw_batch(data: dict[str, Tensor], size: int, generator: torch.Generator) -> Batch:
    """A random batch of the cached edits."""
    num_scenes, num_edits = data["masks"].shape[:2]
    num_phrases = data["instructions"].shape[3]
    scene = _integers(num_scenes, size, generator)
    edit = _integers(num_edits, size, generator)
    phrase = _integers(num_phrases, size, generator)
    back = _integers(2, size, generator)
    # The way back of some removals cannot be said: those go forth.
    sayable = data["instructions"][scene, edit, 1, 0, 0] != 0
    back = back * sayable
    forth = back == 0
    zero = torch.zeros_like(edit)
    start, end = torch.where(forth, zero, edit + 1), torch.where(forth, edit + 1, zero)
    tokens = data["instructions"][scene, edit, back, phrase]
    source, target = data["latents"][scene, start].float(), data["latents"][scene, end].float()
    mask = data["masks"][scene, edit].float()[:, None]
    return _drop(source, target, mask, tokens, data["captions"][scene, end], generator)


def _drop(
    source: Tensor, target: Tensor, mask: Tensor, tokens: Tensor, captions: Tensor,
    generator: torch.Generator,
) -> Batch:  # fmt: skip
    """Turns some samples into caption samples and drops conditions of the others."""
    size = len(source)
    captioned = _uniform(size, generator) < CAPTION_SHARE
    lot = _uniform(size, generator)
    without_text = (lot < NO_TEXT) | (lot >= 1 - NEITHER)
    without_image = ((lot >= NO_TEXT) & (lot < NO_TEXT + NO_IMAGE)) | (lot >= 1 - NEITHER)
    without_image |= captioned
    tokens = torch.where(captioned[:, None], captions, tokens)
    tokens = torch.where(without_text[:, None], torch.tensor(token_ids("")), tokens)
    source = source * (~without_image)[:, None, None, None]
    grounded = (~without_text & ~without_image).float()
    return Batch(source, target, mask * (~without_image)[:, None, None, None], tokens, grounded)


def draw_caption_batch(data: dict[str, Tensor], size: int, generator: torch.Generator) -> Batch:
    """A random batch of pictures with what they show, for drawing from words alone."""
    num_scenes, num_edits = data["masks"].shape[:2]
    scene = _integers(num_scenes, size, generator)
    edit = _integers(num_edits, size, generator)
    shown = (edit + 1) * _integers(2, size, generator)  # the scene itself, or after an edit
    tokens = data["captions"][scene, shown]
    without_text = _uniform(size, generator) < NO_TEXT
    tokens = torch.where(without_text[:, None], torch.tensor(token_ids("")), tokens)
    target = data["latents"][scene, shown].float()
    mask = data["masks"][scene, edit].float()[:, None]
    return Batch(torch.zeros_like(target), target, mask, tokens, torch.zeros(size))
