"""Scores of the candidates: how much the background changed (BIS), and how much the edit did.

`CRITERIA` makes one score of these; the lowest wins:

    bis        change outside (the paper)
    ratio      change outside / change inside: a candidate that did nothing cannot win
    place      distance that the picture was moved by a zoom or a shift of the whole
    consensus  distance to the median estimate: the candidate that most others agree with
    composite  distance to the source outside the edited region and to the median estimate inside
"""

from collections.abc import Callable

import torch
from torch import Tensor

from .placement import off_source

_APART = 0.25
"""What a distance inside the edited region counts in `composite`, by one outside."""
_SLACK = 4
"""How much less of the change inside than of the edit itself `edit_share` asks for."""


def _mean_change(source: Tensor, estimates: Tensor, weight: Tensor) -> Tensor:
    source = source.float()
    weight = weight.float().expand_as(source[:, :1])

    def total(estimate: Tensor) -> Tensor:
        return ((estimate.float() - source).abs().mean(1, keepdim=True) * weight).sum()

    # One by one: the decoded frames of a video's candidates are too many for copies of all.
    return torch.stack([total(estimate) for estimate in estimates.split(1)]) / weight.sum()


def background_inconsistency(source: Tensor, estimates: Tensor, relevance: Tensor) -> Tensor:
    """Mean change outside the edited region; lower is better (ELECT, BIS).

    ``sum((1 - M) * |z0 - E(I)|) / sum(1 - M)``, the change averaged over channels. The paper's
    latent form and the published pixel form differ only in what is passed in: latents in the
    model's own scale, or decoded images with the *decoded encoding* of the source.
    M is the final weight of `relevance.aggregate`, which has done the squaring. Of a video each
    frame is compared under its own map, and counts by its background.

    source (1, C, h, w), estimates (N, C, h, w): in the same space and scale
    relevance (1, 1, h, w): in [0, 1], 1 = edited.  Returns (N,), NaN where an estimate holds one
    or where there is no background at all.
    """
    return _mean_change(source, estimates, 1 - relevance)


def change_inside(source: Tensor, estimates: Tensor, relevance: Tensor) -> Tensor:
    """Mean change inside the edited region; near 0 means that no edit was made.

    Arguments and result as in `background_inconsistency`; NaN where the mask is empty.
    """
    return _mean_change(source, estimates, relevance)


def median_estimate(estimates: Tensor) -> Tensor:
    """The middle of the candidates' values in each cell, of an even number the mean of both.

    estimates (N, C, h, w); what is not finite is left out.  Returns (1, C, h, w), float32.
    """
    values = estimates.float()
    values = torch.where(values.isfinite(), values, torch.nan)
    low, high = values.nanmedian(0).values, -(-values).nanmedian(0).values
    return ((low + high) / 2)[None]


def consensus(source: Tensor, estimates: Tensor, relevance: Tensor) -> Tensor:
    """Mean distance of each estimate to the median of all; lower is nearer to what most agree on.

    Arguments and result as in `background_inconsistency`; source and relevance are not read.
    """
    return _mean_change(median_estimate(estimates), estimates, torch.ones_like(relevance))


def edit_ratio(source: Tensor, estimates: Tensor, relevance: Tensor) -> Tensor:
    """Change outside the edited region by the change inside it; lower is better, no edit is inf.

    Arguments and result as in `background_inconsistency`.
    """
    outside = background_inconsistency(source, estimates, relevance)
    inside = change_inside(source, estimates, relevance)
    return torch.where(inside > 0, outside / inside, torch.where(inside == 0, torch.inf, torch.nan))


def edit_share(outside: Tensor, inside: Tensor) -> Tensor:
    """How much of an edit each candidate made, by the median one's: 1 is as much as that.

    An edit is how much more the edited region changes than the rest. What a candidate does to the
    whole picture (another tint, another exposure) is no part of it: counted as one it would lift
    the median, and those that did the edit and nothing else would fall below. Where most change all
    of the picture alike (another style), that says little, so the change inside alone is held to
    the median as well, at a quarter. What did nothing has no part in either median.

    outside, inside (N,): of `background_inconsistency` and `change_inside`.  Returns (N,), NaN
    where these are.
    """
    did_nothing = idle(outside, inside)
    made = _by_median((inside - outside).clamp_min(0), did_nothing)
    return torch.minimum(made, _SLACK * _by_median(inside, did_nothing))


def _by_median(values: Tensor, left_out: Tensor) -> Tensor:
    """Of two in the middle the median is the mean; where it is 0 nobody falls short of it."""
    counted = torch.where(left_out | ~values.isfinite(), torch.nan, values)
    median = counted.nanquantile(0.5)
    return torch.where(median == 0, torch.inf, values / median)


def composite(source: Tensor, estimates: Tensor, relevance: Tensor) -> Tensor:
    """Change outside the edited region, plus a quarter of the distance to the median inside it.

    What did nothing has no part in the median. The quarter was chosen on validation, see
    docs/elect_choice.md. Arguments and result as in `background_inconsistency`.
    """
    outside = background_inconsistency(source, estimates, relevance)
    did_nothing = idle(outside, change_inside(source, estimates, relevance))
    each = did_nothing.view(-1, *[1] * (estimates.ndim - 1))
    made = torch.where(each, torch.nan, estimates.float())
    apart = _mean_change(median_estimate(made), estimates, relevance)
    return outside + _APART * apart.nan_to_num(0)  # no region, no part of it


def idle(outside: Tensor, inside: Tensor) -> Tensor:
    """Which candidates left the picture as it was, told from those beside them.

    One that did nothing changes the edited region under a quarter as much as the one that changes
    it most, *and* hardly more than the background (under twice). The second half keeps a plain
    edit beside an overdone one from being taken for none.

    outside, inside (N,): of `background_inconsistency` and `change_inside`.  Returns (N,), bool.
    """
    most = torch.where(inside.isfinite(), inside, 0).amax()
    return (inside < most / 4) & (inside < 2 * outside.clamp_min(torch.finfo(inside.dtype).tiny))


CRITERIA: dict[str, Callable[[Tensor, Tensor, Tensor], Tensor]] = {
    "bis": background_inconsistency,
    "ratio": edit_ratio,
    "consensus": consensus,
    "composite": composite,
    "place": off_source,
}
"""What candidates are elected by: ``(source, estimates, relevance) -> (N,)``, lowest first."""
