"""Scores of candidates: from what the nodes are given to what the kernels say of it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ...elect_core.alignment import common_view, global_shift, undo_shift
from ...elect_core.score import background_inconsistency, change_inside
from ...elect_core.selection import Ranking, rank
from ..host.latents import mask_like, pixels_per_latent
from .selection import Selection
from .types import Candidates

SHIFTS = {"latent": (1.0, 16), "pixel": (8.0, 1)}
"""How far whole-picture shifts are looked for, in cells, and in how many parts of one."""


@dataclass(frozen=True)
class Scored:
    """Scores of all candidates and what they say.

    shifts (N, 2): whole-picture shifts that were undone, pixels down and right; None if not asked
    """

    scores: Tensor
    edits: Tensor
    ranking: Ranking
    warnings: tuple[str, ...]
    images: Tensor | None
    shifts: Tensor | None = None


def decode(vae, latent: Tensor) -> Tensor:
    """IMAGE (N, H, W, 3) of a latent batch; frames of a video follow each other."""
    images = vae.decode(latent)
    return images.reshape(-1, *images.shape[-3:]) if images.ndim == 5 else images


def _pixels(images: Tensor, num_candidates: int) -> Tensor:
    """IMAGE (N * T, H, W, 3) as a tensor the kernels take: (N, 3, [T,] H, W)."""
    pixels = images.movedim(-1, 1)
    if len(pixels) == num_candidates:
        return pixels
    return pixels.unflatten(0, (num_candidates, -1)).movedim(1, 2)


def score(
    candidates: Candidates,
    estimates: Tensor,
    mask: Tensor,
    source: Tensor,
    selection: Selection,
) -> Scored:
    """BIS and the change inside the mask for every candidate, ranked.

    estimates (N, C, h, w), source (1, C, h, w): LATENT scale; mask (B, H, W): 1 = edited
    """
    selection.check_space()
    vae, space = selection.vae, selection.space
    images = decode(vae, estimates) if vae is not None else None
    if space == "pixel":
        assert images is not None
        a, b = _pixels(decode(vae, source), 1), _pixels(images, len(estimates))
    else:
        scale = candidates.run.model.model.process_latent_in
        a, b = scale(source), scale(estimates)
    weight = mask_like(mask, b).to(b.device)
    shifts = None
    if selection.align:
        a, b, weight, shifts = aligned(a, b, weight, space)
        if space == "latent":
            shifts = shifts * pixels_per_latent(candidates.run.model, source, None)
    scores = background_inconsistency(a, b, weight)
    edits = change_inside(a, b, weight)
    ranking = rank(scores, edits, selection.minimum_edit)
    return Scored(scores, edits, ranking, _warnings(scores, weight, ranking), images, shifts)


def aligned(
    source: Tensor, estimates: Tensor, weight: Tensor, space: str
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """All three as every shifted estimate shows them, estimates moved back, and the shifts.

    The shifts (N, 2) are in cells of the space.
    """
    shifts = global_shift(source, estimates, *SHIFTS[space])
    moved = undo_shift(estimates, shifts)
    source, moved, weight = (common_view(one, shifts) for one in (source, moved, weight))
    return source, moved, weight, shifts


def _warnings(scores: Tensor, weight: Tensor, ranking: Ranking) -> tuple[str, ...]:
    found = []
    bad = int((~scores.isfinite()).sum())
    if bad:
        found.append(f"{bad} candidates are NaN and were left out.")
    if not bool(weight.any()):
        found.append("The mask is empty: the whole picture counted as background.")
    elif float(weight.mean()) > 0.9:
        found.append("The mask covers almost the whole picture: there is little background.")
    if len(scores) > 1 and ranking.spread < 0.02:
        found.append("The seeds barely differ (spread under 2 %): the choice hardly matters.")
    return tuple(found)
