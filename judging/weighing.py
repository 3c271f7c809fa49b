"""A judge's scores and an election's, weighed into one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median


def weighed(scores: Sequence[float], judged: Sequence[float], weight: float) -> list[float]:
    """(1 - weight) * score + weight * (1 - judgement), each from 0 (best) to 1; lower is better.

    scores: lower is better; judged: higher is better, NaN for unscored candidates, which count as
    the median of the others, so that the score decides about them
    weight: of the judge, 0 to 1
    Where nothing was judged the scores alone decide. Scores that are not finite stay as they are.
    """
    known = [one for one in judged if not math.isnan(one)]
    if not known:
        return list(scores)
    middle = median(known)
    filled = [middle if math.isnan(one) else one for one in judged]
    own, theirs = _from_0_to_1(scores), _from_0_to_1([-one for one in filled])
    return [(1 - weight) * a + weight * b for a, b in zip(own, theirs, strict=True)]


def _from_0_to_1(values: Sequence[float]) -> list[float]:
    finite = [one for one in values if math.isfinite(one)]
    if not finite:
        return list(values)
    low, high = min(finite), max(finite)
    width = high - low or 1.0
    return [(one - low) / width if math.isfinite(one) else one for one in values]
