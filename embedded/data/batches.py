"""Training batches: which edit, which direction, how spoilt, which conditions are dropped."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..model.text import token_ids
from .spoil import CLEAN, DOSES, KINDS, NONE

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
    return torch.rand(size, generator=generator, device=generator.device)


def _integers(high: int, size: int, generator: torch.Generator) -> Tensor:
    return torch.randint(high, (size,), generator=generator, device=generator.device)


def draw_batch(
    data: dict[str, Tensor], size: int, generator: torch.Generator, dose: str = CLEAN
) -> Batch:
    """A random batch of the cached edits, their targets spoilt at a dose (a key of `DOSES`)."""
    num_scenes, num_edits = data["masks"].shape[:2]
    scene = _integers(num_scenes, size, generator)
    edit = _integers(num_edits, size, generator)
    kinds = _draw_kinds(size, generator, dose)
    for kind in (one for one in KINDS if one in kinds):
        rows = torch.tensor([k == kind for k in kinds], device=scene.device)
        known = (data["kinds"] == KINDS.index(kind)).nonzero()
        chosen = known[_integers(len(known), int(rows.sum()), generator)]
        scene[rows], edit[rows] = chosen.unbind(1)
    phrase = _integers(data["instructions"].shape[3], size, generator)
    back = _integers(2, size, generator)
    # The way back of some removals cannot be said, and spoilt pictures are targets only: forth.
    back = back * (data["instructions"][scene, edit, 1, 0, 0] != 0)
    back = back * torch.tensor([kind in (CLEAN, NONE) for kind in kinds], device=back.device)
    forth = back == 0
    zero = torch.zeros_like(edit)
    start, end = torch.where(forth, zero, edit + 1), torch.where(forth, edit + 1, zero)
    tokens = data["instructions"][scene, edit, back, phrase]
    source, target = data["latents"][scene, start].float(), data["latents"][scene, end].float()
    mask = data["masks"][scene, edit].float()[:, None]
    drawn = _drop(source, target, mask, tokens, data["captions"][scene, end], generator)
    return _spoil(drawn, source, data, scene, edit, kinds)


def _draw_kinds(size: int, generator: torch.Generator, dose: str) -> list[str]:
    """How the target of each sample is spoilt."""
    if dose == CLEAN:
        return [CLEAN] * size
    names, shares = list(DOSES[dose]), torch.tensor(list(DOSES[dose].values()))
    shares = shares.to(generator.device)
    drawn = torch.multinomial(shares, size, replacement=True, generator=generator)
    return [names[i] for i in drawn.tolist()]


def _spoil(
    batch: Batch, source: Tensor, data: dict[str, Tensor], scene: Tensor, edit: Tensor,
    kinds: list[str],
) -> Batch:  # fmt: skip
    """Puts the spoilt targets in; what has no source, as captions have none, keeps the true one."""
    target = batch.target
    given = batch.source.flatten(1).abs().amax(1) > 0
    for i, kind in enumerate(kinds):
        if kind != CLEAN and given[i]:
            target[i] = source[i] if kind == NONE else data["spoilt"][scene[i], edit[i]].float()
    return batch


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
    tokens = torch.where(without_text[:, None], torch.tensor(token_ids("")).to(tokens), tokens)
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
    tokens = torch.where(without_text[:, None], torch.tensor(token_ids("")).to(tokens), tokens)
    target = data["latents"][scene, shown].float()
    mask = data["masks"][scene, edit].float()[:, None]
    return Batch(torch.zeros_like(target), target, mask, tokens, mask.new_zeros(size))
