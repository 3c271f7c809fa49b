"""What an election is given, and what it is made of: the edited region and the source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ...elect_core.relevance import change_weight, token_weight
from ...elect_core.score import CRITERIA, median_estimate
from ..host.conditions import source_latent
from ..host.elect.run import Run
from ..host.latents import check_mask, crop_like_host, match_source, partly_painted, to_mask
from ..inputs import given
from .relevance import image_size
from .types import Candidates

SPACES = ("latent", "pixel")
MASKS = ("relevance", "change", "both", "tokens")
_FROM_ESTIMATES = ("change", "tokens")
NO_MASK = (
    "relevance: nothing says where the edit is. Connect RelevanceMapAggregate to "
    "relevance, or your own mask to mask."
)


@dataclass(frozen=True)
class Selection:
    """The inputs that say how candidates are scored."""

    mask: Any = given(
        io.Mask,
        optional=True,
        tooltip="Your own mask of what may be edited (1 = edited), in place of the relevance map.",
    )
    source: Any = given(
        io.Latent,
        optional=True,
        tooltip="Latent of the source picture; found in the conditioning if left out.",
    )
    source_image: Any = given(
        io.Image, optional=True, tooltip="The source picture, encoded with vae."
    )
    vae: Any = given(
        io.Vae,
        optional=True,
        tooltip="For pixel space, for source_image, and for sharp thumbnails.",
    )
    space: str = given(
        io.Combo,
        options=list(SPACES),
        default="latent",
        tooltip="Compare latents (no VAE, fast) or decoded pictures (needs vae).",
    )
    minimum_edit: float = given(
        io.Float,
        default=0.8,
        min=0.0,
        max=1.0,
        step=0.05,
        tooltip="Do not elect a candidate whose edit (how much more it changes inside the mask "
        "than outside) is below this share of the median candidate's: a guard against electing a "
        "picture left unedited. 0 is the paper's form, without a guard.",
    )
    align: bool = given(
        io.Boolean,
        default=False,
        optional=True,
        tooltip="Find and undo a shift of the whole picture (of up to one latent cell, 8 "
        "pixels for most models) before scoring, for models that move it by a pixel or two.",
    )

    criterion: str = given(
        io.Combo,
        options=list(CRITERIA),
        default="bis",
        optional=True,
        tooltip="What the best is elected by. bis: least change outside the mask (the paper). "
        "ratio: least change outside for the change inside, where models often fail to edit. "
        "consensus: nearest to what most candidates agree on. composite: nearest to the source "
        "outside the mask and, at a quarter, to what most agree on inside. place: the picture that "
        "came back least zoomed and moved.",
    )
    mask_from: str = given(
        io.Combo,
        options=list(MASKS),
        default="relevance",
        optional=True,
        tooltip="Where the mask of the edit comes from. relevance: text against no text (the "
        "paper), which costs cfg 1 models an extra call a step in the window. change: where the "
        "candidates agree on a change, at no cost. both: either, at the cost of relevance. tokens: "
        "where the latent's cells turn away from the source's, at no cost; a change of contrast "
        "alone is none.",
    )

    zoom: bool = given(
        io.Boolean,
        default=False,
        optional=True,
        tooltip="Find and undo a zoom and a shift of the whole picture (up to 10 %, each axis by "
        "itself) before scoring, and say them of each candidate; in place of align's shift alone. "
        "Exact in space pixel.",
    )
    keep_place: float = given(
        io.Float,
        default=0.0,
        min=0.0,
        max=10.0,
        step=0.1,
        optional=True,
        tooltip="With align or zoom: prefer candidates that lie on the source. The score grows by "
        "this share for each pixel that a candidate lies off on average; 0 does not mind.",
    )

    def check_space(self) -> None:
        """Raise ValueError when pixel space lacks a VAE."""
        check_space(self.space, self.vae is not None)

    def check_alone(self) -> None:
        """Raise ValueError for what is wrong whatever the candidates are."""
        self.check_space()
        if self.mask is not None:
            partly_painted(self.mask)

    def needs_relevance(self) -> bool:
        """Whether the relevance map, and so a null conditioning's calls, is of any use."""
        return self.mask is None and self.mask_from not in _FROM_ESTIMATES

    def own_mask(self, run: Run) -> Tensor | None:
        """The user's own mask (B, H, W), checked; None where there is none."""
        if self.mask is None:
            return None
        return check_mask(self.mask, *image_size(run, self.source_image))

    def region(self, run: Run, relevance: Tensor | None, estimates: Tensor, origin) -> Tensor:
        """MASK (B, H, W) of what is edited: the user's own before what `mask_from` says.

        estimates (N, C, h, w), origin (1, C, h, w): LATENT scale
        """
        own = self.own_mask(run)
        if own is not None:
            return own
        change = None
        if self.mask_from != "relevance":
            change = to_mask(
                self._from_estimates(run, estimates, origin), *image_size(run, self.source_image)
            )
            if self.mask_from in _FROM_ESTIMATES:
                return change
        if relevance is None:
            raise ValueError(NO_MASK)
        if bool((relevance >= 1).all()):
            raise ValueError(
                "relevance: it covers the whole picture, so there is no background to compare."
            )
        if change is not None:
            return torch.maximum(relevance, change.to(relevance.device))
        return relevance

    def _from_estimates(self, run: Run, estimates: Tensor, origin: Tensor) -> Tensor:
        """Weight (1, 1, h, w) of what changes in the estimates, which needs no prediction."""
        scale = run.model.model.process_latent_in
        if self.mask_from == "tokens":
            return token_weight(scale(origin).to(estimates.device), scale(estimates))
        return change_weight(scale(origin), scale(median_estimate(estimates)))

    def find_source(self, run: Run, estimates: Tensor) -> Tensor:
        """The source's latent (1, C, h, w), LATENT scale: given, encoded or as conditioned."""
        if self.source is not None:
            return match_source(self.source["samples"], estimates, "source")
        if self.source_image is not None:
            if self.vae is None:
                raise ValueError("vae: source_image needs a VAE to be encoded with; connect one.")
            size = image_size(run, self.source_image)
            cropped = crop_like_host(self.source_image, *size, "source_image")
            return match_source(self.vae.encode(cropped[..., :3]), estimates, "source_image")
        found = source_latent(run.guider.original_conds, run.latent["samples"])
        if found is None:
            raise ValueError(
                "source: the candidates' conditioning holds no source latent. Connect the encoded "
                "source picture to source, or source_image with vae."
            )
        return match_source(found, estimates, "source (found in the conditioning)")


def check_space(space: str | None, has_vae: bool) -> None:
    """Raise ValueError unless the space (None: a wire says it) is one and has what it needs."""
    if space not in (None, *SPACES):
        raise ValueError(f"space: expected one of {', '.join(SPACES)}, got {space!r}.")
    if space == "pixel" and not has_vae:
        raise ValueError("vae: scoring in pixel space needs a VAE; connect one.")


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
