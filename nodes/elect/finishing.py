"""How candidates are finished: as begun, otherwise, or with the source kept around the edit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ...elect_core.blend import colours_matched, edited_from, feathered, kept_outside
from ...elect_core.schedule import Cost
from ..host.conditions import source_latent
from ..host.elect.batching import batches, refuse_sampler
from ..host.elect.finish import resume
from ..host.elect.otherwise import finish_otherwise
from ..host.elect.packing import is_compiled
from ..host.elect.run import Change, Run
from ..host.latents import check_mask, mask_like, match_source
from ..host.preview import CandidateProgress
from ..inputs import given
from .pool import Pool
from .relevance import image_size
from .types import Candidates

_OTHERWISE = (
    "Finished with {} from the stop: this is not the result of the recorded run, and no ordinary "
    "run of the seed gives it."
)
MAX_FEATHER = 256
FEATHER = (
    "How far outside the mask its edge reaches, in pixels; 0 to 256. Inside nothing of the edit is "
    "lost."
)
EDITED_FROM = 0.15
"""Share of a soft mask's highest value from which it counts as edited: with it, and an edge of 16
pixels, the relevance map holds 97 % of the edited area of the embedded examples."""


@dataclass(frozen=True)
class Otherwise:
    """The inputs that say how the rest is run, where that is not as it was begun."""

    sigmas: Any = given(
        io.Sigmas,
        optional=True,
        tooltip="Other steps for the rest: what lies below the stop's noise level is run. Elect "
        "cheaply, finish with more steps. The result is then not the recorded run's.",
    )
    sampler: Any = given(
        io.Sampler,
        optional=True,
        tooltip="Another sampler for the rest, from where the candidate stands. The result is then "
        "not the recorded run's.",
    )
    blend_mask: Any = given(
        io.Mask,
        optional=True,
        tooltip="What may change (1 = edited). Outside, the source is blended back into the latent "
        "in every remaining step.",
    )
    feather: int = given(
        io.Int,
        default=16,
        min=0,
        max=MAX_FEATHER,
        optional=True,
        tooltip=FEATHER,
    )
    source: Any = given(
        io.Latent,
        optional=True,
        tooltip="Latent of the source picture for blend_mask; found in the conditioning if left "
        "out.",
    )

    def check(self) -> None:
        """Raise ValueError for a sampler that could not finish."""
        if self.sampler is not None:
            refuse_sampler(self.sampler)

    def in_words(self) -> list[str]:
        """What a user should know of the result."""
        said = []
        if self.sigmas is not None or self.sampler is not None:
            steps = "other steps" if self.sigmas is not None else ""
            sampler = "another sampler" if self.sampler is not None else ""
            said.append(_OTHERWISE.format(" and ".join(filter(None, (steps, sampler)))))
        if self.blend_mask is not None:
            said.append("The source was blended back outside the mask in the remaining steps.")
        return said

    def change(self, run: Run) -> Change | None:
        """What is made of the model's answers after the stop; None where nothing is."""
        if self.blend_mask is None:
            return None
        mask = check_mask(self.blend_mask, *image_size(run, None))
        samples = run.latent["samples"]
        if self.source is None:
            origin = source_latent(run.guider.original_conds, samples)
        else:
            origin = self.source["samples"]
        if origin is None:
            raise ValueError("source: the conditioning holds no source latent. Connect one.")
        origin = run.model.model.process_latent_in(match_source(origin, samples, "source"))
        soft = feathered(edited_from(mask, EDITED_FROM), self.feather)
        weight = mask_like(soft, samples)
        return lambda denoised: kept_outside(denoised, origin, weight)


def finish(
    candidates: Candidates, per_batch: int = 1, otherwise: Otherwise | None = None
) -> tuple[dict, dict, Cost]:
    """Both outputs of SamplerCustomAdvanced for the candidates, in their order, and the cost.

    per_batch: candidates side by side where the run allows it, 0 for what fits; a compiled model
    finishes one by one, as for another size of batch it would be compiled once more
    """
    run, seeds, tape = candidates.run, candidates.seeds, candidates.tape
    progress = CandidateProgress(run.model, seeds, run.num_steps)
    change = None if otherwise is None else otherwise.change(run)
    if otherwise is not None and (otherwise.sampler is not None or otherwise.sigmas is not None):
        rest = (otherwise.sampler, otherwise.sigmas)
        samples, denoised, cost = finish_otherwise(run, seeds, tape, progress, *rest, change)
    else:
        alone = len(seeds) == 1 or is_compiled(run.model)
        size = 1 if alone else batches(run, per_batch, len(seeds)).size
        samples, denoised, cost = resume(run, seeds, tape, progress, size, change)

    def as_latent(tensor: Tensor) -> dict:
        return {**run.latent, "samples": tensor}

    return as_latent(samples), as_latent(denoised), cost


def finish_pool(
    pool: Pool, per_batch: int = 1, otherwise: Otherwise | None = None
) -> tuple[dict, dict, Cost]:
    """The same for candidates of several runs, each in its own."""
    done = [finish(part, per_batch, otherwise) for part in pool.parts]
    samples, denoised, costs = zip(*done, strict=True)

    def together(latents: Sequence[dict]) -> dict:
        return {**latents[0], "samples": pool.gather([one["samples"] for one in latents])}

    return together(samples), together(denoised), sum(costs, Cost())


def soft_weight(mask: Tensor, radius: int, images: Tensor, threshold: float) -> Tensor:
    """What of IMAGE (B, H, W, 3) is taken by a MASK (B, H, W): one for all of them, or one each.

    radius: pixels outside the mask; threshold: see `edited_from`.  Returns (B, H, W).
    """
    sized = torch.nn.functional.interpolate(
        mask[:, None].float(), size=images.shape[1:3], mode="bilinear", align_corners=False
    )
    return feathered(edited_from(sized[:, 0], threshold), radius).clamp(0, 1)


def pasted_into(source: Tensor, images: Tensor, weight: Tensor, match_colours: bool) -> Tensor:
    """IMAGE (B, H, W, 3) where `weight` (B or 1, H, W) is 1, the source (1, H, W, 3) where it is 0.

    match_colours: first bring the images' colours to the source's, by the pixels outside
    """
    matched = colours_matched(images, source, weight) if match_colours else images
    return kept_outside(matched, source, weight[..., None])
