"""From scores to a ranking that says how sure it is."""

import math
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Ranking:
    """Candidates from best to worst.

    order: candidate indices, the elected one first; candidates that may not be elected
        (NaN score, too small an edit) come last and are counted out by `num_eligible`
    spread: (worst - best) / mean score of the eligible, 0 when the seeds do not differ
    confidence: (second - best) / (worst - best) in [0, 1]; 0 is a tie, 1 when there is no rival
    """

    order: tuple[int, ...]
    num_eligible: int
    spread: float
    confidence: float

    @property
    def elected(self) -> int:
        """Index of the best candidate."""
        return self.order[0]


def rank(scores: Tensor, edits: Tensor | None = None, minimum_edit: float = 0.0) -> Ranking:
    """Rank candidates by score, lowest first; ties go to the lowest index.

    scores (N,): lower is better; NaN and infinite ones are never elected
    edits (N,): change inside the edited region; minimum_edit: a candidate whose edit is below
        this share (0 to 1) of the median edit is not elected
    Raises ValueError when no score is finite, when minimum_edit is above 1, or when it is asked
    for and the edits are NaN (the mask is empty).
    """
    if not minimum_edit <= 1:
        raise ValueError(f"minimum_edit: expected a share from 0 to 1, got {minimum_edit}.")
    values = scores.tolist()
    finite = [i for i, eligible in enumerate(scores.isfinite().tolist()) if eligible]
    if not finite:
        raise ValueError(
            f"scores: all {len(values)} candidates are NaN or infinite, so none can be elected. "
            "The model's output is bad: try another precision, VAE or cfg."
        )
    eligible = finite
    if edits is not None and minimum_edit > 0:
        least = minimum_edit * float(edits[finite].median())
        if math.isnan(least):
            raise ValueError(
                "minimum_edit: the mask is empty, so there is no edit to measure. "
                "Set minimum_edit to 0 or give a mask."
            )
        eligible = [i for i in finite if float(edits[i]) >= least]
    ranked = sorted(eligible, key=lambda i: values[i])
    rest = [i for i in sorted(finite, key=lambda i: values[i]) if i not in eligible]
    rest += [i for i in range(len(values)) if i not in finite]
    best, worst = values[ranked[0]], values[ranked[-1]]
    mean = sum(values[i] for i in ranked) / len(ranked)
    extent = worst - best
    return Ranking(
        order=(*ranked, *rest),
        num_eligible=len(ranked),
        spread=extent / mean if mean > 0 else 0.0,
        confidence=_confidence([values[i] for i in ranked], extent),
    )


def _confidence(ranked: list[float], extent: float) -> float:
    if len(ranked) == 1:
        return 1.0
    return (ranked[1] - ranked[0]) / extent if extent > 0 else 0.0
