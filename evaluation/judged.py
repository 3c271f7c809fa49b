"""VIEScore by any model behind an OpenAI-compatible address."""

from __future__ import annotations

import math

from numpy import ndarray

from ..judging.endpoint import Endpoint
from ..judging.rubrics import VIESCORE
from ..judging.verdicts import judge
from .columns import Column
from .sample import Sample


def viescore(endpoint: Endpoint) -> dict[str, Column]:
    """VIEScore, 0 to 10: sqrt(SC x PQ), each the smaller of its two scales; and both.

    A picture whose answer cannot be read gets no number. Raises Unanswered where there is none.
    """

    def overall(sample: Sample, result: ndarray) -> float:
        verdict = judge(endpoint, VIESCORE, sample.source, result, sample.instruction)
        return 10 * verdict.overall if verdict.scored else math.nan

    return {"VIEScore": overall}
