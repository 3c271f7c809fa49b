"""Several candidates that are good and differ: not the best and its twins."""

import torch
from torch import Tensor

from .selection import Ranking


def distances(estimates: Tensor, weight: Tensor) -> Tensor:
    """Mean absolute difference of every two estimates where the edit is.

    estimates (N, C, h, w); weight (1, 1, h, w): 1 = edited; where it is empty all counts.
    Returns (N, N), float32, 0 on the diagonal.
    """
    values = estimates.float()
    weight = weight.float().to(values.device).expand_as(values[:1, :1])
    weight = weight if bool(weight.any()) else torch.ones_like(weight)

    def to_all(one: Tensor) -> Tensor:
        change = (values - one).abs().mean(1, keepdim=True) * weight
        return change.flatten(1).sum(1) / weight.sum()

    return torch.stack([to_all(one) for one in values.split(1)])


def diverse_order(
    ranking: Ranking,
    scores: Tensor,
    estimates: Tensor,
    weight: Tensor,
    number: int,
    diversity: float,
) -> tuple[int, ...]:
    """An order that begins with `number` candidates that are good and differ from each other.

    Greedy (maximal marginal relevance; Carbonell and Goldstein, 1998): the best first, then again
    and again whoever has the highest ``(1 - d) good + d far``. Good is the score, stretched from 1
    for the best to 0 for the worst; far the distance to the nearest one taken, by the largest there
    is. Only those that may be elected are taken so; all others follow by rank.

    scores (N,): lower is better; estimates (N, C, h, w); weight (1, 1, h, w): 1 = edited
    diversity: d, from 0 (by rank alone) to 1 (by distance alone)
    """
    eligible = list(ranking.order[: ranking.num_eligible])
    values = scores[eligible].float().cpu()
    spread = values.max() - values.min()
    good = (values.max() - values) / spread if spread > 0 else torch.ones_like(values)
    far = distances(estimates[eligible], weight).nan_to_num().cpu()
    far = far / far.max().clamp_min(torch.finfo(far.dtype).tiny)
    taken = [0]
    while len(taken) < min(number, len(eligible)):
        worth = (1 - diversity) * good + diversity * far[taken].amin(0)
        worth[taken] = -torch.inf
        taken.append(int(worth.argmax()))
    first = tuple(eligible[place] for place in taken)
    return (*first, *(index for index in ranking.order if index not in first))
