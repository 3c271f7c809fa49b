"""From scores to a ranking that says how sure it is."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .confidence import confidence


@dataclass(frozen=True)
class Ranking:
    """Candidates from best to worst.

    order: candidate indices, the elected one first; candidates that may not be elected
        (NaN score, too small an edit) come last and are counted out by `num_eligible`
    spread: (worst - best) / mean score of the eligible, 0 when the seeds do not differ
    confidence: probability, up to SUREST, that the elected one would still be the best of the
        eligible if all were run to their end; 1 without a rival, None where nothing is known of how
        scores move from step to step
    final: whether all have been run to their end, so that nothing moves any more
    num_small: finite candidates set aside for their edit; num_idle: those that made none at all
    """

    order: tuple[int, ...]
    num_eligible: int
    spread: float
    confidence: float | None
    num_small: int = 0
    num_idle: int = 0
    final: bool = False

    @property
    def elected(self) -> int:
        """Index of the best candidate."""
        return self.order[0]


def rank(
    scores: Tensor,
    shares: Tensor | None = None,
    minimum_edit: float = 0.0,
    idle: Tensor | None = None,
    moves: float | None = None,
) -> Ranking:
    """Rank candidates by score, lowest first; ties go to the lowest index.

    scores (N,): lower is better; NaN and infinite ones are never elected
    shares (N,): how much of an edit each made, by the median one's, from `score.edit_share`;
        minimum_edit: a candidate below this share (0 to 1) is not elected
    idle (N,): candidates that did nothing, to be counted
    moves: how far each score may still move, by their spread, from `confidence.moves_to_come`
    Raises ValueError when no score is finite, when minimum_edit is above 1, or when it is asked
    for and the shares are NaN (the mask is empty).
    """
    if not minimum_edit <= 1:
        raise ValueError(f"minimum_edit: expected a share from 0 to 1, got {minimum_edit}.")
    values = scores.tolist()
    finite = [i for i, value in enumerate(values) if math.isfinite(value)]
    if not finite:
        raise ValueError(
            f"scores: all {len(values)} candidates are NaN or infinite, so none can be elected. "
            "The model's output is bad: try another precision, VAE or cfg."
        )
    eligible = finite
    if shares is not None and minimum_edit > 0:
        made = shares.tolist()
        if any(math.isnan(made[i]) for i in finite):
            raise ValueError(
                "minimum_edit: the mask is empty, so there is no edit to measure. "
                "Set minimum_edit to 0 or give a mask."
            )
        eligible = [i for i in finite if made[i] >= minimum_edit]
    ranked = sorted(eligible, key=lambda i: values[i])
    rest = [i for i in sorted(finite, key=lambda i: values[i]) if i not in eligible]
    rest += [i for i in range(len(values)) if i not in finite]
    best = [values[i] for i in ranked]
    mean = sum(best) / len(best)
    return Ranking(
        order=(*ranked, *rest),
        num_eligible=len(ranked),
        spread=(best[-1] - best[0]) / mean if mean > 0 else 0.0,
        confidence=_confidence(best, [values[i] for i in finite], moves),
        num_small=len(finite) - len(ranked),
        num_idle=int(idle.sum()) if idle is not None else 0,
        final=moves == 0,
    )


def _confidence(ranked: list[float], all_scores: list[float], moves: float | None) -> float | None:
    """The first one's chance, where the scores move as far as that by the spread of all of them."""
    if len(ranked) == 1:
        return 1.0
    if moves is None:
        return None
    spread = float(torch.tensor(all_scores, dtype=torch.float64).std(correction=0))
    return confidence(torch.tensor(ranked), moves * spread)
