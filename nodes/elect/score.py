"""Scores of candidates: from what the nodes are given to what the kernels say of it."""

from __future__ import annotations

from dataclasses import dataclass

from comfy_api.latest import io
from torch import Tensor

from ...elect_core.alignment import common_view, global_shift, undo_shift
from ...elect_core.score import background_inconsistency, change_inside
from ...elect_core.selection import Ranking, rank
from ..host.conditions import source_latent
from ..host.elect.run import Run
from ..host.latents import check_mask, crop_like_host, mask_like, match_source, pixels_per_latent
from .relevance import image_size
from .types import Candidates

SPACES = ("latent", "pixel")
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


def estimate_batch(candidates: Candidates, estimates: dict | None) -> Tensor:
    """The estimates to score, (N, C, h, w) in LATENT scale, one for each candidate."""
    if estimates is None:
        return candidates.estimates()
    samples = estimates["samples"]
    expected = (len(candidates.seeds), *candidates.run.latent["samples"].shape[1:])
    if tuple(samples.shape) != expected:
        raise ValueError(
            f"estimates: expected one for each candidate, {expected}, got {tuple(samples.shape)}. "
            "Connect TweedieEstimate of the same candidates."
        )
    return samples


def background_mask(run: Run, relevance, mask, image) -> Tensor:
    """MASK (B, H, W) of the edited region: the user's own before the relevance map."""
    if mask is not None:
        return check_mask(mask, *image_size(run, image))
    if relevance is None:
        raise ValueError(
            "relevance: nothing says where the edit is. Connect RelevanceMapAggregate to "
            "relevance, or your own mask to mask."
        )
    if bool((relevance >= 1).all()):
        raise ValueError(
            "relevance: it covers the whole picture, so there is no background to compare."
        )
    return relevance


def check_space(space: str, vae) -> None:
    """Raise ValueError when pixel space lacks a VAE."""
    if space == "pixel" and vae is None:
        raise ValueError("vae: scoring in pixel space needs a VAE; connect one.")


def find_source(run: Run, estimates: Tensor, source, source_image, vae) -> Tensor:
    """The source's latent (1, C, h, w), LATENT scale: given, encoded or from the conditioning."""
    if source is not None:
        return match_source(source["samples"], estimates, "source")
    if source_image is not None:
        if vae is None:
            raise ValueError("vae: source_image needs a VAE to be encoded with; connect one.")
        height, width = image_size(run, source_image)
        cropped = crop_like_host(source_image, height, width, "source_image")
        return match_source(vae.encode(cropped[..., :3]), estimates, "source_image")
    found = source_latent(run.guider.original_conds, run.latent["samples"])
    if found is None:
        raise ValueError(
            "source: the candidates' conditioning holds no source latent. Connect the encoded "
            "source picture to source, or source_image with vae."
        )
    return match_source(found, estimates, "source (found in the conditioning)")


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
    space: str,
    vae,
    minimum_edit: float,
    align: bool = False,
) -> Scored:
    """BIS and the change inside the mask for every candidate, ranked.

    estimates (N, C, h, w), source (1, C, h, w): LATENT scale; mask (B, H, W): 1 = edited
    align: whether a shift of the whole picture is found and undone first
    """
    check_space(space, vae)
    images = decode(vae, estimates) if vae is not None else None
    if space == "pixel":
        assert images is not None
        a, b = _pixels(decode(vae, source), 1), _pixels(images, len(estimates))
    else:
        scale = candidates.run.model.model.process_latent_in
        a, b = scale(source), scale(estimates)
    weight = mask_like(mask, b).to(b.device)
    shifts = None
    if align:
        a, b, weight, shifts = aligned(a, b, weight, space)
        if space == "latent":
            shifts = shifts * pixels_per_latent(candidates.run.model, source, None)
    scores = background_inconsistency(a, b, weight)
    edits = change_inside(a, b, weight)
    ranking = rank(scores, edits, minimum_edit)
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


def selection_inputs() -> list[io.Input]:
    """The inputs that say how candidates are scored; shared with ELECTSampler."""
    return [
        io.Mask.Input(
            "mask",
            optional=True,
            tooltip="Your own mask of what may be edited (1 = edited), in place of the relevance "
            "map.",
        ),
        io.Latent.Input(
            "source",
            optional=True,
            tooltip="Latent of the source picture; found in the conditioning if left out.",
        ),
        io.Image.Input(
            "source_image", optional=True, tooltip="The source picture, encoded with vae."
        ),
        io.Vae.Input(
            "vae",
            optional=True,
            tooltip="For pixel space, for source_image, and for sharp thumbnails.",
        ),
        io.Combo.Input(
            "space",
            options=list(SPACES),
            default="latent",
            tooltip="Compare latents (no VAE, fast) or decoded pictures (needs vae).",
        ),
        io.Float.Input(
            "minimum_edit",
            default=0.0,
            min=0.0,
            max=1.0,
            step=0.05,
            tooltip="Do not elect a candidate whose change inside the mask is below this share "
            "of the median candidate's: a guard against electing a picture left unedited.",
        ),
        io.Boolean.Input(
            "align",
            default=False,
            optional=True,
            tooltip="Find and undo a shift of the whole picture (of up to one latent cell, 8 "
            "pixels for most models) before scoring, for models that move it by a pixel or two.",
        ),
    ]
