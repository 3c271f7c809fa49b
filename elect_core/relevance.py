"""Relevance: where a model edits when it reads the text, against when it does not.

The map of one step is ``|eps(z, t, I, text) - eps(z, t, I, null)|`` (*Watch Your Steps*; ELECT).
On denoised predictions it is sigma times that, which is the same map once normalised.

Both forms return the *final* weight M in [0, 1] that the score subtracts from one, so each does
its own squaring here:

    paper      per candidate min-max; mean over candidates; mean over steps; square
    published  per candidate, clip above at Q3 + 1.5 IQR and min-max; mean over candidates;
               square; min-max; running mean over steps

A video's maps (N, 1, T, h, w) say for each frame where it is edited, all frames of a candidate on
one scale: a frame in which nothing happens stays near 0.

The published clip takes an edit of under a quarter of the picture for outliers, and loses it where
the background's map is flat.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def raw_relevance(cond: Tensor, uncond: Tensor) -> Tensor:
    """Un-normalised map of one step: absolute difference summed over channels.

    cond, uncond (N, C, h, w): predictions with and without the text, both with the image.
    Returns (N, 1, h, w), at least 0, float32.
    """
    return (cond.float() - uncond.float()).abs().sum(1, keepdim=True)


def _per_candidate(maps: Tensor, reduce: Callable[[Tensor], Tensor]) -> Tensor:
    return reduce(maps.flatten(1)).reshape(-1, *[1] * (maps.ndim - 1))


def min_max(maps: Tensor) -> Tensor:
    """Each candidate's map stretched to [0, 1]; a constant map has no signal and becomes 0.

    maps (N, 1, h, w).  Returns the same shape.
    """
    low = _per_candidate(maps, lambda m: m.amin(1))
    extent = _per_candidate(maps, lambda m: m.amax(1)) - low
    return torch.where(extent == 0, torch.zeros_like(maps), (maps - low) / extent)


def clip_outliers(maps: Tensor) -> Tensor:
    """Each candidate's map clipped above at Q3 + 1.5 IQR.  maps (N, 1, h, w).

    An infinity stays one, so that its candidate is left out of the mean.
    """
    q1 = _per_candidate(maps, lambda m: m.quantile(0.25, dim=1))
    q3 = _per_candidate(maps, lambda m: m.quantile(0.75, dim=1))
    return torch.where(maps.isinf(), maps, torch.minimum(maps, q3 + 1.5 * (q3 - q1)))


def mean_over_candidates(maps: Tensor) -> Tensor:
    """Mean of the candidates' maps, leaving out those with a NaN or an infinity.

    maps (N, 1, h, w).  Returns (1, 1, h, w); NaN where no candidate is finite.
    """
    finite = _per_candidate(maps, lambda m: m.isfinite().all(1))
    kept = torch.where(finite, maps, torch.zeros_like(maps))
    return kept.sum(0, keepdim=True) / finite.sum(0, keepdim=True)


def running_mean(maps: Tensor) -> Tensor:
    """Mean of the first 1, 2, ... S maps.  maps (S, 1, h, w).  Returns the same shape.

    Deviates from the published procedure, whose mean weighs by the step's index and is wrong when
    the window starts after step 0: the maps are counted instead.
    """
    count = torch.arange(1, len(maps) + 1, device=maps.device, dtype=maps.dtype)
    return maps.cumsum(0) / count.reshape(-1, *[1] * (maps.ndim - 1))


def _paper(steps: Sequence[Tensor]) -> Tensor:
    means = torch.cat([mean_over_candidates(min_max(maps)) for maps in steps])
    return running_mean(means)[-1:] ** 2


def _published(steps: Sequence[Tensor]) -> Tensor:
    squares = [mean_over_candidates(min_max(clip_outliers(maps))) ** 2 for maps in steps]
    return running_mean(torch.cat([min_max(square) for square in squares]))[-1:]


def change_weight(source: Tensor, median: Tensor) -> Tensor:
    """Where the candidates agree that the picture changes: the median estimate's change, to [0, 1].

    It needs no prediction without the text.

    source, median (1, C, h, w): in the same scale, see `score.median_estimate`.
    Returns (1, 1, h, w); all 0 where nothing changes.
    """
    return min_max((median.float() - source.float()).abs().sum(1, keepdim=True))


def token_weight(source: Tensor, estimates: Tensor) -> Tensor:
    """Where the latent's cells no longer point where the source's do, by the median candidate.

    ``1 - cos(source, estimate)`` over the channels of each cell, the median over candidates, to
    [0, 1]: a change of contrast alone is none. After RegionE (arXiv 2510.25590), which takes the
    cosine of a transformer's tokens.

    Deviates from it: no threshold (there 0.80 to 0.93, by model) and no opening of the mask. Both
    lose small edits: IoU with the truth 0.25 in place of 0.56 on the embedded model's 16x16 cells
    (12 edits of the validation split, 8 seeds, after 4 of 20 steps, at the threshold 0.93).

    source (1, C, h, w), estimates (N, C, h, w): in the same scale.
    Returns (1, 1, h, w); all 0 where nothing turns.
    """
    turned = 1 - torch.cosine_similarity(source.float(), estimates.float(), dim=1)
    finite = turned.flatten(1).isfinite().all(1).view(-1, *[1] * (turned.ndim - 1))
    kept = turned.where(finite, turned.new_tensor(torch.nan))
    return min_max(kept.nanmedian(0, keepdim=True).values.nan_to_num()[:, None])


FORMS: dict[str, Callable[[Sequence[Tensor]], Tensor]] = {"paper": _paper, "published": _published}


def aggregate(steps: Sequence[Tensor], form: str = "paper") -> Tensor:
    """Relevance weight over all candidates and steps; 1 = edited, 0 = background.

    steps: S maps (N, 1, h, w) from `raw_relevance`; form: a key of `FORMS`.
    Returns (1, 1, h, w) in [0, 1], all 0 where no step carries a signal.
    Raises ValueError when there is no map or no finite one.
    """
    if not steps:
        raise ValueError("relevance: no map was recorded in the window.")
    weight = FORMS[form](steps)
    if not bool(weight.isfinite().all()):
        raise ValueError("relevance: every candidate's map holds a NaN; the model's output is bad.")
    return weight
