"""Scores of the candidates: how much the background changed (BIS), and how much the edit did."""

import torch
from torch import Tensor


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
