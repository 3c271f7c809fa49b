"""How sure a choice is: what the gaps between scores are worth, as the scores still move."""

import math

import torch
from torch import Tensor

SUREST = 0.99
"""No election is certain: the most that a confidence says while there is a rival."""
LAPSE = 0.1
"""Share of elections in which the last steps say nothing of the end (scores leap where the edit
appears late): chosen on validation, see docs/elect_confidence.md."""
STRETCH = 2.0
"""How much further than in their last steps scores move until the end: as LAPSE."""
_LEVELS = torch.linspace(-6, 6, 61, dtype=torch.float64)
_WEIGHTS = torch.exp(-_LEVELS.square() / 2) / torch.exp(-_LEVELS.square() / 2).sum()


def fluctuation(history: Tensor) -> float | None:
    """How far a candidate's score moves in a step, beyond what all of them do together.

    Root mean square over candidates and steps, by the spread (standard deviation) of the scores
    at the last step, so that it also serves scores of another scale.

    history (S, N): the scores after S steps that follow each other.  Returns None with under two
    finite steps or candidates, or where the scores do not differ.
    """
    history = history[:, history.isfinite().all(0)].double()
    if history.shape[0] < 2 or history.shape[1] < 2:
        return None
    centred = history - history.mean(1, keepdim=True)
    spread = float(centred[-1].square().mean().sqrt())
    moved = float(centred.diff(dim=0).square().mean().sqrt())
    return moved / spread if spread > 0 else None


def moves_to_come(history: Tensor, steps_left: int) -> float | None:
    """How far a candidate's score will still move until the end, by the spread of the scores.

    ``fluctuation * sqrt(steps_left)``: a random walk that goes on as in the last steps.

    history (S, N): as of `fluctuation`, and None where that is; 0 where no step is left.
    """
    moved = fluctuation(history)
    return None if moved is None else moved * math.sqrt(steps_left)


def confidence(ranked: Tensor, moves: float) -> float:
    """Probability, up to SUREST, that the first of the ranked is the lowest in the end.

    ranked (N,), moves: as of `chances`; scores are taken to move STRETCH times as far, and where
    something moves, LAPSE of it is as good as drawn.
    """
    first = float(chances(ranked, STRETCH * moves)[0])
    if moves > 0:
        first = (1 - LAPSE) * first + LAPSE / len(ranked)
    return min(first, SUREST)


def chances(scores: Tensor, moves: float) -> Tensor:
    """Probability of each that it is the lowest once all have moved on their own.

    ``P_i = integral of phi(u) * prod_j Phi((s_j - s_i) / moves - u) du`` over j other than i.

    scores (N,): finite; moves: standard deviation, in their unit, of what each still moves by; with
    0 the lowest share it alone.  Returns (N,), float64, adding up to 1.
    """
    scores = scores.double()
    if moves <= 0:
        lowest = (scores == scores.min()).double()
        return lowest / lowest.sum()
    gaps = (scores[None, :] - scores[:, None]) / moves
    ahead = torch.special.ndtr(gaps[..., None] - _LEVELS)  # of i ahead of j, where i moves so far
    ahead.diagonal(dim1=0, dim2=1).fill_(1.0)
    found = (ahead.prod(1) * _WEIGHTS).sum(1)
    return found / found.sum()
