"""Scores of candidates: from what the nodes are given to what the kernels say of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ...elect_core.confidence import moves_to_come
from ...elect_core.score import (
    CRITERIA,
    background_inconsistency,
    change_inside,
    edit_share,
    idle,
)
from ...elect_core.selection import Ranking, rank
from ..host.latents import mask_like, pixels_per_latent
from .placed import in_pixels, place_factor, placed
from .selection import Selection
from .types import Candidates

_LOOK_BACK = 4  # steps whose scores tell how far they still move
BARELY = 0.02
"""Spread below which the choice among the seeds hardly matters."""


@dataclass(frozen=True)
class Scored:
    """Scores of all candidates and what they say.

    scores (N,): by the criterion; outside, edits (N,): change outside (BIS) and inside the mask
    placements (N, 4): how each lay on the source before that was undone (zoom down and right, shift
        in pixels down and right), see `elect_core.placement`; None if not asked
    judged: a judge's score of each, higher is better, NaN where unscored; None without a judge
    """

    scores: Tensor
    outside: Tensor
    edits: Tensor
    ranking: Ranking
    warnings: tuple[str, ...]
    images: Tensor | None
    placements: Tensor | None = None
    judged: tuple[float, ...] | None = None


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


@dataclass(frozen=True)
class Measured:
    """What `Scored` is made of.

    scores (N,): by the criterion; ranked (N,): what they are ranked by, in a race's early rungs
        their agreement
    weight: what counted as edited; history (S, N): `ranked` after each of the last steps
    steps_left: until the candidates' end
    """

    scores: Tensor
    ranked: Tensor
    outside: Tensor
    edits: Tensor
    weight: Tensor
    history: Tensor
    steps_left: int
    images: Tensor | None
    placements: Tensor | None


def score(
    candidates: Candidates,
    estimates: Tensor,
    mask: Tensor,
    source: Tensor,
    selection: Selection,
    ranked_by: str | None = None,
) -> Scored:
    """BIS and the change inside the mask for every candidate, ranked.

    estimates (N, C, h, w), source (1, C, h, w): LATENT scale; mask (B, H, W): 1 = edited
    ranked_by: another criterion than the selection's, for the order alone
    """
    return judged(measured(candidates, estimates, mask, source, selection, ranked_by), selection)


def measured(
    candidates: Candidates,
    estimates: Tensor,
    mask: Tensor,
    source: Tensor,
    selection: Selection,
    ranked_by: str | None = None,
) -> Measured:
    """What is measured of candidates of one run; arguments as of `score`."""
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
    as_they_lie = (a, b, weight)
    a, b, weight, placements = placed(a, b, weight, selection)
    if placements is not None and space == "latent":
        placements = in_pixels(placements, pixels_per_latent(candidates.run.model, source, None))
    outside, edits = background_inconsistency(a, b, weight), change_inside(a, b, weight)
    factor = place_factor(placements, a, selection)

    def by(criterion: str) -> Tensor:
        seen = as_they_lie if criterion == "place" else (a, b, weight)
        return factor * (outside if criterion == "bis" else CRITERIA[criterion](*seen))

    scores, ranked_by = by(selection.criterion), ranked_by or selection.criterion
    ranked = scores if ranked_by == selection.criterion else by(ranked_by)
    history = _history(candidates, source, mask, CRITERIA[ranked_by])
    left = candidates.run.num_steps - candidates.stop_step
    return Measured(scores, ranked, outside, edits, weight, history, left, images, placements)


def judged(found: Measured, selection: Selection) -> Scored:
    """The ranking of what was measured, and what is to be said of it."""
    outside, edits, weight = found.outside, found.edits, found.weight
    least = selection.minimum_edit if bool(weight.any()) else 0.0
    moves = moves_to_come(found.history, found.steps_left)
    shares, did_nothing = edit_share(outside, edits), idle(outside, edits)
    ranking = rank(found.ranked, shares, least, did_nothing, moves)
    warnings = _warnings(outside, edits, weight, ranking, least)
    return Scored(found.scores, outside, edits, ranking, warnings, found.images, found.placements)


def _history(candidates: Candidates, source: Tensor, mask: Tensor, criterion) -> Tensor:
    """The criterion after each of the last steps run, (S, N), in the latent."""
    scale = candidates.run.model.model.process_latent_in
    number = min(_LOOK_BACK, len(candidates.tape.steps))
    estimates = [scale(candidates.estimates(step)) for step in range(-number, 0)]
    origin, weight = scale(source.to(estimates[-1].device)), mask_like(mask, estimates[-1])
    scores = [criterion(origin, one, weight.to(one.device)) for one in estimates]
    return torch.stack(scores).cpu()


def _warnings(
    outside: Tensor, edits: Tensor, weight: Tensor, ranking: Ranking, minimum_edit: float
) -> tuple[str, ...]:
    found, number = [], len(outside)
    bad = int((~outside.isfinite()).sum())
    if bad:
        found.append(f"{bad} candidates are NaN and were left out.")
    if not bool(weight.any()):
        found.append("The mask is empty: the whole picture counted as background.")
    elif float(weight.mean()) > 0.9:
        found.append("The mask covers almost the whole picture: there is little background.")
    if number > 1 and ranking.spread < BARELY:
        found.append("The seeds barely differ (spread under 2 %): the choice hardly matters.")
    if ranking.num_idle:
        found.append(f"{ranking.num_idle} of {number} seeds left the picture as it was.")
    if ranking.num_small:
        found.append(
            f"{ranking.num_small} of {number} were set aside: how much more they change inside the "
            f"mask than outside is below {minimum_edit:g} of the median's (minimum_edit)."
        )
    if bool(weight.any()) and not bool((edits > outside).any()):
        found.append(
            "No candidate changes the mask more than the rest of the picture: perhaps none made "
            "the edit. Check the instruction, the mask and cfg."
        )
    return tuple(found)
