"""VIEScore by any model behind an OpenAI-compatible address."""

from __future__ import annotations

import math

from numpy import ndarray

from ..judging.endpoint import Endpoint
from ..judging.question import Wordless
from ..judging.rubrics import VIESCORE
from ..judging.verdicts import judge
from .columns import Column
from .sample import Sample


def viescore(endpoint: Endpoint) -> dict[str, Column]:
    """VIEScore, 0 to 10: sqrt(SC x PQ), each the smaller of its two scales; and both.

    A picture whose answer cannot be read, is empty or cut off, gets no number. Raises Unanswered
    where the server is gone.
    """

    def overall(sample: Sample, result: ndarray) -> float:
        try:
            verdict = judge(endpoint, VIESCORE, sample.source, result, sample.instruction)
        except Wordless:
            return math.nan
        return 10 * verdict.overall if verdict.scored else math.nan

    return {"VIEScore": overall}
