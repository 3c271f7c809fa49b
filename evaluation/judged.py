"""VIEScore by any model behind an OpenAI-compatible address."""

from __future__ import annotations

import math
from pathlib import Path

from numpy import ndarray

from ..batch.book import write
from ..judging.endpoint import Endpoint
from ..judging.question import Wordless
from ..judging.rubrics import VIESCORE
from ..judging.verdicts import judge
from .columns import Column
from .sample import Sample

JUDGE = "judge.txt"


def check_same_judge(folder: Path, model: str) -> None:
    """Raise ValueError where a folder's VIEScores are another model's; else note whose they are."""
    noted = folder / JUDGE
    before = noted.read_text(encoding="utf-8") if noted.is_file() else model
    if before != model:
        raise ValueError(
            f"--vlm: the VIEScores in {folder} are of {before}, not of {model}. Take another --out."
        )
    write(noted, model.encode())


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
